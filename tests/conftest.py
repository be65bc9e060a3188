"""Fixtures for all tests: golden files, programs of the machine, the pinned tools, a real matchbox and engine."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from lab.matchbox import MatchboxServer, free_ports
from tests.support import quick, surroundings
from tests.support.golden import Golden
from tests.support.stack import Stack
from tools import tool_path

surroundings.settle()

IN_CI = bool(os.environ.get("CI"))

# how long an example takes says nothing where cores are shared
hypothesis.settings.register_profile("shared-cores", deadline=None)
hypothesis.settings.load_profile("shared-cores")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="write the golden files anew")


# the folders with the longest tests come first, so that both workers have something to do until the end
LONGEST_FIRST = ("boot", "aws", "engine", "provisioning", "machine")
GROUPED_BY_MODULE = frozenset({"lab", "machine", "provisioning"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    quick.mark_system_tests(items)
    rank = {folder: place for place, folder in enumerate(LONGEST_FIRST)}
    for item in items:
        # a module's servers are started once: one worker runs all of its tests
        if quick.folder_of(item) in GROUPED_BY_MODULE and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=lambda item: rank.get(quick.folder_of(item), len(rank)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    quick.begin(item)
    try:
        return (yield)
    finally:
        quick.end(item)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares text with a file under tests/golden/files."""
    return Golden(update=request.config.getoption("--golden-update"))


@pytest.fixture(scope="session")
def require_program() -> Callable[[str, str], str]:
    """Finds a program of the machine; without it a test fails in CI and is skipped elsewhere."""

    def require(program: str, package: str) -> str:
        found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        if found is None:
            message = f"{program} is not there: apt-get install {package}"
            if IN_CI:
                pytest.fail(message)
            pytest.skip(message)
        return found

    return require


@pytest.fixture(scope="session")
def butane_binary() -> Path:
    """The Go program butane."""
    return tool_path("butane")


@pytest.fixture(scope="session")
def ignition_validate() -> Path:
    """The Go program ignition-validate."""
    return tool_path("ignition-validate")


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
