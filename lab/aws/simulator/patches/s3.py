"""S3: tags that come with the creation of a bucket."""

import re
from typing import Any

from moto.s3.responses import S3Response


def apply() -> None:
    """Without: a new bucket has no tags, and the provider wants to add them at every run."""
    original = S3Response._bucket_response_put

    def put(self: Any, *arguments: Any, **named: Any) -> Any:
        answer = original(self, *arguments, **named)
        body = self.body.decode() if isinstance(self.body, bytes) else self.body or ""
        if "CreateBucketConfiguration" in body and "<Tags>" in body:
            pairs = re.findall("<Tag><Key>(.*?)</Key><Value>(.*?)</Value></Tag>", body)
            bucket = named.get("bucket_name") or next(each for each in arguments if isinstance(each, str))
            arn = self.backend.get_bucket(bucket).arn
            self.backend.tagger.tag_resource(arn, [{"Key": key, "Value": value} for key, value in pairs])
        return answer

    S3Response._bucket_response_put = put
