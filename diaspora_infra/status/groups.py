"""The groups of a pod's machines, as AWS sees them now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diaspora_infra.smoke.account import Client
from diaspora_infra.smoke.stack_state import PodStack

IN_SERVICE = "InService"
HEALTHY = "healthy"
SUCCESSFUL = "Successful"
FAILED = frozenset({"Failed", "RollbackFailed", "RollbackSuccessful", "Cancelled"})
"""Ends of an instance refresh after which machines of the new version are missing (API reference, InstanceRefresh)."""
_GROUP, _TEMPLATE = "autoscaling/group:Group", "ec2/launchTemplate:LaunchTemplate"
_PARAMETER = "ssm/parameter:Parameter"
_MACHINES = "-machines"


@dataclass(frozen=True)
class Member:
    """A machine of a group."""

    id: str
    zone: str
    version: str
    """Version of the launch template that it was made from; empty where it was made from another template."""
    state: str
    """Where it is in its life, such as `Pending:Wait` or `InService`."""
    health: str
    """What EC2 Auto Scaling says of it: Healthy or Unhealthy."""
    target: str | None
    """What the load balancer says of it, such as `healthy` or `unhealthy: Target.Timeout`; None without one."""
    address: str | None = None
    """Its public IPv4 address; None where it has none, or has none yet."""


@dataclass(frozen=True)
class Refresh:
    """The last time that AWS replaced the machines of a group."""

    status: str
    percent: int
    reason: str
    """Why it is in this state; empty where AWS does not say."""

    @property
    def failed(self) -> bool:
        """It has ended, and machines of the new version are missing."""
        return self.status in FAILED

    @property
    def ended(self) -> bool:
        """It changes nothing any more."""
        return self.failed or self.status == SUCCESSFUL


@dataclass(frozen=True)
class Group:
    """A group of machines. `problem` says why nothing is known of it; empty where it is there."""

    role: str
    """Name of the component without the pod's, such as web."""
    name: str
    wanted: int
    version: str
    """Version of the launch template that new machines are made from."""
    members: Sequence[Member] = ()
    refresh: Refresh | None = None
    problem: str = ""

    @property
    def ready(self) -> Sequence[Member]:
        """The machines of the wanted version that work."""
        return [
            each
            for each in self.members
            if each.version == self.version
            and each.state == IN_SERVICE
            and each.health.lower() == HEALTHY
            and each.target in {None, HEALTHY}
        ]

    @property
    def failed(self) -> bool:
        """A change of it ended without all machines of the wanted version, or it is not there."""
        return bool(self.problem) or (
            self.refresh is not None and self.refresh.failed and len(self.ready) < self.wanted
        )

    @property
    def done(self) -> bool:
        """All machines are of the wanted version and work, and nothing is being changed."""
        quiet = self.refresh is None or self.refresh.ended
        return not self.failed and quiet and len(self.ready) == len(self.members) == self.wanted


def read_groups(stack: PodStack, client: Client) -> list[Group]:
    """Ask AWS for the groups of a stack, those for jobs first: they are changed first. Raises errors of botocore."""
    found = {resource.id: resource.name for resource in stack.all(_GROUP)}
    if not found:
        return []
    answer = client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=sorted(found))
    there = {each["AutoScalingGroupName"]: each for each in answer["AutoScalingGroups"]}
    groups = [
        _group(client, _role(name), there[group])
        if group in there
        else Group(_role(name), group, 0, "", problem="not there; run `pulumi up --refresh`")
        for group, name in found.items()
    ]
    return sorted(groups, key=lambda group: group.role)


def read_deployment(stack: PodStack, client: Client) -> str | None:
    """What the job machine has written about the database; None where the stack has no such parameter."""
    parameter = next((each for each in stack.all(_PARAMETER) if each.name.endswith("-deployment")), None)
    if parameter is None:
        return None
    return str(client("ssm").get_parameter(Name=parameter.id)["Parameter"]["Value"])


def _role(name: str) -> str:
    """Of a resource such as `pod-web-machines`."""
    return name.removesuffix(_MACHINES).rpartition("-")[2]


def _group(client: Client, role: str, answer: Mapping[str, Any]) -> Group:
    name, template = answer["AutoScalingGroupName"], answer["LaunchTemplate"]
    refreshes = client("autoscaling").describe_instance_refreshes(AutoScalingGroupName=name, MaxRecords=1)
    targets = dict(_targets(client, answer.get("TargetGroupARNs", ())))
    addresses = dict(_addresses(client, [each["InstanceId"] for each in answer["Instances"]]))
    members = [
        _member(each, template["LaunchTemplateId"], targets if answer.get("TargetGroupARNs") else None, addresses)
        for each in answer["Instances"]
    ]
    return Group(
        role,
        name,
        answer["DesiredCapacity"],
        str(template["Version"]),
        sorted(members, key=lambda member: (member.zone, member.id)),
        next((_refresh(each) for each in refreshes["InstanceRefreshes"]), None),
    )


def _member(
    answer: Mapping[str, Any], template: str, targets: Mapping[str, str] | None, addresses: Mapping[str, str]
) -> Member:
    made_from = answer.get("LaunchTemplate", {})
    own = made_from.get("LaunchTemplateId") == template
    return Member(
        answer["InstanceId"],
        answer["AvailabilityZone"],
        str(made_from.get("Version", "")) if own else "",
        answer["LifecycleState"],
        answer["HealthStatus"],
        None if targets is None else targets.get(answer["InstanceId"], "not registered"),
        addresses.get(answer["InstanceId"]),
    )


def _addresses(client: Client, machines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Public addresses, by the id of the machine."""
    if not machines:
        return
    # as a filter: AWS refuses the question for the id of a machine that is only just made
    answer = client("ec2").describe_instances(Filters=[{"Name": "instance-id", "Values": list(machines)}])
    for each in (instance for reservation in answer["Reservations"] for instance in reservation["Instances"]):
        if each.get("PublicIpAddress"):
            yield each["InstanceId"], each["PublicIpAddress"]


def _targets(client: Client, arns: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What the load balancer says, by the id of the machine."""
    for arn in arns:
        for each in client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]:
            health = each["TargetHealth"]
            reason = f": {health['Reason']}" if health.get("Reason") else ""
            yield each["Target"]["Id"], f"{health['State']}{reason}"


def _refresh(answer: Mapping[str, Any]) -> Refresh:
    return Refresh(answer["Status"], int(answer.get("PercentageComplete", 0)), answer.get("StatusReason", ""))
