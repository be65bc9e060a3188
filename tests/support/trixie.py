"""Debian trixie as a root folder, and its systemd as the first process of a machine in namespaces.

With it a test sees what systemd 257 does with units, in seconds and without a virtual machine. Needs root and a Debian
for x86_64 (tests/support/boot/debian.py). There are no devices, and no network but the machine's own lo.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.boot import debian, system
from tools.cached import cached

START = Path(__file__).with_name("trixie_machine.sh")
UP = frozenset({"running", "degraded"})
# as tests/support/pod_machine/etc/systemd/system.conf.d
GO = ("GOGC=off", "GOMEMLIMIT=256MiB", "GOMAXPROCS=1")


def trixie_root() -> Path:
    """The root folder of trixie in the cache, to which nothing may be written. Made when it is missing: a minute."""
    return (
        cached("trixie", lambda folder: system.make_system(folder / "work", folder / "root"), debian, system) / "root"
    )


@dataclass(frozen=True)
class TrixieMachine:
    """A running machine; `pid` is its first process, as this computer sees it."""

    pid: int

    @property
    def root(self) -> Path:
        """The root folder of the machine. What is written there is gone with the machine."""
        return Path(f"/proc/{self.pid}/root")

    def put(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file of the machine, with its folders."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)

    def attempt(self, *words: str, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run a command on the machine. Raises subprocess.TimeoutExpired after some seconds."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=False, timeout=seconds)

    def run(self, *words: str, seconds: float = 60) -> str:
        """Run a command that must succeed; returns what it prints."""
        done = self.attempt(*words, seconds=seconds)
        assert done.returncode == 0, done
        return done.stdout

    def command(self, *words: str) -> list[str]:
        """The command that runs another one on the machine."""
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--root"]
        # a test run in the background of a script ignores these signals, and bash cannot trap what it finds ignored
        signals = "--default-signal=HUP,INT"
        return [*enter, "--wdns=/", "--", "env", "-i", signals, *GO, "PATH=/usr/local/bin:/usr/bin:/usr/sbin", *words]


@dataclass(frozen=True)
class RootDisk:
    """What a machine writes outside of its data partition, kept from one start to the next.

    It is a tmpfs in the mount namespace of the process `pid`, and goes with that process.
    """

    pid: int
    folder: Path


@contextmanager
def root_disk() -> Iterator[RootDisk]:
    """Lend an empty disk, on which one machine at a time can start."""
    with TemporaryDirectory(prefix="trixie-disk-") as name:
        script = 'mount -t tmpfs tmpfs "$1" && mkdir "$1/upper" && echo ready && exec cat'
        words = ["unshare", "--mount", "bash", "-c", script, "bash", name]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdout
            assert holder.stdout.readline() == b"ready\n"
            try:
                yield RootDisk(holder.pid, Path(name))
            finally:
                holder.kill()


@dataclass(frozen=True)
class PodStorage:
    """Files for a machine that runs containers: a filesystem for /var/mnt/data, and a folder with images of podman."""

    data: Path
    images: Path


Connect = Callable[[TrixieMachine], None]
"""Connects a machine, whose systemd has just started, to a network."""


def isolated(_: TrixieMachine) -> None:
    """Leave a machine without a network."""


@contextmanager
def trixie_machine(
    *layers: Path,
    disk: RootDisk | None = None,
    pod: PodStorage | None = None,
    connect: Connect = isolated,
    seconds: float = 60,
) -> Iterator[TrixieMachine]:
    """Lend a machine that has come up; the root folders of `layers` are laid over that of trixie, the first on top.

    At the end it is killed, as if somebody had pulled the plug.
    """
    folders = ":".join(str(folder) for folder in (*layers, trixie_root()))
    name = f"trixie-{os.getpid()}-{time.monotonic_ns()}"
    enter = ["nsenter", f"--target={disk.pid}", "--mount", "--"] if disk else []
    with TemporaryDirectory(prefix="trixie-") as work:
        namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net"]
        storage = [pod.data, pod.images] if pod else []
        words = [*enter, "unshare", *namespaces, "bash", START, disk.folder if disk else work, name, folders, *storage]
        with subprocess.Popen(words, stdin=subprocess.DEVNULL) as process:
            try:
                yield _wait(process, connect, seconds)
            finally:
                process.kill()
                process.wait()
                _remove_groups(Path(work), name)


def _wait(process: "subprocess.Popen[bytes]", connect: Connect, seconds: float) -> TrixieMachine:
    """Connect the machine as soon as systemd runs, and wait until it has started all units."""
    state = jobs = ""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, "the machine has ended"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        if children and Path(f"/proc/{children[0]}/comm").read_text(encoding="utf-8") == "systemd\n":
            machine = TrixieMachine(int(children[0]))
            connect(machine)
            connect = isolated
            # asked again, in case that systemd has told nobody of the end of its start
            asked = machine.attempt("timeout", "30", "systemctl", "is-system-running", "--wait", seconds=60)
            state = asked.stdout.strip()
            if state in UP:
                return machine
            jobs = machine.attempt("systemctl", "list-jobs", "--no-pager").stdout
        time.sleep(0.1)
    raise AssertionError(f"the machine does not come up: {state}; it waits for:\n{jobs}")


def _remove_groups(work: Path, name: str) -> None:
    """Remove the control groups of a machine whose processes have been killed."""
    # a process that was killed is gone a moment later
    script = (
        'mount -t cgroup2 cgroup2 "$1" && for try in {1..50}; do '
        'find "$1/$2" -depth -type d -exec rmdir {} + 2> /dev/null && exit; sleep 0.2; done; exit 1'
    )
    words: Sequence[str | Path] = ["unshare", "--mount", "bash", "-c", script, "bash", work, name]
    subprocess.run(words, check=True, timeout=60)
