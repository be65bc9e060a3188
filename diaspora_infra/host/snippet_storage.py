"""Refuse snippets that would break what the project promises about data: a reinstallation keeps it.

Snippets override everything else, but for the system disk, the data partition (on AWS the data volume), and what is
mounted at the data folder or above it. All other disks are theirs. Not seen are what a program or a config fetched at
boot does, and other names of a disk than those in the settings.
"""

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import butane
from diaspora_infra.config import AwsSettings, Machine, ProvisioningSettings, Settings
from diaspora_infra.host.data_url import Budget, TooLargeError, contents, is_data
from diaspora_infra.host.features.storage import (
    BEFORE_ROOT_GIB,
    BOOT_DISK,
    DATA_FOLDER,
    DATA_LABEL,
    DATA_NUMBER,
    MIB_PER_GIB,
    ROOT_NUMBER,
)

Ignition = Mapping[str, Any]
Path = tuple[str | int, ...]
Finding = tuple[Path, str]
"""A place of the merged Ignition document, and what is wrong with it."""

_SYSTEM_DISK = "the system disk"
_DATA_DISK = "the disk of the data partition"
_DATA = "the data partition"
_SYSTEM_PARTITION = "a partition of Fedora CoreOS"
_VOLUME = "the data volume"

# Fedora CoreOS finds its partitions and filesystems by these, wherever they are; see "Configuring Storage".
_SYSTEM_LABEL = re.compile(r"(?:boot|root|bios|esp)(?:-[0-9]+)?|BIOS-BOOT|EFI-SYSTEM|PowerPC-PReP-boot")
_ROOT_LABEL = "root"
# EBS volumes, and the names that may be those of one: nobody knows before which disk becomes which.
_AWS_VOLUME = re.compile(
    r"/dev/(?:sd[a-z]+|xvd[a-z]+|nvme[0-9]+n[0-9]+)(?:p?[0-9]+)?"
    r"|/dev/disk/by-id/nvme-(?:Amazon_Elastic_Block_Store|nvme[.]1d0f-766f6c).*|/dev/disk/by-(?:path|diskseq)/.*"
)
_UNIT_FILE = re.compile(r"/(?:etc|run|usr/lib|usr/local/lib)/systemd/system/(?P<name>[^/]+?)(?:[.]d(?:/.*)?)?")
_FIND_VOLUME = ("diaspora-data-volume.service", "/usr/local/libexec/diaspora/find-data-volume")
_DIRECTORIES_FILE = "/etc/diaspora/directories.conf"

_BOOT_DEVICE = {
    "mirror": "wipes its disks at each installation, with the data partition: Ignition cannot keep data on an array; "
    "mirror below the machine (a RAID controller, the host of a virtual machine), or remove it",
    "luks": "wipes the root partition and encrypts nothing but it: the data partition stays readable; encrypt below "
    "the machine (a self-encrypting disk, the host of a virtual machine), or remove it",
}


@dataclass(frozen=True)
class Disks:
    """The names of a machine's own disks.

    `data` are those of the disk with the data partition, the system disk or another; none on AWS. `data_number` is the
    number of that partition, and `data_end` the MiB where it ends (None: at the end of the disk).
    """

    system: frozenset[str]
    data: frozenset[str] = frozenset()
    data_number: int = 0
    data_end: int | None = None

    @property
    def on_aws(self) -> bool:
        """The data is on a volume of its own."""
        return not self.data

    def named(self, device: str) -> str | None:
        """Say what of the machine's own a device is; None for those that belong to the snippets."""
        device = _clean(device)
        if device in self.system:
            return _SYSTEM_DISK
        if device in self.data:
            return _DATA_DISK
        if self.on_aws and _AWS_VOLUME.fullmatch(device):
            return f"a disk that may be {_VOLUME}"
        folder, _, name = device.rpartition("/")
        if folder in {"/dev/disk/by-label", "/dev/disk/by-partlabel"}:
            return self._labelled(name)
        return self._numbered(device)

    def is_root_partition(self, device: str) -> bool:
        """Tell whether a device is the partition of the root filesystem."""
        device = _clean(device)
        labels = {f"/dev/disk/by-{kind}/{_ROOT_LABEL}" for kind in ("label", "partlabel")}
        return device in labels or _number(device, self.system) == ROOT_NUMBER

    def _labelled(self, label: str) -> str | None:
        if label == DATA_LABEL:
            return _VOLUME if self.on_aws else _DATA
        return _SYSTEM_PARTITION if _SYSTEM_LABEL.fullmatch(label) else None

    def _numbered(self, device: str) -> str | None:
        if self.data_number and _number(device, self.data) == self.data_number:
            return _DATA
        return _SYSTEM_PARTITION if _number(device, self.system) in range(1, ROOT_NUMBER + 1) else None


