"""Keyfiles: path, mode and content."""

import uuid
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from diaspora_infra.config.host.keyfile import SECTIONS
from diaspora_infra.host.features.network import escaped, keyfile_text, network
from tests.host.contexts import context

FOLDER = "/etc/NetworkManager/system-connections"
STATIC = {"ipv4": {"method": "manual", "address1": "10.0.0.10/24,10.0.0.1", "dns": "1.1.1.1"}}
ESCAPES = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}


def unescaped(text: str) -> str:
    """Read a value as GLib does."""
    characters, value = iter(text), ""
    for character in characters:
        value += ESCAPES[next(characters)] if character == "\\" else character
    return value


def read(text: str) -> dict[str, dict[str, str]]:
    """Read a keyfile as GLib does: comments, sections, `key=value` without the space around it."""
    sections: dict[str, dict[str, str]] = {}
    for line in text.split("\n"):
        if line.startswith("[") and line.endswith("]"):
            section = sections.setdefault(line[1:-1], {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section[key.strip()] = unescaped(value.strip(" "))
    return sections


def test_no_connections_give_no_files() -> None:
    assert network(context()) == {}


def test_every_connection_is_a_root_only_file() -> None:
    files = network(context({"networks": {"eno1": STATIC, "eno2": {}}}))["storage"]["files"]
    assert [(entry["path"], entry["mode"]) for entry in files] == [
        (f"{FOLDER}/eno1.nmconnection", 0o600),
        (f"{FOLDER}/eno2.nmconnection", 0o600),
    ]


def test_static_address_gives_a_complete_keyfile() -> None:
    text = keyfile_text("pod1", "eno1", STATIC)
    assert text == (
        "# Network connection eno1, from `networks` in the settings of pod1 (nm-settings-keyfile(5)).\n"
        "[connection]\nid=eno1\nuuid=f73f3e57-7161-5ea7-b120-08ee3b776a6d\ntype=ethernet\ninterface-name=eno1\n\n"
        "[ethernet]\n\n"
        "[ipv4]\naddress1=10.0.0.10/24,10.0.0.1\ndns=1.1.1.1;\nmethod=manual\n\n"
        "[ipv6]\naddr-gen-mode=default\nmethod=auto\n\n"
        "[proxy]\n"
    )


def test_uuid_is_stable_and_unique_by_machine_and_connection() -> None:
    found = [
        read(keyfile_text(*key, {}))["connection"]["uuid"] for key in (("a", "x"), ("a", "x"), ("a", "y"), ("b", "x"))
    ]
    assert found[0] == found[1]
    assert len(set(found)) == 3
    assert all(uuid.UUID(text).version == 5 for text in found)


def test_given_keys_override_defaults() -> None:
    given_keys = {"id": "LAN", "uuid": "11111111-2222-3333-4444-555555555555", "interface-name": "eno9"}
    keyfile = {
        "connection": given_keys,
        "vlan": {"id": 5, "parent": "eno1", "flags": 0},
        "ipv6": {"method": "disabled"},
    }
    sections = read(keyfile_text("pod1", "eno1", keyfile))
    assert sections["connection"] == {**given_keys, "type": "vlan"}
    assert sections["vlan"] == {"flags": "0", "id": "5", "parent": "eno1"}
    # nothing is added to what is said about IP
    assert sections["ipv6"] == {"method": "disabled"}
    assert sections["ipv4"] == {"method": "auto"}


def test_mac_address_match_needs_no_interface_name() -> None:
    sections = read(keyfile_text("pod1", "uplink", {"ethernet": {"mac-address": "52:54:00:a1:9c:ae"}}))
    assert "interface-name" not in sections["connection"]
    assert sections["ethernet"] == {"mac-address": "52:54:00:A1:9C:AE"}


def test_port_has_port_section_and_no_addresses() -> None:
    sections = read(keyfile_text("pod1", "eno1", {"connection": {"controller": "br0", "port-type": "bridge"}}))
    assert list(sections) == ["connection", "ethernet", "bridge-port"]


VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(VALUES)
def test_escaped_values_are_read_back(value: str) -> None:
    line = escaped(value)
    assert "\n" not in line
    assert line == line.strip(" ")
    assert unescaped(line) == value


# control characters are refused before
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
TEXT_KEYS = ["id", "zone", "stable-id", "mud-url"]
NAMES = st.text(st.sampled_from("abc019._-"), min_size=1, max_size=15)


@settings(deadline=None)
@given(NAMES, st.dictionaries(st.sampled_from(TEXT_KEYS), LINES), st.sampled_from(["ethernet", "bond", "bridge"]))
def test_given_keyfile_values_are_read_back(name: str, connection: dict[str, str], kind: str) -> None:
    keyfile: dict[str, Any] = {"connection": connection, kind: {}, "ipv4": {"method": "auto", "may-fail": False}}
    sections = read(keyfile_text("pod1", name, keyfile))
    assert connection.items() <= sections["connection"].items()
    assert sections["connection"]["type"] == kind
    assert sections["ipv4"] == {"may-fail": "false", "method": "auto"}
    assert list(sections) == [section for section in SECTIONS if section in sections]
