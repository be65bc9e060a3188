"""What Ignition forbids or warns of in a finished document.

Facts: github.com/coreos/ignition v2.26.0 (config/v3_*/types/*.go, config/validate/validate.go).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from butane import systemd
from butane.ignition import Ignition, from_text, root
from butane.merging import SHARED_KEYS, key_of
from butane.report import Path, Report
from butane.schema import SCALARS, Struct
from butane.url import UrlError, check_source, scheme_of

Rule = Callable[[Ignition, Path, Report, int], None]

_GUID = re.compile(r"|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
_INSTANCE = re.compile(r"(.+?)@(.+?)\.service", re.DOTALL)
_UNIT_SUFFIXES: Final = (
    ".service", ".socket", ".device", ".mount", ".automount", ".swap",
    ".target", ".path", ".timer", ".snapshot", ".slice", ".scope",
)  # fmt: skip
_LABEL_LENGTHS: Final = {"ext4": 16, "btrfs": 256, "xfs": 12, "swap": 15, "vfat": 11}
_RAID_LEVELS: Final = frozenset(
    "linear raid0 0 stripe raid1 1 mirror raid4 4 raid5 5 raid6 6 raid10 10".split()  # noqa: SIM905
)
_NO_SPARES: Final = frozenset(("linear", "raid0", "0", "stripe"))
_HASH_LENGTHS: Final = {"sha256": 64, "sha512": 128}


def check(document: Ignition, minor: int, report: Report) -> None:
    """Apply Ignition 3.`minor`'s rules; paths in the report are those of the Ignition document."""
    shape = root(minor)
    _duplicates(shape, document, (), report)
    _check(shape, document, (), report, minor)


def _check(shape: Struct, value: Ignition, path: Path, report: Report, minor: int) -> None:
    rule = RULES.get(shape.name)
    if rule is not None:
        rule(value, path, report, minor)
    for field in shape.nested:
        item = value.get(field.json) if field.json else None
        if item is None:
            continue
        child = shape.of(field)
        if field.many:
            for index, element in enumerate(item):
                _check(child, element, (*path, field.json, index), report, minor)
        else:
            _check(child, item, (*path, field.json), report, minor)


def _duplicates(shape: Struct, value: Ignition, path: Path, report: Report) -> None:
    shared = SHARED_KEYS.get(shape.name, ())
    shared_seen: set[str] = set()
    for name, field in shape.by_json.items():
        item = value.get(name)
        if not item:
            continue
        if field.many and not field.duplicates:
            seen = shared_seen if name in shared else set()
            for index, element in enumerate(item):
                key = key_of(field, element)
                if key in seen:
                    report.error((*path, name, index), "duplicate entry")
                seen.add(key)
        if field.type not in SCALARS:
            child = shape.of(field)
            if field.many:
                for index, element in enumerate(item):
                    _duplicates(child, element, (*path, name, index), report)
            else:
                _duplicates(child, item, (*path, name), report)


# --- paths -----------------------------------------------------------------------------------------------


def clean_path(path: str) -> str:
    """Return the shortest equal path, as Go's path.Clean gives it."""
    clean = posixpath.normpath(path)
    return clean[1:] if clean.startswith("//") else clean


def _path_problem(path: str | None) -> str | None:
    if not path:
        return "a path is required"
    if not path.startswith("/"):
        return "the path must be absolute"
    if clean_path(path) != path:
        return f"the path is not in its simplest form: write {clean_path(path)}"
    return None


def _check_path(path: str | None, where: Path, report: Report) -> None:
    problem = _path_problem(path)
    if problem:
        report.error(where, problem)


def _root(value: Ignition, path: Path, report: Report, _minor: int) -> None:
    unit_paths = set()
    for unit in value.get("systemd", {}).get("units", ()):
        base = "/etc/systemd/system/" + unit.get("name", "")
        if unit.get("contents"):
            unit_paths.add(base)
        unit_paths.update(
            f"{base}.d/{dropin.get('name', '')}" for dropin in unit.get("dropins", ()) if dropin.get("contents")
        )
    storage = value.get("storage", {})
    for kind in ("files", "directories", "links"):
        for index, node in enumerate(storage.get(kind, ())):
            if node.get("path", "") in unit_paths:
                report.error((*path, "storage", kind, index, "path"), "the path is that of a systemd unit or drop-in")


