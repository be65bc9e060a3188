"""Annotated types for recurring values of the settings, each with its message about a wrong value."""

import base64
import difflib
import functools
import importlib.resources
import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from diaspora_infra.config.problems import describe_type, quoted, refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization.ssh import SSHPublicKeyTypes


MAX_INTEGER = 2**31 - 1
"""The largest number in a column `integer` of PostgreSQL."""


class Target(StrEnum):
    """What a stack builds."""

    PXE = "pxe"
    AWS = "aws"
    IGNITION = "ignition"
    PROVISIONING = "provisioning"


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


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile when the first value is checked: a stack uses few of the patterns."""
    return re.compile(pattern)


@dataclass(frozen=True)
class Form:
    """Text that matches `pattern` completely; `allowed` describes the pattern in words, `most` limits the characters.

    The pattern also goes into the JSON Schema, so it keeps to what regular expressions of Python and of JavaScript
    have in common; `[0-9]` instead of a digit class, which takes more digits in Python.
    """

    pattern: str
    allowed: str
    most: int | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the value after pydantic has checked that it is text."""

        def check(value: str) -> str:
            if self.most is not None and len(value) > self.most:
                raise ValueError(f"{len(value)} characters; allowed: at most {self.most} characters")
            if not _compiled(self.pattern).fullmatch(value):
                raise ValueError(refused(value, self.allowed))
            return value

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the pattern, and the message of editors when a value does not match."""
        most = {} if self.most is None else {"maxLength": self.most}
        return handler(schema) | {
            "pattern": f"^(?:{self.pattern})$",
            "patternErrorMessage": f"allowed: {self.allowed}",
            **most,
        }


def _reachable(allowed: str) -> AfterValidator:
    """Check the address between brackets; the form has been checked before."""

    def check(value: str) -> str:
        try:
            parts = urlsplit(value if "://" in value else f"//{value}")
            if parts.netloc.startswith("["):
                ipaddress.IPv6Address(parts.hostname or "")
        except ValueError:
            raise ValueError(refused(value, allowed)) from None
        return value.rstrip("/")

    return AfterValidator(check)


def _mac(value: str) -> str:
    if int(value[:2], 16) & 1:
        raise ValueError(f"{value!r} is a multicast address; use the address of a network card")
    return value.lower().replace("-", ":")


_KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_KEY_WORDS = "|".join(_KEY_TYPES).replace(".", "[.]")
_KEY = rf"\s*(?:{_KEY_WORDS}) [A-Za-z0-9+/]{{32,}}={{0,2}}(?: [^\x00-\x1f\x7f]*)?\s*"
_KEY_ALLOWED = f"one line that starts with {', '.join(_KEY_TYPES)}"
# Fedora's sshd takes no shorter ones: crypto-policies(7) has min_rsa_size = 2048 in the policy DEFAULT and writes it as
# RequiredRSASize (sshd_config(5): "keys smaller than this limit will be refused") into opensshserver.config
_RSA_BITS = 2048


def _ssh_key(value: str) -> str:
    """Check a public key; no message repeats the value, which may be a private key by mistake."""
    if "PRIVATE KEY" in value:
        raise ValueError("a private key; use the public key, the line in the .pub file")
    if not re.fullmatch(_KEY, value):
        raise ValueError(f"not an SSH public key; allowed: {_KEY_ALLOWED}")
    try:
        if not _is_ed25519(value):
            _loaded(value)
    except ValueError:
        kind = value.split()[0]
        raise ValueError(f"the {kind} key is incomplete or damaged; copy the whole line from the .pub file") from None
    return value.strip()


def _login_key(value: str) -> str:
    """Check the size of a key that sshd on the machine must accept."""
    if not value.startswith("ssh-rsa "):
        return value
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    key = _loaded(value)
    if isinstance(key, RSAPublicKey) and key.key_size < _RSA_BITS:
        raise ValueError(
            f"an RSA key of {key.key_size} bits, which sshd refuses; "
            f"use one of {_RSA_BITS} bits or more, or a key of another type"
        )
    return value


_ED25519 = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"


def _is_ed25519(value: str) -> bool:
    """Tell whether a key is a good one of the usual type: any 32 bytes are one, so no cryptography is needed for it."""
    kind, data = value.split()[:2]
    return kind == "ssh-ed25519" and base64.b64encode(_ED25519 + base64.b64decode(data)[-32:]).decode() == data


def _loaded(value: str) -> "SSHPublicKeyTypes":
    """Load a public key. Raises ValueError."""
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key  # takes 0.1 s

    kind, data = value.split()[:2]
    # cryptography accepts wrong padding, sshd does not
    if base64.b64encode(base64.b64decode(data)).decode() != data:
        raise ValueError("wrong padding")
    return load_ssh_public_key(f"{kind} {data}".encode())


def _console(value: str) -> str:
    if not re.fullmatch(_CONSOLE, value):
        hint = " (without console= before it)" if value.startswith("console=") else ""
        raise ValueError(refused(value, f"{_CONSOLE_ALLOWED}{hint}"))
    return value


def _whole_disk(value: str) -> str:
    if re.fullmatch(_PARTITION, value):
        raise ValueError(f"{quoted(value)} is a partition; allowed: {_DISK_ALLOWED}")
    return value


@functools.cache
def time_zones() -> frozenset[str]:
    """Names of the time zones, from a package: no file of this computer decides what is valid."""
    names = importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return frozenset(names) - {"Factory"}  # stands for "nobody has set a time zone"


def _time_zone(value: str) -> str:
    zones = time_zones()
    if value in zones:
        return value
    names = {name.lower(): name for name in sorted(zones)}
    normalized = value[:60].lower().replace(" ", "_")
    same = [name for name in names if name.rpartition("/")[2] == normalized]
    close = [*same, *difflib.get_close_matches(normalized, names, n=1, cutoff=0.6)]
    hint = f" (did you mean {names[close[0]]}?)" if close else ""
    raise ValueError(f"{refused(value, _ZONE_ALLOWED)}{hint}")


def _pinned(value: str) -> str:
    if re.search(r":latest($|@)", value):
        raise ValueError(f"{value!r} is not pinned; use the tag of a release instead of latest")
    return value


def _enum_of(kind: type[StrEnum]) -> BeforeValidator:
    """Let a strict model accept the text form of an enum, with a message that lists the allowed values."""

    def convert(value: object) -> StrEnum:
        if isinstance(value, str) and value in list(kind):
            return kind(value)
        raise ValueError(refused(value, ", ".join(kind)))

    return BeforeValidator(convert)


_SOME_ALLOWED = "an IP address or a network, such as 192.0.2.10, 10.0.0.0/24 or fd00::/64"
SOME_ADDRESSES = Form("[0-9A-Fa-f:.]{2,45}(?:/[0-9]{1,3})?", _SOME_ALLOWED)
"""An address or a network of either family; `not_everybody` checks the rest."""


def not_everybody(remedy: str) -> AfterValidator:
    """Refuse values that are not a network, and the network of all addresses; `remedy` says how to fix the latter."""

    def check(value: str) -> str:
        try:
            network = ipaddress.ip_network(value)
        except ValueError:
            raise ValueError(refused(value, _SOME_ALLOWED)) from None
        if network.prefixlen == 0:
            raise ValueError(f"{value!r} contains every address; {remedy}")
        return value

    return AfterValidator(check)


def _off(value: object) -> object:
    return "off" if value is False else value


OffWord = BeforeValidator(_off)
"""YAML 1.1 reads the bare word off as false; here it means the word."""


def _number(value: object) -> object:
    return float(value) if isinstance(value, str) and re.fullmatch(_NUMBER, value) else value


@dataclass(frozen=True)
class _OrText:
    """The JSON Schema of a number that may also be text."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        number = handler(schema)
        return number | {"type": ["number", "string"], "pattern": f"^(?:{_NUMBER})$"}


