"""PrivateBucket: an S3 bucket that nobody reaches without permission or without TLS, and that keeps what is deleted."""

import re
from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.arguments import ArgumentError, checked
from diaspora_infra.aws.defaults import BACKUPS, PROTECT
from diaspora_infra.aws.policy import document
from diaspora_infra.aws.tags import named

NONCURRENT_DAYS = 30
"""Days for which a deleted or replaced object can be brought back, when nothing else is said."""
_ALLOWED = "3 to 63 characters: small letters, digits and dashes, a letter or digit at both ends"
_RESERVED = (("xn--", "sthree-", "amzn-s3-demo-"), ("-s3alias", "--ol-s3", "--x-s3", "--table-s3"))


class PrivateBucketArgs(TypedDict):
    """What a PrivateBucket needs."""

    bucket: NotRequired[pulumi.Input[str]]
    """Name of the bucket, unique in all of AWS; the component's name and some digits when not set."""
    noncurrent_days: NotRequired[pulumi.Input[int]]
    """Days for which a deleted or replaced object can be brought back; 30 when not set."""
    object_lock_days: NotRequired[int]
    """Days for which nobody, the owner included, can delete an object for good; 0 when not set, which is no lock.
    It cannot be turned on or off later without a new bucket. A plain value, not an output."""
    protect: NotRequired[bool]
    """Refuse to delete the bucket; otherwise it is deleted with all that is in it. True when not set. A plain value,
    not an output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of the bucket."""


class PrivateBucket(pulumi.ComponentResource):
    """A bucket: no public access, owned objects, versions, encryption, TLS only, leftovers cleaned up."""

    bucket: pulumi.Output[str]
    """Name of the bucket."""
    arn: pulumi.Output[str]
    """ARN of the bucket."""

    def __init__(self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        bucket_name = checked_bucket_name(name, args["bucket"]) if "bucket" in args else None
        super().__init__("diaspora-infra:index:PrivateBucket", name, {}, opts)
        protect, lock_days = args.get("protect", PROTECT), args.get("object_lock_days", BACKUPS.object_lock_days)
        # its parts too: a bucket that stays must stay private
        self._name, self._child = name, pulumi.ResourceOptions(parent=self, protect=protect)
        bucket = aws.s3.Bucket(
            name,
            bucket=bucket_name,
            force_destroy=not protect,
            object_lock_enabled=bool(lock_days),
            tags=named(args.get("tags"), name),
            opts=self._child,
        )
        self._close(bucket)
        self._keep_versions(bucket, args.get("noncurrent_days", NONCURRENT_DAYS), lock_days)
        self.bucket, self.arn = bucket.bucket, bucket.arn
        self.register_outputs({"bucket": self.bucket, "arn": self.arn})

    def _close(self, bucket: aws.s3.Bucket) -> None:
        block = block_public_access(f"{self._name}-private", bucket, self._child)
        aws.s3.BucketOwnershipControls(
            f"{self._name}-ownership",
            bucket=bucket.id,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._child,
        )
        encrypt(f"{self._name}-encryption", bucket, self._child)
        aws.s3.BucketPolicy(
            f"{self._name}-tls",
            bucket=bucket.id,
            policy=bucket.arn.apply(tls_only),
            # S3 refuses two changes of a bucket's permissions at once
            opts=self._after(block),
        )

    def _keep_versions(self, bucket: aws.s3.Bucket, noncurrent_days: pulumi.Input[int], lock_days: int) -> None:
        versioning = aws.s3.BucketVersioning(
            f"{self._name}-versions",
            bucket=bucket.id,
            versioning_configuration={"status": "Enabled"},
            opts=self._child,
        )
        everything: aws.s3.BucketLifecycleConfigurationRuleFilterArgsDict = {"prefix": ""}
        aws.s3.BucketLifecycleConfiguration(
            f"{self._name}-lifecycle",
            bucket=bucket.id,
            rules=[
                {
                    "id": "unfinished-uploads",
                    "status": "Enabled",
                    "filter": everything,
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
                },
                {
                    "id": "old-versions",
                    "status": "Enabled",
                    "filter": everything,
                    "noncurrent_version_expiration": {"noncurrent_days": noncurrent_days},
                    "expiration": {"expired_object_delete_marker": True},
                },
            ],
            opts=self._after(versioning),
        )
        if lock_days:
            aws.s3.BucketObjectLockConfiguration(
                f"{self._name}-lock",
                bucket=bucket.id,
                rule={"default_retention": {"mode": "COMPLIANCE", "days": lock_days}},
                opts=self._after(versioning),
            )

    def _after(self, other: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=[other]))


def block_public_access(
    name: str, bucket: aws.s3.Bucket, opts: pulumi.ResourceOptions
) -> aws.s3.BucketPublicAccessBlock:
    """Let nobody open a bucket to the world."""
    return aws.s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )


def encrypt(
    name: str, bucket: aws.s3.Bucket, opts: pulumi.ResourceOptions
) -> aws.s3.BucketServerSideEncryptionConfiguration:
    """Encrypt what comes into a bucket, with keys of S3 itself, which cost nothing."""
    return aws.s3.BucketServerSideEncryptionConfiguration(
        name,
        bucket=bucket.id,
        rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
        opts=opts,
    )


def checked_bucket_name(component: str, bucket: pulumi.Input[str]) -> pulumi.Input[str]:
    """Refuse a name that S3 refuses, or one with dots, for which there is no certificate. Raises ArgumentError."""

    def check(text: str) -> str:
        starts, ends = _RESERVED
        fits = re.fullmatch("[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", text)
        if not fits or text.startswith(starts) or text.endswith(ends):
            raise ArgumentError(component, "bucket", f"{text!r} is no name of a bucket", f"allowed: {_ALLOWED}")
        return text

    return checked(bucket, check)


def tls_only(arn: str) -> str:
    """Refuse every request to a bucket that comes without TLS."""
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return document([statement])
