"""The Butane and Ignition specifications as one table.

A structure is written once; `since` and `until` are the minor versions of the fcos variant (1.x) that know a
field. An Ignition version is described by the first fcos version that writes it. Fields stand in the order in
which Ignition's JSON has them.

Facts: github.com/coreos/butane v0.29.0 (base/*/schema.go, config/fcos/*/schema.go) and
github.com/coreos/ignition v2.26.0 (config/*/types/schema.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

VARIANT: Final = "fcos"
IGNITION_MINORS: Final = (0, 1, 2, 2, 3, 4, 5, 6)
"""The Ignition version (3.x) that each fcos version (1.0, 1.1, ...) is translated to."""
LATEST: Final = len(IGNITION_MINORS) - 1
LATEST_IGNITION: Final = IGNITION_MINORS[-1]
VERSIONS: Final = tuple(f"1.{minor}.0" for minor in range(LATEST + 1))
SCALARS: Final = frozenset(("str", "int", "bool"))


@dataclass(frozen=True, slots=True)
class Field:
    """One key.

    `type` is `str`, `int`, `bool` or the name of a structure; `many` makes it a list of them.
    `json` is the name in Ignition, empty for a key that only Butane knows. `yaml` is empty for the reverse.
    `plain` marks values that cannot be absent in Ignition: nothing and the zero value are the same there.
    `always` marks what is written to the JSON even when it is empty.
    `duplicates` marks lists that may hold the same element twice; merging joins them.
    `pointer` marks structures that may be present and empty.
    """

    yaml: str
    type: str
    json: str
    many: bool = False
    plain: bool = False
    always: bool = False
    duplicates: bool = False
    pointer: bool = False
    since: int = 0
    until: int = LATEST


@dataclass(frozen=True, slots=True)
class Struct:
    """The fields of a structure in one version, by both names; `nested` are those that hold structures."""

    name: str
    minor: int
    fields: dict[str, Field]
    by_json: dict[str, Field]
    nested: tuple[Field, ...]

    def of(self, field: Field) -> Struct:
        """Return the structure of a field."""
        return struct(field.type, self.minor)


def camel(name: str) -> str:
    """Return the Ignition spelling of a Butane key."""
    if name.endswith("_mib"):
        return camel(name.removesuffix("_mib")) + "MiB"
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _f(
    name: str,
    type_: str = "str",
    *,
    many: bool = False,
    plain: bool = False,
    always: bool = False,
    duplicates: bool = False,
    pointer: bool = False,
    since: int = 0,
    until: int = LATEST,
) -> Field:
    return Field(name, type_, camel(name), many, plain, always, duplicates, pointer, since, until)


def _sugar(name: str, type_: str = "str", *, many: bool = False, plain: bool = False, since: int = 0) -> Field:
    return Field(name, type_, "", many, plain, since=since)


_TABLE: Final[dict[str, tuple[Field, ...]]] = {
    "config": (
        _sugar("version", plain=True),
        _sugar("variant", plain=True),
        _f("ignition", "ignition", always=True),
        _f("kernel_arguments", "kernel_arguments", since=4),
        _f("passwd", "passwd"),
        _f("storage", "storage"),
        _f("systemd", "systemd"),
        _sugar("boot_device", "boot_device", since=3),
        _sugar("grub", "grub", since=5),
    ),
    # --- ignition
    "ignition": (
        _f("config", "ignition_config"),
        _f("proxy", "proxy", since=1),
        _f("security", "security"),
        _f("timeouts", "timeouts"),
        Field("", "str", "version", plain=True, always=True),
    ),
    "ignition_config": (
        _f("merge", "config_reference", many=True, until=0),
        _f("merge", "resource", many=True, since=1),
        _f("replace", "config_reference", until=0),
        _f("replace", "resource", since=1),
    ),
    "config_reference": (
        _f("source", always=True),
        _f("verification", "verification"),
    ),
    "proxy": (
        _f("http_proxy"),
        _f("https_proxy"),
        _f("no_proxy", many=True),
    ),
    "security": (_f("tls", "tls"),),
    "tls": (
        _f("certificate_authorities", "ca_reference", many=True, until=0),
        _f("certificate_authorities", "resource", many=True, since=1),
    ),
    "ca_reference": (
        _f("source", plain=True, always=True),
        _f("verification", "verification"),
    ),
    "timeouts": (
        _f("http_response_headers", "int"),
        _f("http_total", "int"),
    ),
    "resource": (
        _f("compression"),
        _f("http_headers", "http_header", many=True, since=1),
        _f("source"),
        _sugar("inline"),
        _sugar("local", since=1),
        _f("verification", "verification"),
    ),
    "http_header": (
        _f("name", plain=True, always=True),
        _f("value"),
    ),
    "verification": (_f("hash"),),
    # --- kernel arguments
    "kernel_arguments": (
        _f("should_exist", many=True),
        _f("should_not_exist", many=True),
    ),
    # --- passwd
    "passwd": (
        _f("groups", "passwd_group", many=True),
        _f("users", "passwd_user", many=True),
    ),
    "passwd_group": (
        _f("gid", "int"),
        _f("name", plain=True, always=True),
        _f("password_hash"),
        _f("should_exist", "bool", since=2),
        _f("system", "bool"),
    ),
    "passwd_user": (
        _f("gecos"),
        _f("groups", many=True),
        _f("home_dir"),
        _f("name", plain=True, always=True),
        _f("no_create_home", "bool"),
        _f("no_log_init", "bool"),
        _f("no_user_group", "bool"),
        _f("password_hash"),
        _f("primary_group"),
        _f("ssh_authorized_keys", many=True),
        _sugar("ssh_authorized_keys_local", many=True, since=5),
        _f("shell"),
        _f("should_exist", "bool", since=2),
        _f("system", "bool"),
        _f("uid", "int"),
    ),
    # --- storage
    "storage": (
        _f("directories", "directory", many=True),
        _f("disks", "disk", many=True),
        _f("files", "file", many=True),
        _f("filesystems", "filesystem", many=True),
        _f("links", "link", many=True),
        _f("luks", "luks", many=True, since=2),
        _f("raid", "raid", many=True),
        _sugar("trees", "tree", many=True, since=1),
    ),
    "directory": (
        _f("group", "node_group"),
        _f("overwrite", "bool"),
        _f("path", plain=True, always=True),
        _f("user", "node_user"),
        _f("mode", "int"),
    ),
    "file": (
        _f("group", "node_group"),
        _f("overwrite", "bool"),
        _f("path", plain=True, always=True),
        _f("user", "node_user"),
        _f("append", "resource", many=True, duplicates=True),
        _f("contents", "resource"),
        _f("mode", "int"),
    ),
    "link": (
        _f("group", "node_group"),
        _f("overwrite", "bool"),
        _f("path", plain=True, always=True),
        _f("user", "node_user"),
        _f("hard", "bool"),
        _f("target", plain=True, always=True, until=3),
        _f("target", since=4),
    ),
    "node_group": (
        _f("id", "int"),
        _f("name"),
    ),
    "node_user": (
        _f("id", "int"),
        _f("name"),
    ),
    "disk": (
        _f("device", plain=True, always=True),
        _f("partitions", "partition", many=True),
        _f("wipe_table", "bool"),
    ),
    "partition": (
        _f("guid"),
        _f("label"),
        _f("number", "int", plain=True),
        _f("resize", "bool", since=2),
        _f("should_exist", "bool"),
        _f("size_mib", "int"),
        _f("start_mib", "int"),
        _f("type_guid"),
        _f("wipe_partition_entry", "bool"),
    ),
    "filesystem": (
        _f("device", plain=True, always=True),
        _f("format"),
        _f("label"),
        _f("mount_options", many=True, duplicates=True, since=1),
        _f("options", many=True, duplicates=True),
        _f("path"),
        _f("uuid"),
        _f("wipe_filesystem", "bool"),
        _sugar("with_mount_unit", "bool", since=1),
    ),
    "raid": (
        _f("devices", many=True, always=True, until=3),
        _f("devices", many=True, since=4),
        _f("level", plain=True, always=True, until=3),
        _f("level", since=4),
        _f("name", plain=True, always=True),
        _f("options", many=True, duplicates=True),
        _f("spares", "int"),
    ),
    "luks": (
        _f("cex", "cex", since=6),
        _f("clevis", "clevis", pointer=True, until=3),
        _f("clevis", "clevis", since=4),
        _f("device"),
        _f("discard", "bool", since=5),
        _f("key_file", "resource"),
        _f("label"),
        _f("name", plain=True, always=True),
        _f("open_options", many=True, since=5),
        _f("options", many=True, duplicates=True),
        _f("uuid"),
        _f("wipe_volume", "bool"),
    ),
    "cex": (_f("enabled", "bool"),),
    "clevis": (
        _f("custom", "clevis_custom", pointer=True, until=3),
        _f("custom", "clevis_custom", since=4),
        _f("tang", "tang", many=True),
        _f("threshold", "int"),
        _f("tpm2", "bool"),
    ),
    "clevis_custom": (
        _f("config", plain=True, always=True, until=3),
        _f("config", since=4),
        _f("needs_network", "bool"),
        _f("pin", plain=True, always=True, until=3),
        _f("pin", since=4),
    ),
    "tang": (
        _f("advertisement", since=5),
        _f("thumbprint"),
        _f("url", plain=True),
    ),
    "tree": (
        _sugar("group", "node_group", since=7),
        _sugar("local", plain=True),
        _sugar("path"),
        _sugar("user", "node_user", since=7),
        _sugar("file_mode", "int", since=7),
        _sugar("dir_mode", "int", since=7),
    ),
    # --- systemd
    "systemd": (_f("units", "unit", many=True),),
    "unit": (
        _f("contents"),
        _sugar("contents_local", since=5),
        _f("dropins", "dropin", many=True),
        _f("enabled", "bool"),
        _f("mask", "bool"),
        _f("name", plain=True, always=True),
    ),
    "dropin": (
        _f("contents"),
        _sugar("contents_local", since=5),
        _f("name", plain=True, always=True),
    ),
    # --- what only Butane knows
    "boot_device": (
        _sugar("layout"),
        _sugar("luks", "boot_device_luks"),
        _sugar("mirror", "boot_device_mirror"),
    ),
    "boot_device_luks": (
        _sugar("cex", "cex", since=6),
        _sugar("discard", "bool", since=5),
        _sugar("device", since=6),
        _sugar("tang", "tang", many=True),
        _sugar("threshold", "int"),
        _sugar("tpm2", "bool"),
    ),
    "boot_device_mirror": (_sugar("devices", many=True),),
    "grub": (_sugar("users", "grub_user", many=True),),
    "grub_user": (
        _sugar("name", plain=True),
        _sugar("password_hash"),
    ),
}


@cache
def struct(name: str, minor: int) -> Struct:
    """Return a structure as version 1.`minor` of the fcos variant knows it."""
    fields = [field for field in _TABLE[name] if field.since <= minor <= field.until]
    return Struct(
        name,
        minor,
        {field.yaml: field for field in fields if field.yaml},
        {field.json: field for field in fields if field.json},
        tuple(field for field in fields if field.type not in SCALARS),
    )


@cache
def fcos_minor(ignition_minor: int) -> int:
    """Return the first fcos version that writes an Ignition version."""
    return IGNITION_MINORS.index(ignition_minor)


def key_paths(minor: int) -> Iterator[str]:
    """Yield every key that version 1.`minor` knows, as dotted paths (`storage.files.contents.inline`)."""
    yield from _key_paths(struct("config", minor), "")


def _key_paths(shape: Struct, prefix: str) -> Iterator[str]:
    for name, field in shape.fields.items():
        yield prefix + name
        if field.type not in SCALARS:
            yield from _key_paths(shape.of(field), f"{prefix}{name}.")
