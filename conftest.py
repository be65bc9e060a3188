"""What holds for the tests of both packages, in tests/ and butane-py/tests/: rules, options and the pinned programs."""

import gc
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import hypothesis
import pytest

from tests.support import quick, surroundings
from tools import tool_path

surroundings.reset_environment()
pytest_plugins = ("pytester", "tests.support.unchanged")

# nearly all that is made until the tests are collected stays: there is little garbage to look for
usual_threshold = gc.get_threshold()
gc.set_threshold(100_000, 100, 100)

# how long an example takes says nothing where cores are shared
hypothesis.settings.register_profile("shared-cores", deadline=None)
hypothesis.settings.load_profile("shared-cores")

TESTS = Path(__file__).parent / "tests"
# the modules and folders with the longest tests come first, so that all workers have something to do until the end
LONGEST_FIRST = (
    "boot",
    "machine/test_operate",
    "machine/test_pod_machine",
    "machine/test_pod_upgrade",
    "machine/test_pod_restore.",
    "machine/test_pod_import",
    "aws",
    "engine",
    "provisioning",
    "machine",
)
# in these, one worker runs all tests of a module, so that the module's servers are started once
GROUPED_BY_MODULE = frozenset({"lab", "machine", "provisioning"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="write the golden files anew")
    parser.addoption("--record-states", action="store_true", help="record the states of tests/states anew")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    quick.mark_system_tests(items)
    for item in items:
        if quick.folder_of(item) in GROUPED_BY_MODULE and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=lambda item: _place(item.path))


@cache
def _place(module: Path) -> int:
    """The first entry of LONGEST_FIRST that the path of a module begins with."""
    path = module.relative_to(TESTS).as_posix() if module.is_relative_to(TESTS) else ""
    places = [place for place, start in enumerate(LONGEST_FIRST) if path.startswith(start)]
    return min(places, default=len(LONGEST_FIRST))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Stop where pytest-xdist ignores groups: it does so silently with a pytest that it does not know."""
    # it is not gone through again and again while the tests run
    gc.freeze()
    gc.set_threshold(*usual_threshold)
    if getattr(session.config.option, "loadgroup", False):
        grouped = [item for item in session.items if item.get_closest_marker("xdist_group")]
        if not all("@" in item.nodeid for item in grouped):
            raise pytest.UsageError("pytest-xdist ignores xdist_group; pyproject.toml names the pytest that it knows")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    quick.begin(item)
    try:
        return (yield)
    finally:
        quick.end(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    # with it end fixtures that system tests of the module used
    quick.end(item)


@pytest.fixture(scope="session")
def butane_binary() -> Path:
    """The Go program butane."""
    return tool_path("butane")


@pytest.fixture(scope="session")
def ignition_validate() -> Path:
    """The Go program ignition-validate."""
    return tool_path("ignition-validate")
