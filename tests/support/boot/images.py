"""Kernel and initial RAM disk of the virtual machine, made of Debian packages.

Debian's part is kept in the cache of the tools, under a hash of its inputs. Needs a Debian for x86_64: the
packages come from the sources of its apt.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.support.boot import container_images, debian, system
from tests.support.boot.debian import UNNEEDED, debian_tree, keep_modules, run
from tests.support.boot.system import add_own_files, make_image, make_system
from tools import tool_path
from tools.cache import cache_root, make_entry
from tools.progress import step

PACKAGES = (
    "bash", "coreutils", "curl", "fdisk", "gdisk", "grep", "iproute2", "kmod", "libc-bin", "linux-image-cloud-amd64",
    "mount", "passwd", "sed", "systemd", "tar", "udev", "util-linux", "xfsprogs",
)  # fmt: skip
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "xfs")
# A smaller archive is unpacked sooner.
NOT_IN_MEMORY = (*UNNEEDED, "usr/share", "var", "usr/lib/systemd/system-generators")
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
UNITS, RULES = "etc/systemd/system", "etc/udev/rules.d"


@dataclass(frozen=True)
class Images:
    """Files of a kernel, an initial RAM disk, and the root filesystem that is installed."""

    kernel: Path
    initrd: Path
    root: Path
    trees: tuple[Path, ...]

    def paths(self) -> set[str]:
        """The paths of the root filesystem before a config is applied."""
        return {f"/{path.relative_to(tree)}" for tree in self.trees for path in tree.rglob("*")}


def make_images(folder: Path) -> Images:
    """Make the images in `folder`: Debian's part comes from the cache, our own files are added each time."""
    cached = _cached()
    archive = _pack(_own_tree(folder / "own"))
    initrd = folder / "initrd"
    # the kernel unpacks one archive after the other, whatever they are packed with
    initrd.write_bytes((cached / "initrd").read_bytes() + archive)
    own = add_own_files(folder / "system")
    trees = (cached / "system", own)
    return Images(cached / "kernel", initrd, make_image(trees, folder / "root"), trees)


def _cached() -> Path:
    # the modules are the recipe; the path of a program ends in a hash of how it was built
    modules = (Path(__file__), Path(debian.__file__), Path(system.__file__), Path(container_images.__file__))
    programs = [str(tool_path(name)) for name in ("ignition", "podman", "quadlet")]
    stand_ins = sorted(file for file in container_images.OWN_FILES.rglob("*") if file.is_file())
    contents = [file.read_text(encoding="utf-8") for file in (*modules, *stand_ins)]
    recipe = [*contents, *programs, *container_images.image_names()]
    key = hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:16]
    entry = cache_root() / f"boot-{key}"
    make_entry(entry, "boot-images", _make_debian_part)
    return entry


def _make_debian_part(folder: Path) -> None:
    """Write the files kernel and initrd and the folder system, all of them with the same version of the kernel."""
    work = folder / "work"
    with step("making boot images of Debian packages, about 2 min", "making boot images", "made boot images"):
        tree = debian_tree(PACKAGES, work, [path for path in NOT_IN_MEMORY if path != "boot"])
        (kernel,) = tree.glob("boot/vmlinuz-*")
        kernel.rename(folder / "kernel")
        shutil.rmtree(tree / "boot")
        keep_modules(tree, MODULES)
        shutil.copy(tool_path("ignition"), tree / "usr/bin/ignition")
        (folder / "initrd").write_bytes(_pack(tree))
        make_system(folder / "work-system", folder / "system")
        shutil.rmtree(work)
        shutil.rmtree(folder / "work-system")


def _own_tree(tree: Path) -> Path:
    """The files that turn Debian's files into an initial RAM disk that installs a machine."""
    for name in ("dev", "proc", "run", "sys", "sysroot", "tmp", "usr/bin", UNITS, RULES):
        (tree / name).mkdir(parents=True)
    for path, text in ACCOUNTS.items():
        (tree / path).write_text(text, encoding="utf-8")
    for unit in MASKED:
        (tree / UNITS / f"{unit}.service").symlink_to("/dev/null")
    for name in ("emergency.service", "initrd.target", "network-install.service"):
        shutil.copyfile(OWN_FILES / name, tree / UNITS / name)
    shutil.copyfile(OWN_FILES / "90-nowatch.rules", tree / RULES / "90-nowatch.rules")
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
    packed = run("zstd", "--quiet", "--stdout", content=run(*cpio, content=names))
    return packed + b"\0" * (-len(packed) % 4)
