"""The disk of a machine, laid out by the real Ignition and sgdisk in a virtual machine, for sizes of /boot to come.

One virtual machine has a disk for each case. What coreos-installer does is mocked: before the machine boots, the test
writes the partitions of the image, and keeps the one labelled `data`, whatever it holds.
"""

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from diaspora_infra.config import load
from diaspora_infra.host import render
from tests.boot.test_network_install import FAST, GIB, MIB, NEEDED, PACKAGES
from tests.conftest import skip_unless
from tests.support.boot.accelerator import QEMU, accelerator, machine_options
from tests.support.boot.disk_image import Partition, mounted_xfs, partitions
from tests.support.boot.images import make_images
from tests.support.boot.virtual_machine import new_disk
from tests.support.configs import pxe_config
from tools.packages import is_installed, read_packages

SCRIPT = Path(__file__).parent / "lay-out-disks"
# MiB; the first is today's, the others are what Fedora CoreOS may ship one day
BOOT_SIZES = (384, 1024, 2048)
# behind BIOS-BOOT and EFI-SYSTEM
BOOT_START = 129
DISK_GIB = 15
# rootGib is 12 by default: every machine that was installed with it has its data here, and must keep it
DATA_START = 13 * GIB
# smaller than the rest of the disk: a partition that is kept is not enlarged either
DATA_MIB = 512
# a filesystem that is not the machine's, in the place of the data
FOREIGN_MIB = 64
# the script loads the driver of the disks
ARGUMENTS = " ".join(
    ["console=ttyS0", "quiet", "systemd.show_status=false", "panic=1", "modprobe.blacklist=virtio_blk", *FAST]
)
SECONDS = 600


def table(boot: int, data: str = "") -> str:
    """The partitions of the image, with a /boot of so many MiB, and a further line of sfdisk."""
    return (
        'label: gpt\n1 : size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name="BIOS-BOOT"\n'
        '2 : size=127MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="EFI-SYSTEM"\n'
        f'3 : size={boot}MiB, name="boot"\n4 : size=2GiB, name="root"\n{data}\n'
    )


def write_table(disk: Path, text: str) -> None:
    command = ["sfdisk", "--quiet", "--wipe", "always", "--wipe-partitions", "never", disk]
    subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.DEVNULL)


def installed_again(disk: Path, boot: int) -> None:
    """A disk with data, after the installer wrote an image with another /boot and kept the partition `data`."""
    write_table(disk, table(384, f'5 : start={DATA_START // MIB}MiB, size={DATA_MIB}MiB, name="data"'))
    entry = partitions(disk)["data"]
    filesystem = new_disk(disk.with_suffix(".xfs"), entry.size)
    subprocess.run(["mkfs.xfs", "-q", "-L", "data", filesystem], check=True, timeout=60)
    mounted = disk.with_suffix(".mounted")
    mounted.mkdir()
    subprocess.run(["mount", "-t", "xfs", "-o", "loop", filesystem, mounted], check=True, timeout=60)
    try:
        (mounted / "domain").write_text("pod.example.org\n")
    finally:
        subprocess.run(["umount", mounted], check=True, timeout=60)
    place = ["dd", f"if={filesystem}", f"of={disk}", "bs=1M", f"seek={DATA_START // MIB}", "conv=sparse,notrunc"]
    subprocess.run([*place, "status=none"], check=True, timeout=60)
    filesystem.unlink()
    kept = f'5 : start={entry.start // 512}, size={entry.size // 512}, name="data", uuid={entry.uuid}'
    write_table(disk, table(boot, kept))


def with_foreign_data(disk: Path, boot: int) -> None:
    """A disk whose partition `data` has a filesystem that no machine of ours has made."""
    write_table(disk, table(boot, f'5 : start={DATA_START // MIB}MiB, size={FOREIGN_MIB}MiB, name="data"'))
    place = f"offset={DATA_START}"
    make: list[str | Path] = ["mkfs.ext4", "-q", "-F", "-E", place, disk, f"{FOREIGN_MIB << 10}k"]
    subprocess.run(make, check=True, capture_output=True, timeout=60)


def read_range(disk: Path, start: int, size: int) -> bytes:
    with disk.open("rb") as opened:
        opened.seek(start)
        return opened.read(size)


def overlay(folder: Path) -> bytes:
    """What the initial RAM disk has in the place of its own files: the script, and the config of a machine."""
    settings = load(pxe_config())
    config = render(settings, settings.machines[0], {}).ignition
    for path, text in (("usr/bin/network-install", SCRIPT.read_text()), ("usr/lib/ignition/user.ign", config)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "usr/bin/network-install").chmod(0o755)
    names = "\0".join(sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))).encode()
    command = ["cpio", "--quiet", "--null", "--create", "--format=newc", "--owner=0:0", "--directory", folder]
    return subprocess.run(command, input=names, stdout=subprocess.PIPE, check=True).stdout


