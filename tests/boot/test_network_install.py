"""A machine boots over the network, starts containers, and is installed again with its data.

Real here: the firmware's network boot, the iPXE script, kernel and arguments that the stack made; coreos-installer,
which writes an image with the partitions of Fedora CoreOS to the disk and keeps the partition `data`; the config that
matchbox serves, applied by Ignition itself: partitions, filesystems, users, files; then the root of that disk: its
systemd, Quadlet and podman prepare the data and start Redis and the node exporter with their limits. The disk is read
from outside when the machine is off.

Mocked (see tests/support/boot): kernel and programs are Debian's, and a script runs the stages of the first boot. So
nothing here shows what Fedora CoreOS or SELinux do. tests/machine/test_operate.py starts whole pods, without an
emulator.
"""

import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.host.features.storage import DATA_FOLDER
from diaspora_infra.pxe.install import ASSETS, image_names
from lab.matchbox import MatchboxServer
from tests.conftest import skip_unless
from tests.machine.pod_assertions import assert_started_in_order
from tests.machine.pod_programs import RequireProgram
from tests.support.boot import metal_image
from tests.support.boot.accelerator import probe
from tests.support.boot.disk_image import Partition, mounted_xfs, partitions
from tests.support.boot.images import OWN_FILES, Images, make_images
from tests.support.boot.virtual_machine import HOST_ADDRESS, UEFI, VirtualMachine, new_disk
from tests.support.configs import SSH_KEY, host, machine, pod
from tests.support.ignition_root import Node, applied, read_tree
from tests.support.stack import Stack
from tools.packages import is_installed, read_packages

# what tests/packages.txt names for these tests
NEEDED = (
    "apt-get", "cpio", "dpkg-deb", "gpg", "mkfs.ext4", "mkfs.xfs", "modprobe", "mount", "qemu-system-x86_64", "sfdisk",
    "zstd",
    "/usr/lib/ipxe/qemu/efi-virtio.rom", "/usr/lib/ipxe/qemu/pxe-virtio.rom", UEFI, "/usr/share/seabios/bios-256k.bin",
)  # fmt: skip
PACKAGES = Path(__file__).parent.parent / "packages.txt"

MIB, GIB = 1 << 20, 1 << 30
MAC, UUID = "52:54:00:00:00:01", "5d7d5b86-31b7-4ee0-8d3f-5a8f1b1d0c11"
ROOT_GIB = 8
# behind root starts the data partition, at 9 GiB
DISK_GIB = 11
USERS = [{"name": name, "sshAuthorizedKeys": [SSH_KEY]} for name in ("core", "alice")]
# QEMU's network, but not the address that its DHCP server gives
ADDRESS = "10.0.2.77/24"
NETWORKS = {"ens2": {"ipv4": {"method": "manual", "address1": f"{ADDRESS},{HOST_ADDRESS}"}}}
# QEMU translates a program once, but again for each address at which it is loaded: all programs get the same one.
# no_timer_check: on a busy computer, ticks of the emulated timer come too late for the kernel's check of it.
# transparent_hugepage: as Fedora's kernel; with Debian's choice, the kernel clears 2 MiB for each small program.
FAST = [
    "norandmaps", "mitigations=off", "highres=off", "no_timer_check", "lsm=capability", "init_on_alloc=0", "audit=0",
    "transparent_hugepage=madvise", "cgroup.memory=nokmem,nosocket", "hardened_usercopy=off",
]  # fmt: skip
# on a busy computer, udev may take longer than systemd's 90 s
PATIENT = ["systemd.default_device_timeout_sec=600", "systemd.default_timeout_start_sec=600"]
ARGUMENTS = ["quiet", "systemd.show_status=false", "panic=1", *FAST, *PATIENT]
# whole pods start in namespaces, without an emulator: tests/machine/test_operate.py
REDIS_ONLY = ["systemd.mask=diaspora.target", "systemd.wants=redis.service", "systemd.wants=certbot.timer"]
WITHOUT_POD = ["systemd.mask=diaspora.target", "systemd.mask=node-exporter.service"]
RELEASE = "44.20260802.3.1"
KEPT = "/extra/kept"
ALWAYS = """
variant: fcos
version: 1.5.0
storage:
  files:
    # a health check is a podman run, which takes long where every instruction is emulated
    - path: /etc/containers/systemd/redis.container.d/90-seldom.conf
      contents:
        inline: |
          [Container]
          HealthInterval=60s
          HealthTimeout=60s
          HealthStartPeriod=600s
          HealthStartupInterval=60s
    # not now: there is no certbot image, and nobody to ask
    - path: /etc/systemd/system/certbot.timer.d/90-later.conf
      contents: {inline: "[Timer]\\nOnActiveSec=\\nOnCalendar=\\nOnActiveSec=1d\\n"}
"""
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