def disks_of(settings: Settings | ProvisioningSettings, machine: Machine) -> Disks:
    """Name the disks of a machine by its settings."""
    if isinstance(settings, AwsSettings):
        return Disks(frozenset({BOOT_DISK}))
    storage = settings.host.storage
    disk = machine.disk or storage.disk
    system = frozenset({BOOT_DISK} if disk is None else {BOOT_DISK, _clean(disk)})
    size = storage.data_gib * MIB_PER_GIB
    if storage.data_disk is not None:
        # the first partition of a disk begins at its first MiB
        return Disks(system, frozenset({_clean(storage.data_disk)}), 1, 1 + size if size else None)
    start = (storage.root_gib + BEFORE_ROOT_GIB) * MIB_PER_GIB
    return Disks(system, system, DATA_NUMBER, start + size if size else None)


def check_storage(merged: butane.Merged, disks: Disks) -> list[butane.Entry]:
    """Find what the snippets in a merged document do to the machine's own disks, each with its place in a snippet."""
    own = merged.parts[0]
    found = [*_storage(own, merged.ignition, disks), *_configs(merged.ignition, disks)]
    return _once(merged.error(path, message) for path, message in found)


def _once(entries: Iterable[butane.Entry]) -> list[butane.Entry]:
    """Say one thing about a `boot_device`, not one about each part that it stands for."""
    kept: dict[Any, butane.Entry] = {}
    for entry in entries:
        if entry.path[:1] != ("boot_device",):
            kept[entry] = entry
        elif len(entry.path) > 1:
            key = str(entry.path[1])
            message = _BOOT_DEVICE.get(key, entry.message)
            kept.setdefault((entry.source, key), replace(entry, path=entry.path[:2], message=message))
    return list(kept.values())


def _storage(own: Ignition, whole: Ignition, disks: Disks) -> Iterator[Finding]:
    ours, storage = own.get("storage", {}), whole.get("storage", {})
    at: Path = ("storage",)
    present = {disk["device"]: disk for disk in ours.get("disks", ())}
    for index, disk in enumerate(storage.get("disks", ())):
        yield from _disk(present, disk, disks, (*at, "disks", index))
    for index, array in enumerate(storage.get("raid", ())):
        for number, device in enumerate(array.get("devices", ())):
            yield from _taken(disks, device, "cannot be part of an array", (*at, "raid", index, "devices", number))
    for index, volume in enumerate(storage.get("luks", ())):
        here = (*at, "luks", index)
        yield from _taken(disks, volume.get("device", ""), "cannot be encrypted", (*here, "device"))
        yield from _labelled(disks, volume, here)
    present = {filesystem["device"]: filesystem for filesystem in ours.get("filesystems", ())}
    for index, filesystem in enumerate(storage.get("filesystems", ())):
        yield from _filesystem(present, filesystem, disks, (*at, "filesystems", index))
    yield from _nodes(own, whole, disks)
    yield from _units(own, whole, disks)
    yield from _arguments(own, whole)


def _taken(disks: Disks, device: str, what: str, at: Path) -> Iterator[Finding]:
    named = disks.named(device)
    if named is not None:
        yield at, f"{device} is {named}, which {what}; choose another disk"


def _labelled(disks: Disks, entry: Ignition, at: Path) -> Iterator[Finding]:
    """Check the label of a filesystem or LUKS volume."""
    label = entry.get("label", "")
    if disks.on_aws and label == DATA_LABEL:
        yield (*at, "label"), f"the machine finds {_VOLUME} by the label {label}; choose another label"
    elif _SYSTEM_LABEL.fullmatch(label):
        yield (*at, "label"), f"Fedora CoreOS finds its own filesystem by the label {label}; choose another label"


