"""What holds for the tests of both packages, in tests/ and butane-py/tests/: rules, options and the pinned programs."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support import quick, surroundings
from tools import tool_path

surroundings.reset_environment()

# how long an example takes says nothing where cores are shared
hypothesis.settings.register_profile("shared-cores", deadline=None)
hypothesis.settings.load_profile("shared-cores")

TESTS = Path(__file__).parent / "tests"
# the modules and folders with the longest tests come first, so that all workers have something to do until the end
LONGEST_FIRST = (
    "boot",
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
# its tests wait longer than its servers take to start
NOT_GROUPED = frozenset({"test_pod_upgrade"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="write the golden files anew")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    quick.mark_system_tests(items)
    for item in items:
        grouped = quick.folder_of(item) in GROUPED_BY_MODULE and item.path.stem not in NOT_GROUPED
        if grouped and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    """The first entry of LONGEST_FIRST that the path of the test's module begins with."""
    path = item.path.relative_to(TESTS).as_posix() if item.path.is_relative_to(TESTS) else ""
    places = [place for place, start in enumerate(LONGEST_FIRST) if path.startswith(start)]
    return min(places, default=len(LONGEST_FIRST))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Stop where pytest-xdist ignores groups: it does so silently with a pytest that it does not know."""
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


@pytest.fixture(scope="session")
def butane_binary() -> Path:
    """The Go program butane."""
    return tool_path("butane")


@pytest.fixture(scope="session")
def ignition_validate() -> Path:
    """The Go program ignition-validate."""
    return tool_path("ignition-validate")
