"""Alarms, CPU credits and snapshots of the machine."""

import datetime
from dataclasses import replace
from typing import Any

import pytest

from diaspora_infra.smoke.answer import Status
from diaspora_infra.smoke.stack_state import PodStack
from tests.smoke.worlds import asked, client, planted, stack, with_outputs, without, world

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
INSTANCE = "ec2/instance:Instance"
ALARM = "cloudwatch/metricAlarm:MetricAlarm"


def alarm_names(found: PodStack) -> list[str]:
    """The alarms that move or reboot the machine; others are about costs."""
    return [alarm.id for alarm in found.all(ALARM) if alarm.text("metricName").startswith("StatusCheckFailed")]


def put_alarm(name: str, state: str = "OK", *, enabled: bool = True) -> None:
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/EC2",
        MetricName="StatusCheckFailed_System",
        Statistic="Maximum",
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Threshold=1,
        Period=60,
        EvaluationPeriods=2,
        ActionsEnabled=enabled,
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")


@pytest.mark.usefixtures("account")
def test_quiet_alarms_are_ok() -> None:
    names = alarm_names(stack())
    assert len(names) == 2
    for name in names:
        put_alarm(name)
    answer = asked("alarms", world(client=client))
    assert (answer.status, answer.observed) == (Status.OK, f"{names[0]} OK, {names[1]} OK")


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("state", "meaning"),
    [("ALARM", "AWS sees a failure of the machine"), ("INSUFFICIENT_DATA", "AWS has no status of the machine")],
)
def test_alarm_that_is_not_quiet_is_not_ok(state: str, meaning: str) -> None:
    first, second = alarm_names(stack())
    put_alarm(first)
    put_alarm(second, state)
    answer = asked("alarms", world(client=client))
    assert (answer.status, answer.observed) == (Status.NOT_OK, f"{first} OK, {second} {state}")
    assert answer.meaning.startswith(meaning)


@pytest.mark.usefixtures("account")
def test_missing_alarm_is_not_ok() -> None:
    first, second = alarm_names(stack())
    put_alarm(second)
    answer = asked("alarms", world(client=client))
    assert (answer.status, answer.observed) == (Status.NOT_OK, f"{first} missing, {second} OK")


@pytest.mark.usefixtures("account")
def test_alarm_without_actions_is_not_ok() -> None:
    first, second = alarm_names(stack())
    put_alarm(first)
    put_alarm(second, enabled=False)
    answer = asked("alarms", world(client=client))
    assert (answer.status, answer.fix) == (
        Status.NOT_OK,
        f"aws cloudwatch enable-alarm-actions --alarm-names {second}",
    )


@pytest.mark.usefixtures("account")
def test_alarms_about_other_metrics_are_left_alone() -> None:
    other = with_outputs(stack(), ALARM, metricName="CPUSurplusCreditsCharged")
    answer = asked("alarms", world(other, client=client))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, False)


def put_metric(namespace: str, name: str, dimension: str, value: str, *points: tuple[float, float]) -> None:
    """Data points: hours ago, and the value."""
    client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": dimension, "Value": value}],
                "Timestamp": NOW - datetime.timedelta(hours=hours),
                "Value": number,
            }
            for hours, number in points
        ],
    )


def machine(mode: str) -> tuple[PodStack, str]:
    """The stack with a mode of CPU credits, and the id of its instance."""
    found = with_outputs(stack(), INSTANCE, creditSpecification={"cpuCredits": mode})
    instance = found.first(INSTANCE)
    assert instance is not None
    return found, instance.id


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("points", "status", "observed"),
    [
        (((1, 0.0), (100, 0.0)), Status.OK, "0 CPU credits charged in 7 days"),
        (((1, 0.0), (100, 2.5), (101, 1.0)), Status.NOT_OK, "3.5 CPU credits charged in 7 days"),
        # older than asked for
        (((1, 0.0), (200, 2.5)), Status.OK, "0 CPU credits charged in 7 days"),
    ],
)
def test_charged_credits_are_not_ok(points: tuple[tuple[float, float], ...], status: Status, observed: str) -> None:
    found, instance = machine("unlimited")
    put_metric("AWS/EC2", "CPUSurplusCreditsCharged", "InstanceId", instance, *points)
    answer = asked("credits", world(found, client=client))
    assert (answer.status, answer.observed) == (status, observed)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("points", "status", "observed"),
    [
        (((1, 80.0), (20, 12.25)), Status.OK, "at least 12.2 CPU credits in the last day"),
        (((1, 80.0), (20, 0.0)), Status.NOT_OK, "at least 0.0 CPU credits in the last day"),
    ],
)
def test_lack_of_credits_is_not_ok(points: tuple[tuple[float, float], ...], status: Status, observed: str) -> None:
    found, instance = machine("standard")
    put_metric("AWS/EC2", "CPUCreditBalance", "InstanceId", instance, *points)
    answer = asked("credits", world(found, client=client))
    assert (answer.status, answer.observed) == (status, observed)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("mode", ["standard", "unlimited"])
