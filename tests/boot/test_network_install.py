"""A machine boots over the network, becomes a pod, and is installed again with its data.

Real here: the firmware's network boot, the iPXE script, kernel and arguments that the stack made; coreos-installer,
which writes an image with the partitions of Fedora CoreOS to the disk and keeps the partition `data`; the config that
matchbox serves, applied by Ignition itself: partitions, filesystems, users, files; then the root of that disk: its
systemd, Quadlet and podman start the units and containers of the pod. The disk is read from outside when the machine
is off.

Mocked (see tests/support/boot): kernel and programs are Debian's, and a script runs the stages of the first boot. In
the containers are nginx, Redis and the node exporter, but scripts in the place of PostgreSQL and diaspora*. So nothing
here shows what Fedora CoreOS or SELinux do.
"""

import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.host.features.storage import DATA_FOLDER
from diaspora_infra.pxe.install import ASSETS, image_names
from lab.matchbox import MatchboxServer
from tests.conftest import skip_unless
from tests.machine.pod_programs import RequireProgram
from tests.support.boot import light_images, metal_image
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
PAGE = Path(__file__).parent.parent.parent / "docs" / "machine.md"

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
FAST = ["norandmaps", "mitigations=off", "highres=off", "no_timer_check"]
ARGUMENTS = ["quiet", "systemd.show_status=false", "panic=1", *FAST]
# tests/machine/test_pod_machine.py starts the pod of a reinstalled machine, without an emulator
WITHOUT_POD = ["systemd.mask=diaspora.target"]
RELEASE = "44.20260802.3.1"
KEPT = "/extra/kept"
# Health checks are podman runs, which take long where every instruction is emulated. Sidekiq's first one is too early.
SELDOM = "".join(
    f"""
    - path: /etc/containers/systemd/{name}.container.d/90-seldom.conf
      contents: {{inline: "[Container]\\nHealthInterval={seconds}s\\nHealthTimeout=60s\\nHealthStartPeriod=600s\\n"}}"""
    for name, seconds in (
        ("postgresql", 60),
        ("redis", 60),
        ("nginx", 60),
        ("diaspora-web", 60),
        ("diaspora-sidekiq", 3),
    )
)
ALWAYS = f"""
variant: fcos
version: 1.5.0
storage:
  files:{SELDOM}
    # not now: there is no certbot image, and nobody to ask
    - path: /etc/systemd/system/certbot.timer.d/90-later.conf
      contents: {{inline: "[Timer]\\nOnActiveSec=\\nOnCalendar=\\nOnActiveSec=1d\\n"}}
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
SERVICES = ("postgresql", "redis", "diaspora-web", "diaspora-sidekiq", "nginx")
TIMERS = {"certbot.timer", "diaspora-disk-space.timer", "podman-auto-update.timer"}
KEPT_SECRETS = ("database_password", "redis_password", "secret_key_base", "oidc_key.pem", "admin_password")
ORDER = (
    ("var-mnt-data.mount", "diaspora-data.service", "diaspora-secrets.service", "postgresql.service"),
    ("postgresql.service", "diaspora-migrate.service", "diaspora-administrator.service", "diaspora-web.service"),
    ("diaspora-secrets.service", "redis.service", "diaspora-migrate.service"),
    ("diaspora-web.service", "diaspora-sidekiq.service"),
    ("diaspora-network.service", "postgresql.service"),
    ("diaspora-secrets.service", "diaspora-signing-key.service", "public-files.service", "nginx.service"),
    ("diaspora-signing-key.service", "diaspora-certificate.service", "nginx.service"),
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
def test_machine_boots_as_pod_and_keeps_data_after_reinstall(rig: Rig) -> None:
    """First on an empty disk, then with other settings and UEFI. One test, because it takes minutes."""
    first = rig.install("first.lan", snippets=[FIRST_ONLY])
    assert_booted_over_the_network(first, "i386")
    assert_partitions_follow_settings(first.partitions)
    assert_root_matches_config(first, rig.images)
    assert_data_prepared(first)
    assert_up_and_complete(first, "first.lan")
    assert_runs_the_pod(first)
    assert_started_in_order(first.report["journal"])
    assert_status_matches_page(first.report["pod-status"])

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


def assert_runs_the_pod(machine: Machine) -> None:
    """The containers are healthy, and nginx answers for the application behind it."""
    report = machine.report
    assert report["pod-status.status"] == "0\n", report["pod-status"]
    status = dict(line.split(None, 1) for line in report["pod-status"].splitlines())
    assert {name: status[name] for name in SERVICES} == dict.fromkeys(SERVICES, "running, healthy")
    assert report["answer"] == '{"links": []}\n'
    assert set(re.findall(r"\S+\.timer", report["timers"])) >= TIMERS
    # from inside its container, with the root of the machine at /host
    assert re.search(
        rf'^node_filesystem_size_bytes{{.*mountpoint="{DATA_FOLDER}".*}} ', report["metrics"], re.MULTILINE
    )


def assert_started_in_order(journal: str) -> None:
    """Each unit of a chain was up before the next one was started."""
    for chain in ORDER:
        for earlier, later in pairwise(chain):
            up = re.search(rf"(?:Started|Finished|Mounted) {re.escape(earlier)} - ", journal)
            started = re.search(rf"(?:Starting|Mounting) {re.escape(later)} - ", journal)
            assert up, earlier
            assert started, later
            assert up.start() < started.start(), (earlier, later)
    *_, reached = re.finditer(r"Reached target diaspora\.target", journal)
    for name in SERVICES:
        up = re.search(rf"Started {name}\.service", journal)
        assert up, name
        assert up.start() < reached.start(), name


def assert_status_matches_page(status: str) -> None:
    """The page shows the same lines except for numbers and hashes."""
    shown = re.search(
        r"^\$ sudo diaspora-pod status\n(.*?)^\$ ", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert shown, "no status in docs/machine.md"
    changing = r"[0-9a-f]{16,}|\d+"
    assert re.sub(changing, "N", shown[1]) == re.sub(changing, "N", status)


def assert_data_kept(first: Machine, later: Machine) -> None:
    """Secrets, database and certificate are unchanged."""
    kept = [path for path in first.data if path.startswith(("/secrets/", "/extra", "/domain", "/tls/", "/public/"))]
    for path in kept:
        assert later.data[path] == first.data[path], path
        # not even written anew
        if first.data[path].kind == "file":
            assert later.inodes[path] == first.inodes[path], path
    assert first.data["/log/migrations"].content == b"migrated\nadministrator made\n"
    written = [path for path in first.data if path.startswith(("/postgresql/", "/log/"))]
    for path in written:
        assert later.data[path] == first.data[path], path


def assert_the_rest_is_new(first: Installed, second: Installed) -> None:
    assert "/etc/first-installation" in first.root
    assert "/etc/first-installation" not in second.root
    host_key = "/etc/ssh/ssh_host_ed25519_key"
    # kept on the data partition
    assert first.root[host_key] == second.root[host_key]


@pytest.mark.timeout(1200)
def test_foreign_filesystem_on_data_partition_stops_first_boot_unchanged(rig: Rig) -> None:
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


def test_shellcheck_accepts_scripts_of_the_virtual_machine(require_program: RequireProgram) -> None:
    stand_ins = [file for file in light_images.OWN_FILES.rglob("*") if file.is_file() and file.suffix == ""]
    scripts = [OWN_FILES / "network-install", metal_image.OWN_FILES / "usr/libexec/rig-report", *stand_ins]
    assert len(scripts) > 8
    subprocess.run([require_program("shellcheck", "shellcheck"), *scripts], check=True)
