"""Backups: a bucket for the pod's own backups, and a daily snapshot of its data volume."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.account import account_id, dns_suffix, partition, region
from diaspora_infra.aws.defaults import BACKUPS, PROTECT
from diaspora_infra.aws.policy import Statement, trusting
from diaspora_infra.aws.private_bucket import NONCURRENT_DAYS, PrivateBucket, PrivateBucketArgs
from diaspora_infra.aws.tags import named

SNAPSHOT_TAG = "DailySnapshot"
"""Key of the tag that a volume with daily snapshots has."""


class BackupsArgs(TypedDict):
    """What Backups needs."""

    snapshots_of: pulumi.Input[str]
    """Value of the tag `DailySnapshot` on the volume; the pod's domain, so that two pods never share snapshots."""
    make_bucket: NotRequired[bool]
    """Make the bucket; true when not set. A plain value, not an output."""
    bucket: NotRequired[pulumi.Input[str]]
    """Name of the bucket, unique in all of AWS; the component's name and some digits when not set."""
    object_lock_days: NotRequired[int]
    """Days for which nobody, the owner included, can delete a backup for good; 0 when not set, which is no
    lock. A plain value, not an output."""
    volume_snapshot_days: NotRequired[int]
    """Days for which a daily snapshot of the volume is kept; 7 when not set, 0 makes none. A plain value,
    not an output."""
    protect: NotRequired[bool]
    """Refuse to delete the bucket; otherwise it is deleted with all that is in it. True when not set. A plain value,
    not an output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class Backups(pulumi.ComponentResource):
    """Where backups go: nothing on the machine can delete one for good."""

    bucket: pulumi.Output[str] | None
    """Name of the bucket; None without `make_bucket`."""
    repository: pulumi.Output[str] | None
    """Address of the bucket for restic; None without `make_bucket`."""
    statements: Sequence[Statement]
    """What the machine's role must be allowed for restic."""
    volume_tags: Mapping[str, pulumi.Input[str]]
    """Tags that the data volume must have, for its snapshots to be made."""

    def __init__(self, name: str, args: BackupsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:Backups", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self.bucket = self.repository = None
        self.statements = []
        if args.get("make_bucket", BACKUPS.bucket):
            private = self._private_bucket()
            self.bucket = private.bucket
            server = pulumi.Output.concat("s3.", region(self), ".", dns_suffix(self))
            self.repository = pulumi.Output.concat("s3:https://", server, "/", private.bucket)
            self.statements = backup_statements(private.arn)
        self.volume_tags = {}
        if days := args.get("volume_snapshot_days", BACKUPS.volume_snapshot_days):
            self.volume_tags = {SNAPSHOT_TAG: args["snapshots_of"]}
            self._snapshots(days)
        self.register_outputs(
            {
                "bucket": self.bucket,
                "repository": self.repository,
                "statements": self.statements,
                "volumeTags": self.volume_tags,
            }
        )

    def _private_bucket(self) -> PrivateBucket:
        lock_days = self._args.get("object_lock_days", BACKUPS.object_lock_days)
        args: PrivateBucketArgs = {
            "object_lock_days": lock_days,
            # a version outlives its lock, so that a backup that somebody deleted is there for as long as the lock
            "noncurrent_days": max(NONCURRENT_DAYS, lock_days + 1),
            "protect": self._args.get("protect", PROTECT),
            "tags": self._args.get("tags", {}),
        }
        if "bucket" in self._args:
            args["bucket"] = self._args["bucket"]
        return PrivateBucket(f"{self._name}-backups", args, self._child)

    def _snapshots(self, days: int) -> None:
        name, tags = f"{self._name}-snapshots", self._args.get("tags")
        role = aws.iam.Role(
            name,
            assume_role_policy=account_id(self).apply(lambda account: trusting("dlm.amazonaws.com", account)),
            tags=named(tags, f"{self._name} snapshots"),
            opts=self._child,
        )
        allowed = aws.iam.RolePolicyAttachment(
            name,
            role=role.name,
            policy_arn=pulumi.Output.concat(
                "arn:", partition(self), ":iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole"
            ),
            opts=self._child,
        )
        aws.dlm.LifecyclePolicy(
            name,
            description=f"Daily snapshots of {self._name}",
            execution_role_arn=role.arn,
            state="ENABLED",
            policy_details={
                "resource_types": ["VOLUME"],
                "target_tags": self.volume_tags,
                "schedules": [
                    {
                        "name": "daily",
                        "create_rule": {"interval": 24, "interval_unit": "HOURS", "times": "04:30"},
                        "retain_rule": {"interval": days, "interval_unit": "DAYS"},
                        "copy_tags": True,
                    }
                ],
            },
            tags=named(tags, name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )


def backup_statements(arn: pulumi.Input[str]) -> Sequence[Statement]:
    """What restic needs. A deleted object stays as an old version: nothing here deletes versions or lifts a lock."""
    return [
        {
            "Sid": "ListBackups",
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
            "Resource": arn,
        },
        {
            "Sid": "ReadAndWriteBackups",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            "Resource": pulumi.Output.concat(arn, "/*"),
        },
    ]
