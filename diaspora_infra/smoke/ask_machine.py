"""Questions about the machine: alarms, CPU credits, and snapshots of its data volume."""

import datetime
import math
from typing import Any

from diaspora_infra.smoke.answer import Answer, UnansweredError, not_asked, not_ok, ok
from diaspora_infra.smoke.world import World, days

_ALARM = "cloudwatch/metricAlarm:MetricAlarm"
_CHECK = "StatusCheckFailed_"
_SNAPSHOT_EVERY = datetime.timedelta(hours=24)
_SNAPSHOT_LATE = datetime.timedelta(hours=50)
"""They are daily, start within an hour, and take a while: if the newest is older, one is lacking."""
_CREDIT_DAYS = 7


def alarms(world: World) -> Answer:
    """The alarms that move or reboot the machine: there, active, and quiet."""
    made = world.stack.all(_ALARM, "Machine")
    names = [alarm.id for alarm in made if alarm.text("metricName").startswith(_CHECK)]
    if not names:
        return not_asked("the stack has no alarms of the machine")
    found = world.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}
    seen = ", ".join(f"{name} {states.get(name, 'missing')}" for name in names)
    if missing := [name for name in names if name not in states]:
        return not_ok(
            seen, f"AWS does not bring the machine back: {', '.join(missing)} is missing", "run `pulumi up --refresh`"
        )
    if off := [alarm["AlarmName"] for alarm in found if not alarm.get("ActionsEnabled", True)]:
        return not_ok(
            f"{seen}; the actions of {', '.join(off)} are switched off",
            "AWS does not bring the machine back",
            f"aws cloudwatch enable-alarm-actions --alarm-names {' '.join(off)}",
        )
    if "ALARM" in states.values():
        return not_ok(
            seen,
            "AWS sees a failure of the machine or of its hardware, and is acting on it",
            "wait 10 minutes and ask again; then look at the instance in the console, Status checks",
        )
    if "INSUFFICIENT_DATA" in states.values():
        return not_ok(
            seen,
            "AWS has no status of the machine: it is minutes old, or stopped",
            "wait 10 minutes and ask again; then see whether the instance runs",
        )
    return ok(seen)


def credits(world: World) -> Answer:  # noqa: A001  # the name of the question
    """What the machine's processor cost beyond its price, or whether it ran out of credits."""
    instance = world.stack.first("ec2/instance:Instance", "Machine")
    if instance is None:
        return not_asked("the stack has no machine")
    mode = _credit_mode(instance.outputs)
    if not instance.text("instanceType").startswith("t") or mode is None:
        return not_asked(f"{instance.text('instanceType') or 'the machine'} has no CPU credits")
    if mode == "unlimited":
        return _surplus(world, instance.id)
    return _balance(world, instance.id)


def _credit_mode(outputs: Any) -> str | None:
    mode = (outputs.get("creditSpecification") or {}).get("cpuCredits")
    return mode if isinstance(mode, str) else None


def _surplus(world: World, instance: str) -> Answer:
    points = metric(world, "AWS/EC2", "CPUSurplusCreditsCharged", "InstanceId", instance, days=_CREDIT_DAYS)
    charged = sum(point["Sum"] for point in points)
    seen = f"{charged:g} CPU credits charged in {_CREDIT_DAYS} days"
    if not points:
        raise UnansweredError(
            "CloudWatch has no CPUSurplusCreditsCharged of the machine", "ask again when it has run for an hour"
        )
    if charged == 0:
        return ok(seen)
    return not_ok(
        seen,
        "the machine works more than its type pays for, and AWS charges the difference (60 credits are a vCPU hour)",
        "see what works on the machine (`sudo podman stats`), or set a larger `aws.size`",
    )


def _balance(world: World, instance: str) -> Answer:
    points = metric(world, "AWS/EC2", "CPUCreditBalance", "InstanceId", instance, days=1)
    if not points:
        raise UnansweredError(
            "CloudWatch has no CPUCreditBalance of the machine", "ask again when it has run for 10 minutes"
        )
    lowest = min(point["Minimum"] for point in points)
    seen = f"at least {lowest:.1f} CPU credits in the last day"
    if lowest >= 1:
        return ok(seen)
    return not_ok(
        seen,
        "without credits the machine has only a fraction of a processor: pages and backups are slow",
        "a new machine starts without credits, wait a day; then see what works on it (`sudo podman stats`), or set a "
        "larger `aws.size`",
    )


def snapshots(world: World) -> Answer:
    """Data Lifecycle Manager makes one a day, outside of Pulumi."""
    policy = world.stack.first("dlm/lifecyclePolicy:LifecyclePolicy", "Backups")
    volume = world.stack.first("ebs/volume:Volume", "Machine")
    if policy is None or volume is None:
        return not_asked("the stack makes no daily snapshots (aws.backups.volumeSnapshotDays)")
    ec2 = world.client("ec2")
    pages = ec2.get_paginator("describe_snapshots").paginate(
        OwnerIds=["self"],
        Filters=[
            {"Name": "volume-id", "Values": [volume.id]},
            {"Name": "tag:aws:dlm:lifecycle-policy-id", "Values": [policy.id]},
        ],
    )
    found = [snapshot for page in pages for snapshot in page["Snapshots"]]
    complete = [snapshot["StartTime"] for snapshot in found if snapshot["State"] == "completed"]
    if complete:
        age = world.age(max(complete))
        seen = f"{len(complete)} snapshots, the newest {days(age)} old"
        if age < _SNAPSHOT_LATE:
            return ok(seen)
    else:
        seen = f"no complete snapshot ({len(found)} not complete)"
        (described,) = ec2.describe_volumes(VolumeIds=[volume.id])["Volumes"]
        if world.age(described["CreateTime"]) < _SNAPSHOT_EVERY + datetime.timedelta(hours=2):
            return not_asked("the data volume is younger than a day, and the first snapshot comes within one")
    return not_ok(
        seen,
        "the daily snapshots of the data volume are not made",
        "look at the policy in the console: EC2, Lifecycle Manager; its state must be enabled, without an error",
    )


def metric(
    world: World,
    namespace: str,
    name: str,
    dimension: str,
    value: str,
    *,
    days: float,
    period: int | None = None,
) -> list[Any]:
    """The data points of a metric, oldest first, with the statistics Minimum, Maximum and Sum.

    The period is in seconds; when not set, it makes up to 1,000 points of the time. CloudWatch returns at most 1,440.
    """
    seconds = period or math.ceil(days * 86400 / 1000 / 300) * 300
    end = world.now()
    answer = world.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": dimension, "Value": value}],
        StartTime=end - datetime.timedelta(days=days),
        EndTime=end,
        Period=seconds,
        Statistics=["Minimum", "Maximum", "Sum"],
    )
    return sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
