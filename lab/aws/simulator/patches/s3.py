"""S3: tags that come with the creation of a bucket, and policies that demand TLS."""

import json
import re
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

_WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def apply() -> None:
    """Without: a new bucket has no tags, and the provider wants to add them at every run.

    And nobody reaches a bucket that demands TLS: conditions are not looked at. We take every request for one by TLS.
    """
    FakeBucket.get_permission = _get_permission
    original = S3Response._bucket_response_put

    def put(self: Any, *arguments: Any, **named: Any) -> Any:
        answer = original(self, *arguments, **named)
        body = self.body.decode() if isinstance(self.body, bytes) else self.body or ""
        if "CreateBucketConfiguration" in body and "<Tags>" in body:
            pairs = re.findall("<Tag><Key>(.*?)</Key><Value>(.*?)</Value></Tag>", body)
            bucket = named.get("bucket_name") or next(item for item in arguments if isinstance(item, str))
            arn = self.backend.get_bucket(bucket).arn
            self.backend.tagger.tag_resource(arn, [{"Key": key, "Value": value} for key, value in pairs])
        return answer

    S3Response._bucket_response_put = put


def _get_permission(bucket: Any, action: str, resource: str) -> Any:
    """What the bucket's policy says, without statements about requests that come without TLS."""
    document = json.loads(bucket.policy or b"{}")
    statements = document.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    document["Statement"] = [item for item in statements if item.get("Condition") != _WITHOUT_TLS]
    if not document["Statement"]:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps(document)).is_action_permitted(action, resource)