def _disk(present: Mapping[str, Ignition], disk: Ignition, disks: Disks, at: Path) -> Iterator[Finding]:
    device = disk.get("device", "")
    named = disks.named(device)
    mine = present.get(device)
    if mine is None and named is not None and any(disks.named(other) == named for other in present):
        (name, *_) = (other for other in present if disks.named(other) == named)
        yield (*at, "device"), f"{device} is {named}, which has an entry already; call it {name}"
    elif named not in {None, _SYSTEM_DISK, _DATA_DISK}:
        yield (*at, "device"), f"{device} is {named}, which cannot be partitioned; choose another disk"
    if named is not None and disk.get("wipeTable"):
        yield (*at, "wipeTable"), f"wipes {named} at each installation, with all that it holds; remove it"
    numbered = {entry["number"]: entry for entry in (mine or {}).get("partitions", ())}
    for index, partition in enumerate(disk.get("partitions", ())):
        here = (*at, "partitions", index)
        if named is None:
            yield from _foreign_label(partition, here)
        else:
            yield from _partition(numbered, partition, named, disks, here)


def _foreign_label(partition: Ignition, at: Path) -> Iterator[Finding]:
    label = partition.get("label", "")
    if label == DATA_LABEL or _SYSTEM_LABEL.fullmatch(label):
        yield (*at, "label"), f"the machine finds a partition of its own by the label {label}; choose another label"


def _partition(
    numbered: Mapping[int, Ignition], partition: Ignition, named: str, disks: Disks, at: Path
) -> Iterator[Finding]:
    """Check a partition of the system disk or of the disk with the data partition."""
    number = partition.get("number") or 0
    mine = numbered.get(number)
    holds_data = named == _DATA_DISK or disks.data == disks.system
    if mine is not None:
        for key in _changed(mine, partition):
            size = "host.storage.rootGib" if number == ROOT_NUMBER else "host.storage.dataGib"
            yield (*at, key), f"partition {number} ({mine['label']}) is the machine's own; remove this, or set {size}"
    elif named == _SYSTEM_DISK and number == ROOT_NUMBER and _is_root_size(partition):
        pass  # nothing of the machine's own follows root
    elif named == _SYSTEM_DISK and 0 < number <= ROOT_NUMBER:
        yield at, f"partition {number} of {named} is Fedora CoreOS's; remove this entry"
    elif partition.get("shouldExist") is not False:
        yield from _foreign_label(partition, at)
        if holds_data:
            yield from _room(partition, disks, at)


def _is_root_size(partition: Ignition) -> bool:
    asked = {key for key, value in partition.items() if value}
    return asked <= {"number", "label", "sizeMiB", "resize"} and partition.get("label", _ROOT_LABEL) == _ROOT_LABEL


def _room(partition: Ignition, disks: Disks, at: Path) -> Iterator[Finding]:
    """A partition beside the data partition must lie behind it."""
    start = partition.get("startMiB")
    if disks.data_end is None:
        yield at, f"{_DATA} uses the rest of its disk; set host.storage.dataGib, or choose another disk"
    elif start and start < disks.data_end:
        yield (*at, "startMiB"), f"starts before the end of {_DATA}; allowed: {disks.data_end} or more"


def _filesystem(present: Mapping[str, Ignition], filesystem: Ignition, disks: Disks, at: Path) -> Iterator[Finding]:
    device = filesystem.get("device", "")
    mine = present.get(device)
    if mine is not None:
        for key in _changed(mine, filesystem):
            yield (*at, key), f"the filesystem of {_DATA} is the machine's own, and the data stays in it; remove this"
        return
    if _is_boot(filesystem):
        return
    if disks.is_root_partition(device) and filesystem.get("label") == _ROOT_LABEL:
        yield from _mounted(filesystem.get("path"), (*at, "path"))
        return  # Fedora CoreOS formats it anew with what it holds; the data is elsewhere
    yield from _taken(disks, device, "has its filesystem already", (*at, "device"))
    yield from _labelled(disks, filesystem, at)
    yield from _mounted(filesystem.get("path"), (*at, "path"))


def _is_boot(filesystem: Ignition) -> bool:
    """Tell whether a filesystem is that of /boot, mounted as it is: `grub` needs it for its password."""
    given = {key: value for key, value in filesystem.items() if value}
    return given == {"device": "/dev/disk/by-label/boot", "format": "ext4", "path": "/boot"}