ACCOUNTS = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
# of the operating system, and large
NOT_READ = ("/usr/lib/containers", "/usr/lib/modules", "/usr/lib/x86_64-linux-gnu", "/usr/bin", "/var/lib/containers")
# by systemd (enabled units, identity, links of Debian's tmpfiles.d), useradd, sshd, NetworkManager and podman
MADE_BY_RUNNING = (
    r"/(dev|proc|run|sys|tmp|var|boot|root|mnt|srv|opt|home)(/.*)?"
    r"|/etc/systemd/system/\S+\.(wants|requires|d)(/.*)?|/etc/systemd/system/(dbus-\S+|sshd?\.service)"
    r"|/etc/(\.updated|\.pwd\.lock|\.ignition-result\.json|machine-id|resolv\.conf|adjtime|mtab|default/locale|vconsole\.conf)"
    r"|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?"
    r"|/etc/ssh/ssh_host_ed25519_key(\.pub)?|/etc/containers/networks(/.*)?|/usr/lib/modules.*|/usr/lib/containers"
)
TIMERS = {"certbot.timer", "diaspora-disk-space.timer", "podman-auto-update.timer"}
KEPT_SECRETS = ("database_password", "redis_password", "secret_key_base")
# each unit is up before the next one is started
ORDER = (
    ("var-mnt-data.mount", "diaspora-data.service", "diaspora-secrets.service", "redis.service"),
    ("diaspora-network.service", "redis.service"),
)


@dataclass(frozen=True)
class Machine:
    """The disk of a machine that booted and was shut down.

    `report` holds the files in which the machine reports its state (system/usr/libexec/rig-report), by name.
    """

    partitions: dict[str, Partition]
    root: dict[str, Node]
    data: dict[str, Node]
    inodes: dict[str, tuple[int, int]]

    @property
    def report(self) -> dict[str, str]:
        folder = "/var/rig/"
        return {
            path.removeprefix(folder): node.content.decode()
            for path, node in self.root.items()
            if path.startswith(folder)
        }


@dataclass(frozen=True)
class Installed(Machine):
    """A machine after its installation and first start, and its requests to matchbox.

    `expected` is the tree that Ignition makes from the rendered config in a plain folder, data partition included.
    """

    expected: dict[str, Node]
    requests: list[str]


class Rig:
    """A stack on a matchbox with the virtual machine's images, and the machine."""

    def __init__(self, folder: Path, server: MatchboxServer) -> None:
        folder.mkdir()
        for bios in (None, UEFI):
            probe(bios)
        self.folder = folder
        self.stack = Stack(server)
        self.url = f"http://{HOST_ADDRESS}:{server.http_port}"
        self.stack.values["pxe"]["matchbox"]["httpUrl"] = self.url
        self.stack.values["pod"] = pod(monitoring={"nodeExporter": True})
        self.stack.values["pxe"]["release"] = {"source": "matchbox", "version": RELEASE}
        self.disk = new_disk(folder / "disk.img", DISK_GIB * GIB)
        self._put_images()

    def _put_images(self) -> None:
        """Put the images where the settings expect those of Fedora CoreOS."""
        self.images = made = make_images()
        names = image_names(RELEASE, "x86_64")
        assets = self.stack.server.data / ASSETS
        assets.mkdir(parents=True)
        (assets / names.kernel).symlink_to(made.kernel)
        (assets / names.initramfs).symlink_to(made.initrd)
        # the installer looks at the content: zstd is unpacked sooner than xz
        (assets / names.metal).symlink_to(made.metal)
        (assets / f"{names.metal}.sig").symlink_to(made.signature)

    def boot(
        self, hostname: str, *, uefi: bool = False, snippets: Sequence[str] = (), arguments: Sequence[str] = ()
    ) -> str:
        """Bring the stack up with these settings and boot the machine over the network; returns its console output."""
        storage = {"disk": "/dev/vda", "rootGib": ROOT_GIB}
        self.stack.values["host"] = host(users=USERS, storage=storage, snippets=[ALWAYS, *snippets])
        self.stack.machines(
            machine(
                mac=MAC, hostname=hostname, console=["ttyS0"], kernelArguments=[*ARGUMENTS, *arguments],
                networks=NETWORKS,
            )
        )  # fmt: skip
        self.stack.up()
        return VirtualMachine(MAC, UUID, self.disk, uefi).boot(f"{self.url}/boot.ipxe", self.folder / f"{hostname}.log")

    def install(self, hostname: str, **options: Any) -> Installed:
        """Boot over the network with the options of `boot`, which must succeed, and read the disk."""
        earlier = len(self._log())
        assert_up(self.boot(hostname, **options))
        with applied(json.loads(self.stack.rendered("pod1"))) as expected:
            tree = read_tree(expected)
        requests = re.findall(r"HTTP GET (\S+?)\"", self._log()[earlier:])
        return Installed(**vars(self._read()), expected=tree, requests=requests)

    def _read(self) -> Machine:
        with mounted_xfs(self.disk, "root") as root, mounted_xfs(self.disk, "data") as data:
            return Machine(
                partitions=partitions(self.disk),
                root=read_tree(root, leave_out=NOT_READ),
                data=read_tree(data),
                inodes={f"/{path.relative_to(data)}": _inode(path) for path in data.rglob("*")},
            )

    def _log(self) -> str:
        return self.stack.server.log.read_text(encoding="utf-8")