# --- ignition --------------------------------------------------------------------------------------------


def _ignition(value: Ignition, path: Path, report: Report, minor: int) -> None:
    if value.get("version") != f"3.{minor}.0":
        report.error((*path, "version"), f"the version must be 3.{minor}.0")


def _ignition_config(value: Ignition, path: Path, report: Report, minor: int) -> None:
    if minor > 0:
        for index, resource in enumerate(value.get("merge", ())):
            _required_source(resource, (*path, "merge", index), report, minor)


def _tls(value: Ignition, path: Path, report: Report, minor: int) -> None:
    if minor > 0:
        for index, resource in enumerate(value.get("certificateAuthorities", ())):
            _required_source(resource, (*path, "certificateAuthorities", index), report, minor)


def _required_source(resource: Ignition, path: Path, report: Report, minor: int) -> None:
    if not resource.get("source"):
        report.error(path, "a source is required")
    else:
        _source(resource["source"], path, report, minor)


def _source(source: str | None, where: Path, report: Report, minor: int) -> None:
    if not source:
        return
    try:
        check_source(source, minor)
    except UrlError as problem:
        report.error(where, str(problem))


def _config_reference(value: Ignition, path: Path, report: Report, minor: int) -> None:
    _source(value.get("source"), (*path, "source"), report, minor)


def _ca_reference(value: Ignition, path: Path, report: Report, minor: int) -> None:
    if value.get("source"):
        _source(value["source"], (*path, "source"), report, minor)
    else:
        report.error((*path, "source"), "a source is required")


def _resource(value: Ignition, path: Path, report: Report, minor: int) -> None:
    if value.get("compression") not in (None, "", "gzip"):
        report.error((*path, "compression"), "the compression must be gzip or empty")
    source = value.get("source")
    if "hash" in value.get("verification", {}) and source is None:
        report.error((*path, "verification", "hash"), "a verification needs a source")
    _source(source, (*path, "source"), report, minor)
    if value.get("httpHeaders"):
        _headers_allowed(source, (*path, "httpHeaders"), report)


def _headers_allowed(source: str | None, where: Path, report: Report) -> None:
    try:
        scheme = scheme_of(source or "")
    except UrlError as problem:
        report.error(where, str(problem))
        return
    if scheme not in ("http", "https"):
        report.error(where, "headers need a source of scheme http or https")


def _http_header(value: Ignition, path: Path, report: Report, _minor: int) -> None:
    if not value.get("name"):
        report.error((*path, "name"), "a header name is required")
    if value.get("value") == "":
        report.error((*path, "value"), "the header value must not be empty; leave it out to remove the header")


def _verification(value: Ignition, path: Path, report: Report, minor: int) -> None:
    hash_ = value.get("hash")
    if hash_ is None:
        return
    function, dash, digest = hash_.partition("-")
    known = ["sha512"] + (["sha256"] if minor > 0 else [])
    where = (*path, "hash")
    if not dash:
        report.error(where, "the hash must be written as function-digest")
    elif function not in known:
        report.error(where, f"the hash function must be one of {', '.join(sorted(known))}")
    elif len(digest.encode("utf-8", "surrogateescape")) != _HASH_LENGTHS[function]:
        report.error(where, f"a {function} digest has {_HASH_LENGTHS[function]} hexadecimal digits")


def _proxy(value: Ignition, path: Path, report: Report, _minor: int) -> None:
    for key in ("httpProxy", "httpsProxy"):
        if key not in value:
            continue
        try:
            scheme = scheme_of(value[key])
        except UrlError as problem:
            report.error((*path, key), str(problem))
            continue
        if scheme not in ("http", "https"):
            report.error((*path, key), "a proxy must be an http or https URL")
        elif scheme == "http" and key == "httpsProxy":
            report.warning((*path, key), "an unencrypted http proxy is set for https")


# --- storage ---------------------------------------------------------------------------------------------


