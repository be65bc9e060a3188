"""A machine boots over the network from matchbox as this project fills it, installs itself, and is installed again.

Seen here: the firmware's network boot, the iPXE script, kernel and arguments that the stack made; the config that
matchbox serves, applied by Ignition itself to a disk: partitions, filesystems, users, files. The disk is read from
outside when the machine is off.

Played (see tests/support/boot/initrd/network-install): kernel and programs are Debian's, and what coreos-installer does
is done by a script, above all the new partition table that keeps the partition `data`. So nothing here shows that
coreos-installer itself keeps it, nor that Fedora CoreOS starts afterwards.
"""

import json
import os
import platform
import re
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from diaspora_infra.host.features.storage import DATA_FOLDER
from diaspora_infra.pxe.install import ASSETS, image_names
from lab.matchbox import MatchboxServer
from tests.conftest import IN_CI
from tests.machine.pod_programs import RequireProgram
from tests.support.boot.disk_image import Partition, mounted_xfs, partitions
from tests.support.boot.images import OWN_FILES, make_images
from tests.support.boot.virtual_machine import HOST_ADDRESS, UEFI, VirtualMachine, new_disk
from tests.support.configs import SSH_KEY, host, machine
from tests.support.ignition_root import Node, applied, new_root, read_tree
from tests.support.stack import Stack
from tools.packages import is_there, read_packages

# one worker for all of them: two virtual machines at once would take longer
pytestmark = pytest.mark.xdist_group("boot")

# what tests/packages.txt names for these tests
NEEDED = (
    "apt-get", "cpio", "dpkg-deb", "mkfs.ext4", "modprobe", "mount", "qemu-system-x86_64", "sfdisk", "zstd",
    "/usr/lib/ipxe/qemu/efi-virtio.rom", "/usr/lib/ipxe/qemu/pxe-virtio.rom", UEFI, "/usr/share/seabios/bios-256k.bin",
)  # fmt: skip
PACKAGES = Path(__file__).parent.parent / "packages.txt"

MIB, GIB = 1 << 20, 1 << 30
MAC, UUID = "52:54:00:00:00:01", "5d7d5b86-31b7-4ee0-8d3f-5a8f1b1d0c11"
ROOT_GIB = 8
# behind root starts the data partition, at 9 GiB
DISK_GIB = 11
USERS = [{"name": name, "sshAuthorizedKeys": [SSH_KEY]} for name in ("core", "alice")]
RELEASE = "44.20260802.3.1"
KEPT = "/extra/kept"
FIRST_ONLY = f"""
variant: fcos
version: 1.5.0
storage:
  directories:
    - {{path: /var/mnt/data/extra, mode: 0750, user: {{name: core}}, group: {{name: wheel}}}}
  files:
    - {{path: /var/mnt/data{KEPT}, mode: 0600, user: {{name: core}}, contents: {{inline: "written once\\n"}}}}
    - {{path: /etc/first-installation, contents: {{inline: ""}}}}
"""


@dataclass(frozen=True)
class Installed:
    """What lies on the disk after an installation, and what was said on the way.

    `meant` is what Ignition makes of the rendered config in a plain folder, where a folder plays the data partition.
    """

    meant: dict[str, Node]
    partitions: dict[str, Partition]
    root: dict[str, Node]
    data: dict[str, Node]
    data_inodes: dict[str, tuple[int, int]]
    requests: list[str]


class Rig:
    """A stack on a matchbox with the virtual machine's images, and the machine."""

    def __init__(self, folder: Path, server: MatchboxServer) -> None:
        folder.mkdir()
        self.folder = folder
        self.stack = Stack(server)
        self.url = f"http://{HOST_ADDRESS}:{server.http_port}"
        self.stack.values["pxe"]["matchbox"]["httpUrl"] = self.url
        self.stack.values["pxe"]["release"] = {"source": "matchbox", "version": RELEASE}
        self.disk = new_disk(folder / "disk.img", DISK_GIB * GIB)
        self._put_images()

    def _put_images(self) -> None:
        """Put the images where the settings say that those of Fedora CoreOS are."""
        made = make_images(self.folder)
        names = image_names(RELEASE, "x86_64")
        assets = self.stack.server.data / ASSETS
        assets.mkdir(parents=True)
        (assets / names.kernel).symlink_to(made.kernel)
        (assets / names.initramfs).symlink_to(made.initrd)
        with tarfile.open(assets / names.metal, "w") as image:
            image.add(new_root(self.folder / "root"), arcname=".")

    def boot(self, hostname: str, *, uefi: bool = False, snippets: Sequence[str] = ()) -> str:
        """Bring the stack up with these settings and boot the machine over the network; returns what it said."""
        storage = {"disk": "/dev/vda", "rootGib": ROOT_GIB}
        self.stack.values["host"] = host(users=USERS, storage=storage, snippets=list(snippets))
        quiet = ["quiet", "systemd.show_status=false", "panic=1"]
        self.stack.machines(machine(mac=MAC, hostname=hostname, console=["ttyS0"], kernelArguments=quiet))
        self.stack.up()
        return VirtualMachine(MAC, UUID, self.disk, uefi).boot(f"{self.url}/boot.ipxe", self.folder / f"{hostname}.log")

    def install(self, hostname: str, *, uefi: bool = False, snippets: Sequence[str] = ()) -> Installed:
        """Boot, which must succeed, and read the disk."""
        earlier = len(self._log())
        console = self.boot(hostname, uefi=uefi, snippets=snippets)
        assert "rig: done" in console, console[-3000:]
        with applied(json.loads(self.stack.rendered("pod1"))) as meant:
            tree = without_dates(read_tree(meant))
        with mounted_xfs(self.disk, "root") as root, mounted_xfs(self.disk, "data") as data:
            return Installed(
                meant=tree,
                partitions=partitions(self.disk),
                root=without_dates(read_tree(root)),
                data=read_tree(data),
                data_inodes={f"/{path.relative_to(data)}": _inode(path) for path in data.rglob("*")},
                requests=re.findall(r"HTTP GET (\S+?)\"", self._log()[earlier:]),
            )

    def _log(self) -> str:
        return self.stack.server.log.read_text(encoding="utf-8")