def assert_up(console: str) -> None:
    assert re.search(r"rig: up", console), console[-3000:]


def _inode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


@pytest.fixture
def rig(tmp_path: Path, matchbox_server: MatchboxServer) -> Rig:
    skip_unless(platform.machine() == "x86_64", "needs Debian packages for x86_64")
    skip_unless(os.geteuid() == 0, "needs root: disk images are mounted")
    packages = read_packages(PACKAGES)
    missing = sorted({packages[name] for name in NEEDED if not is_installed(name)})
    skip_unless(not missing, f"apt-get install {' '.join(missing)}")
    return Rig(tmp_path / "boot", matchbox_server)


@pytest.mark.timeout(2400)
def test_machine_boots_with_containers_and_keeps_data_after_reinstall(rig: Rig) -> None:
    """First on an empty disk, then with other settings and UEFI. One test, because it takes minutes."""
    first = rig.install("first.lan", snippets=[FIRST_ONLY], arguments=REDIS_ONLY)
    assert_booted_over_the_network(first, "i386")
    assert_partitions_follow_settings(first.partitions)
    assert_root_matches_config(first, rig.images)
    assert_data_prepared(first)
    assert_up_and_complete(first, "first.lan")
    assert_containers_run(first)
    assert_started_in_order(first.report["journal"], ORDER)

    second = rig.install("second.lan", uefi=True, arguments=WITHOUT_POD)
    assert_booted_over_the_network(second, "x86_64")
    assert_partitions_follow_settings(second.partitions)
    assert_up_and_complete(second, "second.lan")
    assert second.partitions["data"] == first.partitions["data"]
    assert_data_kept(first, second)
    assert_the_rest_is_new(first, second)


def assert_booted_over_the_network(installed: Installed, architecture: str) -> None:
    """The machine requested only these addresses; `architecture` is that of its iPXE."""
    me = f"uuid={UUID}&mac={MAC.replace(':', '-')}"
    names = image_names(RELEASE, "x86_64")
    assert installed.requests == [
        "/boot.ipxe",
        f"/ipxe?{me}&domain=&hostname=&serial=&arch={architecture}",
        f"/{ASSETS}/{names.kernel}",
        f"/{ASSETS}/{names.initramfs}",
        f"/generic?{me}",
        f"/{ASSETS}/{names.metal}.sig",
        f"/{ASSETS}/{names.metal}",
    ]


def assert_partitions_follow_settings(found: dict[str, Partition]) -> None:
    root, data = found["root"], found["data"]
    assert [entry.number for entry in found.values()] == [1, 2, 3, 4, 5]
    assert (root.number, root.start + root.size) == (4, data.start)
    assert (data.number, data.start) == (5, (ROOT_GIB + 1) * GIB)
    # up to the second copy of the table, at the end of the disk
    assert 0 < DISK_GIB * GIB - data.start - data.size <= MIB


def assert_root_matches_config(first: Installed, images: Images) -> None:
    """Files, folders, links and users are those of the config; running adds little outside of /var."""
    found = first.root | {f"{DATA_FOLDER}{path}": node for path, node in first.data.items()}
    for path, node in first.expected.items():
        if path.removesuffix("-") in ACCOUNTS:
            lines = {_without_dates(line) for line in found[path].content.splitlines()}
            assert {_without_dates(line) for line in node.content.splitlines()} <= lines, path
        else:
            assert found[path] == node, path
    assert first.root["/home/alice/.ssh"].owner == (1001, 1001)
    assert first.data[KEPT] == Node("file", 0o600, (1000, 0), b"written once\n")
    (keyfile,) = (node for path, node in found.items() if path.startswith("/etc/NetworkManager/system-connections/"))
    assert (keyfile.mode, keyfile.owner) == (0o600, (0, 0))

    more = first.root.keys() - first.expected.keys() - images.paths()
    assert {path for path in more if not re.fullmatch(MADE_BY_RUNNING, path)} == set()


