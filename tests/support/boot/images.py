"""Kernel and initial RAM disk of the virtual machine, made of Debian packages.

All of it is kept in the cache of the tools, under hashes of what it is made of. Needs a Debian for x86_64: the packages
come from the mirror of its apt.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support import ignition_root
from tests.support.boot import debian, kernel_modules, metal_image
from tests.support.boot.coreos_installer import CoreosInstaller, coreos_installer, sign
from tests.support.boot.debian import UNNEEDED, debian_tree, keep_modules, run
from tests.support.boot.kernel_modules import make_plain
from tests.support.boot.light_images import light_store
from tests.support.boot.metal_image import add_own_files, few_devices, make_metal, make_root
from tests.support.trixie import trixie_root
from tools import tool_path
from tools.cached import cached

PACKAGES = (
    "bash", "coreutils", "gdisk", "gpg", "gpg-agent", "grep", "iproute2", "kmod", "libc-bin", "liblzma5", "libssl3t64",
    "libzstd1", "linux-image-cloud-amd64", "mount", "passwd", "sed", "systemd", "tar", "udev", "util-linux", "xfsprogs",
)  # fmt: skip
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "xfs", "ext4")
# A smaller archive is unpacked sooner.
NOT_IN_MEMORY = (
    *UNNEEDED, "usr/share", "var", "usr/lib/systemd/system-generators", "usr/lib/systemd/systemd-logind", "usr/bin/ss",
    "usr/sbin/cgdisk", "usr/sbin/dcb", "usr/sbin/devlink", "usr/sbin/fixparts", "usr/sbin/gdisk", "usr/sbin/ldconfig",
    "usr/sbin/rdma", "usr/sbin/tc", "usr/sbin/tipc", "usr/sbin/xfs_copy", "usr/sbin/xfs_repair",
    "usr/lib/x86_64-linux-gnu/glib-2.0", "usr/lib/x86_64-linux-gnu/krb5", "usr/lib/x86_64-linux-gnu/libdb-*",
    "usr/lib/x86_64-linux-gnu/libgio-*", "usr/lib/x86_64-linux-gnu/libglib-*", "usr/lib/x86_64-linux-gnu/libgmodule-*",
    "usr/lib/x86_64-linux-gnu/libgobject-*", "usr/lib/x86_64-linux-gnu/libmvec*",
)  # fmt: skip
# Units that wait for, write or offer what nobody uses in an initial RAM disk.
MASKED = (
    "dev-hugepages.mount", "dev-mqueue.mount", "getty@.service", "initrd-parse-etc.service",
    "kmod-static-nodes.service", "ldconfig.service", "modprobe@.service", "sys-fs-fuse-connections.mount",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "systemd-firstboot.service", "systemd-hwdb-update.service",
    "systemd-logind.service", "systemd-sysctl.service", "systemd-timesyncd.service", "systemd-tmpfiles-setup.service",
    "systemd-tmpfiles-setup-dev.service", "systemd-tmpfiles-setup-dev-early.service",
    "systemd-udev-load-credentials.service",
)  # fmt: skip
ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nsystemd-network:x:998:998::/:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\ntty:x:5:\ndisk:x:6:\nkmem:x:15:\nsystemd-network:x:998:\nsystemd-journal:x:999:\n",
    "etc/shadow": "root:*:1::::::\n",
}
# Not the sizes of Fedora CoreOS, with which tests/boot/test_coreos_installer.py installs: each byte is written.
EFI_MIB, BOOT_MIB = 2, 16
OWN_FILES = Path(__file__).parent / "initrd"
UNITS, RULES = "etc/systemd/system", "etc/udev/rules.d"


@dataclass(frozen=True)
class Images:
    """Files of a kernel, an initial RAM disk, and the image of a disk that is installed, with its signature."""

    kernel: Path
    initrd: Path
    metal: Path
    signature: Path
    trees: tuple[Path, ...]

    def paths(self) -> set[str]:
        """The paths of the root filesystem before a config is applied, but those of the container images."""
        return {f"/{path.relative_to(tree)}" for tree in self.trees for path in tree.rglob("*")}


def make_images() -> Images:
    """The images in the cache, made when they are missing: minutes.

    Debian's part of them has entries of its own, so that a changed file of ours costs seconds.
    """
    # the path of a program ends in a hash of how it was built
    names = (*PACKAGES, *MODULES, *NOT_IN_MEMORY, str(tool_path("ignition")))
    base = cached("boot-installer", _make_debian_part, debian, kernel_modules, *names)
    root, store, installer = trixie_root(), light_store(), coreos_installer()

    def make(folder: Path) -> None:
        archive = _pack(_own_tree(folder / "own-initrd", installer))
        # the kernel unpacks one archive after the other, whatever they are packed with
        (folder / "initrd").write_bytes((base / "initrd").read_bytes() + archive)
        own = add_own_files(folder / "own")
        make_root((root, own), store, folder / "root")
        make_metal(folder / "root", folder / "metal.raw", BOOT_MIB, EFI_MIB)
        # the network of the virtual machine is slow
        run("zstd", "--quiet", "-T0", "-9", "--rm", folder / "metal.raw")
        sign(folder / "metal.raw.zst", installer.key)
        (folder / "root").unlink()

    parts = (str(path) for path in (base, root, store, installer.program))
    modules = (sys.modules[__name__], kernel_modules, metal_image, ignition_root)
    entry = cached("boot-images", make, *modules, OWN_FILES, metal_image.OWN_FILES, *parts)
    metal, signature = entry / "metal.raw.zst", entry / "metal.raw.zst.sig"
    return Images(base / "kernel", entry / "initrd", metal, signature, (root, entry / "own"))


def _make_debian_part(folder: Path) -> None:
    """Write the files kernel and initrd, both with the same version of the kernel."""
    work = folder / "work"
    tree = debian_tree(PACKAGES, work, [path for path in NOT_IN_MEMORY if path != "boot"])
    (kernel,) = tree.glob("boot/vmlinuz-*")
    kernel.rename(folder / "kernel")
    shutil.rmtree(tree / "boot")
    keep_modules(tree, MODULES)
    make_plain(tree)
    shutil.copy(tool_path("ignition"), tree / "usr/bin/ignition")
    (folder / "initrd").write_bytes(_pack(tree))
    shutil.rmtree(work)


def _own_tree(tree: Path, installer: CoreosInstaller) -> Path:
    """The files that turn Debian's files into an initial RAM disk that installs a machine."""
    for name in ("dev", "proc", "run", "sys", "sysroot", "tmp", "usr/bin", UNITS, RULES):
        (tree / name).mkdir(parents=True)
    for path, text in ACCOUNTS.items():
        (tree / path).write_text(text, encoding="utf-8")
    for unit in MASKED:
        (tree / UNITS / unit).symlink_to("/dev/null")
    for name in ("emergency.service", "initrd.target", "network-install.service"):
        shutil.copyfile(OWN_FILES / name, tree / UNITS / name)
    shutil.copyfile(OWN_FILES / "90-nowatch.rules", tree / RULES / "90-nowatch.rules")
    few_devices(tree)
    shutil.copyfile(OWN_FILES / "network-install", tree / "usr/bin/network-install")
    (tree / "usr/bin/network-install").chmod(0o755)
    # for scripts such as xfs_admin
    (tree / "usr/bin/sh").symlink_to("bash")
    (tree / "usr/libexec").mkdir()
    shutil.copy(installer.program, tree / "usr/bin/coreos-installer")
    shutil.copy(installer.service, tree / "usr/libexec/coreos-installer-service")
    (tree / "etc/initrd-release").write_text('NAME="network installation"\n', encoding="utf-8")
    (tree / "etc/machine-id").touch()
    (tree / "init").symlink_to("usr/lib/systemd/systemd")
    return tree


def _pack(tree: Path) -> bytes:
    """Make a cpio archive as the kernel reads it, its length a multiple of 4."""
    names = "\0".join(sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))).encode()
    cpio = ("cpio", "--quiet", "--null", "--create", "--format=newc", "--owner=0:0", "--directory", tree)
    packed = run("zstd", "--quiet", "-9", "--stdout", content=run(*cpio, content=names))
    return packed + b"\0" * (-len(packed) % 4)