def _mounted(path: str | None, at: Path) -> Iterator[Finding]:
    if path and _covers_data(path):
        yield at, f"a mount at {path} hides the data in {DATA_FOLDER}; mount it elsewhere, such as /var/mnt/more"


def _nodes(own: Ignition, whole: Ignition, disks: Disks) -> Iterator[Finding]:
    folders = _pod_folders(own)
    for kind in ("directories", "files", "links"):
        ours = own.get("storage", {}).get(kind, ())
        for index, node in enumerate(whole.get("storage", {}).get(kind, ())):
            if node not in ours:
                yield from _node(kind, node, folders, disks, ("storage", kind, index))


def _node(kind: str, node: Ignition, folders: frozenset[str], disks: Disks, at: Path) -> Iterator[Finding]:
    path = _clean(node.get("path", ""))
    overwrite = bool(node.get("overwrite"))
    below = path.startswith(f"{DATA_FOLDER}/")
    unit = _UNIT_FILE.fullmatch(path)
    if _covers_data(path) and (kind != "directories" or overwrite):
        yield (*at, "path"), f"replaces what holds the data; choose a path below {DATA_FOLDER}"
    elif below and overwrite and (kind != "files" or path in folders):
        message = f"deletes what {path} holds on {_DATA} at each installation; remove it"
        yield (*at, "overwrite"), message
    elif path in folders and kind == "links":
        yield (*at, "path"), f"moves {path} away from {_DATA}; choose another path"
    elif (unit and _is_own_unit(unit["name"], disks)) or (disks.on_aws and path == _FIND_VOLUME[1]):
        yield (*at, "path"), "changes how the data folder is mounted; remove it"
    elif kind == "files" and path == "/etc/fstab":
        for mount in _fstab(node):
            yield from _mounted(mount, (*at, "contents"))


def _pod_folders(own: Ignition) -> frozenset[str]:
    """The folders of the pod on the data partition."""
    for node in own.get("storage", {}).get("files", ()):
        if node["path"] == _DIRECTORIES_FILE:
            text = contents(node["contents"]).decode()
            return frozenset(re.findall(rf"^\S+\s+({DATA_FOLDER}/\S+)", text, re.MULTILINE))
    return frozenset()


def _fstab(node: Ignition) -> Iterator[str]:
    for resource in (node.get("contents") or {}, *node.get("append", ())):
        if is_data(resource):
            try:
                text = contents(resource).decode("utf-8", "replace")
            except ValueError:
                continue  # the check of contents says so
            yield from re.findall(r"^[^#\s]\S*[ \t]+(/\S*)", text, re.MULTILINE)


def _units(own: Ignition, whole: Ignition, disks: Disks) -> Iterator[Finding]:
    present = {unit["name"]: unit for unit in own.get("systemd", {}).get("units", ())}
    for index, unit in enumerate(whole.get("systemd", {}).get("units", ())):
        name = unit.get("name", "")
        if not _is_own_unit(name, disks):
            continue
        for key in _changed(present.get(name, {}), unit)[:1]:
            message = f"{name} decides what is mounted at {DATA_FOLDER}; remove it, or mount elsewhere"
            yield ("systemd", "units", index, key if name in present else "name"), message


def _is_own_unit(name: str, disks: Disks) -> bool:
    """Tell whether a unit mounts the data folder or something above it."""
    if disks.on_aws and name == _FIND_VOLUME[0]:
        return True
    stem, dot, suffix = name.rpartition(".")
    if not dot or suffix not in {"mount", "automount"}:
        return name in {"mount", "automount"}  # drop-ins of all units of a type
    path = re.sub(r"\\x([0-9a-fA-F]{2})", lambda code: chr(int(code[1], 16)), stem.replace("-", "/"))
    return _covers_data(f"/{path}")


def _arguments(own: Ignition, whole: Ignition) -> Iterator[Finding]:
    """Kernel arguments by which systemd masks or adds a mount."""
    ours = own.get("kernelArguments", {}).get("shouldExist", ())
    for index, argument in enumerate(whole.get("kernelArguments", {}).get("shouldExist", ())):
        name, _, value = argument.partition("=")
        name = name.removeprefix("rd.")
        if argument not in ours and _changes_mounts(name, value):
            message = f"{argument} changes what is mounted at {DATA_FOLDER} or above it; remove it"
            yield ("kernelArguments", "shouldExist", index), message


