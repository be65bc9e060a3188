"""Bundle: the pod's part of a machine's config, which the machine takes over while it runs."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.offer import BUNDLES, object_key, offer_of
from diaspora_infra.aws.policy import Statement
from diaspora_infra.aws.private_bucket import PrivateBucket
from diaspora_infra.aws.tags import named
from diaspora_infra.config.aws.parameter_names import BUNDLE, BUNDLE_APPLIED

NONE_APPLIED = "none"
"""Value of the parameter that the machine writes, until it does."""


class BundleArgs(TypedDict):
    """What a Bundle needs."""

    config: pulumi.Input[str]
    """An Ignition config with the packed bundle, as `diaspora-pod upgrade` reads it. It must hold no secret."""
    hash: pulumi.Input[str]
    """The bundle's hash, 16 hexadecimal digits: by it the machine says which bundle it runs."""
    path: pulumi.Input[str]
    """Path of the two parameters, such as /diaspora/pod.example.org."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class Bundle(pulumi.ComponentResource):
    """An object in a bucket, the parameter that offers it, and the parameter by which the machine answers.

    Earlier objects stay in the bucket, until the stack is removed: a machine may be fetching one, and by hand it is the
    way back. Each is less than 0.1 MB.
    """

    offered: pulumi.Output[str]
    """Hash of the bundle that the parameter offers."""
    bucket: pulumi.Output[str]
    """Name of the bucket."""
    statements: Sequence[Statement]
    """What the machine's role must be allowed. They are known after the bundle is offered."""

    def __init__(self, name: str, args: BundleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:Bundle", name, {}, opts)
        child, tags = pulumi.ResourceOptions(parent=self), args.get("tags")
        # everything in it can be rendered again
        private = PrivateBucket(f"{name}-bundles", {"protect": False, "tags": {} if tags is None else tags}, child)
        config = pulumi.Output.from_input(args["config"])
        stored = aws.s3.BucketObjectv2(
            f"{name}-bundle",
            bucket=private.bucket,
            key=config.apply(object_key),
            content=config,
            content_type="application/vnd.coreos.ignition+json",
            tags=named(tags, f"{name} bundle"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[private], retain_on_delete=True),
        )
        self.bucket = private.bucket
        self.offered = pulumi.Output.from_input(args["hash"])
        offer = aws.ssm.Parameter(
            f"{name}-{BUNDLE}",
            name=pulumi.Output.concat(args["path"], "/", BUNDLE),
            type="String",
            value=pulumi.Output.all(private.bucket, config, args["hash"]).apply(lambda values: offer_of(*values)),
            tags=named(tags, f"{name} {BUNDLE}"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[stored]),
        )
        applied = aws.ssm.Parameter(
            f"{name}-{BUNDLE_APPLIED}",
            name=pulumi.Output.concat(args["path"], "/", BUNDLE_APPLIED),
            type="String",
            value=NONE_APPLIED,
            tags=named(tags, f"{name} {BUNDLE_APPLIED}"),
            # the machine writes the value
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["value"]),
        )
        self.statements = bundle_statements(private.arn, offer.arn, applied.arn)
        self.register_outputs({"offered": self.offered, "bucket": self.bucket, "statements": self.statements})


def bundle_statements(
    bucket_arn: pulumi.Input[str], offer_arn: pulumi.Input[str], applied_arn: pulumi.Input[str]
) -> Sequence[Statement]:
    """Read the offer and every bundle, and say which one is applied."""
    return [
        {"Sid": "ReadOffer", "Effect": "Allow", "Action": "ssm:GetParameter", "Resource": offer_arn},
        {
            "Sid": "ReadBundles",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": pulumi.Output.concat(bucket_arn, f"/{BUNDLES}/*"),
        },
        {"Sid": "TellBundle", "Effect": "Allow", "Action": "ssm:PutParameter", "Resource": applied_arn},
    ]
