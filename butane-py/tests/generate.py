"""Documents for both programs: every key of every version, with values that are right, odd and wrong.

A document is drawn as a tree of raw YAML texts, so that `0644`, `yes` and `"yes"` are different values, and
then written in block or flow style.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from collections.abc import Sequence as Choices
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hypothesis import strategies as st

from butane.schema import LATEST, SCALARS, Field, Struct, struct

FILES = {
    "file.txt": b"a file\n",
    "binary": bytes(range(256)),
    "repeated": b"all work and no play\n" * 60,
    "keys.pub": b"ssh-ed25519 AAAAone\r\n\nssh-ed25519 AAAAtwo\n",
    "unit.service": b"[Unit]\nDescription=local\n[Install]\nWantedBy=multi-user.target\n",
    "broken.service": b"[Unit\nDescription=local\n",
    "tree/etc/one": b"1",
    "tree/etc/two.d/two": b"22",
    "tree/run": b"#!/bin/sh\n",
    "other/etc/one": b"other",
    "ignition.ign": b'{"ignition": {"version": "3.4.0"}}',
}
EXECUTABLE = ("tree/run",)
LINKS = {"tree/link": "etc/one"}


@dataclass(frozen=True)
class Block:
    """A text written as a literal block."""

    text: str


@dataclass
class Mapping:
    """Keys and values in order; keys may be wrong or duplicate."""

    items: list[tuple[str, Any]] = field(default_factory=list)
    flow: bool = False


@dataclass
class Sequence:
    items: list[Any] = field(default_factory=list)
    flow: bool = False


UNIT = Block("[Unit]\nDescription=a unit\n\n[Service]\nExecStart=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n")
UNIT_BARE = Block("[Unit]\nDescription=no install section\n# comment \\\n# more\n")
UNIT_BROKEN = Block("[Unit]\nDescription\n")
INNER = Block(
    '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "x", "foo": 1}, {"path": 5}], "links": null}}'
)
INNER_GOOD = Block(
    '{"ignition": {"version": "3.4.0", "config": null}, "passwd": {"users": [{"name": "a"}, {"Name": "a"}], "bar": 2}}'
)
LONG = Block("All work and no play makes a dull file.\n" * 30)

STR = [
    "a", "'b c'", '"d\\te\\u00e9"', "12", "yes", "null", "~", "''", "1:30", "0x10", "!!str 5", "2001-01-01", "ä<&>",
    "! x",
    "!!binary aGk=", "!custom y", '"\\u0001\\b\\f"', "1e3", "[a]", "{a: b}", "!!int x",
]  # fmt: skip
INT = [
    "0", "1", "420", "1_000", "0x1F", "0o17", "0644", "08", "1e3", "2.9", "-1", "+5", "0b101", "-0x5", "~", '"12"', "x",
    ".inf", "-.inf", ".nan", "9223372036854775807", "9223372036854775808", "18446744073709551616", "true", "2001-01-01",
    "0_7", "1.", "!!float 7", "!!int '7'", "-0b11", "0o8", "1e400", "''", "[1]",
]  # fmt: skip
BOOL = [
    "true", "False", "TRUE", "yes", "off", '"on"', "n", "Y", "~", '"true"', "1", "maybe", "tRUE",
    "!!bool yes", "!!bool true",
]  # fmt: skip
INT_GOOD = ["0", "1", "2", "7", "100", "8192", "10000"]
BOOL_GOOD = ["true", "false", "yes", "no"]
MODE = ["0644", "0755", "420", "0o600", "493"], ["644", "755", "04755", "02770", "01777", "010000", "-1", "0"]
PATHS = (
    ["/etc/a", "/etc/b", "/etc/c/d", "/var/lib/x", "/etc/one", "/boot/grub2/user.cfg", "/opt/etc/one"],
    [
        "/etc/a/b",
        "/etc/../a",
        "relative",
        "/",
        "/etc/a/",
        "''",
        "/etc/systemd/system/a.service",
        "//x",
        "/etc/tree/link",
    ],
)
DEVICES = (
    ["/dev/sda", "/dev/sdb", "/dev/disk/by-partlabel/data", "/dev/mapper/root", "/dev/mapper/data", "/dev/md/md-root",
     "/dev/disk/by-id/dm-name-data", "/dev/disk/by-id/coreos-boot-disk", "/dev/disk/by-label/boot"],
    ["sda", "''", "/dev//sdc", "/dev/disk/by-partlabel/esp-1"],
)  # fmt: skip
URLS = (
    ["https://example.org/a", "http://example.org", "tftp://h/f", "s3://b/k", "'data:,hello'", "data:;base64,aGVsbG8=",
     "'data:text/plain;charset=utf-8,hi'", "HTTPS://u:p@EXAMPLE.ORG:8443/%7e?q=1#f", "s3://b/k?versionId=7"],
    ["s3://b/k?versionId=", "gs://b/k", "data:bad", "'data:;base64,!!'", "ftp://x/", "relative", "''",
        "arn:aws:s3:::bucket/key",
     "arn:aws:ec2:::x/y", "arn:aws:s3:::bucket", "'arn:aws:s3:us-east-1:1:accesspoint/a/object/k?versionId='",
         "'http://[bad'",
     "HTTPS://EXAMPLE.ORG/%zz", "'http://h:port/'", "a:b", "'http://a b/'", "'http://[::1%25eth0]:80/'",
         "'http://u@v@h/'",
     "'data:text/html;a=\"b\",x'", "'data:image/png;base64;a=b,x'", "'data:,%4'", "'://x'", "'1a:b'", "'a/b:c'", "'*'",
     "'http://1.2.3.4:80:90/'", "'s3://h:1:2/k'", "\"http://\\x7f/\""],
)  # fmt: skip
GUIDS = ["8DA63339-0007-60C0-C436-083AC8230908", "21686148-6449-6e6f-744e-656564454649"], ["''", "not-a-guid"]
NAMES = ["core", "admin", "root", "data"], ["''", "a/b"]
LOCAL = (
    ["file.txt", "binary", "repeated", "keys.pub", "unit.service", "/file.txt", "./tree/../file.txt"],
    ["missing", "../outside", "tree", "''", "..", "tree/link"],
)

Pool = tuple[list[Any], list[Any]]
# What is drawn for a key, by structure and key: values that are right, and values that are odd or wrong.
POOLS: dict[tuple[str, str], Pool] = {
    ("resource", "compression"): (["''"], ["gzip", "zstd"]),
    ("resource", "source"): URLS,
    ("resource", "inline"): (["hello", LONG, "''", UNIT, '"\\u0001<ä>"', "12"], [INNER, INNER_GOOD, "'{}'", "'[]'",
        "'{\"a\": NaN}'"]),
    ("resource", "local"): LOCAL,
    ("config_reference", "source"): URLS,
    ("ca_reference", "source"): URLS,
    ("http_header", "name"): (["Accept", "X-A", "X-B"], ["''"]),
    ("http_header", "value"): (["v", "w"], ["''", "~"]),
    ("verification", "hash"): (["sha512-" + "a" * 128], ["sha256-" + "b" * 64, "sha512-00", "md5-00", "plain",
        "''", "sha512-" + "é" * 64]),
    ("proxy", "http_proxy"): (["http://p:3128", "https://p"], ["socks5://p", "''", "'http://[::1'"]),
    ("proxy", "https_proxy"): (["https://p", "http://p:3128"], ["socks5://p", "x"]),
    ("passwd_user", "name"): NAMES,
    ("passwd_group", "name"): NAMES,
    ("passwd_user", "ssh_authorized_keys_local"): (["keys.pub", "file.txt"], ["missing", "../x", "binary"]),
    ("directory", "path"): PATHS,
    ("file", "path"): PATHS,
    ("link", "path"): PATHS,
    ("directory", "mode"): MODE,
    ("file", "mode"): MODE,
    ("link", "target"): (["/etc/other", "../b"], ["''", "/etc/b", "/etc/a", "."]),
    ("tree", "file_mode"): MODE,
    ("tree", "dir_mode"): MODE,
    ("tree", "local"): (["tree", "other", "tree/etc", "./tree"], ["missing", "file.txt", "..", "''", ".", "tree/link"]),
    ("tree", "path"): (["/", "/opt", "/srv/t"], ["''", "opt", "/etc"]),
    ("disk", "device"): DEVICES,
    ("partition", "label"): (["root", "boot", "data", "EFI-SYSTEM", "var"], ["BIOS-BOOT", "a:b",
        "'" + "x" * 37 + "'", "''", "boot-1", "root-1"]),
    ("partition", "number"): (["1", "2", "3", "4", "5"], ["0", "-1"]),
    ("partition", "size_mib"): (["100", "8192", "9000"], ["0", "4096", "-5"]),
    ("partition", "start_mib"): (["0"], ["1", "100", "9000", "-7"]),
    ("partition", "guid"): GUIDS,
    ("partition", "type_guid"): GUIDS,
    ("filesystem", "device"): DEVICES,
    ("filesystem", "format"): (["xfs", "ext4", "swap", "vfat", "btrfs"], ["none", "''", "zfs"]),
    ("filesystem", "path"): (["/var/lib/x", "/var/mnt/data", "/etc/a", "/var/my data-x", "/var/.hidden"], ["/data",
        "''", "/", "/var/é"]),
    ("filesystem", "label"): (["data", "root"], ["''", "a-label-of-seventeen"]),
    ("filesystem", "mount_options"): (["ro", "noatime", "a=b"], ["''"]),
    ("raid", "name"): (["data", "md-root", "md-boot"], ["''"]),
    ("raid", "level"): (["raid1", "10", "mirror"], ["raid0", "linear", "raid7", "''"]),
    ("raid", "devices"): DEVICES,
    ("luks", "name"): (["data", "root", "secret"], ["a/b", "''"]),
    ("luks", "device"): DEVICES,
    ("luks", "label"): (["luks-data"], ["'" + "y" * 48 + "'", "''"]),
    ("clevis_custom", "pin"): (["tpm2", "tang", "sss"], ["pkcs11", "''"]),
    ("clevis_custom", "config"): (["'{}'"], ["''"]),
    ("tang", "url"): (["https://tang.example.org", "http://t"], ["ftp://t", "''", "'http://%zz'"]),
    ("tang", "advertisement"): (["'{}'", "'{\"payload\": 1}'"], ["'{'", "''", "'1 2'", "NaN"]),
    ("unit", "name"): (["a.service", "b@.service", "b@x.service", "var-mnt-data.mount", "x.timer", "c.socket"],
        ["noext", "''", "var-lib-x.mount", "dev-sda.swap"]),
    ("unit", "contents"): ([UNIT, UNIT_BARE], [UNIT_BROKEN, "''", "x"]),
    ("unit", "contents_local"): (["unit.service"], ["broken.service", "missing", "''"]),
    ("dropin", "name"): (["10-a.conf", "20-b.conf"], ["c.txt", "''"]),
    ("dropin", "contents"): ([UNIT, UNIT_BARE], [UNIT_BROKEN, "''"]),
    ("dropin", "contents_local"): (["unit.service"], ["broken.service"]),
    ("boot_device", "layout"): (["x86_64", "aarch64", "ppc64le"], ["s390x-eckd", "s390x-zfcp", "s390x-virt", "mips"]),
    ("boot_device_luks", "device"): (["/dev/dasda", "/dev/sda"], ["/dev/vda", "''"]),
    ("boot_device_mirror", "devices"): (["/dev/sda", "/dev/sdb", "/dev/vda"], ["sdx", "''"]),
    ("grub_user", "name"): (["root", "admin"], ["''"]),
    ("grub_user", "password_hash"): (["grub.pbkdf2.sha512.10000.874A"], ["''"]),
    ("kernel_arguments", "should_exist"): (["quiet", "'mitigations=auto,nosmt'"], ["''"]),
    ("kernel_arguments", "should_not_exist"): (["rhgb", "splash"], ["quiet"]),
}  # fmt: skip
# What a structure needs to be accepted, and what cannot stand together; only kept to in careful documents.
NEEDED = {
    "file": ["contents"],
    "filesystem": ["format", "path"],
    "link": ["target"],
    "luks": ["device"],
    "raid": ["level", "devices"],
    "tang": ["thumbprint"],
    "clevis_custom": ["pin", "config"],
    "config_reference": ["source"],
    "http_header": ["value"],
    "partition": ["number"],
    "grub_user": ["password_hash"],
    "boot_device": ["layout"],
}
EXCLUSIVE = {
    "resource": [("source", "inline", "local")],
    "unit": [("contents", "contents_local")],
    "dropin": [("contents", "contents_local")],
    "node_user": [("id", "name")],
    "node_group": [("id", "name")],
    "clevis": [("custom", "tang"), ("custom", "tpm2"), ("custom", "threshold")],
    "luks": [("cex", "clevis"), ("cex", "key_file")],
    "boot_device_luks": [("cex", "tang", "tpm2", "threshold")],
    "partition": [("should_exist", "label", "size_mib", "start_mib", "guid", "type_guid")],
}
IDENTITY = ("path", "device", "name", "number", "url", "source")
GOOD = {"str": ["a", "b", "c", "'d e'"], "int": INT_GOOD, "bool": BOOL_GOOD}
ODD = {"str": STR, "int": INT, "bool": BOOL}
WRONG: list[Any] = ["~", "x", "1", "[]", "{}", "[a]", "{a: b}"]


@dataclass
class Drawn:
    """A document as text, and the keys that were put into it."""

    text: str
    keys: set[str]
    minor: int


class Dice(Protocol):
    """The source of choices: Hypothesis, which can shrink a failing document, or a seed."""

    def integer(self, low: int, high: int) -> int: ...

    def one(self, values: Choices[Any]) -> Any: ...

    def some(self, values: Choices[str], least: int, most: int) -> list[str]: ...


class SeededDice:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def one(self, values: Choices[Any]) -> Any:
        return self.random.choice(values)

    def some(self, values: Choices[str], least: int, most: int) -> list[str]:
        most = min(most, len(values))
        return self.random.sample(values, self.random.randint(min(least, most), most))


class DrawnDice:
    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw

    def integer(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def one(self, values: Choices[Any]) -> Any:
        return self.draw(st.sampled_from(values))

    def some(self, values: Choices[str], least: int, most: int) -> list[str]:
        return list(self.draw(st.lists(st.sampled_from(values), min_size=least, max_size=most, unique=True)))


class Writer:
    """Writes one document. `oddness` is how many of a hundred values are taken from the odd ones.

    With no oddness the writer is careful: it gives a structure what it needs and keeps lists free of duplicates.
    `forced` is a path of keys that the document has in any case.
    """

    def __init__(self, dice: Dice, minor: int, oddness: int, forced: str = "") -> None:
        self.dice = dice
        self.minor = minor
        self.oddness = oddness
        self.forced = forced
        self.keys: set[str] = set()
        self.anchors: list[str] = []

    def chance(self, percent: int) -> bool:
        return percent > 0 and self.dice.integer(0, 99) < percent

    def pick(self, pool: Pool) -> Any:
        return self.dice.one(pool[1] if self.chance(self.oddness) else pool[0])

    def document(self) -> str:
        shape = struct("config", self.minor)
        body = self.mapping(shape, "", size=self.dice.integer(1, 4), skip=("version", "variant"))
        body.items[:0] = [("variant", "fcos"), ("version", f"1.{self.minor}.0")]
        self.keys |= {"variant", "version"}
        body.flow = False
        return "".join(line + "\n" for line in emit(body))

    def mapping(self, shape: Struct, prefix: str, size: int, skip: tuple[str, ...] = ()) -> Mapping:
        names = [name for name in shape.fields if name not in skip]
        chosen = self.dice.some(names, min(1, size), size + 2)
        if not self.chance(self.oddness // 4):
            plain = [name for name in names if shape.fields[name].plain]
            chosen = list(dict.fromkeys([*plain, *chosen]))
        if self.forced.startswith(prefix):
            name = self.forced.removeprefix(prefix).partition(".")[0]
            chosen = list(dict.fromkeys([*([name] if name in names else []), *chosen]))
        if not self.oddness:
            chosen = self.careful(shape, chosen)
        result = Mapping(flow=self.chance(10))
        for name in chosen:
            self.keys.add(prefix + name)
            result.items.append((name, self.value(shape, shape.fields[name], f"{prefix}{name}.")))
        if self.chance(self.oddness // 5):
            self.spoil(result)
        return result

    def careful(self, shape: Struct, chosen: list[str]) -> list[str]:
        """Add required keys and drop conflicting ones."""
        needed = [name for name in NEEDED.get(shape.name, ()) if name in shape.fields]
        chosen = list(dict.fromkeys([*chosen, *needed]))
        for group in EXCLUSIVE.get(shape.name, ()):
            present = [name for name in chosen if name in group]
            if shape.name == "resource" and not present:
                chosen.append(self.dice.one([name for name in group if name in shape.fields]))
            elif shape.name == "partition" and present[:1] != ["should_exist"]:
                chosen = [name for name in chosen if name != "should_exist"]
            else:
                chosen = [name for name in chosen if name not in present[1:]]  # a forced key comes first
        if chosen[:1] in (["inline"], ["local"]):  # a forced key
            chosen = [name for name in chosen if name != "http_headers"]
        if "http_headers" in chosen:  # only for what is fetched
            chosen = ["source", *(name for name in chosen if name not in ("source", "inline", "local"))]
        return chosen

    def spoil(self, mapping: Mapping) -> None:
        """Add invalid parts: an unknown key, a duplicate key, a key that is not a string, a merge."""
        kind = self.dice.one(["unknown", "twice", "number", "null", "merge", "list"])
        if kind == "twice" and mapping.items:
            mapping.items.append((mapping.items[0][0], "again"))
        elif kind == "unknown":
            mapping.items.append(("unknown_key", self.dice.one(WRONG)))
        elif kind == "number":
            mapping.items.append(("5", "x"))
        elif kind == "null":
            mapping.items.append(("~", "x"))
        elif kind == "list":
            mapping.items.append(("? [a]", "x"))
        else:
            mapping.items.append(
                ("<<", Mapping([("overwrite", "true"), ("path", "/merged"), ("name", "merged")], flow=True))
            )

    def value(self, shape: Struct, field: Field, prefix: str) -> Any:
        if self.chance(self.oddness // 10):
            return self.dice.one(WRONG)
        if not field.many:
            return self.single(shape, field, prefix)
        count = self.dice.integer(0 if self.chance(self.oddness) else 1, 3)
        items = [self.single(shape, field, prefix) for _ in range(count)]
        if not self.oddness:
            items = list({_identity(item): item for item in items}.values())
        if self.chance(self.oddness // 10):
            items.insert(self.dice.integer(0, len(items)), "~")
        return Sequence(items, flow=self.chance(20))

    def single(self, shape: Struct, field: Field, prefix: str) -> Any:
        if field.type not in SCALARS:
            result = self.mapping(shape.of(field), prefix, size=self.dice.integer(0, 5))
            if self.chance(self.oddness // 10):
                return self.shared(result)
            return result
        if self.chance(self.oddness // 4):
            return self.dice.one(ODD[field.type])
        return self.pick(POOLS.get((shape.name, field.yaml), (GOOD[field.type], GOOD[field.type])))

    def shared(self, value: Mapping) -> Any:
        """Give a value an anchor, or refer to an earlier anchor."""
        if self.anchors and self.chance(60):
            return f"*{self.dice.one(self.anchors)}"
        name = f"a{len(self.anchors)}"
        self.anchors.append(name)
        value.flow = True
        return f"&{name} {flow(value)}"


def _identity(item: Any) -> str:
    """The value by which elements of a list are duplicates."""
    if isinstance(item, Mapping):
        return next((str(value) for key, value in item.items if key in IDENTITY), str(id(item)))
    return str(item)


def flow(value: Any) -> str:
    """Write a value on one line."""
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(
                f"{key} : {flow(item)}" if key.startswith("?") else f"{key}: {flow(item)}" for key, item in value.items
            )
            + "}"
        )
    if isinstance(value, Sequence):
        return "[" + ", ".join(flow(item) for item in value.items) + "]"
    if isinstance(value, Block):
        return json.dumps(value.text)
    return str(value)


def emit(value: Any) -> list[str]:
    """Write a value as lines."""
    if isinstance(value, Block):
        return ["|", *("  " + line if line else "" for line in value.text.splitlines())]
    if isinstance(value, Mapping) and value.items and not value.flow:
        lines = []
        for key, item in value.items:
            if key.startswith("? "):
                lines += [key, f": {flow(item)}"]
            else:
                lines += _with_head(f"{key}:", item)
        return lines
    if isinstance(value, Sequence) and value.items and not value.flow:
        lines = []
        for item in value.items:
            first, *rest = emit(item)
            lines += [f"- {first}", *("  " + line if line else "" for line in rest)]
        return lines
    return [flow(value)]


def _with_head(head: str, item: Any) -> list[str]:
    first, *rest = emit(item)
    if isinstance(item, Mapping | Sequence) and item.items and not item.flow:
        return [head, "  " + first, *("  " + line if line else "" for line in rest)]
    return [f"{head} {first}", *rest]


@st.composite
def documents(draw: Any, minor: int | None = None, oddness: int | None = None) -> Drawn:
    """Documents of one version or of any, right or wrong."""
    dice = DrawnDice(draw)
    version = dice.integer(0, LATEST) if minor is None else minor
    share = dice.one([0, 0, 3, 10, 30, 60]) if oddness is None else oddness
    return _write(dice, version, share)


def seeded_document(seed: int, minor: int, oddness: int = 0, forced: str = "") -> Drawn:
    """The document of a seed; the same every time."""
    return _write(SeededDice(seed), minor, oddness, forced)


def _write(dice: Dice, minor: int, oddness: int, forced: str = "") -> Drawn:
    writer = Writer(dice, minor, oddness, forced)
    return Drawn(writer.document(), writer.keys, minor)


def write_files(root: Path) -> Path:
    """Write the local files that the documents refer to."""
    for name, data in FILES.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for name in EXECUTABLE:
        (root / name).chmod(0o755)
    for name, link in LINKS.items():
        (root / name).symlink_to(link)
    return root