def _changes_mounts(name: str, value: str) -> bool:
    if name == "systemd.mask":
        return value.endswith(".mount") and _is_own_unit(value, Disks(frozenset()))
    if name == "systemd.mount-extra":
        return any(_covers_data(path) for path in value.split(":")[1:2] if path)
    return name == "systemd.volatile"


def _configs(whole: Ignition, disks: Disks) -> Iterator[Finding]:
    """Configs that Ignition merges at boot, as far as they are in the document."""
    config = whole.get("ignition", {}).get("config", {})
    at: Path = ("ignition", "config")
    if (config.get("replace") or {}).get("source"):
        yield (*at, "replace", "source"), "replaces the whole config of the machine; use ignition.config.merge"
    budget = Budget()
    for index, resource in enumerate(config.get("merge") or ()):
        for message in _of_config(resource, disks, _MOST_CONFIGS, budget):
            yield (*at, "merge", index), message


_MOST_CONFIGS = 4
_BELOW_STORAGE = ("disks", "raid", "luks", "filesystems")


def _of_config(resource: Ignition, disks: Disks, depth: int, budget: Budget) -> Iterator[str]:
    if not is_data(resource):
        return
    try:
        parsed = json.loads(contents(resource, budget), object_pairs_hook=_lower)
    except TooLargeError:
        yield "has packed configs that are too large to check; write them in the snippet"
        return
    except (ValueError, RecursionError):
        return  # the checks of Ignition documents and of contents say so
    document = _tables(parsed)
    for key in _BELOW_STORAGE:
        if document["storage"].get(key):
            yield f"has storage.{key}, which is not checked in a config that is merged at boot; write it in the snippet"
    yield from (message for _, message in (*_nodes({}, document, disks), *_units({}, document, disks)))
    config = document["ignition"].get("config")
    for nested in (config.get("merge") or ()) if isinstance(config, dict) else ():
        if not depth:
            yield "has configs inside configs; write them in the snippet"
            return
        yield from _of_config(nested, disks, depth - 1, budget)


def _lower(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON as Go reads it, which does not mind the case of keys."""
    return {key.lower(): value for key, value in pairs}


def _tables(parsed: Any) -> dict[str, dict[str, Any]]:
    """The tables of an Ignition document, whatever stands in their place: its form is checked elsewhere."""
    given = parsed if isinstance(parsed, dict) else {}
    tables = {key: given.get(key) for key in ("ignition", "storage", "systemd")}
    return {key: _lists(value) if isinstance(value, dict) else {} for key, value in tables.items()}


def _lists(table: dict[str, Any]) -> dict[str, Any]:
    return {
        key: [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else value
        for key, value in table.items()
        if isinstance(value, list | dict)
    }


def _changed(mine: Ignition, given: Ignition) -> list[str]:
    """The keys with another meaning: false is the same as nothing, but for `shouldExist`, where true is."""

    def meaning(entry: Ignition, key: str) -> Any:
        value = entry.get(key)
        return None if value is (key == "shouldExist") else value

    return [key for key in {**mine, **given} if meaning(given, key) != meaning(mine, key)]


def _covers_data(path: str) -> bool:
    """Tell whether a path is the data folder or above it."""
    return f"{DATA_FOLDER}/".startswith(f"{_clean(path).rstrip('/')}/")


def _clean(path: str) -> str:
    """A path without detours. /mnt leads to /var/mnt on Fedora CoreOS."""
    path = f"/{posixpath.normpath(path).lstrip('/')}"
    return f"/var{path}" if path == "/mnt" or path.startswith("/mnt/") else path


def _number(device: str, names: Iterable[str]) -> int | None:
    """The number of a partition of a disk with one of these names, however it is written."""
    for name in names:
        match = re.fullmatch(rf"{re.escape(name)}(?:-part|p)?([0-9]+)", device)
        # a digit before the number would make it another disk's
        if match and (not name[-1].isdigit() or device[len(name)] in "-p"):
            return int(match[1][:9])
    return None
