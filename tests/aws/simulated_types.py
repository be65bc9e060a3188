"""Types of resources that an engine makes in the simulated account, by the test that does it."""

import json
from collections.abc import Callable
from typing import Any

from tests.aws.rules import Asked
from tests.aws.stacks import DIRECT, HA, pod, resources
from tests.support.aws_stack import AwsStack

PROGRAMS: dict[str, Callable[[], Any]] = {
    "test_whole_stack": lambda: pod(backup=False, built=True),
    "test_machine_in_account": lambda: pod(**DIRECT),
    "test_ha_life": lambda: pod(**HA),
}
"""The same settings on mocks: each test holds its state to what its program asks for there."""

ZONE = "aws:route53/zone:Zone"
ELSEWHERE = {
    "test_http_api_in_account": {ZONE},
    "test_several_machines": {
        "aws:autoscaling/group:Group",
        "aws:ec2/launchTemplate:LaunchTemplate",
        "aws:elasticache/parameterGroup:ParameterGroup",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:elasticache/subnetGroup:SubnetGroup",
        "aws:lb/listener:Listener",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:lb/targetGroup:TargetGroup",
    },
}

MOCKS_ONLY: dict[str, str] = {}
"""Types that the simulator cannot make, which only the tests on mocks have seen, each with the reason."""


def types(test: str) -> set[str]:
    """What an engine makes in this test."""
    return {each.token for each in resources(PROGRAMS[test])}


def same_types(test: str, stack: AwsStack) -> bool:
    """Whether an engine made what the mocks are asked for."""
    return {each.token for each in asked(stack)} == types(test)


def asked(stack: AwsStack) -> list[Asked]:
    """The resources in the engine's state, with all values known, secrets too."""
    return [
        Asked(
            each["type"],
            each["urn"].rpartition("::")[2],
            _plain(each.get("inputs", {})),
            each.get("id", ""),
            each["urn"],
            each.get("propertyDependencies", {}),
        )
        for each in stack.engine.export()
        if each["type"].startswith("aws:")
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        secret = "plaintext" in value
        return json.loads(value["plaintext"]) if secret else {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def encrypted_backup_password(stack: AwsStack) -> dict[str, str]:
    """A value for the config of a stack."""
    stack.write()
    stack.engine.prepare()
    return {"secure": stack.engine.encrypt("diaspora-infra:backupPassword", "backup-password-of-the-test")}