def _node(value: Ignition, path: Path, report: Report, minor: int) -> None:
    _check_path(value.get("path"), (*path, "path"), report)
    mode = value.get("mode")
    if mode is None:
        return
    if not 0 <= mode <= 0o7777:
        report.error((*path, "mode"), "the mode must be between 0 and 07777")
    if minor < 6 and mode & 0o7000:
        report.warning(
            (*path, "mode"), "setuid, setgid and sticky bits have no effect before fcos 1.7.0 (Ignition 3.6.0)"
        )


def _file(value: Ignition, path: Path, report: Report, minor: int) -> None:
    _node(value, path, report, minor)
    if value.get("overwrite") and "source" not in value.get("contents", {}):
        report.error((*path, "overwrite"), "overwrite needs contents")


def _owner(value: Ignition, path: Path, report: Report, _minor: int) -> None:
    if "id" in value and value.get("name"):
        report.error(path, "only one of these can be set: id, name")


def _storage(value: Ignition, path: Path, report: Report, minor: int) -> None:
    links = value.get("links", ())
    if links:
        prefixes = [link.get("path", "") + "/" for link in links]
        for kind in ("directories", "files", "links"):
            for index, node in enumerate(value.get(kind, ())):
                if any(node.get("path", "").startswith(prefix) for prefix in prefixes):
                    report.error((*path, kind, index), "the path leads through a link of this document")
        directories = {directory.get("path", "") for directory in value.get("directories", ())}
        for index, link in enumerate(links):
            _link(link, directories, (*path, "links", index), report, minor)
    _filesystem_devices(value, path, report)


def _link(link: Ignition, directories: set[str], path: Path, report: Report, minor: int) -> None:
    target = link.get("target", "")
    if minor >= 3 and not target:
        report.error((*path, "target"), "a link needs a target")
        return
    if not link.get("hard"):
        return
    target = clean_path(target) if target.startswith("/") else clean_path(posixpath.join(link.get("path", ""), target))
    if target in directories:
        report.error(path, "a hard link cannot point to a directory")
    for owner in ("user", "group"):
        for key in ("id", "name"):
            if key in link.get(owner, {}):
                report.warning((*path, owner, key), "owner and group of a hard link have no effect")


def _filesystem_devices(value: Ignition, path: Path, report: Report) -> None:
    disks = {disk.get("device", ""): disk for disk in value.get("disks", ())}
    if not disks:
        return
    for index, filesystem in enumerate(value.get("filesystems", ())):
        disk = disks.get(filesystem.get("device", ""))
        if disk is None:
            continue
        where = (*path, "filesystems", index, "device")
        if disk.get("partitions"):
            report.warning(where, "the filesystem overwrites a disk that is partitioned here")
        elif disk.get("wipeTable") and not filesystem.get("wipeFilesystem"):
            report.warning(where, "wipe_table of the same device wipes this filesystem")


def _disk(value: Ignition, path: Path, report: Report, _minor: int) -> None:
    if not value.get("device"):
        report.error((*path, "device"), "a device is required")
        return
    _check_path(value["device"], (*path, "device"), report)
    partitions = value.get("partitions", ())
    for index in _repeated(partition.get("number") or None for partition in partitions):
        report.error((*path, "partitions", index), "the partition number is already used")
    overlapping = _overlapping(partitions)
    if overlapping is not None:
        report.error((*path, "partitions", overlapping), "the partition overlaps another")
    gone = any(partition.get("shouldExist") is False for partition in partitions)
    if gone and any(not partition.get("number") for partition in partitions):
        report.error((*path, "partitions"), "with should_exist false in one partition, every partition needs a number")
    for index in _repeated(partition.get("label") for partition in partitions):
        report.error((*path, "partitions", index), "the partition label is already used")
        break


def _repeated(values: Iterable[Any]) -> list[int]:
    """Return the index of the second occurrence of each value; None is no value."""
    counts: dict[Any, int] = {}
    repeated = []
    for index, value in enumerate(values):
        if value is not None:
            counts[value] = counts.get(value, 0) + 1
            if counts[value] == 2:
                repeated.append(index)
    return repeated


def _overlapping(partitions: Iterable[Ignition]) -> int | None:
    """Return a partition that lies over another one. Without a start the disk's free space decides, not we."""
    extents = [
        (index, partition["startMiB"], _last(partition))
        for index, partition in enumerate(partitions)
        if partition.get("startMiB") and "sizeMiB" in partition
    ]
    for index, start, end in extents:
        for other, other_start, other_end in extents:
            begins_inside = other_start <= start <= other_end
            ends_inside = other_start <= end <= other_end
            if index != other and (begins_inside or ends_inside or start < other_start <= other_end < end):
                return int(other)
    return None


