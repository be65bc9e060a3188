"""`boot_device`: a mirrored or encrypted root disk."""

from __future__ import annotations

from typing import Any, Final

from butane.decode import Document
from butane.ignition import Ignition
from butane.origins import Origins
from butane.translation import TranslationState

# The partitions replicate those of the operating system's image; their sizes and order are part of what
# machines in the field rely on.
_RESERVED: Final = {"sizeMiB": 1, "typeGuid": "8DA63339-0007-60C0-C436-083AC8230908"}
_BIOS: Final = {"sizeMiB": 1, "typeGuid": "21686148-6449-6E6F-744E-656564454649"}
_PREP: Final = {"sizeMiB": 4, "typeGuid": "9E1A2D38-C612-4316-AA26-8B49521E5A8B"}
_ESP: Final = {"sizeMiB": 127, "typeGuid": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"}
_BOOT: Final = {"sizeMiB": 384}
_PARTITIONS: Final[dict[str, tuple[tuple[str, Ignition], ...]]] = {
    "x86_64": (("bios", _BIOS), ("esp", _ESP)),
    "aarch64": (("reserved", _RESERVED), ("esp", _ESP)),
    "ppc64le": (("prep", _PREP), ("reserved", _RESERVED)),
}
_LUKS_PARTITIONS: Final = {"s390x-eckd": "2", "s390x-zfcp": "4"}
"""On these layouts the encrypted partition is named by its device and number."""


def add_boot_device(state: TranslationState) -> None:
    """Put the disks, arrays and volumes that `boot_device` asks for under those of the user."""
    boot_device = state.document.get("boot_device", {})
    luks = boot_device.get("luks", {})
    devices = boot_device.get("mirror", {}).get("devices", [])
    encrypted = bool(luks.get("tpm2") or luks.get("tang") or luks.get("cex", {}).get("enabled"))
    if not encrypted and not devices:
        return
    origins = Origins()
    storage: Ignition = {}
    filesystems: list[Ignition] = []
    storage["filesystems"] = filesystems
    if devices:
        _mirror(boot_device, devices, storage, origins)
    if encrypted:
        storage["luks"] = [_luks(boot_device, mirrored=bool(devices))]
        _note_luks(origins)
    origins.whole[("storage", "filesystems", len(filesystems))] = ("boot_device",)
    origins.only[("storage", "filesystems")] = ("boot_device",)
    origins.only[("storage",)] = ("boot_device",)
    filesystems.append(_filesystem("/dev/mapper/root" if encrypted else "/dev/md/md-root", "xfs", "root"))
    state.merge_below_user({"storage": storage}, origins)


def _mirror(boot_device: Document, devices: list[str], storage: Ignition, origins: Origins) -> None:
    partitions = _PARTITIONS[boot_device.get("layout") or "x86_64"]
    mirror = ("boot_device", "mirror")
    filesystems = storage["filesystems"]
    storage["disks"] = []
    for index, device in enumerate(devices):
        number = index + 1
        storage["disks"].append(_disk(device, number, partitions))
        origins.whole[("storage", "disks", index)] = (*mirror, "devices", index)
        if ("esp", _ESP) in partitions:
            label = f"esp-{number}"
            origins.whole[("storage", "filesystems", len(filesystems))] = (*mirror, "devices", index)
            filesystems.append(_filesystem(f"/dev/disk/by-partlabel/{label}", "vfat", label))
    origins.only[("storage", "disks")] = (*mirror, "devices")
    # The superblock of the boot array is at its end, so that firmware need not understand RAID.
    boot = {**_raid("boot", len(devices)), "options": ["--metadata=1.0"]}
    storage["raid"] = [boot, _raid("root", len(devices))]
    origins.whole[("storage", "raid")] = mirror
    origins.whole[("storage", "filesystems", len(filesystems))] = mirror
    filesystems.append(_filesystem("/dev/md/md-boot", "ext4", "boot"))


def _disk(device: str, number: int, partitions: tuple[tuple[str, Ignition], ...]) -> Ignition:
    wanted: list[tuple[str, dict[str, Any]]] = [*partitions, ("boot", _BOOT), ("root", {})]
    return {
        **({"device": device} if device else {}),
        "wipeTable": True,
        "partitions": [{"label": f"{name}-{number}", **values} for name, values in wanted],
    }


def _raid(name: str, count: int) -> Ignition:
    return {
        "name": f"md-{name}",
        "level": "raid1",
        "devices": [f"/dev/disk/by-partlabel/{name}-{number}" for number in range(1, count + 1)],
    }


def _filesystem(device: str, format_: str, label: str) -> Ignition:
    return {"device": device, "format": format_, "label": label, "wipeFilesystem": True}


def _luks(boot_device: Document, *, mirrored: bool) -> Ignition:
    luks, layout = boot_device["luks"], boot_device.get("layout")
    if layout in _LUKS_PARTITIONS:
        device = luks["device"] + _LUKS_PARTITIONS[layout]
    else:
        device = "/dev/md/md-root" if mirrored else "/dev/disk/by-partlabel/root"
    volume: Ignition = {"device": device, "label": "luks-root", "name": "root", "wipeVolume": True}
    if "discard" in luks:
        volume["discard"] = luks["discard"]
    if luks.get("cex", {}).get("enabled"):
        volume["cex"] = {"enabled": True}
    else:
        volume["clevis"] = {key: luks[key] for key in ("tang", "threshold", "tpm2") if key in luks}
    return volume


def _note_luks(origins: Origins) -> None:
    luks = ("boot_device", "luks")
    at = ("storage", "luks", 0)
    origins.only[("storage", "luks")] = luks
    origins.whole[at] = luks
    origins.generated[(*at, "clevis")] = luks
    origins.generated[(*at, "cex")] = luks
    origins.generated[(*at, "discard")] = (*luks, "discard")