def without_dates(tree: dict[str, Node]) -> dict[str, Node]:
    """Leave out on which day the accounts in /etc/shadow were made."""
    shadow = tree["/etc/shadow"]
    return tree | {"/etc/shadow": replace(shadow, content=re.sub(rb":\d+:", b"::", shadow.content))}


def _inode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def need(there: bool, message: str) -> None:
    """Without what is needed a test fails in CI and is skipped elsewhere."""
    if not there:
        if IN_CI:
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture
def rig(tmp_path: Path, matchbox_server: MatchboxServer) -> Rig:
    need(platform.machine() == "x86_64", "needs Debian packages for x86_64")
    need(os.geteuid() == 0, "needs root: disk images are mounted")
    packages = read_packages(PACKAGES)
    missing = sorted({packages[name] for name in NEEDED if not is_there(name)})
    need(not missing, f"apt-get install {' '.join(missing)}")
    return Rig(tmp_path / "boot", matchbox_server)


def test_a_machine_is_installed_and_installed_again(rig: Rig) -> None:
    """First on an empty disk, then with other settings and UEFI instead of a BIOS. One test, as it takes minutes."""
    first = rig.install("first.lan", snippets=[FIRST_ONLY])
    assert_booted_over_the_network(first, "i386")
    assert_laid_out_as_the_settings_say(first.partitions)
    assert_made_of_the_config(first)

    second = rig.install("second.lan", uefi=True)
    assert_booted_over_the_network(second, "x86_64")
    assert_laid_out_as_the_settings_say(second.partitions)
    assert_data_kept(first, second)
    assert_all_the_rest_is_new(first, second)


def assert_booted_over_the_network(installed: Installed, architecture: str) -> None:
    """The machine asked for these addresses and no other; `architecture` is that of its iPXE."""
    me = f"uuid={UUID}&mac={MAC.replace(':', '-')}"
    names = image_names(RELEASE, "x86_64")
    assert installed.requests == [
        "/boot.ipxe",
        f"/ipxe?{me}&domain=&hostname=&serial=&arch={architecture}",
        f"/{ASSETS}/{names.kernel}",
        f"/{ASSETS}/{names.initramfs}",
        f"/ignition?{me}",
        f"/{ASSETS}/{names.metal}",
    ]


def assert_laid_out_as_the_settings_say(found: dict[str, Partition]) -> None:
    root, data = found["root"], found["data"]
    assert [entry.number for entry in found.values()] == [1, 2, 3, 4, 5]
    assert (root.number, root.size) == (4, ROOT_GIB * GIB)
    assert (data.number, data.start) == (5, (ROOT_GIB + 1) * GIB)
    # up to the second copy of the table, at the end of the disk
    assert 0 < DISK_GIB * GIB - data.start - data.size <= MIB


def assert_made_of_the_config(first: Installed) -> None:
    """Files, folders, links and users."""
    assert first.root | {f"{DATA_FOLDER}{path}": node for path, node in first.data.items()} == first.meant
    assert first.root["/etc/hostname"].content == b"first.lan\n"
    assert first.root["/home/alice/.ssh"].owner == (1001, 1001)
    assert first.data.keys() == {"/extra", KEPT}
    assert first.data[KEPT] == Node("file", 0o600, (1000, 0), b"written once\n")


def assert_data_kept(first: Installed, second: Installed) -> None:
    """The partition is the same, and its files are not even written anew."""
    assert second.partitions["data"] == first.partitions["data"]
    assert second.data == first.data
    assert second.data_inodes == first.data_inodes


def assert_all_the_rest_is_new(first: Installed, second: Installed) -> None:
    same = {label for label, entry in second.partitions.items() if entry.uuid == first.partitions[label].uuid}
    assert same == {"data"}
    # without the snippet nothing of the config lies below /var
    assert {path: node for path, node in second.root.items() if not path.startswith("/var")} == second.meant
    assert second.root["/etc/hostname"].content == b"second.lan\n"
    assert "/etc/first-installation" in first.root
    assert "/etc/first-installation" not in second.root


def test_another_filesystem_in_the_place_of_the_data_stops_the_first_boot_and_is_left_alone(rig: Rig) -> None:
    start, size = (ROOT_GIB + 1) * GIB, 64 * MIB
    table = f'label: gpt\n5 : start={start // MIB}MiB, size={size // MIB}MiB, name="data"\n'
    subprocess.run(["sfdisk", "--quiet", rig.disk], input=table, text=True, check=True, stdout=subprocess.DEVNULL)
    make: list[str | Path] = ["mkfs.ext4", "-q", "-F", "-E", f"offset={start}", rig.disk, f"{size // 1024}k"]
    subprocess.run(make, check=True, capture_output=True)
    before = read_range(rig.disk, start, size)
    console = rig.boot("pod.lan")
    assert "rig: failed" in console
    assert "found ext4" in console
    assert "a filesystem wipe was not requested" in console
    assert read_range(rig.disk, start, size) == before


def read_range(disk: Path, start: int, size: int) -> bytes:
    with disk.open("rb") as opened:
        opened.seek(start)
        return opened.read(size)


def test_the_script_of_the_initial_ram_disk_is_clean(require_program: RequireProgram) -> None:
    subprocess.run([require_program("shellcheck", "shellcheck"), OWN_FILES / "network-install"], check=True)
