"""The Ignition config of new machines: their user data, or an object in a bucket when it is too long for that."""

from typing import NamedTuple

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.policy import Statement
from diaspora_infra.aws.private_bucket import block_public_access, encrypt, tls_only
from diaspora_infra.aws.tags import Tags, named
from diaspora_infra.aws.user_data import CONFIGS, fits_user_data, object_key, replace_config


class BootConfig(NamedTuple):
    """How machines get their config."""

    user_data: pulumi.Input[str]
    """What they get as user data."""
    statements: list[Statement]
    """What their role must be allowed for it."""


def boot_config(
    component: pulumi.Resource, name: str, ignition: pulumi.Input[str], tags: Tags | None, *, keep_former: bool = False
) -> BootConfig:
    """Offer a config to the machines of a component.

    With `keep_former` the configs before this one stay in the bucket, for machines that still start from them; all of
    them go with the bucket.
    """
    if isinstance(ignition, str) and fits_user_data(ignition):
        return BootConfig(ignition, [])
    text = pulumi.Output.from_input(ignition)
    name, child = f"{name}-ignition", pulumi.ResourceOptions(parent=component)
    bucket = aws.s3.Bucket(
        name, force_destroy=True if keep_former else None, tags=named(tags, _described(name)), opts=child
    )
    closed = block_public_access(name, bucket, child)
    encrypted = encrypt(name, bucket, child)
    policy = aws.s3.BucketPolicy(
        name,
        bucket=bucket.id,
        policy=bucket.arn.apply(tls_only),
        # S3 refuses two changes of a bucket's permissions at once
        opts=pulumi.ResourceOptions(parent=component, depends_on=[closed]),
    )
    config = aws.s3.BucketObjectv2(
        name,
        bucket=bucket.id,
        key=text.apply(object_key),
        content=text,
        content_type="application/vnd.coreos.ignition+json",
        tags=named(tags, _described(name)),
        opts=pulumi.ResourceOptions(
            parent=component, depends_on=[encrypted, policy], retain_on_delete=True if keep_former else None
        ),
    )
    # of the object, not of its name alone: no machine may boot before the config is there
    pointer = pulumi.Output.all(config.bucket, text, config.etag).apply(
        lambda values: replace_config(values[0], values[1])
    )
    # all configs: a permission that changed with the config would have to spread each time
    arn = pulumi.Output.concat(bucket.arn, f"/{CONFIGS}/*")
    return BootConfig(pointer, [{"Sid": "OwnConfig", "Effect": "Allow", "Action": "s3:GetObject", "Resource": arn}])


def _described(name: str) -> str:
    return f"{name.removesuffix('-ignition')} Ignition config"