def _last(partition: Ignition) -> int:
    """Return the last MiB of a partition; one that fills the free space counts with its first."""
    start: int = partition["startMiB"]
    size: int = partition["sizeMiB"]
    return start + size - 1 if size else start


def _partition(value: Ignition, path: Path, report: Report, _minor: int) -> None:
    label = value.get("label")
    if value.get("shouldExist") is False and (
        label is not None or value.get("typeGuid") or value.get("guid") or "startMiB" in value or "sizeMiB" in value
    ):
        report.error(path, "should_exist is false, so nothing but the number can be set")
    if not value.get("number") and label is None:
        report.error(path, "a number of 1 or more, or a label, is required")
    if label is not None:
        if len(label.encode("utf-8", "surrogateescape")) > 36:
            report.error((*path, "label"), "a partition label has at most 36 characters")
        elif ":" in label:
            report.error((*path, "label"), "a partition label cannot hold a colon")
    for key in ("guid", "typeGuid"):
        if key in value and not _GUID.fullmatch(value[key]):
            report.error((*path, key), "must have the form 01234567-89AB-CDEF-EDCB-A98765432101")


def _filesystem(value: Ignition, path: Path, report: Report, minor: int) -> None:
    if value.get("path"):
        _check_path(value["path"], (*path, "path"), report)
    _check_path(value.get("device"), (*path, "device"), report)
    format_, label = value.get("format"), value.get("label")
    if not format_:
        needing = ("path", "label", "uuid", "wipeFilesystem", "mountOptions", "options")
        if any(value.get(key) for key in needing):
            report.error((*path, "format"), "a format is required when anything but the device is set")
    else:
        known = ["btrfs", "ext4", "swap", "vfat", "xfs"] + (["none"] if minor >= 3 else [])
        if format_ not in known:
            report.error((*path, "format"), f"the format must be one of {', '.join(sorted(known))}")
    if label:
        longest = _LABEL_LENGTHS.get(format_ or "")
        if not format_:
            report.error((*path, "label"), "a label needs a format")
        elif longest is not None and len(label.encode("utf-8", "surrogateescape")) > longest:
            report.error((*path, "label"), f"a label of {format_} has at most {longest} characters")


def _raid(value: Ignition, path: Path, report: Report, minor: int) -> None:
    level = value.get("level", "")
    if not level and minor >= 3:
        report.error((*path, "level"), "a level is required")
    elif level not in _RAID_LEVELS:
        report.error((*path, "level"), "the level must be one of linear, raid0, raid1, raid4, raid5, raid6, raid10")
    elif level in _NO_SPARES and value.get("spares"):
        report.error((*path, "level"), "linear and raid0 arrays have no spares")
    if not value.get("devices"):
        report.error((*path, "devices"), "devices are required")
    for index, device in enumerate(value.get("devices") or ()):
        _check_path(device, (*path, "devices", index), report)


def _luks(value: Ignition, path: Path, report: Report, minor: int) -> None:
    if "/" in value.get("name", ""):
        report.error((*path, "name"), "the name cannot hold a slash")
    if len((value.get("label") or "").encode("utf-8", "surrogateescape")) > 47:
        report.error((*path, "label"), "a LUKS label has at most 47 characters")
    if value.get("device"):
        _check_path(value["device"], (*path, "device"), report)
    else:
        report.error((*path, "device"), "a device is required")
    clevis = value.get("clevis", {})
    custom = "custom" in clevis if minor < 3 else clevis.get("custom", {}).get("pin")
    others = clevis.get("tang") or clevis.get("tpm2") or clevis.get("threshold")
    if custom and others:
        report.error((*path, "clevis"), "custom cannot be used together with tang, tpm2 or threshold")
    key_file = value.get("keyFile", {}).get("source")
    if key_file:
        try:
            check_source(key_file, minor)
        except UrlError as problem:
            report.error((*path, "keys"), f"the source of the key file is refused: {problem}")
    if value.get("cex", {}).get("enabled"):
        if custom or others:
            report.error((*path, "cex"), "cex cannot be used together with clevis")
        if key_file:
            report.error((*path, "cex"), "cex cannot be used together with a key file")


