"""What holds for the tests of both packages, in tests/ and butane-py/tests/: rules, options and the pinned programs."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support import quick, surroundings
from tools import tool_path

surroundings.settle()

# how long an example takes says nothing where cores are shared
hypothesis.settings.register_profile("shared-cores", deadline=None)
hypothesis.settings.load_profile("shared-cores")

# the folders with the longest tests come first, so that both workers have something to do until the end
LONGEST_FIRST = ("boot", "aws", "engine", "provisioning", "machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="write the golden files anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    quick.mark_system_tests(items)
    rank = {folder: place for place, folder in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(quick.folder_of(item), len(rank)))


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
