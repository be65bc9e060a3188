"""The cache outside the checkout: entries appear atomically, and one process at a time creates an entry.

An entry holds the hashes of its programs, which are checked before a process first uses them: a disk that was full or
has failed leaves programs that do anything.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from tools.errors import ToolError
from tools.progress import heartbeat, say

SUMS = "SHA256SUMS"
OTHER_FOLDER = "set DIASPORA_INFRA_CACHE to another folder"


def cache_root() -> Path:
    """`$DIASPORA_INFRA_CACHE`, else `diaspora-infra` in the user's cache folder."""
    if own := os.environ.get("DIASPORA_INFRA_CACHE"):
        return Path(own).absolute()
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "diaspora-infra"
    except RuntimeError:
        raise ToolError(f"this user has no home folder; {OTHER_FOLDER}") from None


def make_entry(entry: Path, name: str, make: Callable[[Path], None], programs: str = "") -> None:
    """Fills the folder `entry` by calling `make` on a new folder beside it, unless the entry exists and is not damaged.

    `programs` is the pattern of the files whose hashes are kept. Processes that create the same `name` wait for each
    other. Remains of killed processes are removed.
    """
    if is_good(entry, name, programs):
        return
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.parent.joinpath(f"{name}.lock").touch()
    except OSError as error:
        raise ToolError(f"{name}: the cache cannot be written: {error}; {OTHER_FOLDER}") from error
    with _locked(entry.parent / f"{name}.lock", name):
        for left_over in entry.parent.glob(f".{name}.tmp-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        if entry.is_dir():
            return
        unfinished = Path(tempfile.mkdtemp(prefix=f".{name}.tmp-", dir=entry.parent))
        try:
            make(unfinished)
            _write_sums(unfinished, programs)
            unfinished.chmod(0o755)
            _publish(unfinished, entry)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def is_good(entry: Path, name: str, programs: str) -> bool:
    """Whether an entry is there, with programs that have the hashes that it holds; one that is damaged is removed."""
    if not entry.is_dir():
        return False
    if damaged_file(entry, programs) is None:
        return True
    with _locked(entry.parent / f"{name}.lock", name):
        # another run may have made it again
        if entry.is_dir() and (file := damaged_file(entry, programs)):
            say(f"{name}: {file} is damaged (its SHA-256 has changed); making it again")
            damaged = Path(tempfile.mkdtemp(prefix=f".{name}.tmp-", dir=entry.parent))
            entry.rename(damaged / "entry")
            shutil.rmtree(damaged, ignore_errors=True)
    return entry.is_dir()


def damaged_file(entry: Path, programs: str) -> Path | None:
    """The first file of an entry that does not have its hash. Where there are no hashes yet, they are written."""
    sums = entry / SUMS
    if not sums.exists():
        with suppress(OSError):  # a cache that another user has filled
            _write_sums(entry, programs)
        return None
    try:
        lines = [line.partition("  ") for line in sums.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return sums
    if wrong := next((entry / name for checksum, _, name in lines if _hash(entry / name) != checksum), None):
        return wrong
    return None if sorted(name for _, _, name in lines) == _names(entry, programs) else sums


def _write_sums(entry: Path, programs: str) -> None:
    """Writes the hashes as sha256sum does."""
    lines = [f"{_hash(entry / name)}  {name}\n" for name in _names(entry, programs)]
    unfinished = entry / f".{SUMS}-{os.getpid()}"
    unfinished.write_text("".join(lines), encoding="utf-8")
    unfinished.rename(entry / SUMS)


def _names(entry: Path, programs: str) -> list[str]:
    return sorted(str(file.relative_to(entry)) for file in entry.glob(programs) if file.is_file()) if programs else []


def _hash(file: Path) -> str:
    """The SHA-256 of a file in hex; empty if it cannot be read."""
    try:
        status = file.stat()
        return _hash_of(file, status.st_size, status.st_mtime_ns, status.st_ino)
    except OSError:
        return ""


@lru_cache(maxsize=64)  # a process asks for the same program again and again
def _hash_of(file: Path, _size: int, _modified: int, _inode: int) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _publish(unfinished: Path, entry: Path) -> None:
    try:
        unfinished.rename(entry)
    except OSError:
        # the cache and its lock were removed while two runs worked, and the other run finished first
        if not entry.is_dir():
            raise


@contextmanager
def _locked(path: Path, name: str) -> Iterator[None]:
    """Holds an exclusive lock; the system drops it with the process, so that it is never stale."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run that creates {name}")
            with heartbeat(f"waiting for {name}"):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