def test_credits_without_data_are_no_good_answer(mode: str) -> None:
    found, _ = machine(mode)
    answer = asked("credits", world(found, client=client))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, True)


def test_machine_without_credits_is_not_asked() -> None:
    other = with_outputs(stack(), INSTANCE, instanceType="m7g.medium")
    assert asked("credits", world(other)).observed == "m7g.medium has no CPU credits"


def volume_stack(*ages: float, policy: str = "policy-1") -> PodStack:
    """A stack whose volume has snapshots of these ages in hours, made by a policy."""
    ec2 = client("ec2")
    volume = ec2.create_volume(Size=1, AvailabilityZone="eu-west-1a")["VolumeId"]
    tags = [{"Key": "aws:dlm:lifecycle-policy-id", "Value": policy}]
    for _ in ages:
        ec2.create_snapshot(VolumeId=volume, TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags}])
    ids = {"aws:ebs/volume:Volume": volume, "aws:dlm/lifecyclePolicy:LifecyclePolicy": "policy-1"}
    found = stack()
    return replace(found, resources=[replace(each, id=ids.get(each.kind, each.id)) for each in found.resources])


def later(hours: float) -> Any:
    """A clock that is ahead."""
    return lambda: datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("hours", "status", "observed"),
    [
        (3, Status.OK, "2 snapshots, the newest 3 h old"),
        (49, Status.OK, "2 snapshots, the newest 2 days old"),
        (51, Status.NOT_OK, "2 snapshots, the newest 2 days old"),
        (24 * 9, Status.NOT_OK, "2 snapshots, the newest 9 days old"),
    ],
)
def test_age_of_the_newest_snapshot_decides(hours: float, status: Status, observed: str) -> None:
    # a little later: the ages are those of whole hours
    answer = asked("snapshots", world(volume_stack(0, 0), client=client, now=later(hours + 0.01)))
    assert (answer.status, answer.observed) == (status, observed)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(("hours", "status"), [(25, Status.NOT_ASKED), (27, Status.NOT_OK)])
def test_volume_without_snapshots_is_not_ok_after_a_day(hours: float, status: Status) -> None:
    answer = asked("snapshots", world(volume_stack(), client=client, now=later(hours)))
    assert (answer.status, answer.unanswered) == (status, False)


@pytest.mark.usefixtures("account")
def test_snapshots_of_others_do_not_count() -> None:
    answer = asked("snapshots", world(volume_stack(0, policy="policy-2"), client=client, now=later(30)))
    assert (answer.status, answer.observed) == (Status.NOT_OK, "no complete snapshot (0 not complete)")


def test_unfinished_snapshot_does_not_count() -> None:
    pending = {"SnapshotId": "snap-1", "State": "pending", "StartTime": NOW}
    answers = planted("ec2", "describe_snapshots", {"Snapshots": [pending]})
    volume = {"VolumeId": "vol-1", "CreateTime": NOW - datetime.timedelta(days=5)}
    answers.more("ec2", "describe_volumes", {"Volumes": [volume]})
    answer = asked("snapshots", world(client=answers))
    assert (answer.status, answer.observed) == (Status.NOT_OK, "no complete snapshot (1 not complete)")
    answers.done()


def test_stack_without_snapshots_is_not_asked() -> None:
    answer = asked("snapshots", world(without(stack(), "dlm/lifecyclePolicy:LifecyclePolicy")))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, False)
