"""Fixtures of the tests of the machine's programs."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lab.aws.account import Account
from lab.matchbox import free_ports
from tests.machine.cheap_restic import make_cheap_restic
from tests.machine.pod_backup import PASSWORD
from tests.machine.pod_programs import RequireProgram
from tests.support.jq import jq_folder
from tests.support.memory import memory_folder


@pytest.fixture(scope="module", autouse=True)
def _jq() -> Iterator[None]:
    """Let programs find trixie's jq first, which starts quickly, where trixie can be had."""
    with pytest.MonkeyPatch.context() as patch:
        if os.geteuid() == 0 and platform.machine() == "x86_64":
            patch.setenv("PATH", str(jq_folder()), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def restic(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> str:
    """restic, for repositories with the password of the tests; see cheap_restic.py."""
    program = require_program("restic", "restic")
    return str(make_cheap_restic(tmp_path_factory.mktemp("restic"), program, PASSWORD))


@pytest.fixture
def memory_path() -> Iterator[Path]:
    """An empty folder in memory, for what is written often."""
    with TemporaryDirectory(prefix="machine-", dir=memory_folder()) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The simulated account of a machine on AWS, with a server of its own for each module."""
    (port,) = free_ports(1)
    made = Account(tmp_path_factory.mktemp("account"), port)
    made.start()
    yield made
    made.stop()
