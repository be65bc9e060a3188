"""A separate network: namespaces that a bridge connects, and programs that run in them. Needs root."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TypeVar

Result = TypeVar("Result")

ROUTER = "192.168.77.1"
"""The address of a home router, where a test has one."""

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_START_SECONDS = 10


@dataclass
class Host:
    """A network namespace; it lives as long as the process that holds it open."""

    holder: "subprocess.Popen[bytes]"
    programs: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def command(self, *command: str | Path) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *map(str, command)]

    def run(self, *command: str | Path) -> None:
        subprocess.run(self.command(*command), check=True, timeout=20, capture_output=True)

    def start(self, log: Path, *command: str | Path) -> "subprocess.Popen[bytes]":
        """Start a program that writes to `log`; it ends with the network."""
        with log.open("wb") as file:
            program = subprocess.Popen(self.command(*command), stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self.programs.append(program)
        return program

    def call(self, function: Callable[[], Result]) -> Result:
        """Call a function whose sockets belong to this host."""

        def inside() -> Result:
            descriptor = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY)
            try:
                if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            finally:
                os.close(descriptor)
            return function()

        # the namespace is the thread's, which ends with it
        with ThreadPoolExecutor(max_workers=1) as executor:
            return executor.submit(inside).result(timeout=60)

    def stop(self) -> None:
        for program in [*self.programs, self.holder]:
            program.send_signal(signal.SIGKILL if program is self.holder else signal.SIGTERM)
        for program in [*self.programs, self.holder]:
            try:
                program.wait(timeout=5)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


class Network:
    """A switch, and hosts with an address each."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.switch = self._host()
        self.switch.run("ip", "link", "add", "switch", "type", "bridge", "forward_delay", "0")
        self.switch.run("ip", "link", "set", "switch", "up")
        self._count = 0

    def __enter__(self) -> "Network":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def host(self, address: str | None = None) -> Host:
        """Connect a host; its interface is `eth0`, its address such as 192.168.77.5/24."""
        host = self._host()
        self._count += 1
        port = f"port{self._count}"
        self.switch.run("ip", "link", "add", port, "type", "veth", "peer", "eth0", "netns", str(host.holder.pid))
        self.switch.run("ip", "link", "set", port, "master", "switch", "up")
        host.run("ip", "link", "set", "lo", "up")
        host.run("ip", "link", "set", "eth0", "up")
        if address is not None:
            host.run("ip", "address", "add", address, "dev", "eth0")
        return host

    def tap(self, name: str) -> Host:
        """Connect a tap device for a virtual machine; the machine has to run on the host that is returned."""
        self.switch.run("ip", "tuntap", "add", "dev", name, "mode", "tap")
        self.switch.run("ip", "link", "set", name, "master", "switch", "up")
        return self.switch

    def _host(self) -> Host:
        holder = subprocess.Popen(["unshare", "--net", "sleep", "600"], stdin=subprocess.DEVNULL)
        host = Host(holder)
        self._stack.callback(host.stop)
        own = Path("/proc/self/ns/net").readlink()
        wait_until(lambda: Path(f"/proc/{holder.pid}/ns/net").readlink() != own)
        return host


def wait_until(condition: Callable[[], bool], seconds: float = _START_SECONDS, what: str = "it") -> None:
    """Wait for a condition. Raises AssertionError when it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.02)
