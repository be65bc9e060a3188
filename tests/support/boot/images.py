"""Kernel and initial RAM disk of the virtual machine, made of Debian packages.

Debian's part is kept in the cache of the tools, under a hash of what it is made of. Needs a Debian for x86_64: the
packages come from the sources of its apt.
"""

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import tool_path
from tools.cache import cache_root, make_entry
from tools.progress import step

PACKAGES = (
    "bash", "coreutils", "curl", "fdisk", "gdisk", "grep", "kmod", "libc-bin", "linux-image-cloud-amd64", "mount",
    "passwd", "sed", "systemd", "tar", "udev", "util-linux", "xfsprogs",
)  # fmt: skip
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "xfs")
# What the packages bring and nobody needs here: a smaller archive is unpacked sooner.
UNNEEDED = (
    "boot", "usr/share", "var", "etc/init.d", "etc/rc*.d", "usr/lib/systemd/system-generators",
    "usr/lib/udev/hwdb.d", "usr/lib/python3*", "usr/lib/initramfs-tools", "usr/lib/locale",
    "usr/lib/x86_64-linux-gnu/gconv", "usr/lib/x86_64-linux-gnu/perl*", "usr/lib/x86_64-linux-gnu/libicu*",
    "usr/bin/perl*", "usr/bin/python*", "usr/bin/localedef", "usr/bin/dpkg*",
)  # fmt: skip
# Units that wait for, or write, what an initial RAM disk does not have.
MASKED = (
    "getty@", "initrd-parse-etc", "ldconfig", "systemd-firstboot", "systemd-hwdb-update",
    "systemd-logind", "systemd-timesyncd",
)  # fmt: skip
ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nsystemd-network:x:998:998::/:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\ntty:x:5:\ndisk:x:6:\nkmem:x:15:\nsystemd-network:x:998:\nsystemd-journal:x:999:\n",
    "etc/shadow": "root:*:1::::::\n",
}
OWN_FILES = Path(__file__).parent / "initrd"
UNITS = "etc/systemd/system"


@dataclass(frozen=True)
class Images:
    """Files of a kernel and an initial RAM disk."""

    kernel: Path
    initrd: Path


def make_images(folder: Path) -> Images:
    """Make the images in `folder`: Debian's part comes from the cache, our own files are added each time."""
    cached = _cached()
    archive = _pack(_own_tree(folder / "own"))
    initrd = folder / "initrd"
    # the kernel unpacks one archive after the other, whatever they are packed with
    initrd.write_bytes((cached / "initrd").read_bytes() + archive)
    return Images(cached / "kernel", initrd)


def _cached() -> Path:
    # this file is the recipe; the path of the program ends in a hash of how it was built
    recipe = f"{Path(__file__).read_text(encoding='utf-8')}\0{tool_path('ignition')}"
    key = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    entry = cache_root() / f"boot-{key}"
    make_entry(entry, "boot-images", _make_debian_part)
    return entry


def _make_debian_part(folder: Path) -> None:
    """Write the files kernel and initrd."""
    work = folder / "work"
    with step("making boot images of Debian packages, about 1 min", "making boot images", "made boot images"):
        tree = _unpack(_download(work / "apt"), work / "tree")
        (kernel,) = tree.glob("boot/vmlinuz-*")
        kernel.rename(folder / "kernel")
        _keep_modules(tree, kernel.name.removeprefix("vmlinuz-"))
        for pattern in UNNEEDED:
            for path in tree.glob(pattern):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.copy(tool_path("ignition"), tree / "usr/bin/ignition")
        _run("ldconfig", "-r", tree)
        (folder / "initrd").write_bytes(_pack(tree))
        shutil.rmtree(work)


def _download(folder: Path) -> list[Path]:
    """Download the packages and all that they depend on, with the machine's sources but none of its packages."""
    archives = folder / "archives"
    for part in (folder / "lists/partial", archives / "partial"):
        part.mkdir(parents=True)
    (folder / "status").touch()
    options = [
        f"Dir::State={folder}", f"Dir::State::status={folder / 'status'}", f"Dir::Cache={folder}",
        "APT::Sandbox::User=root", "APT::Architecture=amd64",
    ]  # fmt: skip
    apt = ["apt-get", "-qq", "-y", *(part for option in options for part in ("-o", option))]
    _run(*apt, "update")
    _run(*apt, "install", "--no-install-recommends", "--download-only", *PACKAGES)
    return sorted(archives.glob("*.deb"))


def _unpack(packages: Sequence[Path], tree: Path) -> Path:
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")
    for package in packages:
        # dpkg-deb's own unpacking would replace the links by folders
        content = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
        _run("tar", "--extract", "--keep-directory-symlink", "--directory", tree, content=content)
    return tree


def _keep_modules(tree: Path, version: str) -> None:
    """Keep the modules of the kernel that are named, and what they need."""
    folder = tree / "usr/lib/modules" / version
    _run("depmod", "--basedir", tree, version)
    shown = _run("modprobe", "--dirname", tree, "--set-version", version, "--show-depends", "--all", *MODULES)
    lines = [line.strip() for line in shown.decode().splitlines()]
    kept = {Path(line.removeprefix("insmod ")).resolve() for line in lines if line.startswith("insmod ")}
    assert len(kept) >= len(MODULES), lines
    for module in folder.rglob("*.ko*"):
        if module.resolve() not in kept:
            module.unlink()
    _run("depmod", "--basedir", tree, version)


def _own_tree(tree: Path) -> Path:
    """What makes Debian's files an initial RAM disk that installs a machine."""
    for name in ("dev", "proc", "run", "sys", "sysroot", "tmp", "usr/bin", UNITS):
        (tree / name).mkdir(parents=True)
    for path, text in ACCOUNTS.items():
        (tree / path).write_text(text, encoding="utf-8")
    for unit in MASKED:
        (tree / UNITS / f"{unit}.service").symlink_to("/dev/null")
    for name in ("emergency.service", "initrd.target", "network-install.service"):
        shutil.copyfile(OWN_FILES / name, tree / UNITS / name)
    shutil.copyfile(OWN_FILES / "network-install", tree / "usr/bin/network-install")
    (tree / "usr/bin/network-install").chmod(0o755)
    (tree / "etc/initrd-release").write_text('NAME="network installation"\n', encoding="utf-8")
    (tree / "etc/machine-id").touch()
    (tree / "init").symlink_to("usr/lib/systemd/systemd")
    return tree


def _pack(tree: Path) -> bytes:
    """Make a cpio archive as the kernel reads it, its length a multiple of 4."""
    names = "\0".join(sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))).encode()
    cpio = ("cpio", "--quiet", "--null", "--create", "--format=newc", "--owner=0:0", "--directory", tree)
    packed = _run("zstd", "--quiet", "--stdout", content=_run(*cpio, content=names))
    return packed + b"\0" * (-len(packed) % 4)


def _run(*command: str | Path, content: bytes = b"") -> bytes:
    done = subprocess.run(command, input=content, stdout=subprocess.PIPE, check=True, timeout=300)
    return done.stdout
