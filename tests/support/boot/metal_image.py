"""The image that is installed: the small operating system, the container images, and the files of the tests."""

import filecmp
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.boot.debian import run
from tests.support.boot.kernel_modules import make_plain
from tests.support.ignition_root import new_root

MIB = 1 << 20
BIOS_MIB, EFI_MIB, BOOT_MIB, ROOT_MIB = 1, 127, 384, 320
# Fedora CoreOS: the first boot replaces it
DISK_GUID = "00000000-0000-4000-a000-000000000001"
OWN_FILES = Path(__file__).parent / "system"
# Units that wait for something that is not there, or do what nobody looks at.
MASKED = (
    "e2scrub_reap.service", "ldconfig.service", "polkit.service", "systemd-firstboot.service",
    "NetworkManager-dispatcher.service", "serial-getty@.service", "systemd-hwdb-update.service",
"systemd-journal-catalog-update.service", "systemd-timesyncd.service",
)  # fmt: skip
# What the units and programs of the tests do not need: each byte of the image is unpacked and written by the emulator.
UNUSED = (
    "etc/ssh/moduli", "usr/bin/cvtsudoers", "usr/bin/gpg*", "usr/bin/nmtui*", "usr/bin/scp", "usr/bin/sftp",
    "usr/bin/ssh", "usr/bin/ssh-a*", "usr/bin/ssh-keyscan", "usr/bin/zstd", "usr/lib/gnupg",
    "usr/lib/openssh/ssh-*", "usr/lib/podman/netavark-dhcp-proxy-client", "usr/lib/systemd/systemd-networkd",
    "usr/lib/x86_64-linux-gnu/*.a", "usr/lib/x86_64-linux-gnu/libdb-*", "usr/lib/x86_64-linux-gnu/libmvec*",
    "usr/lib/x86_64-linux-gnu/libslang*", "usr/libexec/nm-initrd-generator", "usr/sbin/devlink", "usr/sbin/rdma",
    "usr/sbin/sudo_*", "usr/sbin/tc", "usr/sbin/tipc", "usr/sbin/visudo",
)  # fmt: skip
# udev looks at each device of a start with all its rules: at those that something waits for, not at 64 terminals.
FEW_DEVICES = "[Service]\nExecStart=\nExecStart=-udevadm trigger --action=add{}\n".format(
    "".join(f" --subsystem-match={name}" for name in ("block", "misc", "net", "pci", "virtio"))
)


def add_own_files(tree: Path) -> Path:
    """Make a folder of accounts and of what is in the folder `system`, to be laid over the operating system."""
    for name in ("dev", "proc", "run", "sys", "tmp", "root", "var/mnt", "var/log/journal", "etc/systemd/system"):
        (tree / name).mkdir(parents=True)
    (tree / "tmp").chmod(0o1777)
    new_root(tree)
    shutil.copytree(OWN_FILES, tree, dirs_exist_ok=True, symlinks=True)
    for name in MASKED:
        (tree / "etc/systemd/system" / name).symlink_to("/dev/null")
    few_devices(tree)
    return tree


def few_devices(tree: Path) -> None:
    """Have udev look at few of the devices that are there when it starts."""
    folder = tree / "etc/systemd/system/systemd-udev-trigger.service.d"
    folder.mkdir()
    (folder / "few.conf").write_text(FEW_DEVICES, encoding="utf-8")


def make_root(trees: Sequence[Path], store: Path, image: Path) -> None:
    """Write folders, one over the other, and the container images as the filesystem of the root partition."""
    with image.open("wb") as opened:
        opened.truncate(ROOT_MIB * MIB)
    # the filesystem grows by groups of this size: few of them have to be written
    run("mkfs.xfs", "-q", "-L", "root", "-d", "agcount=2", image)
    with _mounted(image) as mounted:
        for tree in trees:
            run("cp", "--archive", f"{tree}/.", mounted)
        for path in (path for pattern in UNUSED for path in mounted.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        make_plain(mounted)
        images = mounted / "usr/lib/containers/storage"
        images.mkdir(parents=True, exist_ok=True)
        run("cp", "--archive", f"{store}/.", images)
        _share_files(mounted, images)
        run("chroot", mounted, "systemd-sysusers")


def _share_files(root: Path, images: Path) -> None:
    """Link programs and libraries of the container images to the same files of the root: QEMU translates them once."""
    for layer in images.glob("overlay/*/diff"):
        for path in (path for path in (layer / "usr").rglob("*") if path.is_file() and not path.is_symlink()):
            same = root / path.relative_to(layer)
            if same.is_file() and not same.is_symlink() and filecmp.cmp(path, same, shallow=False):
                path.unlink()
                path.hardlink_to(same)


def make_metal(root: Path, image: Path, boot_mib: int = BOOT_MIB, efi_mib: int = EFI_MIB) -> None:
    """Write an image of a whole disk, with the partitions of Fedora CoreOS around the filesystem in the file `root`.

    No boot loader is in it, and the EFI partition is empty.
    """
    boot_at = MIB + sum(MIB * mib for mib in (BIOS_MIB, efi_mib))
    root_at = boot_at + boot_mib * MIB
    size = root.stat().st_size
    with image.open("wb") as opened:
        opened.truncate(root_at + size + MIB)
    table = f"""\
label: gpt
label-id: {DISK_GUID}
1 : size={BIOS_MIB}MiB, type=21686148-6449-6E6F-744E-656564454649, name="BIOS-BOOT"
2 : size={efi_mib}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="EFI-SYSTEM"
3 : size={boot_mib}MiB, name="boot"
4 : size={size // MIB}MiB, name="root"
"""
    run("sfdisk", "--quiet", image, content=table.encode())
    run("mkfs.ext4", "-q", "-F", "-L", "boot", "-E", f"offset={boot_at}", image, f"{boot_mib}M")
    with _mounted(image, f",offset={boot_at},sizelimit={boot_mib * MIB}") as mounted:
        # the mark of a first boot
        (mounted / "ignition.firstboot").touch()
    place = (f"of={image}", "bs=1M", f"seek={root_at // MIB}", "conv=notrunc,sparse")
    run("dd", f"if={root}", *place, "status=none")


@contextmanager
def _mounted(image: Path, options: str = "") -> Iterator[Path]:
    with TemporaryDirectory(prefix="image-") as name:
        run("mount", "-o", f"loop{options}", image, name)
        try:
            yield Path(name)
        finally:
            run("umount", name)