_NUMBER = "[0-9]{1,9}(?:[.][0-9]{1,9})?"
Number = Annotated[float, BeforeValidator(_number), _OrText()]
"""A number, also as text: `pulumi config set --path` writes one with a point as text, unlike a whole number."""


def _scalar(value: object) -> object:
    if not isinstance(value, str | int | bool):
        raise ValueError(f"{describe_type(value)} given; allowed: text, a whole number, true or false")  # noqa: TRY004  # what pydantic expects
    return value


Scalar = Annotated[str | int | bool, BeforeValidator(_scalar)]

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = rf"(?=.{{1,253}}$)(?:{_LABEL}[.])+[a-z][a-z0-9-]{{0,61}}[a-z0-9]"
NAME_OF_HOST = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
HOST = rf"(?:{NAME_OF_HOST}|\[[0-9A-Fa-f:.]+\])"
PORT = "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
"""A port from 1 to 65535."""
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HTTP_URL = "http:// or https:// with a host and an optional port, such as http://matchbox.lan:8080"
_ENDPOINT = "HOST:PORT, such as matchbox.lan:8081"

_SIMPLEST = r"(?!.*/[.][.]?(?:/|$))"
_NAME = "[A-Za-z0-9_.@:+-]+"
_DISK_ALLOWED = "a whole disk under /dev, such as /dev/disk/by-id/ata-EXAMPLE or /dev/sda"
# as the kernel and udev name partitions; the other folders of /dev/disk name nothing but partitions and filesystems
_PARTITION = (
    "/dev/(?:[shv]d[a-z]+|xvd[a-z]+|dasd[a-z]+)[0-9]+|/dev/(?:nvme[0-9]+n|mmcblk|loop|nbd|md)[0-9]+p[0-9]+"
    "|/dev/disk/by-[a-z]+/.*-part[0-9]+|/dev/disk/by-(?:uuid|label|partuuid|partlabel)/.*"
)

_CONSOLE = "[A-Za-z0-9_.,:/+-]+"
_CONSOLE_ALLOWED = "a console such as ttyS0,115200n8"

_ZONE = "[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*"
_ZONE_ALLOWED = "a name such as Europe/Berlin or Etc/UTC"

