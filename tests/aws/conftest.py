"""A mocked engine and a simulated account for the tests of this folder; each test begins with an empty one."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import pulumi_aws
import pytest

from lab.aws import real_plugin
from lab.aws.account import Account
from lab.aws.bridge.types import RESOURCES
from lab.matchbox import free_ports
from tests.support.aws_stack import AwsStack
from tests.support.mocked import Runner, mock_engine

pytest.register_assert_rewrite("tests.aws.account_asserts")

# the SDK warns of its own old classes where they are defined; what our components use is looked at when they use it
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    for module in sorted({token.split(":")[1].split("/")[0] for token in RESOURCES}):
        getattr(getattr(pulumi_aws, module), "any", None)  # the SDK loads a module when it is used


@pytest.fixture
def run() -> Iterator[Runner]:
    """Runs programs on Pulumi's mocks."""
    with mock_engine() as runner:
        yield runner


@pytest.fixture(scope="session")
def account_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The server, once a test process."""
    # one bridge serves all runs; a real plugin is started by the engine for each run
    account = Account(tmp_path_factory.mktemp("account"), *free_ports(1 if real_plugin.find() else 2))
    account.start()
    try:
        yield account
    finally:
        account.stop()


@pytest.fixture
def account(account_server: Account) -> Account:
    """An empty account."""
    account_server.reset()
    return account_server


@pytest.fixture
def aws_stack(account: Account, tmp_path: Path) -> AwsStack:
    """A real engine and a stack of target aws in that account, which has a zone for the pod's domain."""
    stack = AwsStack(account, tmp_path / "lab")
    stack.client("route53").create_hosted_zone(Name="pod.example.org", CallerReference="podmin")
    return stack
