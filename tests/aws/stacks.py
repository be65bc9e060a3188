"""Whole pods on Pulumi's mocks, with all values known: what rules and policy linters look at."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pulumi

from diaspora_infra.aws import Architecture, AwsPod, Cache, Machine, MachineGroup
from lab.aws.bridge.values import plain
from tests.aws import several_machines
from tests.aws.mock_account import Made, MockAccount
from tests.aws.rules import Asked
from tests.support import configs
from tests.support.mocked import mock_engine

REGION = "eu-west-1"
SECRETS = {"backupPassword": "backup-password-of-the-test"}
"""Secret keys of the stack config; nothing but a parameter may hold these values."""


def pod(*, backup: bool = True, built: bool = False, **changes: Any) -> AwsPod:
    """A pod on AWS with these settings; with backups of its own, and with images that the stack builds, or without."""
    values = configs.aws_config(region=REGION, pod_changes={"backup": {}} if backup else {}, **changes)
    if built:
        values = configs.without_images(values)
    secrets: dict[str, pulumi.Input[str]] = {**SECRETS} if backup else {}
    return AwsPod("pod", {"pod": values["pod"], "host": values["host"], "aws": values["aws"], "secrets": secrets})


def machine(options: pulumi.ResourceOptions | None = None, **changes: Any) -> Machine:
    """A machine alone, with these arguments beside the required ones."""
    return Machine(
        "one",
        {
            "zone": f"{REGION}a",
            "subnet_id": "subnet-1",
            "security_group_ids": ["sg-1"],
            "instance_type": "t4g.micro",
            "image": {"architecture": Architecture.AARCH64, "version": "44.20260802.3.1"},
            "ignition": json.dumps({"ignition": {"version": "3.4.0"}}),
            **changes,
        },
        options,
    )


def cache(options: pulumi.ResourceOptions | None = None, **changes: Any) -> Cache:
    """A cache alone, with these arguments beside the required ones."""
    return Cache(
        "one",
        {
            "subnet_ids": ["subnet-1", "subnet-2"],
            "security_group_ids": ["sg-1"],
            "password_parameter": "/diaspora/pod.example.org/cachePassword",
            "topic_arn": "arn:aws:sns:eu-west-1:123456789012:topic",
            "tags": {"Pod": "pod.example.org"},
            **changes,  # type: ignore[typeddict-item]
        },
        options,
    )


def machine_group(options: pulumi.ResourceOptions | None = None, **changes: Any) -> MachineGroup:
    """A group of machines alone, with these arguments beside the required ones."""
    return MachineGroup(
        "one",
        {
            "subnet_ids": ["subnet-1", "subnet-2"],
            "security_group_ids": ["sg-1"],
            "instance_type": "t4g.small",
            "image": {"architecture": Architecture.AARCH64, "version": "44.20260802.3.1"},
            "ignition": "{}",
            "topic_arn": "arn:aws:sns:eu-west-1:123456789012:topic",
            "tags": {"Pod": "pod.example.org"},
            **changes,  # type: ignore[typeddict-item]
        },
        options,
    )


DIRECT: dict[str, Any] = {
    "edge": "direct",
    "database": {"engine": "rds"},
    "network": {"ipv6": True, "flowLogsDays": 7},
    "backups": {"objectLockDays": 7},
    "instance": {"shellAccess": "ssh", "sshFrom": ["192.0.2.0/24"]},
}
"""Settings of a pod without API Gateway and Aurora, with what else is a setting."""

HA: dict[str, Any] = {"topology": "ha"}
"""Settings of a pod on several machines."""

STACKS: dict[str, Callable[[], Any]] = {
    "gateway": lambda: pod(built=True),
    "direct": lambda: pod(**DIRECT, dns={"createZone": True}),
    "ha": lambda: pod(**HA),
    "several": several_machines.program,
}


def resources(program: Callable[[], Any]) -> list[Asked]:
    """What a program asks for."""
    account = MockAccount()
    with mock_engine() as run:
        run(account, lambda: program() and None)
    return asked(account.made)


def asked(made: Iterable[Made]) -> list[Asked]:
    """Resources of the account, without components."""
    return [_asked(each) for each in made if each.custom]


def _asked(made: Made) -> Asked:
    depends = {name: list(each.urns) for name, each in made.request.propertyDependencies.items()}
    return Asked(made.token, made.name, plain(made.inputs), f"{made.kind.lower()}-{made.name}", made.urn, depends)
