"""The cache outside the checkout: entries appear atomically, and one process at a time creates an entry."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.errors import ToolError
from tools.progress import heartbeat, say

OTHER_FOLDER = "set DIASPORA_INFRA_CACHE to another folder"


def cache_root() -> Path:
    """`$DIASPORA_INFRA_CACHE`, else `diaspora-infra` in the user's cache folder."""
    if own := os.environ.get("DIASPORA_INFRA_CACHE"):
        return Path(own).absolute()
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "diaspora-infra"
    except RuntimeError:
        raise ToolError(f"this user has no home folder; {OTHER_FOLDER}") from None


def make_entry(entry: Path, name: str, make: Callable[[Path], None]) -> None:
    """Fills the folder `entry` by calling `make` on a new folder beside it, unless the entry exists.

    Processes that create the same `name` wait for each other. Remains of killed processes are removed.
    """
    if entry.is_dir():
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
            unfinished.chmod(0o755)
            _publish(unfinished, entry)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


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
