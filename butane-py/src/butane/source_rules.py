"""What Butane itself forbids or warns of, before anything is translated.

Facts: github.com/coreos/butane v0.29.0 (base/*/validate.go, config/fcos/*/validate.go, base/util/file.go).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from butane import ignition_json
from butane.decode import Document
from butane.ignition import version_text
from butane.report import Path, Report
from butane.schema import IGNITION_MINORS, Struct

BOOT_DISK: Final = "/dev/disk/by-id/coreos-boot-disk"
LAYOUTS: Final = ("aarch64", "ppc64le", "x86_64")
S390X_LAYOUTS: Final = ("s390x-eckd", "s390x-virt", "s390x-zfcp")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[^+]*)?(\+.*)?")
_MOUNT_POINT = re.compile(r"/(etc|var)(/|$)")
_LUKS_DEVICES: Final = {
    "s390x-eckd": (re.compile(r"/dev/dasd[a-z]\Z"), "/dev/dasda"),
    "s390x-zfcp": (re.compile(r"/dev/sd[a-z]\Z"), "/dev/sda"),
}

Rule = Callable[[Document, Path, Report, int], None]


def check(shape: Struct, document: Document, report: Report, path: Path = ()) -> None:
    """Apply the rules to a document and everything in it."""
    rule = RULES.get(shape.name)
    if rule is not None:
        rule(document, path, report, shape.minor)
    for field in shape.nested:
        value = document.get(field.yaml)
        if value is None:
            continue
        child = shape.of(field)
        if field.many:
            for index, element in enumerate(value):
                check(child, element, report, (*path, field.yaml, index))
        else:
            check(child, value, report, (*path, field.yaml))


def _resource(value: Document, path: Path, report: Report, minor: int) -> None:
    given = [key for key in ("local", "inline", "source") if key in value]
    if len(given) > 1:
        culprit = given[-1] if minor else "inline"
        report.error((*path, culprit), "only one of these can be set: inline, local, source")
    elif given == ["inline"] and path[:2] == ("ignition", "config"):
        _ignition_document(value["inline"], (*path, "inline"), report, minor)


def _ignition_document(text: str, path: Path, report: Report, minor: int) -> None:
    """Check a document to merge. Paths within it are reported as they are, as the reference does."""
    where = "in the Ignition document of " + ".".join(["$", *(str(step) for step in path)])
    ignition_minor = IGNITION_MINORS[minor]
    try:
        parsed = ignition_json.parse(text, ignition_minor)
    except ignition_json.JsonError as problem:
        report.error((), f"{where}: {problem}")
        report.error(path, "not an Ignition document")
        return
    version = parsed.document.get("ignition", {}).get("version", "")
    if _VERSION.fullmatch(version) and version != version_text(ignition_minor):
        report.warning((*path[:-1], "version"), f"an Ignition document of version {version} is not checked here")
        return
    inner = Report()
    ignition_json.check(parsed, ignition_minor, inner)
    report.extend(replace(entry, message=f"{where}: {entry.message}") for entry in inner)


def _filesystem(value: Document, path: Path, report: Report, minor: int) -> None:
    if not value.get("with_mount_unit"):
        return
    swap_known = minor >= 4
    if not value.get("format"):
        report.error((*path, "format"), "a format is required when with_mount_unit is true")
        if swap_known:
            return
    needs_path = not swap_known or value.get("format") != "swap"
    if needs_path and not value.get("path"):
        report.error((*path, "path"), "a path is required when with_mount_unit is true and the format is not swap")


def _directory(value: Document, path: Path, report: Report, _minor: int) -> None:
    if "mode" in value and _looks_decimal(value["mode"], directory=True):
        report.warning((*path, "mode"), _DECIMAL)


def _file(value: Document, path: Path, report: Report, _minor: int) -> None:
    if "mode" in value and _looks_decimal(value["mode"], directory=False):
        report.warning((*path, "mode"), _DECIMAL)


def _tree(value: Document, path: Path, report: Report, _minor: int) -> None:
    if not value.get("local"):
        report.error(path, "local is required")


def _unit(value: Document, path: Path, report: Report, _minor: int) -> None:
    if "contents" in value and "contents_local" in value:
        report.error((*path, "contents_local"), "only one of these can be set: contents, contents_local")


def _config(value: Document, path: Path, report: Report, minor: int) -> None:
    if minor < 6:
        return
    storage = value.get("storage", {})
    mirrored = value.get("boot_device", {}).get("mirror", {}).get("devices", ())
    for index, disk in enumerate(storage.get("disks", ())):
        device = disk.get("device", "")
        if device == BOOT_DISK or disk.get("wipe_table") or device in mirrored:
            continue
        for number, partition in enumerate(disk.get("partitions", ())):
            if not partition.get("number") and "label" in partition:
                report.warning(
                    (*path, "storage", "disks", index, "partitions", number, "number"),
                    "a partition is only reused by its number: set one, or wipe_table, "
                    f"unless the disk is the boot disk ({BOOT_DISK})",
                )
    for index, filesystem in enumerate(storage.get("filesystems", ())):
        place = filesystem.get("path")
        if place is not None and filesystem.get("with_mount_unit") and not _MOUNT_POINT.match(place):
            report.error(
                (*path, "storage", "filesystems", index, "path"),
                "the path must be under /etc or /var when with_mount_unit is true",
            )


def _boot_device(value: Document, path: Path, report: Report, minor: int) -> None:
    layout, luks = value.get("layout"), value.get("luks", {})
    mirrored = bool(value.get("mirror", {}).get("devices"))
    if mirrored and layout is None:
        message = "boot_device.layout should be set when boot_device.mirror is"
        if minor >= 7:
            report.error((*path, "mirror"), message)
        else:
            report.warning((*path, "mirror"), message)
    if layout is not None:
        _layout(layout, luks, mirrored, path, report, minor)
    if luks.get("cex", {}).get("enabled"):
        _cex(layout, luks, path, report)


def _layout(layout: str, luks: Document, mirrored: bool, path: Path, report: Report, minor: int) -> None:
    known = LAYOUTS + (S390X_LAYOUTS if minor >= 6 else ())
    path = (*path, "layout")
    if layout not in known:
        report.error(path, f"the layout must be one of {', '.join(sorted(known))}")
    elif layout in _LUKS_DEVICES:
        pattern, example = _LUKS_DEVICES[layout]
        if not luks.get("device"):
            report.error(path, f"luks.device is required for the layout {layout}")
        elif not pattern.search(luks["device"]):
            report.error(path, f"luks.device must be a device like {example} for the layout {layout}")
    if minor >= 6 and layout.startswith("s390x") and mirrored:
        report.error(path, f"mirroring is not possible with the layouts {', '.join(S390X_LAYOUTS)}")


def _cex(layout: str | None, luks: Document, path: Path, report: Report) -> None:
    if layout is None:
        report.error((*path, "luks", "cex"), "cex needs an s390x layout")
    elif not layout.startswith("s390x"):
        report.error((*path, "layout"), "cex needs an s390x layout")
    if luks.get("tang") or luks.get("tpm2"):
        report.error((*path, "luks"), "cex cannot be used together with tang or tpm2")


def _boot_device_luks(value: Document, path: Path, report: Report, minor: int) -> None:
    if minor < 7 or not value.get("device"):
        return
    if not (any(value.get("tang", ())) or value.get("tpm2") or value.get("cex", {}).get("enabled")):
        report.error((*path, "luks"), "a device needs a way to unlock it: tang, tpm2 or cex")


def _boot_device_mirror(value: Document, path: Path, report: Report, _minor: int) -> None:
    if len(value.get("devices", ())) == 1:
        report.error((*path, "devices"), "mirroring needs at least two devices")


def _grub_user(value: Document, path: Path, report: Report, _minor: int) -> None:
    for key in ("name", "password_hash"):
        if not value.get(key):
            report.error((*path, key), f"{key} is required")


RULES: Final[dict[str, Rule]] = {
    "config": _config,
    "resource": _resource,
    "filesystem": _filesystem,
    "directory": _directory,
    "file": _file,
    "tree": _tree,
    "unit": _unit,
    "dropin": _unit,
    "boot_device": _boot_device,
    "boot_device_luks": _boot_device_luks,
    "boot_device_mirror": _boot_device_mirror,
    "grub_user": _grub_user,
}


# --- decimal modes instead of octal ones -----------------------------------------------------------------

_DECIMAL: Final = "the mode makes no sense as a decimal number, but would in octal: add a leading zero"
_MAX_DECIMAL = 7777


def _looks_decimal(mode: int, *, directory: bool) -> bool:
    if not 0 <= mode <= _MAX_DECIMAL or set(str(mode)) & {"8", "9"}:
        return False
    return not _is_typical(mode, directory) and _is_typical(int(str(mode), 8), directory)


def _is_typical(mode: int, directory: bool) -> bool:
    """Whether people write such a mode: those with more rights come first, and special bits make sense."""
    if mode == 0:
        return True
    read = write = execute = False
    for permissions in (mode & 7, mode >> 3 & 7, mode >> 6 & 7):
        r, w, x = bool(permissions & 4), bool(permissions & 2), bool(permissions & 1)
        if (read and not r) or (write and not w) or (execute and not x):
            return False  # the owner has less than the others
        if x and read and not execute:
            return False  # others may read but not execute
        if (w or x) and not r:
            return False
        read, write, execute = read or r, write or w, execute or x
    if not read:
        return False
    if directory:
        return execute and not mode & 0o4000 and (write or not mode & 0o3000)
    if mode & 0o6000 and (not execute or mode & 2):
        return False
    return not mode & 0o1000
