"""A whole pod on a machine in namespaces, in seconds: Ignition applies its config, podman runs its containers.

Real are Ignition (but for partitions and filesystems), systemd 257, Quadlet, podman, crun and netavark, on the kernel
of this computer; tests/support/boot/container_images.py says what is in the images. Different from a machine: no
devices, no boot, no network but the machine's own, no time that the kernel could set; and containers have no limits of
memory and processor, because the controllers may belong to version 1 of this computer's control groups.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.boot.container_images import image_store
from tests.support.boot.metal_image import add_own_files
from tests.support.ignition_root import Ignition, applied
from tests.support.trixie import Connect, PodStorage, RootDisk, TrixieMachine, isolated, root_disk, trixie_machine

OWN_FILES = Path(__file__).with_name("pod_machine")
# what only the virtual machine needs; nobody logs in here
NOT_HERE = ("rig-host-keys.service", "rig-report.service", "ssh.service", "ssh.socket")
# much more than is needed: others may be at work on the same cores, and a restore may come first
START_SECONDS = 600
MIB = 1 << 20


def data_disk(file: Path, mib: int = 700) -> Path:
    """Make a file with the filesystem of an empty data partition."""
    with file.open("wb") as opened:
        opened.truncate(mib * MIB)
    subprocess.run(["mkfs.xfs", "-q", "-L", "data", file], check=True, timeout=60)
    return file


class PodMachine:
    """A machine that was installed with a config. It can be started again and again, with all that it has written."""

    def __init__(self, layers: tuple[Path, ...], disk: RootDisk, data: Path) -> None:
        self.layers, self.disk, self.data = layers, disk, data

    @contextmanager
    def started(self, connect: Connect = isolated) -> Iterator[TrixieMachine]:
        """Start it, with what connects it to a network; at the end of the context its plug is pulled."""
        storage = PodStorage(self.data, image_store())
        machine = trixie_machine(*self.layers, disk=self.disk, pod=storage, connect=connect, seconds=START_SECONDS)
        with machine as running:
            yield running


@contextmanager
def installed(config: Ignition, data: Path, folder: Path) -> Iterator[PodMachine]:
    """Install a machine with an Ignition config and with the data partition in the file `data`."""
    own = folder / "operating-system"
    add_own_files(own)
    shutil.copytree(OWN_FILES, own, dirs_exist_ok=True)
    for unit in NOT_HERE:
        link = own / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    with ExitStack() as stack:
        yield PodMachine((stack.enter_context(applied(config)), own), stack.enter_context(root_disk()), data)


def parsed(ignition: str) -> Ignition:
    """The config in a rendered text."""
    config: Ignition = json.loads(ignition)
    return config
