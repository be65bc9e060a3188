"""System tests, and others with the mark `inputs`, do not run again while all that they follow from is the same.

When such a test passes, the hash of its inputs goes into the cache of the tools. With the same hash the test counts as
`unchanged` for a week. tests/support/inputs.py finds the inputs in the text of the module; `@pytest.mark.inputs(...)`
names further files and folders. `EVERYTHING=1 make test` runs every test.
"""

import functools
import hashlib
import os
import platform
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.inputs import PROJECT, inputs_of
from tools.cache import cache_root

# what every test follows from: the pins of packages and programs, and the environment of the tests
COMMON = (
    *(f"tools/{entry.name}" for entry in (PROJECT / "tools").iterdir() if entry.suffix not in {".md", ".py"}),
    "pyproject.toml", "tests/support/surroundings.py", "uv.lock",
)  # fmt: skip
# programs that are not pinned here: the packages of this computer
PACKAGES_OF_COMPUTER = Path("/var/lib/dpkg/status")
# variables of the environment that say what a test does: how many examples it takes, and which
VARIABLES = ("BUTANE_EXAMPLES", "BUTANE_SEED")
# folders that programs leave beside sources
_MADE = frozenset({"__pycache__", ".venv", "node_modules"})
VALID_SECONDS = 7 * 24 * 60 * 60
# as many branches and settings of this computer as change places often
KEPT_RECORDS = 8


@dataclass
class _Begun:
    """A test that runs: what it follows from, the hash of that before the test, and whether all has passed so far."""

    inputs: frozenset[Path]
    digest: str
    passed: bool = False


_begun = pytest.StashKey[_Begun]()
_started = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Note when this process began: from then on it loads modules, and each of them only once."""
    config.stash[_started] = time.time_ns()


def inputs(item: pytest.Item) -> frozenset[Path]:
    """Files and folders that a test follows from, if it is one that need not run again; none for any other."""
    marks = list(item.iter_markers("inputs"))
    # a run that writes files anew compares nothing
    writes = any(item.config.getoption(option, default=False) for option in ("golden_update", "record_states"))
    if writes or item.get_closest_marker("network") or not (marks or item.get_closest_marker("system")):
        return frozenset()
    named = frozenset((*COMMON, *(name for mark in marks for name in mark.args)))
    return _inputs(item.path, frozenset(getattr(item, "fixturenames", ())), named)


@functools.cache
def _inputs(module: Path, fixtures: frozenset[str], named: frozenset[str]) -> frozenset[Path]:
    return inputs_of(module, fixtures, [PROJECT / name for name in named])


def digest(inputs: Iterable[Path], project: Path = PROJECT) -> str:
    """Hash of all that a test follows from. Raises FileNotFoundError for an input that is gone."""
    asked = (os.environ.get(name, "") for name in VARIABLES)
    found = hashlib.sha256("\0".join((*os.uname()[2:], platform.python_version(), *asked)).encode())
    if PACKAGES_OF_COMPUTER.exists():
        found.update(_hash(PACKAGES_OF_COMPUTER))
    for path in sorted(_all_files(inputs)):
        found.update(f"{path.relative_to(project)}\0".encode() + _hash(path))
    return found.hexdigest()


_first_digest = functools.cache(digest)


def _all_files(inputs: Iterable[Path]) -> set[Path]:
    return {path for entry in inputs for path in _files(entry)}


def _files(entry: Path) -> Iterator[Path]:
    if not entry.is_dir():
        yield entry
        return
    for path in entry.rglob("*"):
        if _MADE.isdisjoint(path.parts) and (path.is_symlink() or path.is_file()):
            yield path


def _hash(path: Path) -> bytes:
    """Hash of a file's mode and content, or of a link's target."""
    status = path.lstat()
    return _hash_of(path, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino)


@functools.cache
def _hash_of(path: Path, mode: int, *_: int) -> bytes:
    """The hash, which is not made again while size, time and inode of the file are the same."""
    content = str(path.readlink()).encode() if stat.S_ISLNK(mode) else path.read_bytes()
    return hashlib.sha256(f"{mode:o}\0".encode() + content).digest()


def _record(item: pytest.Item) -> Path:
    """The file with the hashes of the inputs with which a test has passed, and when."""
    # not `nodeid`, to which pytest-xdist adds the group behind an @, as parameters may hold one too
    module, _, test = item.location
    name = f"{module}::{test}"
    return cache_root() / "passed" / hashlib.sha256(name.encode()).hexdigest()


def _passed(record: Path) -> dict[str, float]:
    """The time of each hash, the newest last."""
    lines = record.read_text(encoding="ascii").splitlines() if record.exists() else []
    return {digest: float(seconds) for digest, seconds in map(str.split, lines)}


def _write(record: Path, digest: str) -> None:
    kept = {**{other: seconds for other, seconds in _passed(record).items() if other != digest}, digest: time.time()}
    lines = [f"{digest} {seconds}\n" for digest, seconds in kept.items()]
    record.parent.mkdir(parents=True, exist_ok=True)
    # other checkouts share the record
    new = record.with_name(f"{record.name}.{os.getpid()}")
    new.write_text("".join(lines[-KEPT_RECORDS:]), encoding="ascii")
    new.rename(record)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Do not run a test that passed with the same inputs."""
    followed = inputs(item)
    if not followed:
        return
    begun = item.stash[_begun] = _Begun(followed, _first_digest(followed))
    passed = _passed(_record(item)).get(begun.digest, 0)
    if not os.environ.get("EVERYTHING") and time.time() - passed < VALID_SECONDS:
        item.user_properties.append(("unchanged", time.strftime("%Y-%m-%d %H:%M", time.gmtime(passed))))
        # what earlier tests left is torn down as after any other test
        pytest.skip("unchanged")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember a system test that has passed, unless somebody has changed a file meanwhile."""
    report: Any = yield
    begun = item.stash.get(_begun, None)
    if begun and call.when == "call":
        begun.passed = report.passed
    # the end of its fixtures may find a mistake too
    ended_well = begun and call.when == "teardown" and begun.passed and report.passed
    if begun and ended_well and _is_same(begun, item.config.stash[_started]):
        _write(_record(item), begun.digest)
    return report


def _is_same(begun: _Begun, started: int) -> bool:
    """Tell whether nothing has changed since this process began, as what it has loaded stays as it was."""
    try:
        # also where the first digest was made after the change
        is_old = all(path.lstat().st_ctime_ns <= started for path in _all_files(begun.inputs))
        return is_old and digest(begun.inputs) == begun.digest
    except FileNotFoundError:
        return False


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count tests that did not run apart from those that passed and those that were skipped."""
    if report.when == "setup" and "unchanged" in dict(report.user_properties):
        return "unchanged", "=", "UNCHANGED"
    return None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name the folders with tests that did not run, and since when."""
    found: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("unchanged", ()):
        found.setdefault(report.location[0].rpartition("/")[0], []).append(dict(report.user_properties)["unchanged"])
    if found:
        terminalreporter.section("unchanged since they passed (EVERYTHING=1 runs them)")
    for folder, times in found.items():
        terminalreporter.line(f"{min(times)} UTC  {folder}: {len(times)}")
