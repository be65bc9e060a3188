"""The components of a pod on several machines on Pulumi's mocks: what they refuse, and what they ask for."""

import json
from typing import Any

import pulumi
import pytest

from diaspora_infra.aws import ArgumentError, Cache, LoadBalancer
from diaspora_infra.aws.cache import CacheArgs
from diaspora_infra.aws.load_balancer import LoadBalancerArgs
from diaspora_infra.aws.user_data import USER_DATA_MAX_BYTES
from tests.aws.mock_account import MockAccount
from tests.aws.stacks import cache, machine_group
from tests.support.mocked import Runner


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 0}, "one: size: 0; allowed: 1 to 50"),
        ({"ready_seconds": 10}, "one: ready_seconds: 10; allowed: 30 to 7200, or 0"),
    ],
)
def test_a_wrong_group_of_machines_is_refused(run: Runner, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        run(MockAccount(), lambda: machine_group(**changes) and None)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes": 7}, "one: nodes: 7; allowed: 1 to 6"),
        ({"subnet_ids": ["a"]}, "one: subnet_ids: several nodes need subnets in two zones; give two or more"),
        (
            {"password": "with_an_underscore"},
            "one: password, password_parameter: both are given; give one of them",
        ),
    ],
)
def test_a_wrong_cache_is_refused(run: Runner, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        run(MockAccount(), lambda: cache(**changes) and None)
    assert str(caught.value) == message


@pytest.mark.parametrize("password", ["too-short", "with_an_underscore_in_it", "with a space in it"])
def test_a_password_that_elasticache_refuses_is_not_shown(run: Runner, password: str) -> None:
    args: CacheArgs = {"subnet_ids": ["a", "b"], "security_group_ids": ["sg-1"], "password": password}
    with pytest.raises(ArgumentError) as caught:
        run(MockAccount(), lambda: Cache("one", args).password)
    assert (
        str(caught.value) == "one: password: the password does not fit; allowed: 16 to 128 letters, digits and dashes"
    )


def test_a_load_balancer_with_a_long_name_is_refused(run: Runner) -> None:
    args: LoadBalancerArgs = {
        "domain": "pod.example.org",
        "certificate_arn": "arn",
        "vpc_id": "vpc-1",
        "subnet_ids": ["a"],
        "security_group_id": "sg-1",
    }
    with pytest.raises(pulumi.RunError) as caught:
        run(MockAccount(), lambda: LoadBalancer("x" * 21, args) and None)
    allowed = "allowed: up to 20 characters, and not internal- at the start"
    assert [line.partition(": ")[2] for line in str(caught.value).splitlines()] == [
        f"name: {'x' * 21!r} is no name of a load balancer; {allowed}",
        "subnet_ids: a load balancer needs subnets in two zones; give two or more",
    ]


@pytest.mark.parametrize(("nodes", "told"), [(1, 0), (2, 1), (3, 1)])
def test_a_cache_that_can_fail_over_tells_of_it(run: Runner, nodes: int, told: int) -> None:
    account = MockAccount()
    run(account, lambda: cache(nodes=nodes) and None)
    found = [each.inputs for each in account.of("MetricAlarm") if each.inputs["metricName"] == "IsMaster"]
    assert len(found) == told
    for inputs in found:
        assert inputs["dimensions"]["CacheClusterId"].endswith("-001")
        assert (inputs["comparisonOperator"], inputs["threshold"]) == ("LessThanThreshold", 1)


def test_only_new_machines_that_say_so_are_ready(run: Runner) -> None:
    """The permission covers the group, whose name has the engine's digits at its end."""
    account = MockAccount()
    run(account, lambda: machine_group(ready_seconds=600) and None)
    (policy,) = account.of("RolePolicy")
    statement, find = json.loads(policy.inputs["policy"])["Statement"]
    assert (find["Action"], find["Resource"]) == ("autoscaling:DescribeAutoScalingInstances", "*")
    pattern = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:*:autoScalingGroupName/one-machines-*"
    assert statement["Resource"] == pattern
    (group,) = account.of("Group")
    assert group.name == "one-machines"
    assert group.inputs["initialLifecycleHooks"][0]["heartbeatTimeout"] == 600


def test_former_configs_of_a_group_stay_while_it_is_changed(run: Runner) -> None:
    account = MockAccount()
    run(account, lambda: machine_group(ignition="x" * (USER_DATA_MAX_BYTES + 1)) and None)
    (config,), (bucket,) = account.of("BucketObjectv2"), account.of("Bucket")
    assert config.request.retainOnDelete
    assert bucket.inputs["forceDestroy"]
