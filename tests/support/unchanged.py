"""Tests that take long do not run again while all that they run is the same.

`@pytest.mark.inputs(...)` names the files and folders of this project from which such a test follows. When the test
passes, the hash of its inputs goes into the cache of the tools. With the same hash it counts as `unchanged` for a week.
`EVERYTHING=1 make test` runs every test.
"""

import functools
import hashlib
import os
import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools.cache import cache_root

PROJECT = Path(__file__).resolve().parent.parent.parent
# what every test follows from
COMMON = (
    "conftest.py",
    "pyproject.toml",
    "tests/__init__.py",
    "tests/conftest.py",
    "tests/support",
    "tools",
    "uv.lock",
)
# what a machine's config is rendered from, and what installs it in a test
RENDERED = (
    "butane-py/src", "containers", "diaspora_infra/__init__.py", "diaspora_infra/config", "diaspora_infra/host",
    "diaspora_infra/pulumi_config.py", "diaspora_infra/pxe", "diaspora_infra/stack_files.py",
    "diaspora_infra/tables.py", "diaspora_infra/version.py", "lab", "templates", "tests/machine/__init__.py",
    "tests/machine/pod_assertions.py",
)  # fmt: skip
# the programs of a machine, with stand-ins for some
MACHINE = (
    *RENDERED, "tests/host/__init__.py", "tests/host/pod.py", "tests/machine/namespaces.py",
    "tests/machine/pod_programs.py", "tests/machine/test_pod_postgresql.py",
)  # fmt: skip
# a machine that boots over the network
BOOT = (
    *RENDERED, "__main__.py", "Pulumi.yaml", "diaspora_infra/program.py", "tests/boot", "tests/host/__init__.py",
    "tests/host/pod.py", "tests/machine/pod_programs.py", "tests/packages.txt",
)  # fmt: skip
# a stack of any target
STACK = (
    "__main__.py", "Pulumi.yaml", "butane-py/src", "containers", "diaspora_infra", "lab", "policy", "templates",
)  # fmt: skip
# programs that are not pinned here: the packages of this computer
PACKAGES_OF_COMPUTER = Path("/var/lib/dpkg/status")
VALID_SECONDS = 7 * 24 * 60 * 60


@dataclass(frozen=True)
class _Begun:
    """A test with inputs that runs: what it follows from, and the hash of that before the test."""

    inputs: tuple[str, ...]
    digest: str


_begun = pytest.StashKey[_Begun]()


def inputs_of(item: pytest.Item) -> tuple[str, ...]:
    """Files and folders that a test names, beside its own module and what all tests share; none without the mark."""
    mark = item.get_closest_marker("inputs")
    return (*COMMON, item.path.relative_to(PROJECT).as_posix(), *mark.args) if mark else ()


def digest(inputs: Iterable[str], project: Path = PROJECT) -> str:
    """Hash of all that a test follows from. Raises FileNotFoundError for an input that is gone."""
    found = hashlib.sha256("\0".join((*os.uname()[2:], platform.python_version())).encode())
    if PACKAGES_OF_COMPUTER.exists():
        found.update(PACKAGES_OF_COMPUTER.read_bytes())
    for path in sorted({path for entry in inputs for path in _files(project / entry)}):
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        head = f"{path.relative_to(project)}\0{path.lstat().st_mode:o}\0{len(content)}\0"
        found.update(head.encode() + content)
    return found.hexdigest()


_first_digest = functools.cache(digest)


def _files(entry: Path) -> Iterator[Path]:
    if not entry.is_dir():
        entry.lstat()
        yield entry
        return
    for path in entry.rglob("*"):
        if "__pycache__" not in path.parts and (path.is_symlink() or path.is_file()):
            yield path


def _record(item: pytest.Item, digest: str) -> Path:
    """The file that is there when the test has passed with the inputs of this hash."""
    name = item.nodeid.split("@")[0]
    return cache_root() / "passed" / hashlib.sha256(f"{name}\0{digest}".encode()).hexdigest()


def _is_fresh(record: Path) -> bool:
    return record.exists() and time.time() - record.stat().st_mtime < VALID_SECONDS


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Do not run a test that passed with the same inputs."""
    inputs = inputs_of(item)
    if not inputs:
        return
    # the modules were loaded before the first test, and are not loaded again
    begun = item.stash[_begun] = _Begun(inputs, _first_digest(inputs))
    record = _record(item, begun.digest)
    if not os.environ.get("EVERYTHING") and _is_fresh(record):
        item.user_properties.append(("unchanged", time.strftime("%Y-%m-%d %H:%M", time.gmtime(record.stat().st_mtime))))
        # what earlier tests left is torn down as after any other test
        pytest.skip("unchanged")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember a test with inputs that has passed, unless somebody has changed a file meanwhile."""
    report: Any = yield
    begun = item.stash.get(_begun, None)
    if begun and call.when == "call" and report.passed and digest(begun.inputs) == begun.digest:
        record = _record(item, begun.digest)
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(f"{item.nodeid}\n", encoding="utf-8")
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count tests that did not run apart from those that passed and those that were skipped."""
    if report.when == "setup" and "unchanged" in dict(report.user_properties):
        return "unchanged", "=", "UNCHANGED"
    return None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name the modules with tests that did not run, and since when."""
    found: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("unchanged", ()):
        found.setdefault(report.location[0], []).append(dict(report.user_properties)["unchanged"])
    if found:
        terminalreporter.section("unchanged since they passed (EVERYTHING=1 runs them)")
    for module, times in found.items():
        terminalreporter.line(f"{min(times)} UTC  {module}: {len(times)}")
