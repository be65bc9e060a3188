"""Annotated types for the values that recur in the settings: each says what is wrong and what is allowed."""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema


class Target(StrEnum):
    """Where the pod's machines come from."""

    PXE = "pxe"
    IGNITION = "ignition"


class Architecture(StrEnum):
    """CPU architecture, as Fedora CoreOS names it."""

    X86_64 = "x86_64"
    AARCH64 = "aarch64"


class Stream(StrEnum):
    """Fedora CoreOS update stream."""

    STABLE = "stable"
    TESTING = "testing"
    NEXT = "next"


class Weekday(StrEnum):
    """Day of an update window, as zincati spells it."""

    MON = "Mon"
    TUE = "Tue"
    WED = "Wed"
    THU = "Thu"
    FRI = "Fri"
    SAT = "Sat"
    SUN = "Sun"


def matching(pattern: str, allowed: str) -> AfterValidator:
    """Accept text that matches `pattern` as a whole; otherwise say what is allowed."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"{value!r} is not valid; allowed: {allowed}")
        return value

    return AfterValidator(check)


def _domain(value: str) -> str:
    label = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    if len(value) > 253 or not re.fullmatch(rf"({label}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]", value):
        raise ValueError(
            f"{value!r} is not a domain name; allowed: lower-case labels joined by dots, such as pod.example.org"
        )
    return value


def _http_url(value: str) -> str:
    allowed = "http:// or https:// with a host and an optional port, such as http://matchbox.lan:8080"
    parts = _split_url(value, allowed)
    if parts.scheme not in {"http", "https"} or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{value!r} is not a base address; allowed: {allowed}")
    return value.rstrip("/")


def _split_url(value: str, allowed: str):  # type: ignore[no-untyped-def]  # the stdlib's own result type
    try:
        parts = urlsplit(value)
        valid = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or re.search(r"\s", value):
        raise ValueError(f"{value!r} is not an address; allowed: {allowed}")
    return parts


def _endpoint(value: str) -> str:
    allowed = "HOST:PORT, such as matchbox.lan:8081"
    parts = _split_url(f"//{value}", allowed)
    if parts.port is None or parts.path or parts.username:
        raise ValueError(f"{value!r} is not an endpoint; allowed: {allowed}")
    return value


def _mac(value: str) -> str:
    normal = value.lower().replace("-", ":")
    if not re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", normal):
        raise ValueError(f"{value!r} is not a MAC address; allowed: six hex pairs, such as 52:54:00:a1:9c:ae")
    if int(normal[:2], 16) & 1:
        raise ValueError(f"{value!r} is a multicast address; allowed: the address of one network card")
    return normal


_KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


def _ssh_key(value: str) -> str:
    key = value.strip()
    kind, _, rest = key.partition(" ")
    blob = rest.split(" ", 1)[0]
    if "PRIVATE KEY" in key:
        raise ValueError("this is a private key; allowed: the public key, the line in the .pub file")
    if kind not in _KEY_TYPES or not re.fullmatch(r"[A-Za-z0-9+/]{32,}={0,2}", blob) or "\n" in key:
        raise ValueError(f"not an SSH public key; allowed: one line that starts with {', '.join(_KEY_TYPES)}")
    return key


def _image(value: str) -> str:
    allowed = "a full reference with registry and tag or digest, such as docker.io/library/redis:7.4.7-bookworm"
    name = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
    host = r"(localhost|[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+|[a-zA-Z0-9.-]+:\d+)(:\d+)?"
    tag = r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})"
    digest = r"(@sha256:[0-9a-f]{64})"
    if not re.fullmatch(rf"{host}(/{name})+({tag}{digest}?|{digest})", value):
        raise ValueError(f"{value!r} is not a pinned image; allowed: {allowed}")
    if re.search(r":latest($|@)", value):
        raise ValueError(f"{value!r} floats; allowed: a tag of one release instead of latest")
    return value


def _email(value: str) -> str:
    local, at, domain = value.rpartition("@")
    if not at or not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}", local):
        raise ValueError(f"{value!r} is not an e-mail address; allowed: name@domain")
    _domain(domain.lower())
    return value


def _single_line(value: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError("control characters or line breaks; allowed: one line of text")
    return value


def _absolute_path(value: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9_.@:+-]+)+", value) or "/../" in f"{value}/":
        raise ValueError(f"{value!r} is not an absolute path; allowed: such as /dev/sda")
    return value


def _enum_of(kind: type[StrEnum]) -> Callable[[object], object]:
    """Let a strict model take the text form of an enum, and name what is allowed when it does not fit."""

    def convert(value: object) -> object:
        if isinstance(value, kind):
            return value
        try:
            return kind(value) if isinstance(value, str) else _refuse(value)
        except ValueError:
            return _refuse(value)

    def _refuse(value: object) -> object:
        raise ValueError(f"{value!r} is not valid; allowed: {', '.join(kind)}")

    return convert


def _off(value: object) -> object:
    return "off" if value is False else value


OffWord = BeforeValidator(_off)
"""YAML 1.1 reads the bare word off as false; here it means the word."""


NonEmpty = Annotated[str, Field(min_length=1), AfterValidator(_single_line)]
Line = Annotated[str, AfterValidator(_single_line)]
Domain = Annotated[str, AfterValidator(_domain), WithJsonSchema({"type": "string", "format": "hostname"})]
Email = Annotated[str, AfterValidator(_email), WithJsonSchema({"type": "string", "format": "email"})]
HttpUrl = Annotated[str, AfterValidator(_http_url), WithJsonSchema({"type": "string", "format": "uri"})]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Mac = Annotated[str, AfterValidator(_mac)]
SshKey = Annotated[str, AfterValidator(_ssh_key)]
ImageReference = Annotated[str, AfterValidator(_image)]
AbsolutePath = Annotated[str, AfterValidator(_absolute_path)]
MachineName = Annotated[
    str,
    matching(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?", "lower-case letters, digits and -, at most 50 characters"),
]
UserName = Annotated[
    str, matching(r"[a-z_][a-z0-9_-]{0,30}", "lower-case letters, digits, _ and -, at most 31 characters")
]
ClockTime = Annotated[str, matching(r"([01]\d|2[0-3]):[0-5]\d", "HH:MM from 00:00 to 23:59")]
ReleaseVersion = Annotated[str, matching(r"\d{2,3}\.\d{8}\.\d+\.\d+", "a release such as 44.20260802.3.1")]
KernelArgument = Annotated[str, matching(r"[!-~]+", "one argument without spaces, such as console=ttyS0")]
TimeZone = Annotated[
    str, matching(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", "a name such as Europe/Berlin or Etc/UTC")
]

TargetField = Annotated[Target, BeforeValidator(_enum_of(Target))]
ArchitectureField = Annotated[Architecture, BeforeValidator(_enum_of(Architecture))]
StreamField = Annotated[Stream, BeforeValidator(_enum_of(Stream))]
WeekdayField = Annotated[Weekday, BeforeValidator(_enum_of(Weekday))]
