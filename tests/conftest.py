"""Fixtures for the tests of diaspora-infra: golden files, programs of the machine, a real matchbox and engine."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.matchbox import MatchboxServer, free_ports
from tests.support.golden import Golden
from tests.support.stack import Stack

IN_CI = bool(os.environ.get("CI"))


def skip_unless(there: bool, message: str) -> None:
    """Fail in CI and skip elsewhere when a requirement is missing."""
    if not there:
        if IN_CI:
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares text with a file under tests/golden/files."""
    return Golden(update=request.config.getoption("--golden-update"))


@pytest.fixture(scope="session")
def require_program() -> Callable[[str, str], str]:
    """Finds a program of the machine; without it a test fails in CI and is skipped elsewhere."""

    def require(program: str, package: str) -> str:
        found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        skip_unless(found is not None, f"{program} is not there: apt-get install {package}")
        assert found is not None
        return found

    return require


@pytest.fixture
def matchbox_server(tmp_path: Path) -> Iterator[MatchboxServer]:
    """A real matchbox with certificates of its own on free ports of 127.0.0.1."""
    server = MatchboxServer(tmp_path / "lab", *free_ports(2))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def stack(matchbox_server: MatchboxServer) -> Stack:
    """A real engine and a stack of target pxe with one machine on that matchbox."""
    return Stack(matchbox_server)