def _clevis_custom(value: Ignition, path: Path, report: Report, minor: int) -> None:
    pin, config = value.get("pin"), value.get("config")
    old = minor < 3
    if not pin and not config and (old or not value.get("needsNetwork")):
        return
    if minor < 6 and (pin or old) and pin not in ("tpm2", "tang", "sss"):
        report.error((*path, "pin"), "the pin must be one of sss, tang, tpm2")
    elif not pin:
        report.error((*path, "pin"), "a pin is required")
    if not config:
        report.error((*path, "config"), "a config is required")


def _tang(value: Ignition, path: Path, report: Report, minor: int) -> None:
    try:
        if scheme_of(value.get("url", "")) not in ("http", "https"):
            report.error((*path, "url"), "the URL scheme must be http or https")
    except UrlError as problem:
        report.error((*path, "url"), str(problem))
    if not value.get("thumbprint"):
        report.error((*path, "thumbprint"), "a thumbprint is required")
    if minor >= 4 and value.get("advertisement"):
        try:
            from_text(value["advertisement"])
        except ValueError:
            report.error((*path, "advertisement"), "the advertisement must be JSON")


# --- systemd ---------------------------------------------------------------------------------------------


def _unit(value: Ignition, path: Path, report: Report, _minor: int) -> None:
    name = value.get("name", "")
    if _suffix(name) not in _UNIT_SUFFIXES:
        report.error((*path, "name"), f"the name must end in one of {', '.join(_UNIT_SUFFIXES)}")
    contents = value.get("contents")
    if contents is None:
        return
    try:
        sections = systemd.sections_with_options(contents)
    except systemd.UnitError as problem:
        report.error((*path, "contents"), f"not a unit file: {problem}")
        return
    if value.get("enabled") and contents and "Install" not in sections:
        report.warning((*path, "contents"), f"{name} is enabled but has no [Install] section, so nothing starts it")


def _dropin(value: Ignition, path: Path, report: Report, _minor: int) -> None:
    if value.get("contents") is not None:
        try:
            systemd.sections_with_options(value["contents"])
        except systemd.UnitError as problem:
            report.error((*path, "contents"), f"not a unit file: {problem}")
    if _suffix(value.get("name", "")) != ".conf":
        report.error((*path, "name"), "the name of a drop-in must end in .conf")


def _suffix(name: str) -> str:
    """Return what follows the last dot of the last path element, with the dot."""
    last = name.rpartition("/")[2]
    dot = last.rfind(".")
    return last[dot:] if dot >= 0 else ""


def _systemd(value: Ignition, path: Path, report: Report, _minor: int) -> None:
    units = {unit.get("name", ""): unit for unit in value.get("units", ())}
    for index, unit in enumerate(value.get("units", ())):
        name = unit.get("name", "")
        match = _INSTANCE.fullmatch(name)
        if not match or not unit.get("enabled"):
            continue
        template = f"{match[1]}@.service"
        contents = units.get(template, {}).get("contents")
        if not contents:
            continue
        try:
            sections = systemd.sections_with_options(contents)
        except systemd.UnitError:
            continue  # said where the template itself is checked
        if "Install" not in sections:
            report.warning(
                (*path, "units", index, "contents"), f"{name} is enabled but {template} has no [Install] section"
            )


RULES: Final[dict[str, Rule]] = {
    "config": _root,
    "ignition": _ignition,
    "ignition_config": _ignition_config,
    "tls": _tls,
    "config_reference": _config_reference,
    "ca_reference": _ca_reference,
    "resource": _resource,
    "http_header": _http_header,
    "verification": _verification,
    "proxy": _proxy,
    "directory": _node,
    "link": _node,
    "file": _file,
    "node_user": _owner,
    "node_group": _owner,
    "storage": _storage,
    "disk": _disk,
    "partition": _partition,
    "filesystem": _filesystem,
    "raid": _raid,
    "luks": _luks,
    "clevis_custom": _clevis_custom,
    "tang": _tang,
    "unit": _unit,
    "dropin": _dropin,
    "systemd": _systemd,
}
