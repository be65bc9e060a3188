"""Backups: a bucket for the pod's own backups, and a daily snapshot of its data volume."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.policy import Statement, trusting
from diaspora_infra.aws.private_bucket import PrivateBucket
from diaspora_infra.aws.tags import named

SNAPSHOT_TAG = "DailySnapshot"
"""Key of the tag that a volume with daily snapshots has."""


class BackupsArgs(TypedDict):
    """What Backups needs."""

    region: str
    """Region, such as eu-west-1."""
    snapshots_of: str
    """Value of the tag `DailySnapshot` on the volume; the pod's domain, so that two pods never share snapshots."""
    make_bucket: NotRequired[bool]
    """Make the bucket; true when not set."""
    bucket: NotRequired[str]
    """Name of the bucket, unique in all of AWS; the component's name and some digits when not set."""
    object_lock_days: NotRequired[int]
    """Days for which nobody, the owner included, can delete a backup for good; none when not set."""
    volume_snapshot_days: NotRequired[int]
    """Days for which a daily snapshot of the volume is kept; 7 when not set, 0 makes none."""
    protect: NotRequired[bool]
    """Refuse to delete the bucket; otherwise it is deleted with all that is in it. True when not set."""
    tags: NotRequired[dict[str, str]]
    """Tags of everything in it."""


class Backups(pulumi.ComponentResource):
    """Where backups go: nothing on the machine can delete one for good."""

    bucket: pulumi.Output[str | None]
    """Name of the bucket, if there is one."""
    repository: pulumi.Output[str | None]
    """Address of the bucket for restic, if there is one."""
    statements: list[Statement]
    """What the machine's role must be allowed for restic."""
    volume_tags: dict[str, str]
    """Tags that the data volume must have, for its snapshots to be made."""

    def __init__(self, name: str, args: BackupsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:aws:Backups", name, {}, opts)
        self._name, self._args, self._tags = name, args, args.get("tags", {})
        self._child = pulumi.ResourceOptions(parent=self)
        self.bucket, self.repository = pulumi.Output.from_input(None), pulumi.Output.from_input(None)
        self.statements = []
        if args.get("make_bucket", True):
            self._bucket()
        days = args.get("volume_snapshot_days", 7)
        self.volume_tags = {SNAPSHOT_TAG: args["snapshots_of"]} if days else {}
        if days:
            self._snapshots(days)
        self.register_outputs({"bucket": self.bucket, "repository": self.repository, "statements": self.statements})

    def _bucket(self) -> None:
        lock_days = self._args.get("object_lock_days", 0)
        private = PrivateBucket(
            f"{self._name}-backups",
            {
                **({"bucket": self._args["bucket"]} if "bucket" in self._args else {}),
                "object_lock_days": lock_days,
                # a version outlives its lock, so that a backup that somebody deleted is there for as long as the lock
                "noncurrent_days": max(30, lock_days + 1),
                "protect": self._args.get("protect", True),
                "tags": self._tags,
            },
            self._child,
        )
        region = self._args["region"]
        self.bucket = private.bucket.apply(lambda bucket: bucket)
        self.repository = private.bucket.apply(lambda bucket: f"s3:https://s3.{region}.amazonaws.com/{bucket}")
        self.statements = backup_statements(private.arn)

    def _snapshots(self, days: int) -> None:
        name = f"{self._name}-snapshots"
        account = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(parent=self)).account_id
        role = aws.iam.Role(
            name,
            assume_role_policy=account.apply(lambda number: trusting("dlm.amazonaws.com", number)),
            tags=named(self._tags, f"{self._name} snapshots"),
            opts=self._child,
        )
        allowed = aws.iam.RolePolicyAttachment(
            name,
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole",
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
            tags=named(self._tags, name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )


def backup_statements(arn: pulumi.Input[str]) -> list[Statement]:
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
