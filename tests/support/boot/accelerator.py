"""Whether the virtual machine runs under KVM or is emulated.

On some machines /dev/kvm opens and a guest fails all the same, soon or late in the firmware. So KVM is used for a
firmware only when a machine without a disk has just booted with it over the network, up to an iPXE script.
"""

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

DEVICE = Path("/dev/kvm")
QEMU = "qemu-system-x86_64"
SECONDS = 10
SCRIPT = "probe.ipxe"
# put together by the script: the words come from iPXE that runs it, not from one that shows it
SCRIPT_TEXT = "#!ipxe\nset part one-two\necho probe-${part}-three\nprompt\n"
MARKER = b"probe-one-two-three"
# QEMU then stops the guest and goes on running
ERROR = b"KVM internal error"


@dataclass(frozen=True)
class Accelerator:
    """The accelerator of QEMU: the options -accel and -cpu."""

    name: str
    cpu: str

    def options(self) -> list[str]:
        return ["-accel", self.name, "-cpu", self.cpu]


KVM = Accelerator("kvm", "host")
# Nehalem: the oldest CPU that is enough for Debian's and Go's programs. Wide registers are slow to emulate.
EMULATION = Accelerator("tcg,thread=multi", "Nehalem")


def machine_options(bios: str | None) -> list[str]:
    """The machine type and firmware, of the probe and of the test; `bios` is a file, or the machine's own."""
    # graphics=off: firmware and iPXE speak on the serial port
    machine = ["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-machine", "pc,graphics=off"]
    return [*machine, "-bios", bios] if bios else machine


_threads = ThreadPoolExecutor(max_workers=1)


@cache
def probe(bios: str | None) -> Future[Accelerator]:
    """Start the KVM probe with this firmware, once per process; a hanging machine is awaited in the background."""
    return _threads.submit(choose, bios)


def accelerator(bios: str | None) -> Accelerator:
    """KVM if it works with this firmware, else emulation."""
    return probe(bios).result()


def choose(bios: str | None, *, device: Path = DEVICE, qemu: str = QEMU, seconds: float = SECONDS) -> Accelerator:
    """KVM if a machine with this firmware reaches an iPXE script within some seconds, else emulation."""
    if not os.access(device, os.R_OK | os.W_OK):
        return EMULATION
    with TemporaryDirectory(prefix="probe-") as folder:
        Path(folder, SCRIPT).write_text(SCRIPT_TEXT, encoding="ascii")
        command = [
            qemu, *machine_options(bios), *KVM.options(), "-m", "512", "-serial", "stdio",
            "-netdev", f"user,id=net,tftp={folder},bootfile={SCRIPT}",
            "-device", "virtio-net-pci,netdev=net,bootindex=1",
        ]  # fmt: skip
        return KVM if _reaches_script(command, seconds) else EMULATION


def _reaches_script(command: Sequence[str], seconds: float) -> bool:
    output = b""
    for part in _output(command, seconds):
        output += part
        if MARKER in output:
            return True
        if ERROR in output:
            return False
    return False


def _output(command: Sequence[str], seconds: float) -> Iterator[bytes]:
    """The output of a program until it ends or times out; the program is killed afterwards."""
    deadline = time.monotonic() + seconds
    # a terminal would be set to raw mode
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    )
    try:
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while selector.select(max(0, deadline - time.monotonic())):
                part = process.stdout.read(65536)
                if not part:
                    return
                yield part
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate()