_IMAGE_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
REGISTRY = f"(?:localhost|{_IMAGE_LABEL}(?:[.]{_IMAGE_LABEL})+|{_IMAGE_LABEL}(?=:))(?::{PORT})?"
"""The host of an image, with its port."""
_IMAGE_NAME = "[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
_IMAGE_TAG = ":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_IMAGE_DIGEST = "@sha256:[0-9a-f]{64}"

NonEmpty = Annotated[str, Form(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+", "one line of text, not empty")]
Domain = Annotated[str, Form(DOMAIN, "a domain name: lower-case labels joined by dots, such as pod.example.org")]
Email = Annotated[
    str,
    Form(
        rf"(?=.{{1,64}}@)(?!-){_ATOM}(?:[.]{_ATOM})*@{DOMAIN.replace('a-z', 'A-Za-z')}",
        "an e-mail address, such as podmin@example.org",
    ),
]
HttpUrl = Annotated[
    str,
    Form(rf"https?://{HOST}(?::{PORT})?(?:/[A-Za-z0-9._~/-]*)?", _HTTP_URL, 500),
    _reachable(_HTTP_URL),
]
"""Short, because nginx reads no word of 4096 bytes or more."""
Endpoint = Annotated[str, Form(f"{HOST}:{PORT}", _ENDPOINT), _reachable(_ENDPOINT)]
Mac = Annotated[
    str,
    Form("[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}", "a MAC address: six hex pairs, such as 52:54:00:a1:9c:ae"),
    AfterValidator(_mac),
]
SshKey = Annotated[
    str,
    AfterValidator(_ssh_key),
    Field(json_schema_extra={"pattern": f"^(?:{_KEY})$", "patternErrorMessage": f"allowed: {_KEY_ALLOWED}"}),
]
LoginKey = Annotated[SshKey, AfterValidator(_login_key)]
ImageReference = Annotated[
    str,
    Form(
        f"{REGISTRY}(?:/{_IMAGE_NAME})+(?:{_IMAGE_TAG}(?:{_IMAGE_DIGEST})?|{_IMAGE_DIGEST})",
        "a full reference with registry and tag or digest, such as registry.example.org/name:1.2",
        500,
    ),
    AfterValidator(_pinned),
]
AbsolutePath = Annotated[str, Form(rf"{_SIMPLEST}(?:/{_NAME})+", "an absolute path, such as /srv/diaspora", 255)]
MountPath = Annotated[
    str,
    Form(rf"{_SIMPLEST}(?:/[A-Za-z0-9_.@+-]+)+", "an absolute path without a colon, such as /srv/diaspora", 255),
]
"""A path that becomes part of a mount, in which a colon ends it."""
DiskPath = Annotated[str, Form(rf"{_SIMPLEST}/dev(?:/{_NAME})+", _DISK_ALLOWED, 255), AfterValidator(_whole_disk)]
MachineName = Annotated[
    str, Form("[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?", "lower-case letters, digits and -, at most 50 characters")
]
HostName = Annotated[
    str,
    Form(rf"(?=.{{1,64}}$){_LABEL}(?:[.]{_LABEL})*", "lower-case labels joined by dots, at most 64 characters"),
]
ConnectionName = Annotated[
    str, Form("[A-Za-z0-9_.:-]{1,64}", "letters, digits, _, ., : and -, at most 64 characters, such as eno1")
]
UserName = Annotated[str, Form("[a-z_][a-z0-9_-]{0,30}", "lower-case letters, digits, _ and -, at most 31 characters")]
ClockTime = Annotated[str, Form("(?:[01][0-9]|2[0-3]):[0-5][0-9]", "HH:MM from 00:00 to 23:59")]
ReleaseVersion = Annotated[str, Form("[0-9]{2,3}[.][0-9]{8}[.][0-9]+[.][0-9]+", "a release such as 44.20260802.3.1")]
DEFAULT_RELEASE: ReleaseVersion = "44.20260802.3.1"
ConfigHash = Annotated[
    str, Form("c[0-9a-f]{11}", "the letter c and 11 hex digits, from the stack output `machines.NAME.config`")
]
KernelArgument = Annotated[
    str,
    Form(
        r"[A-Za-z0-9_.,:=/@+%~!*?^\[\]-]+",
        "one argument of letters, digits and _ . , : = / @ + % ~ ! * ? ^ [ ] -, such as console=ttyS0",
        500,
    ),
]
"""GRUB and iPXE, which read the arguments, give a meaning to all other characters. The kernel reads 2048 in all."""
Console = Annotated[
    str,
    AfterValidator(_console),
    Field(json_schema_extra={"pattern": f"^(?:{_CONSOLE})$", "patternErrorMessage": f"allowed: {_CONSOLE_ALLOWED}"}),
]
TimeZone = Annotated[
    str,
    AfterValidator(_time_zone),
    Field(json_schema_extra={"pattern": f"^(?:{_ZONE})$", "patternErrorMessage": f"allowed: {_ZONE_ALLOWED}"}),
]

TargetField = Annotated[Target, _enum_of(Target)]
ArchitectureField = Annotated[Architecture, _enum_of(Architecture)]
StreamField = Annotated[Stream, _enum_of(Stream)]
WeekdayField = Annotated[Weekday, _enum_of(Weekday)]
