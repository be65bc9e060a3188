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


class User(Model):
    """An account on the machine. Logins are by SSH key only."""

    name: UserName
    """Account name; core exists on every Fedora CoreOS machine and may use sudo."""
    ssh_authorized_keys: list[LoginKey] = Field(min_length=1)
    """Public keys that may log in; an RSA key needs 2048 bits or more."""
    groups: list[UserName] = []
    """Further groups, such as sudo or wheel."""


class Storage(Model):
    """The machine's disk: a small root, and a big data partition that survives a reinstall."""

    disk: DiskPath = "/dev/sda"
    """Disk of the operating system (the installer erases everything except the data partition)."""
    root_gib: int = Field(default=12, ge=8, le=1024)
    """Size of the root filesystem in GiB; Fedora CoreOS does not boot below 8. Never change it on a machine with data,
    because the data partition follows it. Not used with `dataDisk`, where the root uses its whole disk."""
    data_gib: int = Field(default=0, ge=0, le=1048576)
    """Size of the data partition in GiB; 0 uses the rest of the disk. Never change it on a machine with data."""
    data_disk: DiskPath | None = None
    """Second disk for the data partition instead of the system disk, preferably by a persistent name, such as
    /dev/disk/by-id/ata-EXAMPLE."""


class Swap(Model):
    """Swap space, so that a small machine survives a peak."""

    zram_mib: int = Field(default=1024, ge=0, le=32768)
    """Compressed swap in memory, in MiB; 0 turns it off. At most half of the memory is used."""
    file_mib: int = Field(default=0, ge=0, le=65536)
    """Swap file on the data partition, in MiB; 0 creates none. On AWS 1024 when not set and the machine has 1 GiB."""


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
    storage: Storage = Storage()
    """Disk layout."""
    swap: Swap = Swap()
    """Swap space."""
    updates: Updates = Updates()
    """When the operating system updates itself."""
    firewall: Firewall = Firewall()
    """Firewall of the machine."""
    journal: Journal = Journal()
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