def _without_dates(line: bytes) -> bytes:
    """Remove the creation dates of accounts from /etc/shadow."""
    return re.sub(rb"^([^:]*:[!*][^:]*):\d+:", rb"\1::", line)


def assert_data_prepared(first: Installed) -> None:
    """Each folder of the data partition has the mode and owner that the config says; secrets are root's alone."""
    lines = first.expected["/etc/diaspora/directories.conf"].content.decode().splitlines()
    entries = [line.split() for line in lines if line.startswith("d ")]
    assert len(entries) > 8
    for _, path, mode, user, group, *_ in entries:
        node = first.data[path.removeprefix(DATA_FOLDER)]
        assert (node.kind, node.mode, node.owner) == ("directory", int(mode, 8), (int(user), int(group))), path
    secrets = {path: node for path, node in first.data.items() if path.startswith("/secrets/") and node.kind == "file"}
    assert secrets.keys() >= {f"/secrets/{name}" for name in KEPT_SECRETS}
    assert {(node.mode, node.owner) for node in secrets.values()} == {(0o600, (0, 0))}
    assert first.data["/domain"].content == b"pod.example.org\n"


def assert_up_and_complete(machine: Machine, hostname: str) -> None:
    """All units came up; name, address and data partition are those of the config."""
    report = machine.report
    assert report["state"] == "running\n"
    assert (report["failed"], report["jobs"]) == ("", "")
    assert report["hostname"] == f"{hostname}\n"
    # of the keyfile, not of the DHCP server
    assert re.search(rf"^ens2 +UP +{re.escape(ADDRESS)} ", report["addresses"], re.MULTILINE)
    assert f"\n{DATA_FOLDER} /dev/vda5 xfs\n" in report["mounts"]


def assert_containers_run(machine: Machine) -> None:
    """The containers are healthy, with the limits of their units, and the timers of the pod wait."""
    report = machine.report
    assert re.fullmatch(r"node-exporter Up .*\nredis Up .* \(healthy\)\n", "".join(sorted_lines(report["containers"])))
    expected = [limit(machine, name) for name in ("redis", "node-exporter")]
    assert [int(line) for line in report["memory"].splitlines()] == expected
    assert set(re.findall(r"\S+\.timer", report["timers"])) >= TIMERS
    # from inside its container, with the root of the machine at /host
    assert re.search(
        rf'^node_filesystem_size_bytes{{.*mountpoint="{DATA_FOLDER}".*}} ', report["metrics"], re.MULTILINE
    )


def sorted_lines(text: str) -> list[str]:
    return sorted(text.splitlines(keepends=True))


def limit(machine: Machine, container: str) -> int:
    """The memory of a container's unit in bytes, as its file has it."""
    path = f"/etc/containers/systemd/{container}.container.d/20-memory.conf"
    found = re.search(r"^MemoryMax=(\d+)M$", machine.root[path].content.decode(), re.MULTILINE)
    assert found
    return int(found[1]) * MIB


def assert_data_kept(first: Machine, later: Machine) -> None:
    """Secrets, database and certificate are unchanged."""
    kept = [path for path in first.data if path.startswith(("/secrets/", "/extra", "/domain", "/tls/", "/public/"))]
    for path in kept:
        assert later.data[path] == first.data[path], path
        # not even written anew
        if first.data[path].kind == "file":
            assert later.inodes[path] == first.inodes[path], path
    written = [path for path in first.data if path.startswith(("/redis/", "/postgresql/", "/log/"))]
    assert any(path.startswith("/redis/appendonlydir/") for path in written)
    for path in written:
        assert later.data[path] == first.data[path], path


def assert_the_rest_is_new(first: Installed, second: Installed) -> None:
    assert "/etc/first-installation" in first.root
    assert "/etc/first-installation" not in second.root
    host_key = "/etc/ssh/ssh_host_ed25519_key"
    # kept on the data partition
    assert first.root[host_key] == second.root[host_key]


def test_shellcheck_accepts_scripts_of_the_virtual_machine(require_program: RequireProgram) -> None:
    scripts = [OWN_FILES / "network-install", metal_image.OWN_FILES / "usr/libexec/rig-report"]
    subprocess.run([require_program("shellcheck", "shellcheck"), *scripts], check=True)
