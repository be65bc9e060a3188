"""Processes that the tests start: which signals they receive, and how they end with all their children."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STOP_SECONDS = 30


@contextmanager
def interruptible() -> Iterator[None]:
    """What is started in here hears SIGINT, even where the tests themselves do not.

    In the background of a script SIGINT is ignored, and a program that starts with that keeps to it, ours too. Whatever
    handler we have instead, a program that we start begins with the default; `preexec_fn` would do the same, but not
    safely beside the threads of a test's servers.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def stop(
    process: "subprocess.Popen[bytes] | subprocess.Popen[str]", stop_signal: signal.Signals = signal.SIGTERM
) -> None:
    """End a server that a test started. One that does not follow the signal is killed, and the test fails.

    Without the kill the end of a `with subprocess.Popen(...)` would wait for the server, up to the limit of the test.
    """
    process.send_signal(stop_signal)
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def wait_until_blocked(call: Future[Any], descriptor: int) -> None:
    """Return when a process waits for the lock (flock) on an open file or folder, or the call has ended without it."""
    while not call.done() and not _is_waited_for(descriptor):
        time.sleep(0.02)


def _is_waited_for(descriptor: int) -> bool:
    # the kernel lists who waits for a lock
    inode = f":{os.fstat(descriptor).st_ino}"
    lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    return any("-> FLOCK" in line and line.split()[-3].endswith(inode) for line in lines)


def kill_tree(pid: int) -> None:
    """SIGKILL a process and all its descendants, in whatever process groups they are.

    The process is stopped first, so that it starts nothing more while its children are looked for.
    """
    os.kill(pid, signal.SIGSTOP)
    for victim in [*reversed(_descendants(pid)), pid]:
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _descendants(pid: int) -> list[int]:
    children = _children()
    found: list[int] = []
    waiting = [pid]
    while waiting:
        own = children.get(waiting.pop(), [])
        found += own
        waiting += own
    return found


def _children() -> dict[int, list[int]]:
    """Child processes by parent, from /proc."""
    found: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                # the name in parentheses may hold spaces; after it come state and parent
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            found.setdefault(parent, []).append(int(folder.name))
    return found
