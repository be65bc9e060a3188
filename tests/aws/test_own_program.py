"""A program of somebody's own that takes single components."""

import os
from pathlib import Path

import pytest

from lab.aws.account import Account
from tests.aws.account_client import may_reach, user_data
from tests.support.aws_stack import AwsStack, program

PROGRAM = """
import pulumi

from diaspora_infra.aws import Machine, Network, SecurityGroups

tags = {"Pod": "none"}
network = Network("own", {"zones": ["eu-west-1b", "eu-west-1c"], "tags": tags})
groups = SecurityGroups("own", {"vpc_id": network.vpc_id, "edge": "direct", "shell_access": "none", "tags": tags})
machine = Machine(
    "own",
    {
        "zone": "eu-west-1b",
        "subnet_id": network.public_subnet_id,
        "security_group_ids": [groups.machine_id],
        "instance_type": "t3.micro",
        "image": {"architecture": "x86_64", "version": "44.20260802.3.1"},
        "ignition": '{"ignition": {"version": "3.4.0"}}',
        "protect": False,
        "tags": tags,
    },
)
pulumi.export("instance", machine.instance_id)
"""


@pytest.fixture
def own_stack(account: Account, tmp_path: Path) -> AwsStack:
    return AwsStack(account, tmp_path / "lab", program(tmp_path, "own", PROGRAM))


@pytest.fixture
def another_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts a plugin of another version on PATH; returns a file that is there when an engine has started it."""
    folder = tmp_path / "on-path"
    folder.mkdir()
    file = folder / "pulumi-resource-aws"
    file.write_text(f"#!/bin/sh\n[ $1 = -version ] && echo 6.0.0 || touch {folder}/started\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder / "started"


def test_single_components_create_a_machine_without_a_pod(another_plugin: Path, own_stack: AwsStack) -> None:
    own_stack.good("up")
    assert not another_plugin.exists()
    instance_id = own_stack.engine.outputs()["instance"]
    assert user_data(own_stack, instance_id) == '{"ignition": {"version": "3.4.0"}}'
    assert may_reach(own_stack) == {
        ("internet", "own machine", "80"),
        ("internet", "own machine", "443"),
        ("own machine", "internet", "all"),
    }
    own_stack.good("preview", "--expect-no-changes")
    own_stack.good("destroy")
    assert own_stack.client("ec2").describe_volumes()["Volumes"] == []
