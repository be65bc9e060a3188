"""The components of a pod on several machines, by a real engine in the simulated account.

The simulator starts all machines of a group in one zone, replaces them at once, and has no health checks, no load
balancing and no failover: nothing here shows those.
"""

import base64
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.aws.machine_group import READY_HOOK
from diaspora_infra.aws.user_data import USER_DATA_MAX_BYTES
from lab.aws.account import Account
from lab.engine import PROJECT
from tests.aws.account_client import may_reach
from tests.aws.several_machines import CONFIG
from tests.aws.simulated_types import ELSEWHERE, asked
from tests.support.aws_stack import AwsStack, program

PROGRAM = f"""
import sys

import pulumi

sys.path.insert(0, "{PROJECT}")
from tests.aws.several_machines import CONFIG, program

config = pulumi.Config("diaspora-infra")
ignition = CONFIG.ljust(config.require_int("length"))
for name, value in program(ignition, protect=config.require_bool("protect")).items():
    pulumi.export(name, value)
"""
SHORT, LONG = len(CONFIG), USER_DATA_MAX_BYTES + 1
"""Lengths of the machines' config: as user data, and as an object in a bucket."""


@pytest.fixture
def stack(account: Account, tmp_path: Path) -> AwsStack:
    stack = AwsStack(account, tmp_path / "lab", program(tmp_path, "own", PROGRAM))
    stack.client("route53").create_hosted_zone(Name="pod.example.org", CallerReference="podmin")
    return stack


def group(stack: AwsStack, name: str) -> Any:
    (found,) = stack.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[stack.engine.outputs()[name]]
    )["AutoScalingGroups"]
    return found


def told(stack: AwsStack, name: str) -> set[str]:
    """What the machines of a group got as user data."""
    answers = [
        stack.client("ec2").describe_instance_attribute(InstanceId=each["InstanceId"], Attribute="userData")
        for each in group(stack, name)["Instances"]
    ]
    return {base64.b64decode(answer["UserData"]["Value"]).decode() for answer in answers}


def test_several_machines_are_created_changed_and_destroyed(stack: AwsStack) -> None:
    stack.values = {"length": SHORT, "protect": True}
    stack.good("up")
    stack.good("preview", "--expect-no-changes")
    stack.good("refresh", "--expect-no-changes")
    web, job = group(stack, "web"), group(stack, "job")
    assert (len(web["Instances"]), web["MaxSize"], web["LaunchTemplate"]["Version"]) == (2, 3, "1")
    assert (len(job["Instances"]), job["MaxSize"], web["HealthCheckType"]) == (1, 1, "EC2")
    assert [each["ProcessName"] for each in job["SuspendedProcesses"]] == ["AZRebalance"]
    (hook,) = stack.client("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=web["AutoScalingGroupName"])[
        "LifecycleHooks"
    ]
    assert (hook["LifecycleHookName"], hook["DefaultResult"], hook["HeartbeatTimeout"]) == (READY_HOOK, "ABANDON", 900)
    assert told(stack, "web") == told(stack, "job") == {CONFIG}
    assert may_reach(stack) == {
        ("internet", "pod load-balancer", "80"),
        ("internet", "pod load-balancer", "443"),
        ("pod load-balancer", "pod machine", "80"),
        ("pod machine", "pod database", "5432"),
        ("pod machine", "pod cache", "6379"),
        ("pod machine", "internet", "all"),
    }
    (cache,) = stack.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    assert cache["AutomaticFailover"] == cache["MultiAZ"] == "enabled"
    assert (cache["TransitEncryptionEnabled"], cache["AtRestEncryptionEnabled"], len(cache["MemberClusters"])) == (
        True,
        True,
        2,
    )
    token = stack.client("ssm").get_parameter(Name="/diaspora/pod.example.org/cachePassword", WithDecryption=True)
    address = cache["NodeGroups"][0]["PrimaryEndpoint"]["Address"]
    assert stack.engine.outputs(show_secrets=True)["cache"] == f"rediss://:{token['Parameter']['Value']}@{address}:6379"
    (database,) = stack.client("rds").describe_db_instances()["DBInstances"]
    assert database["MultiAZ"]

    refused = stack.run("destroy", "--skip-preview=false")
    assert refused.returncode != 0
    assert "protect" in refused.stdout + refused.stderr
    assert group(stack, "web") == web

    # a config that is too long for user data: a new version, and other machines
    stack.values = {"length": LONG, "protect": False}
    stack.good("up")
    assert ELSEWHERE["test_several_machines"] <= {each.token for each in asked(stack)}
    changed = group(stack, "web")
    assert changed["LaunchTemplate"]["Version"] == "2"
    former = {each["InstanceId"] for each in web["Instances"]}
    assert former.isdisjoint(each["InstanceId"] for each in changed["Instances"])
    (pointer,) = told(stack, "web")
    assert "s3://" in pointer
    stack.good("preview", "--expect-no-changes")
    stack.good("destroy")
    assert stack.client("s3").list_buckets()["Buckets"] == []
    assert stack.client("elasticache").describe_replication_groups()["ReplicationGroups"] == []
    assert stack.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
