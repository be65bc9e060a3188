"""The quick tests: those that need no root, no pinned tool, no engine, no service and no network.

A test is quick unless it is marked `system`: by its folder, by a fixture that it uses, or by itself. While a quick test
runs, an audit hook refuses every program that is not in `PROGRAMS` and every connection that leaves this computer, so
that a missing mark fails in `make test` as well.
"""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

SYSTEM_FOLDERS = frozenset({"boot", "engine", "lab", "machine", "provisioning", "tools"})
"""Every test in these folders of tests/ is marked `system`."""

SYSTEM_FIXTURES = frozenset(
    {"account_server", "butane_binary", "go_reference", "ignition_validate", "matchbox_server", "require_program"}
)
"""Every test that uses one of these fixtures is marked `system`."""

PROGRAMS = frozenset(
    {Path(sys.executable).name, "bash", "butane-py", "diaspora-infra", "git", "hadolint", "python", "python3", "sh"}
)
"""Programs that a quick test may start: those of the base system, and those in `.venv`."""

_TESTS = Path(__file__).parent.parent

_running: list[str] = []


def folder_of(item: pytest.Item) -> str:
    """The folder of tests/ that holds a test; nothing for the tests of butane-py."""
    return item.path.relative_to(_TESTS).parts[0] if item.path.is_relative_to(_TESTS) else ""


def mark_system_tests(items: list[pytest.Item]) -> None:
    """Mark the tests of `SYSTEM_FOLDERS` and those that use `SYSTEM_FIXTURES`."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if folder_of(item) in SYSTEM_FOLDERS or not SYSTEM_FIXTURES.isdisjoint(fixtures):
            item.add_marker(pytest.mark.system)


def begin(item: pytest.Item) -> None:
    """Note that a quick test runs."""
    if item.get_closest_marker("system") is None:
        _running.append(item.nodeid)


def end(item: pytest.Item) -> None:
    """Note that the test has ended."""
    if item.nodeid in _running:
        _running.remove(item.nodeid)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _running:
        return
    if event == "subprocess.Popen":
        command = arguments[1]
        program = Path(os.fsdecode(arguments[0] or command[0])).name
        if program not in PROGRAMS:
            raise AssertionError(f"{_running[-1]} starts {program}: mark it `system`")
    elif event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"{_running[-1]} connects to {address[0]}: mark it `system`")


sys.addaudithook(_audit)
