"""Reports the progress of long steps on stderr."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HEARTBEAT_SECONDS = 20.0


def say(line: str) -> None:
    """Prints one line on stderr at once; stdout is kept for results."""
    print(f"tools: {line}", file=sys.stderr, flush=True)


@contextmanager
def step(starting: str, doing: str, done: str) -> Iterator[None]:
    """Says `starting`, then every 20 seconds `still DOING`, and at the end `DONE in N s` unless the step failed."""
    say(starting)
    begin = time.monotonic()
    with heartbeat(doing):
        yield
    say(f"{done} in {time.monotonic() - begin:.0f} s")


@contextmanager
def heartbeat(doing: str) -> Iterator[None]:
    """Says `still DOING (N s)` every 20 seconds while the body runs."""
    begin = time.monotonic()
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            say(f"still {doing} ({time.monotonic() - begin:.0f} s)")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
