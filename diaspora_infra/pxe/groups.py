"""The groups on a matchbox server: which machines it knows, and which group it takes for one of them."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from diaspora_infra.config import ConfigError, Matchbox, Problem
from diaspora_infra.pxe.server import Credentials

_TIMEOUT_SECONDS = 10
_LIST = "/rpcpb.Groups/GroupList"


@dataclass(frozen=True)
class Group:
    """A group: its name, what a machine has to send to be one of it, and what the machine then gets."""

    name: str
    selector: Mapping[str, str]
    profile: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def list_groups(matchbox: Matchbox, credentials: Credentials) -> list[Group]:
    """Ask the server's gRPC API for its groups, in its order. Raises ConfigError."""
    import grpc  # it takes a while, and only `pulumi` needs it, which has loaded it

    secured = grpc.ssl_channel_credentials(
        credentials.ca.encode(), credentials.client_key.encode(), credentials.client_cert.encode()
    )
    # a server in the machines' network is asked directly, never through the proxy of this computer
    options = [("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", -1)]
    try:
        with grpc.secure_channel(matchbox.rpc_endpoint, secured, options) as channel:
            answer: bytes = channel.unary_unary(_LIST)(b"", timeout=_TIMEOUT_SECONDS)
            return [_group(value) for number, value in _fields(answer) if number == 1]
    except grpc.RpcError as error:
        reason = error.details() if isinstance(error, grpc.Call) else error
    except (ValueError, IndexError):
        reason = "the answer cannot be read"
    what = f"{matchbox.rpc_endpoint} does not list its groups ({reason})"
    raise ConfigError([Problem("pxe.matchbox.rpcEndpoint", f"{what}; use matchbox 0.11 or later")])


def other_groups(mac: str, own: str, groups: Iterable[Group]) -> list[tuple[str, bool]]:
    """Find the groups for a MAC address that are not our own, and tell which of them come before it.

    matchbox takes the group with the most selectors; of equal ones the first by name, as long as there are few.
    """
    return [
        (group.name, len(group.selector) > 1 or group.name < own)
        for group in groups
        if group.selector.get("mac", "").lower() == mac.lower() and group.name != own
    ]


def is_former(name: str, own: str) -> bool:
    """Tell whether a group may be an earlier one of the machine that `own` is of: it differs in the revision."""
    machine, _, revision = name.rpartition("-")
    return machine == own.rpartition("-")[0] and re.fullmatch("[0-9a-f]{12}", revision) is not None


# What follows reads the wire format of protocol buffers, as far as messages of texts need it.


def _group(message: bytes) -> Group:
    texts: dict[int, bytes] = {}
    selector = {}
    for number, value in _fields(message):
        texts[number] = value
        if number == 4:
            entry = dict(_fields(value))
            selector[entry.get(1, b"").decode()] = entry.get(2, b"").decode()
    name, profile = (texts.get(number, b"").decode() for number in (1, 3))
    return Group(name, selector, profile, _metadata(texts.get(5, b"")))


def _metadata(text: bytes) -> Mapping[str, str]:
    """The metadata of a group; none where it is not as the engine writes it, as in somebody else's group."""
    try:
        found = json.loads(text or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _fields(message: bytes) -> Iterable[tuple[int, bytes]]:
    """The fields of a message, all of which hold bytes. Raises ValueError and IndexError for any other message."""
    position = 0
    while position < len(message):
        tag, position = _number(message, position)
        if tag & 7 != 2:
            raise ValueError("not a field of bytes")
        length, position = _number(message, position)
        if position + length > len(message):
            raise ValueError("cut short")
        yield tag >> 3, message[position : position + length]
        position += length


def _number(message: bytes, position: int) -> tuple[int, int]:
    """A number at a position, seven bits in each byte; returns it, and the position behind it."""
    number = shift = 0
    while True:
        byte = message[position]
        number |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return number, position
