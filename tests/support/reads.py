"""Shows what tests read of this project that is none of their inputs.

    .venv/bin/python -m pytest -p tests.support.reads tests/machine/test_operate.py

A plugin of pytest, for Linux. Before each module it sets the time of the last access of every file back, and looks at
these times after the module. What modules read while they are collected comes first, without the modules that they
import. Nothing else may work in the checkout meanwhile. Where a test makes git look at the checkout, git reads all.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.inputs import PROJECT, entries

_allowed: set[Path] = set()
_lines: list[str] = []


def _forget_reads() -> None:
    # the kernel notes an access when the last one is older than the last change
    for entry in entries():
        for file in (entry, *_bytecode(entry)):
            os.utime(file, ns=(0, file.lstat().st_mtime_ns), follow_symlinks=False)


def _is_read(entry: Path) -> bool:
    return any(file.lstat().st_atime_ns for file in (entry, *_bytecode(entry)))


def _is_unexpected(entry: Path) -> bool:
    # to look where a link leads is an access of the link
    return (
        not entry.is_symlink() and entry.is_file() and not any(map(entry.is_relative_to, _allowed)) and _is_read(entry)
    )


def _allow(item: pytest.Item) -> None:
    # imported here, it would be loaded before pytest can prepare its assertions
    unchanged = item.config.pluginmanager.get_plugin("tests.support.unchanged")
    assert unchanged
    _allowed.update(unchanged.inputs(item))


def pytest_sessionstart() -> None:
    """Forget what was read before the modules are collected."""
    _forget_reads()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Look at the files that modules have read as they were imported."""
    for item in session.items:
        _allow(item)
    more = sorted(entry for entry in entries() if entry.suffix != ".py" and _is_unexpected(entry))
    _lines.extend(f"the collection reads {entry.relative_to(PROJECT)}" for entry in more)
    _allowed.clear()


def _bytecode(entry: Path) -> Iterator[Path]:
    """What Python reads instead of a module."""
    return (entry.parent / "__pycache__").glob(f"{entry.stem}.*.pyc") if entry.suffix == ".py" else iter(())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Look at the files after the last test of each module."""
    if not _allowed:
        _forget_reads()
    _allow(item)
    try:
        return (yield)
    finally:
        if nextitem is None or nextitem.path != item.path:
            more = sorted(filter(_is_unexpected, entries()))
            _lines.extend(f"{item.location[0]} reads {entry.relative_to(PROJECT)}" for entry in more)
            _allowed.clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the files of each module."""
    terminalreporter.section("read, and no input")
    for line in _lines:
        terminalreporter.line(line)