def boot(folder: Path, disks: Mapping[str, Path]) -> str:
    """Boot the virtual machine with these disks until it is off; returns what it said."""
    images = make_images()
    initrd = folder / "initrd"
    initrd.write_bytes(images.initrd.read_bytes() + overlay(folder / "overlay"))
    command = [
        QEMU, *machine_options(None), *accelerator(None).options(), "-smp", "1", "-m", "1536", "-serial", "stdio",
        "-kernel", images.kernel, "-initrd", initrd, "-append", ARGUMENTS, "-device", "virtio-rng-pci",
    ]  # fmt: skip
    for name, disk in disks.items():
        command += ["-drive", f"if=none,id={name},file={disk},format=raw,cache=unsafe"]
        command += ["-device", f"virtio-blk-pci,drive={name},serial={name}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
    return done.stdout.decode(errors="replace")


@pytest.mark.timeout(900)
def test_data_keeps_its_place_and_a_foreign_filesystem_stops_first_boot_unchanged(tmp_path: Path) -> None:
    skip_unless(platform.machine() == "x86_64", "needs Debian packages for x86_64")
    skip_unless(os.geteuid() == 0, "needs root: filesystems are mounted")
    packages = read_packages(PACKAGES)
    missing = sorted({packages[name] for name in NEEDED if not is_installed(name)})
    skip_unless(not missing, f"apt-get install {' '.join(missing)}")
    disks = {}
    for size in BOOT_SIZES:
        for kind in ("new", "kept"):
            name = f"{kind}{size}"
            disks[name] = new_disk(tmp_path / f"{name}.img", DISK_GIB * GIB)
            if kind == "new":
                write_table(disks[name], table(size))
            else:
                installed_again(disks[name], size)
    before = {name: partitions(disk).get("data") for name, disk in disks.items()}
    first_mib = {name: read_range(disk, DATA_START, MIB) for name, disk in disks.items()}
    foreign = new_disk(tmp_path / "foreign.img", DISK_GIB * GIB)
    with_foreign_data(foreign, BOOT_SIZES[0])
    foreign_before = partitions(foreign)["data"], read_range(foreign, DATA_START, FOREIGN_MIB * MIB)

    said = boot(tmp_path, {**disks, "foreign": foreign})

    results = dict(re.findall(r"layout: (\w+) (good|failed.*?)\r?$", said, re.MULTILINE))
    stopped = results.pop("foreign")
    assert results == dict.fromkeys(disks, "good"), said[-3000:]
    assert stopped.startswith("failed in disks: ")
    assert "found ext4" in stopped
    assert "a filesystem wipe was not requested" in stopped
    assert (partitions(foreign)["data"], read_range(foreign, DATA_START, FOREIGN_MIB * MIB)) == foreign_before
    for name, disk in disks.items():
        found = partitions(disk)
        assert_layout(found, int(name.removeprefix("new").removeprefix("kept")))
        kept = before[name]
        if kept is None:
            # up to the second copy of the table, at the end of the disk
            assert 0 < DISK_GIB * GIB - DATA_START - found["data"].size <= MIB, name
        else:
            assert found["data"] == kept, name
            assert read_range(disk, DATA_START, MIB) == first_mib[name], name
        with mounted_xfs(disk, "data") as data:
            files = {path.name: path.read_text() for path in data.iterdir()}
        assert files == ({} if kept is None else {"domain": "pod.example.org\n"}), name


def assert_layout(found: dict[str, Partition], size: int) -> None:
    """Root fills what /boot leaves before the data, and is large enough for Fedora CoreOS."""
    assert [label for label, _ in sorted(found.items(), key=lambda item: item[1].start)] == [
        "BIOS-BOOT", "EFI-SYSTEM", "boot", "root", "data",
    ]  # fmt: skip
    root, data = found["root"], found["data"]
    assert (root.number, data.number) == (4, 5)
    assert (root.start, data.start) == ((BOOT_START + size) * MIB, DATA_START)
    assert root.start + root.size == data.start
    assert root.size >= 8 * GIB


def test_config_lays_out_the_boot_disk() -> None:
    """What the virtual machine gets is the layout of every machine with default settings."""
    settings = load(pxe_config())
    (disk,) = json.loads(render(settings, settings.machines[0], {}).ignition)["storage"]["disks"]
    assert [entry["label"] for entry in disk["partitions"]] == ["data", "root"]


def test_shellcheck_accepts_the_script(require_program: object) -> None:
    subprocess.run(["shellcheck", SCRIPT], check=True)
