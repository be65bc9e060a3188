"""The image that is installed: the small operating system, the container images, and the files of the tests."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.support.boot.debian import run
from tests.support.ignition_root import new_root

IMAGE_MIB = 512
OWN_FILES = Path(__file__).parent / "system"
# Units that wait for something that is not there, or do what nobody looks at.
MASKED = (
    "e2scrub_reap.service", "ldconfig.service", "polkit.service", "systemd-firstboot.service",
    "NetworkManager-dispatcher.service", "serial-getty@.service", "systemd-hwdb-update.service",
"systemd-journal-catalog-update.service", "systemd-timesyncd.service",
)  # fmt: skip


def add_own_files(tree: Path) -> Path:
    """Make a folder of accounts and of what is in the folder `system`, to be laid over the operating system."""
    for name in ("dev", "proc", "run", "sys", "tmp", "root", "var/mnt", "var/log/journal", "etc/systemd/system"):
        (tree / name).mkdir(parents=True)
    (tree / "tmp").chmod(0o1777)
    new_root(tree)
    shutil.copytree(OWN_FILES, tree, dirs_exist_ok=True, symlinks=True)
    for name in MASKED:
        (tree / "etc/systemd/system" / name).symlink_to("/dev/null")
    return tree


def make_image(trees: Sequence[Path], store: Path, image: Path) -> None:
    """Write folders, one over the other, and the container images as the filesystem of the root partition."""
    with image.open("wb") as opened:
        opened.truncate(IMAGE_MIB << 20)
    run("mkfs.xfs", "-q", "-L", "root", image)
    mounted = image.with_suffix(".mounted")
    mounted.mkdir()
    run("mount", "-o", "loop", image, mounted)
    try:
        for tree in trees:
            run("cp", "--archive", f"{tree}/.", mounted)
        images = mounted / "usr/lib/containers/storage"
        images.mkdir(parents=True, exist_ok=True)
        run("cp", "--archive", f"{store}/.", images)
        run("chroot", mounted, "systemd-sysusers")
    finally:
        run("umount", mounted)
        mounted.rmdir()
