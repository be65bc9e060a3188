"""A simulated account for the tests of this folder; each test begins with an empty one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.aws.account import Account
from lab.matchbox import free_ports
from tests.support.aws_stack import AwsStack


@pytest.fixture(scope="session")
def account_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The server, once a test process."""
    account = Account(tmp_path_factory.mktemp("account"), *free_ports(1))
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
    """A real engine and a stack of target aws in that account."""
    return AwsStack(account, tmp_path / "lab")
