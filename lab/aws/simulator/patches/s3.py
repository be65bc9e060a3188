"""S3: tags that come with the creation of a bucket, and policies that demand TLS.

moto 5.2.5: tags in CreateBucketConfiguration are passed over; conditions of a bucket policy are not looked at, so that
nobody reaches a bucket that denies requests without TLS. Here, every request counts as one by TLS.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html; `aws:SecureTransport`:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html.
Changes moto/s3/models.py, moto/s3/responses.py.
"""

import json
import re
from typing import Any

from moto.core.responses import TYPE_RESPONSE
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

_WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}
_original_bucket_response_put = S3Response._bucket_response_put


def _bucket_response_put(
    self: S3Response, request: Any, bucket_name: str, querystring: dict[str, Any]
) -> str | TYPE_RESPONSE:
    answer = _original_bucket_response_put(self, request, bucket_name, querystring)
    body = self.body.decode() if isinstance(self.body, bytes) else self.body or ""
    if "CreateBucketConfiguration" in body and "<Tags>" in body:
        pairs = re.findall("<Tag><Key>(.*?)</Key><Value>(.*?)</Value></Tag>", body)
        arn = self.backend.get_bucket(bucket_name).arn
        self.backend.tagger.tag_resource(arn, [{"Key": key, "Value": value} for key, value in pairs])
    return answer


def get_permission(self: FakeBucket, action: str, resource: str) -> Any:
    """What the bucket's policy says, without statements about requests that come without TLS."""
    document = json.loads(self.policy or b"{}")
    statements = document.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    document["Statement"] = [each for each in statements if each.get("Condition") != _WITHOUT_TLS]
    if not document["Statement"]:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps(document)).is_action_permitted(action, resource)


PATCHES = [
    (S3Response, "_bucket_response_put", _bucket_response_put),
    (FakeBucket, "get_permission", get_permission),
]
