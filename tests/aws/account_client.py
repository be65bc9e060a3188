"""What the account holds, read with boto3: instances, and who can reach whom."""

import base64
from collections.abc import Iterator
from typing import Any

from tests.support.aws_stack import AwsStack

INTERNET = "internet"
Reach = tuple[str, str, str]
"""Who, whom, and the port or `all`."""


def instances(stack: AwsStack) -> list[Any]:
    """The instances that run."""
    states = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
    pages = stack.client("ec2").describe_instances(Filters=[states])["Reservations"]
    return [each for page in pages for each in page["Instances"]]


def instance(stack: AwsStack) -> Any:
    """The one instance that runs."""
    (found,) = instances(stack)
    return found


def user_data(stack: AwsStack, instance_id: str) -> str:
    """What the instance is told at its first boot."""
    answer = stack.client("ec2").describe_instance_attribute(InstanceId=instance_id, Attribute="userData")
    return base64.b64decode(answer["UserData"]["Value"]).decode()


def group_names(stack: AwsStack) -> dict[str, str]:
    """Names of the stack's groups by id."""
    groups = stack.client("ec2").describe_security_groups()["SecurityGroups"]
    return {
        group["GroupId"]: next((tag["Value"] for tag in group.get("Tags", []) if tag["Key"] == "Name"), "default")
        for group in groups
        if any(tag["Key"] == "Pod" for tag in group.get("Tags", []))
    }


def may_reach(stack: AwsStack) -> set[Reach]:
    """Every way that the groups open, where both ends agree: (who, whom, port)."""
    names = group_names(stack)
    rules = stack.client("ec2").describe_security_group_rules()["SecurityGroupRules"]
    comes = {way for rule in rules if not rule["IsEgress"] for way in _ways(rule, names)}
    goes = {way for rule in rules if rule["IsEgress"] for way in _ways(rule, names)}
    return set(_agreed(comes, goes))


def _ways(rule: Any, names: dict[str, str]) -> Iterator[Reach]:
    if rule["GroupId"] not in names:
        return
    group = names[rule["GroupId"]]
    if other := rule.get("ReferencedGroupInfo", {}).get("GroupId"):
        peer = names[other]
    else:
        address = rule.get("CidrIpv4") or rule.get("CidrIpv6")
        peer = INTERNET if address in {"0.0.0.0/0", "::/0"} else address
    port = "all" if rule["IpProtocol"] == "-1" else str(rule["FromPort"])
    assert rule["IpProtocol"] == "-1" or rule["FromPort"] == rule["ToPort"]
    yield (group, peer, port) if rule["IsEgress"] else (peer, group, port)


def _agreed(comes: set[Reach], goes: set[Reach]) -> Iterator[Reach]:
    groups = {whom for _, whom, _ in comes} | {who for who, _, _ in goes}
    everywhere = {who for who, whom, port in goes if whom == INTERNET and port == "all"}
    for who, whom, port in comes:
        if who not in groups or who in everywhere or (who, whom, port) in goes:
            yield who, whom, port
    for who, whom, port in goes:
        if whom not in groups:
            yield who, whom, port
