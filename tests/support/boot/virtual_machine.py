"""A virtual machine that boots over the network."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.boot.accelerator import QEMU, accelerator, machine_options

# QEMU's user network: the host, as the guest sees it.
HOST_ADDRESS = "10.0.2.2"
UEFI = "/usr/share/ovmf/OVMF.fd"
MEMORY_MIB = 2048
# much more than is needed: others may be at work on the same cores
SECONDS = 900
# what the machine says last: the script in the initial RAM disk when it fails, else the one in the root
LAST = r"rig: (up|not up|failed)"


@dataclass(frozen=True)
class VirtualMachine:
    """A machine with a network card and one virtio disk, which the guest calls /dev/vda."""

    mac: str
    uuid: str
    disk: Path
    uefi: bool = False

    def boot(self, url: str, log: Path) -> str:
        """Boot the iPXE script at an address and wait until the machine is off; returns the output of its serial port.

        Raises AssertionError when it takes too long.
        """
        try:
            done = subprocess.run(self._command(url, log), capture_output=True, text=True, check=False, timeout=SECONDS)
            how = f"QEMU ended with status {done.returncode} {done.stderr}"
        except subprocess.TimeoutExpired:
            how = f"QEMU was killed after {SECONDS} s"
        output = log.read_text(encoding="utf-8", errors="replace")
        assert re.search(LAST, output), f"{how}; the machine said: {output[-3000:]}"
        return output

    def _command(self, url: str, log: Path) -> Sequence[str]:
        bios = UEFI if self.uefi else None
        return [
            QEMU, *machine_options(bios), *accelerator(bios).options(), "-smp", "1",
            "-m", str(MEMORY_MIB), "-uuid", self.uuid, "-serial", f"file:{log}",
            "-netdev", f"user,id=net,bootfile={url}",
            "-device", f"virtio-net-pci,netdev=net,mac={self.mac},bootindex=1",
            "-drive", f"if=none,id=disk,file={self.disk},format=raw,cache=unsafe",
            "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci",
        ]  # fmt: skip


def new_disk(file: Path, size: int) -> Path:
    """Create an empty sparse disk."""
    with file.open("wb") as opened:
        opened.truncate(size)
    return file
