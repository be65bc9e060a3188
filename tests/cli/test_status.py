"""`diaspora-infra status`, with an account that answers what a change of machines may look like."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from diaspora_infra.cli import main
from diaspora_infra.commands.status import PAUSE_SECONDS, follow
from diaspora_infra.config import ConfigError
from diaspora_infra.smoke.stack_state import PodStack, pod_stack

TEMPLATE, GROUPS = "lt-0123456789abcdef0", {"web": "pod-web-machines-1a2b3c4", "job": "pod-job-machines-5d6e7f8"}
TARGETS = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/pod-web/0123456789abcdef"
POD = "urn:pulumi:prod::project::diaspora-infra:index:AwsPod"
GROUP = "aws:autoscaling/group:Group"


def stack() -> PodStack:
    """A stack with two groups."""
    topic = {"arn": "arn:aws:sns:eu-west-1:123456789012:alerts"}
    resources: list[dict[str, Any]] = [
        {"type": "diaspora-infra:index:AwsPod", "urn": f"{POD}::pod", "outputs": {"url": "https://pod.example.org"}},
        {"type": "aws:sns/topic:Topic", "urn": f"{POD}$aws:sns/topic:Topic::pod-alerts", "outputs": topic},
        *(
            {
                "type": GROUP,
                "urn": f"{POD}$diaspora-infra:index:MachineGroup${GROUP}::pod-{role}-machines",
                "id": name,
            }
            for role, name in GROUPS.items()
        ),
    ]
    return pod_stack("prod", {"deployment": {"resources": resources}})


def machine(number: int, version: str = "2", state: str = "InService", template: str = TEMPLATE) -> dict[str, Any]:
    return {
        "InstanceId": f"i-{number}",
        "AvailabilityZone": "eu-west-1a",
        "LaunchTemplate": {"LaunchTemplateId": template, "Version": version},
        "LifecycleState": state,
        "HealthStatus": "Healthy",
    }


class Account:
    """Answers the questions of the command; each moment is what AWS says at one time."""

    def __init__(self, *moments: Mapping[str, Any]) -> None:
        self.moments = list(moments)
        self.paused: list[float] = []

    def client(self, service: str) -> Any:
        return self

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.moments.pop(0)

    def describe_auto_scaling_groups(self, AutoScalingGroupNames: list[str]) -> Any:  # noqa: N803
        assert AutoScalingGroupNames == sorted(GROUPS.values())
        now = self.moments[0]
        machines = {"web": now["web"], "job": now.get("job", [machine(9)])}
        return {
            "AutoScalingGroups": [
                {
                    "AutoScalingGroupName": GROUPS[role],
                    "LaunchTemplate": {"LaunchTemplateId": TEMPLATE, "Version": "2"},
                    "DesiredCapacity": 2 if role == "web" else 1,
                    "Instances": found,
                    "TargetGroupARNs": [TARGETS] if role == "web" else [],
                }
                for role, found in machines.items()
                if found is not None
            ]
        }

    def describe_instances(self, Filters: list[dict[str, Any]]) -> Any:  # noqa: N803
        """Machine 4 is only just made, and has no address yet."""
        ((name, ids),) = [(each["Name"], each["Values"]) for each in Filters]
        assert name == "instance-id"
        addresses = {each: f"198.51.100.{each.removeprefix('i-')}" for each in ids if each != "i-4"}
        found = [{"InstanceId": each, "PublicIpAddress": address} for each, address in addresses.items()]
        return {"Reservations": [{"Instances": [each]} for each in [*found, {"InstanceId": "i-4"}]]}

    def describe_instance_refreshes(self, AutoScalingGroupName: str, MaxRecords: int) -> Any:  # noqa: N803
        refresh = self.moments[0].get("refresh") if AutoScalingGroupName == GROUPS["web"] else None
        return {"InstanceRefreshes": [refresh] if refresh else []}

    def describe_target_health(self, TargetGroupArn: str) -> Any:  # noqa: N803
        assert TargetGroupArn == TARGETS
        unhealthy = {"State": "unhealthy", "Reason": "Target.Timeout"}
        return {
            "TargetHealthDescriptions": [
                {
                    "Target": {"Id": each["InstanceId"]},
                    "TargetHealth": unhealthy
                    if each["InstanceId"] in self.moments[0].get("ill", ())
                    else {"State": "healthy"},
                }
                for each in self.moments[0]["web"]
            ]
        }


Follow = Callable[..., tuple[int, str]]


@pytest.fixture
def status(capsys: pytest.CaptureFixture[str]) -> Follow:
    """Runs the command; returns its code and what it printed."""

    def run(account: Account, *, wait: bool = False, **options: Any) -> tuple[int, str]:
        code = follow(stack(), account.client, wait=wait, pause=account.pause, **options)
        return code, capsys.readouterr().out

    return run


RUNNING = {"Status": "InProgress", "PercentageComplete": 50}
OLD, NEW = [machine(1, "1"), machine(2, "1")], [machine(3), machine(4)]
HALF = {"web": [machine(1, "1"), machine(3), machine(4, state="Pending:Wait")], "refresh": RUNNING}
DONE = {"web": NEW, "refresh": {"Status": "Successful", "PercentageComplete": 100}}


def test_a_change_is_followed_to_its_end(status: Follow) -> None:
    account = Account({"web": OLD, "refresh": {"Status": "Pending"}}, HALF, HALF, DONE)
    code, shown = status(account, wait=True)
    assert code == 0
    assert account.paused == [PAUSE_SECONDS] * 3
    # what has not changed is said once
    assert shown.count("version 2, 1 of 2 ready") == 1
    assert "    i-3  eu-west-1a  198.51.100.3  version 2  InService, Healthy, load balancer: healthy\n" in shown
    assert "    i-4  eu-west-1a  version 2  Pending:Wait, Healthy, load balancer: healthy\n" in shown
    assert "    last change of machines: InProgress, 50 %\n" in shown
    assert shown.endswith("all machines are ready, and of the version that the stack has\n")


def test_without_waiting_a_change_that_goes_on_is_no_failure(status: Follow) -> None:
    code, shown = status(Account(HALF))
    assert code == 0
    assert shown.endswith("web: not all machines are ready yet\n")


@pytest.mark.parametrize("end", ["Failed", "RollbackSuccessful", "RollbackFailed", "Cancelled"])
def test_a_change_that_failed_ends_with_1(status: Follow, end: str) -> None:
    failed = {"web": OLD, "refresh": {"Status": end, "PercentageComplete": 0, "StatusReason": "hook\x1b[2J timed out"}}
    code, shown = status(Account(HALF, failed), wait=True)
    assert code == 1
    assert f"    last change of machines: {end}, 0 %: hook [2J timed out\n" in shown
    assert "web: the change failed. The machines that were not replaced go on" in shown


def test_machines_that_became_ready_after_a_failure_are_good(status: Follow) -> None:
    assert status(Account({"web": NEW, "refresh": {"Status": "Failed"}}))[0] == 0


@pytest.mark.parametrize(
    "moment",
    [
        {"web": NEW, "ill": ["i-3"]},
        {"web": [*NEW, machine(5, state="Terminating")]},
        {"web": [machine(3)]},
        {"web": [machine(3), machine(4, template="lt-other")]},
        {"web": [{**machine(3), "HealthStatus": "Unhealthy"}, machine(4)]},
        {"web": NEW, "refresh": RUNNING},
        {"web": NEW, "job": []},
    ],
)
def test_what_is_not_ready_is_waited_for_until_the_time_is_over(status: Follow, moment: dict[str, Any]) -> None:
    times = iter([0, 10, 120])
    code, shown = status(Account(moment, moment), wait=True, minutes=1, clock=lambda: next(times))
    assert code == 1
    assert "not all machines are ready yet" in shown


def test_a_group_that_is_gone_is_a_failure(status: Follow) -> None:
    code, shown = status(Account({"web": NEW, "job": None}), wait=True)
    assert code == 1
    assert f"  job: {GROUPS['job']} not there; run `pulumi up --refresh`\n" in shown


def test_json_holds_the_last_state(status: Follow) -> None:
    code, shown = status(Account(HALF, DONE), wait=True, as_json=True)
    found = json.loads(shown)
    assert code == 0
    assert [(each["role"], each["ready"], each["done"]) for each in found["groups"]] == [
        ("job", 1, True),
        ("web", 2, True),
    ]
    assert [each["address"] for each in found["groups"][1]["members"]] == ["198.51.100.3", None]


def test_refusals_of_aws_are_one_line(status: Follow) -> None:
    def refused(_service: str) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeAutoScalingGroups")

    with pytest.raises(ConfigError, match=r"AWS: .*AccessDenied.*log in again"):
        follow(stack(), refused, wait=False)


def test_a_stack_with_one_machine_has_no_groups() -> None:
    single = stack()
    single = PodStack(**{**single.__dict__, "resources": ()})
    with pytest.raises(ConfigError, match="stack prod: no groups of machines; give a stack with topology: ha"):
        follow(single, lambda _service: None, wait=False)


def test_a_time_that_is_over_before_it_begins_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "prod", "--wait", "--minutes", "0"]) == 1
    assert capsys.readouterr().err == "--minutes: 0 is out of range; allowed: 1 or more\n"
