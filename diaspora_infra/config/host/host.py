"""The `host` key: settings of every machine, independent of what runs on it."""

from typing import Annotated, Literal

from pydantic import Field

from diaspora_infra.config.files import FileNames
from diaspora_infra.config.host.firewall import Firewall
from diaspora_infra.config.model import Model
from diaspora_infra.config.types import (
    Architecture,
    ArchitectureField,
    ClockTime,
    ConnectionName,
    DiskPath,
    HostName,
    KernelArgument,
    LoginKey,
    MachineName,
    OffWord,
    Scalar,
    TimeZone,
    UserName,
    WeekdayField,
)

# etc-group-members in manifests/fedora-coreos{,-base}.yaml of coreos/fedora-coreos-config
Group = Literal["adm", "docker", "sudo", "systemd-journal", "wheel"]
"""The groups that Fedora CoreOS has in /etc/group. Ignition calls useradd, which fails for a group that does not exist
and ignores one of /usr/lib/group; when it fails, the first boot stops."""

# manifests/passwd, manifests/group and overlay.d/15fcos/usr/lib/sysusers.d of coreos/fedora-coreos-config
SYSTEM_ACCOUNTS = frozenset(
    {
        "adm", "audio", "avahi-autoipd", "bin", "cdrom", "ceph", "cgred", "chrony", "cockpit-ws", "daemon", "dbus",
        "dialout", "dip", "disk", "docker", "dockerroot", "etcd", "floppy", "ftp", "games", "halt", "input", "kmem",
        "kube", "lock", "lp", "mail", "man", "mem", "nfsnobody", "nobody", "operator", "polkitd", "rpc", "rpcuser",
        "shutdown", "ssh_keys", "sshd", "sssd", "sudo", "sync", "sys", "systemd-bus-proxy", "systemd-journal",
        "systemd-network", "systemd-resolve", "systemd-timesync", "tape", "tcpdump", "tty", "users", "utempter",
        "utmp", "video", "wheel", "zincati",
    }
)  # fmt: skip
"""Users and groups of Fedora CoreOS besides root and core. An account of such a name cannot be created."""


class User(Model):
    """An account on the machine. Logins are by SSH key only."""

    name: UserName
    """Account name; core exists on every Fedora CoreOS machine and may use sudo. Not one of the system's own users and
    groups."""
    ssh_authorized_keys: list[LoginKey] = Field(min_length=1)
    """Public keys that may log in; an RSA key needs 2048 bits or more."""
    groups: list[Group] = []
    """Further groups. A snippet can create others (`passwd.groups`) and add users to them (`passwd.users`)."""


class Storage(Model):
    """The machine's disk: a small root, and a big data partition that survives a reinstall."""

    disk: DiskPath | None = None
    """Disk of the operating system, preferably by a persistent name, such as /dev/disk/by-id/ata-EXAMPLE: /dev/sda may
    be another disk at the next boot. An installation over the network erases everything on it except the data
    partition, so `pxe` requires it here or for each machine."""
    root_gib: int = Field(default=12, ge=8, le=1024)
    """Space for the operating system in GiB: the data partition starts 1 GiB behind it, and the root filesystem fills
    what /boot leaves. Fedora CoreOS asks for a root of 8 GiB and may get a /boot of 2 GiB, so choose 10 or more. Never
    change it on a machine with data. Not used with `dataDisk`, where the root uses its whole disk."""
    data_gib: int = Field(default=0, ge=0, le=1048576)
    """Size of the data partition in GiB; 0 uses the rest of the disk, and keeps a partition as large as it is. On a
    machine with data change it to 0 only."""
    data_disk: DiskPath | None = None
    """Second disk for the data partition instead of the system disk, preferably by a persistent name, such as
    /dev/disk/by-id/ata-EXAMPLE."""


