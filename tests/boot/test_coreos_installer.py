"""coreos-installer itself on a loop device with the partitions of Fedora CoreOS: what it keeps of a disk.

Its signatures are checked; no config is left in /boot, because that takes a kernel that reads GPT (the virtual machine
of test_network_install.py has one).
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from diaspora_infra.host.features.storage import DATA_LABEL
from tests.conftest import skip_unless
from tests.support.boot.coreos_installer import CoreosInstaller, coreos_installer, sign
from tests.support.boot.debian import run
from tests.support.boot.disk_image import partitions
from tests.support.boot.metal_image import BIOS_MIB, EFI_MIB, MIB, make_metal
from tests.support.boot.virtual_machine import new_disk
from tests.support.trixie import trixie_root

# one worker makes the images, once
pytestmark = pytest.mark.xdist_group("coreos_installer")

GIB = 1 << 30
DISK, DATA_START, DATA_SIZE = 11 * GIB, 9 * GIB, GIB
ROOT_MIB = 320
CONTENT = b"kept by coreos-installer" * 4096
# What it writes is in memory. The installer asks whether udev is there, and waits for it with `udevadm settle`, which
# does not wait in a chroot.
INSTALL = """\
set -euo pipefail
mount -t tmpfs tmpfs "$WORK"
mkdir "$WORK"/{upper,work,root}
mount -t overlay -o "lowerdir=$ROOT,upperdir=$WORK/upper,workdir=$WORK/work" overlay "$WORK/root"
cd "$WORK/root"
mkdir -p dev proc run sys tmp images
mount --rbind /dev dev
mount -t proc proc proc
mount --rbind /sys sys
mkdir -p run/udev
touch run/udev/control
cp "$PROGRAM" usr/bin/coreos-installer
mount --bind "$IMAGES" images
exec chroot . coreos-installer install "$@"
"""


@dataclass(frozen=True)
class Images:
    """A folder with an image named metal.raw.zst, and its signature."""

    folder: Path
    boot_mib: int
    installer: CoreosInstaller


@pytest.fixture(scope="module", params=[384, 2048])
def images(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Images:
    """An image whose /boot has the size of today, and one that is as large as Fedora CoreOS plans."""
    skip_unless(os.geteuid() == 0, "needs root: loop devices")
    folder = tmp_path_factory.mktemp("images")
    root = new_disk(folder / "root", ROOT_MIB * MIB)
    run("mkfs.xfs", "-q", "-L", "root", root)
    make_metal(root, folder / "metal.raw", request.param)
    installer = coreos_installer()
    run("zstd", "--quiet", "--rm", folder / "metal.raw")
    sign(folder / "metal.raw.zst", installer.key)
    return Images(folder, request.param, installer)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk with the data partition of an earlier installation, and a partition that nobody wants to keep."""
    made = new_disk(tmp_path / "disk.img", DISK)
    table = f"""\
label: gpt
4 : start=1GiB, size=1GiB, name="root"
5 : start={DATA_START // GIB}GiB, size={DATA_SIZE // GIB}GiB, name="{DATA_LABEL}"
"""
    run("sfdisk", "--quiet", made, content=table.encode())
    with made.open("r+b") as opened:
        opened.seek(DATA_START)
        opened.write(CONTENT)
    return made


def install(disk: Path, images: Images, *options: str) -> "subprocess.CompletedProcess[str]":
    """Install the image on the disk as a live system does, with a loop device as its disk."""
    with loop_device(disk) as device:
        words = [device, "--image-file", "/images/metal.raw.zst", "--save-partlabel", DATA_LABEL, *options]
        variables = {
            "WORK": str(disk.parent / "work"),
            "ROOT": str(trixie_root()),
            "PROGRAM": str(images.installer.program),
            "IMAGES": str(images.folder),
        }
        (disk.parent / "work").mkdir(exist_ok=True)
        return subprocess.run(
            ["unshare", "--mount", "bash", "-c", INSTALL, "bash", *words],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@contextmanager
def loop_device(file: Path) -> Iterator[str]:
    device = run("losetup", "--find", "--show", "--partscan", file).decode().strip()
    try:
        yield device
    finally:
        run("losetup", "--detach", device)


def content(disk: Path) -> bytes:
    with disk.open("rb") as opened:
        opened.seek(DATA_START)
        return opened.read(len(CONTENT))


def test_installer_keeps_the_data_partition(images: Images, disk: Path) -> None:
    before = partitions(disk)[DATA_LABEL]
    done = install(disk, images)
    assert done.returncode == 0, done.stderr
    assert "Good signature" in done.stderr
    found = partitions(disk)
    assert [(name, entry.number, entry.size // MIB) for name, entry in found.items()] == [
        ("BIOS-BOOT", 1, BIOS_MIB),
        ("EFI-SYSTEM", 2, EFI_MIB),
        ("boot", 3, images.boot_mib),
        ("root", 4, ROOT_MIB),
        (DATA_LABEL, 5, DATA_SIZE // MIB),
    ]
    assert found[DATA_LABEL] == before
    assert content(disk) == CONTENT


def test_image_with_the_signature_of_another_file_is_not_installed(images: Images, disk: Path, tmp_path: Path) -> None:
    """The data partition is kept even then."""
    other = tmp_path / "other"
    other.write_bytes(b"another image")
    signature = images.folder / "metal.raw.zst.sig"
    right = signature.read_bytes()
    signature.write_bytes(sign(other, images.installer.key).read_bytes())
    try:
        done = install(disk, images)
    finally:
        signature.write_bytes(right)
    assert done.returncode != 0
    assert "BAD signature" in done.stderr
    assert set(partitions(disk)) == {DATA_LABEL}
    assert content(disk) == CONTENT


def test_data_partition_in_the_place_of_the_image_stops_the_installer(images: Images, disk: Path) -> None:
    """The image would reach into it: nothing of it is lost."""
    start = (images.boot_mib + 200) * MIB
    table = f'label: gpt\n5 : start={start // MIB}MiB, size=64MiB, name="{DATA_LABEL}"\n'
    run("sfdisk", "--quiet", "--wipe", "always", disk, content=table.encode())
    before = partitions(disk)
    done = install(disk, images)
    assert done.returncode != 0
    assert "collision" in done.stderr.lower()
    assert partitions(disk) == before
