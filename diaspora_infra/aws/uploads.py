"""Uploads: the bucket with the pod's pictures and archives, which s3fs mounts on the machine."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi

from diaspora_infra.aws.policy import Statement
from diaspora_infra.aws.private_bucket import PrivateBucket


class UploadsArgs(TypedDict):
    """What Uploads needs."""

    bucket: NotRequired[pulumi.Input[str]]
    """Name of the bucket, unique in all of AWS; the component's name and some digits when not set."""
    noncurrent_days: NotRequired[pulumi.Input[int]]
    """Days for which a deleted picture can be brought back; 30 when not set."""
    protect: NotRequired[bool]
    """Refuse to delete the bucket; otherwise it is deleted with all that is in it. True when not set. A plain value,
    not an output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of the bucket."""


class Uploads(pulumi.ComponentResource):
    """A private bucket, and what the machine may do with it."""

    bucket: pulumi.Output[str]
    """Name of the bucket."""
    statements: Sequence[Statement]
    """What the machine's role must be allowed for s3fs."""

    def __init__(self, name: str, args: UploadsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:Uploads", name, {}, opts)
        private = PrivateBucket(f"{name}-uploads", {**args, "object_lock_days": 0}, pulumi.ResourceOptions(parent=self))
        self.bucket = private.bucket
        self.statements = mount_statements(private.arn)
        self.register_outputs({"bucket": self.bucket, "statements": self.statements})


def mount_statements(arn: pulumi.Input[str]) -> Sequence[Statement]:
    """What s3fs needs: to list the bucket, and to read, write and delete objects, none of it for good."""
    return [
        {"Sid": "ListUploads", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn},
        {
            "Sid": "ReadAndWriteUploads",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            "Resource": pulumi.Output.concat(arn, "/*"),
        },
    ]