class Swap(Model):
    """Swap space, so that a small machine survives a peak."""

    zram_mib: int = Field(default=1024, ge=0, le=32768)
    """Compressed swap in memory, in MiB; 0 turns it off. At most half of the memory is used."""
    file_mib: int = Field(default=0, ge=0, le=65536)
    """Swap file on the data partition, in MiB; 0 creates none. On AWS 1024 when not set and the machine has 1 GiB."""


def swap_mib(memory_mib: int, swap: Swap) -> int:
    """Swap of a machine with so much memory; zram uses at most half of it."""
    return min(swap.zram_mib, memory_mib // 2) + swap.file_mib


class UpdateWindow(Model):
    """A weekly time span in which the machine may reboot into a new release."""

    days: list[WeekdayField] = Field(min_length=1)
    """Days on which the span starts."""
    start_time: ClockTime
    """Start, HH:MM in the machine's time zone."""
    length_minutes: int = Field(ge=1, le=1440)
    """Length in minutes."""


class Updates(Model):
    """When the operating system updates itself (zincati)."""

    strategy: Annotated[Literal["periodic", "immediate", "off"], OffWord] = "periodic"
    """`periodic` reboots only in `windows`, `immediate` at any time, `off` never."""
    windows: list[UpdateWindow] = [
        UpdateWindow.model_validate({"days": ["Sun"], "startTime": "03:00", "lengthMinutes": 60})
    ]
    """Spans for `periodic`; not used with another strategy."""


class Journal(Model):
    """The journal of the machine, which has the log of the web server with the addresses of visitors."""

    days: int = Field(default=14, ge=1, le=3650)
    """Days for which the journal is kept."""
    max_mib: int = Field(default=512, ge=64, le=65536)
    """Maximum size on the system disk, in MiB."""


Snippet = Annotated[str, Field(min_length=1, json_schema_extra={"contentMediaType": "application/yaml"})]

# [section][key] = value of a NetworkManager keyfile
Keyfile = dict[str, dict[str, Scalar]]


class Host(Model):
    """Settings of every machine."""

    users: list[User] = Field(min_length=1)
    """Accounts that may log in by SSH; one of them is core or in the group sudo or wheel."""
    memory_mib: int = Field(default=2048, ge=1024, le=1048576)
    """Memory of the machine in MiB, which determines the memory limits of the containers and the defaults of
    `pod.sizing`. On AWS the instance type determines it."""
    storage: Storage = Storage.model_construct()
    """Disk layout."""
    swap: Swap = Swap.model_construct()
    """Swap space."""
    updates: Updates = Updates.model_construct()
    """When the operating system updates itself."""
    firewall: Firewall = Firewall.model_construct()
    """Firewall of the machine."""
    journal: Journal = Journal.model_construct()
    """How long the machine keeps its logs."""
    time_zone: TimeZone = "Etc/UTC"
    """Time zone of the machine and of its update windows."""
    guest_agent: bool = False
    """Install the QEMU guest agent (for virtual machines on QEMU/libvirt or Proxmox)."""
    kernel_arguments: list[KernelArgument] = []
    """Kernel arguments of the installed system."""
    snippets: list[Snippet] = []
    """Butane documents, merged after everything else on every machine; they override it."""
    snippet_files: FileNames = []
    """Files with one Butane document each, merged after `snippets`: names and patterns such as snippets/*.bu, relative
    to the project folder and inside of it. In stack files only."""


class Machine(Model):
    """One machine."""

    name: MachineName
    """Name of the machine, unique in the stack; resources are named after it."""
    hostname: HostName | None = None
    """Host name; the machine's name when not set."""
    networks: dict[ConnectionName, Keyfile] = {}
    """NetworkManager connections: a name to the sections and keys of its keyfile. The name is also the interface,
    unless `connection.interface-name`, `ethernet.mac-address` or a `match` section selects another
    card. Without any connection, every interface uses DHCP."""
    architecture: ArchitectureField = Architecture.X86_64
    """CPU architecture."""
    disk: DiskPath | None = None
    """System disk of this machine; `host.storage.disk` when not set."""
    snippets: list[Snippet] = []
    """Butane documents for this machine, merged last; they override everything else."""
