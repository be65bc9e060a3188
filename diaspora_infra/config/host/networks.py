"""Checks of a machine's network connections, before any machine boots with them.

NetworkManager ignores what it does not know: a misspelt key would leave a machine without its address.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping

from diaspora_infra.config.host.host import Keyfile
from diaspora_infra.config.host.keyfile import (
    INTERFACE,
    PORT_TYPES,
    SECTIONS,
    TYPES,
    Kind,
    holds_secret,
    text_of,
    value_spec,
)
from diaspora_infra.config.problems import Problem, join_path, unknown_key

# Kinds of connection that have a section of their own; any other is plain ethernet.
_TYPE_SECTIONS = ("vlan", "bond", "bridge", "team")
_PORT_SECTIONS = {"bond-port": "bond", "bridge-port": "bridge", "team-port": "team"}
_ADDRESS = re.compile(r"address\d+", re.ASCII)


def check_networks(path: str, networks: Mapping[str, Keyfile]) -> list[Problem]:
    """Unknown sections and keys, and values that NetworkManager would not accept."""
    problems: list[Problem] = []
    for name, keyfile in networks.items():
        here = join_path(path, name)
        for section, values in keyfile.items():
            problems += _check_section(join_path(here, section), section, values)
        for check in _CONNECTION_CHECKS:
            problems += check(here, name, keyfile)
    problems += _check_ports(path, networks)
    return problems


def connection_type(keyfile: Keyfile) -> str:
    """The type of a connection: as set, else from its sections; so where the one that is set is not valid."""
    given = keyfile.get("connection", {}).get("type")
    found = [section for section in _TYPE_SECTIONS if section in keyfile]
    return given if given in TYPES else found[0] if found else "ethernet"


def interface_name(name: str, keyfile: Keyfile) -> str | None:
    """The interface of a connection: as set, else its name. None when another property selects the card."""
    given = keyfile.get("connection", {}).get("interface-name")
    if given is not None:
        return text_of(given)
    by_address = connection_type(keyfile) == "ethernet" and "mac-address" in keyfile.get("ethernet", {})
    return None if by_address or "match" in keyfile else name


def controller(keyfile: Keyfile) -> str | None:
    """The bond, bridge or team that a connection belongs to, by interface name or UUID."""
    connection = keyfile.get("connection", {})
    value = connection.get("controller", connection.get("master"))
    return None if value is None else text_of(value)


def static_addresses(keyfile: Keyfile) -> Iterator[tuple[str, ipaddress.IPv4Address]]:
    """The static IPv4 addresses of a connection, with their keys; skips values that are not addresses."""
    for key, value in keyfile.get("ipv4", {}).items():
        if _ADDRESS.fullmatch(key):
            try:
                yield key, ipaddress.IPv4Address(re.split("[/,]", text_of(value))[0].strip())
            except ipaddress.AddressValueError:
                continue  # its own check says so


def _check_section(path: str, section: str, values: Mapping[str, str | int | bool]) -> Iterator[Problem]:
    if holds_secret(section):
        yield _secret(path)
    elif section not in SECTIONS:
        yield unknown_key(path, section, SECTIONS)
    else:
        for key, value in values.items():
            yield from _check_value(join_path(path, key), section, key, value)


def _check_value(path: str, section: str, key: str, value: str | int | bool) -> Iterator[Problem]:
    kind = value_spec(section, key)
    if holds_secret(section, key):
        yield _secret(path)
    elif kind is None:
        yield unknown_key(path, key, SECTIONS[section])
    elif problem := _wrong(kind, text_of(value)):
        yield Problem(path, problem)


def _wrong(kind: Kind, text: str) -> str | None:
    if re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", text):
        return "control characters or line breaks; allowed: one line of text"
    return None if kind.accepts(text) else f"{text!r} is not valid; allowed: {kind.allowed}"


def _secret(path: str) -> Problem:
    return Problem(
        path,
        "holds a secret, which everyone who can reach the server of the Ignition config could read; "
        "use a wired connection without authentication",
    )


def _check_name(path: str, name: str, keyfile: Keyfile) -> Iterator[Problem]:
    if name.startswith("."):
        yield Problem(path, f"{name!r} starts with a dot, and NetworkManager ignores hidden files; remove the dot")
    interface = interface_name(name, keyfile)
    if interface == name and "interface-name" not in keyfile.get("connection", {}) and not INTERFACE.accepts(name):
        yield Problem(
            path,
            f"{name!r} is not an interface name; rename it ({INTERFACE.allowed}), or set connection.interface-name",
        )
    if interface is None and connection_type(keyfile) in _TYPE_SECTIONS:
        kind = connection_type(keyfile)
        yield Problem(
            join_path(path, "connection", "interface-name"), f"required; set the interface that the {kind} creates"
        )


def _check_type(path: str, _name: str, keyfile: Keyfile) -> Iterator[Problem]:
    kind = connection_type(keyfile)
    for section in _TYPE_SECTIONS:
        if section in keyfile and section != kind:
            yield Problem(join_path(path, section), f"conflicts with connection type {kind}; keep only one type")
    if kind in _TYPE_SECTIONS and kind not in keyfile:
        yield Problem(join_path(path, kind), f"required with connection.type: {kind}; add this section")
    if kind == "vlan":
        for key in ("id", "parent"):
            if key not in keyfile.get("vlan", {}):
                allowed = SECTIONS["vlan"][key].allowed if key == "id" else "an interface such as eno1"
                yield Problem(join_path(path, "vlan", key), f"required; allowed: {allowed}")


def _check_ip(path: str, _name: str, keyfile: Keyfile) -> Iterator[Problem]:
    for section in ("ipv4", "ipv6"):
        if section not in keyfile or controller(keyfile) is not None:
            continue
        here, values = join_path(path, section), keyfile[section]
        method = values.get("method")
        addresses = [key for key in values if _ADDRESS.fullmatch(key)]
        if method is None:
            yield Problem(join_path(here, "method"), f"required; allowed: {SECTIONS[section]['method'].allowed}")
        if method == "manual" and not addresses:
            yield Problem(
                join_path(here, "method"),
                f"manual without an address; set address1 to {SECTIONS[section]['address1'].allowed}",
            )
        if method == "shared" and len(addresses) > 1 and section == "ipv4":
            yield Problem(join_path(here, addresses[1]), "method shared takes one address; keep only address1")
        if method in {"disabled", "ignore", "link-local"}:
            for key in [*addresses, *(key for key in ("dns", "gateway") if key in values)]:
                yield Problem(
                    join_path(here, key), f"not used with method: {method}; remove it, or set method: auto or manual"
                )


def _check_port_sections(path: str, _name: str, keyfile: Keyfile) -> Iterator[Problem]:
    """A port has no addresses, and names its controller."""
    connection = keyfile.get("connection", {})
    port_type = connection.get("port-type", connection.get("slave-type"))
    owner = controller(keyfile)
    if (owner is None) != (port_type is None):
        absent, present = ("controller", "port-type") if owner is None else ("port-type", "controller")
        yield Problem(join_path(path, "connection", absent), f"required with {present}; set both or neither")
    for old, new in (("master", "controller"), ("slave-type", "port-type")):
        if old in connection and new in connection:
            yield Problem(
                join_path(path, "connection", old), f"the old name of {new}, which is also set; remove one of the two"
            )
    for section, kind in _PORT_SECTIONS.items():
        if section in keyfile and port_type in (None, *PORT_TYPES) and port_type != kind:
            yield Problem(join_path(path, section), f"only used with port-type: {kind}; remove it")
    for section in ("ipv4", "ipv6", "proxy"):
        if section in keyfile and owner is not None:
            yield Problem(
                join_path(path, section),
                f"not used in the connection of a port; move this section to the connection of {owner}",
            )


def _check_ports(path: str, networks: Mapping[str, Keyfile]) -> Iterator[Problem]:
    """Ports without their bond, bridge or team: NetworkManager would never activate them."""
    owners: dict[str, str] = {}
    unclear: set[str] = set()
    for name, keyfile in networks.items():
        interface = interface_name(name, keyfile)
        if interface is not None and not INTERFACE.accepts(interface):
            unclear.add(connection_type(keyfile))
        names = (interface, keyfile.get("connection", {}).get("uuid"))
        owners |= {text_of(candidate): connection_type(keyfile) for candidate in names if candidate is not None}
    for name, keyfile in networks.items():
        owner = controller(keyfile)
        if owner is None:
            continue
        connection = keyfile["connection"]
        port_type = connection.get("port-type", connection.get("slave-type"))
        key = "controller" if "controller" in connection else "master"
        candidates = sorted(candidate for candidate, kind in owners.items() if kind == port_type)
        # a type and an interface that are not valid have their own messages
        if port_type in PORT_TYPES and port_type not in unclear and owner not in candidates:
            remedy = f"allowed: {', '.join(candidates)}" if candidates else f"add a connection of type {port_type}"
            yield Problem(join_path(path, name, "connection", key), f"{owner!r} is not a {port_type}; {remedy}")


_CONNECTION_CHECKS: tuple[Callable[[str, str, Keyfile], Iterator[Problem]], ...] = (
    _check_name,
    _check_type,
    _check_ip,
    _check_port_sections,
)
