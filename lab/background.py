"""A server that keeps running after the command that started it."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import LabError
from lab.files import write_whole


@dataclass(frozen=True)
class Background:
    """A process `name` whose log and process id lie in `folder`; `marker` is a word of its command line."""

    folder: Path
    name: str
    marker: str
    unique: bool = False
    """Whether the marker is an argument that no other process has: the process is then found without its file too."""
    seconds: float = 15
    """Timeout for the start and for the stop."""
    _children: "list[subprocess.Popen[bytes]]" = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def log(self) -> Path:
        """The output of the process."""
        return self.folder / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        """Holds the process id."""
        return self.folder / f"{self.name}.pid"

    def running(self) -> bool:
        """Tell whether the process that this folder started still runs."""
        return self._pid() is not None

    def start(
        self, command: Sequence[str], ready: Callable[[], bool], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start the process and wait until it is ready. `environment` replaces the current one. Raises LabError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        self._children.append(process)
        try:
            write_whole(self.pid_file, f"{process.pid}\n")
        except OSError:
            process.kill()  # nobody would find it again
            process.wait()
            raise
        deadline = time.monotonic() + self.seconds
        while process.poll() is None and time.monotonic() < deadline:
            if ready():
                return
            time.sleep(0.02)
        self.stop()
        last = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise LabError(f"{self.name} did not start; its log {self.log} ends with: {''.join(last)}")

    def stop(self) -> bool:
        """Stop the process if this folder started it; returns whether it was stopped."""
        pid = self._pid()
        self.pid_file.unlink(missing_ok=True)
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + self.seconds
        while _has_files(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        while self._children:
            self._children.pop().wait()  # our own child would stay as a zombie
        return True

    def _pid(self) -> int | None:
        """Process id, if that process is still the one that was started here."""
        try:
            pid = int(self.pid_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return _find(self.marker) if self.unique else None
        return pid if self.marker in command_line(pid) else None


def _find(argument: str) -> int | None:
    """Find the process that has an argument; None where the system does not show its processes as Linux does."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if argument.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                return int(folder.name)
    return None


def _has_files(pid: int) -> bool:
    """Tell whether a process may still have its files and ports.

    It loses its command line some time before. Its first thread may have ended, while others have not.
    """
    try:
        # after the name, which is in parentheses and may hold some itself: the state, ..., the number of threads
        found = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return found[0] not in {b"Z", b"X"} or int(found[17]) > 1
    except (OSError, IndexError):
        return not Path("/proc/self/stat").exists() and bool(command_line(pid))


def command_line(pid: int) -> str:
    """Command line of a process; empty when it is gone or a zombie."""
    if Path("/proc/self/cmdline").exists():
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    result = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return result.stdout
