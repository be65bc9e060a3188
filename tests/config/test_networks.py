"""Checks of a machine's network connections before it boots."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diaspora_infra.config import ConfigError, load
from diaspora_infra.config.host.keyfile import SECTIONS, holds_secret, in_order, value_spec
from diaspora_infra.config.host.networks import check_networks
from tests.config.message_form import form_faults
from tests.support.configs import machine, pxe, pxe_config
from tests.support.fcos_keyfiles import PAGE, parsed

PATH = "pxe.machines[0].networks"
STATIC = {"ipv4": {"method": "manual", "address1": "10.0.0.10/24,10.0.0.1", "dns": "1.1.1.1;9.9.9.9;"}}
VLAN = {"vlan": {"id": 20, "parent": "eno1"}, "ipv6": {"method": "manual", "address1": "2001:db8::10/64"}}
BOND = {
    "bond0": {"bond": {"mode": "active-backup", "miimon": 100}, "ipv4": {"method": "auto"}},
    "eno1": {"connection": {"controller": "bond0", "port-type": "bond"}},
    "eno2": {"connection": {"master": "bond0", "slave-type": "bond"}, "bond-port": {"queue-id": 1}},
}
BRIDGE = {
    "br0": {"bridge": {"stp": False}, "ethernet": {"mtu": 9000}, "ipv4": {"method": "auto", "may-fail": False}},
    "eno1": {"connection": {"controller": "br0", "port-type": "bridge"}, "bridge-port": {"path-cost": 50}},
}


def lines(networks: dict[str, Any]) -> list[str]:
    return [str(problem).removeprefix(PATH).removeprefix(".") for problem in check_networks(PATH, networks)]


@pytest.mark.parametrize(
    "networks",
    [
        {},
        {"eno1": {}},
        {"eno1": {"ipv4": {"method": "auto"}}},
        {"eno1": STATIC},
        {"eno1": STATIC, "vlan20": VLAN},
        BOND,
        BRIDGE,
        {"uplink": {"ethernet": {"mac-address": "52:54:00:a1:9c:ae"}, **STATIC}},
        {"eno1": {"ipv4": {"method": "auto", "route1": "10.8.0.0/16,10.0.0.1,100", "route1_options": "mtu=1400"}}},
        {"eno1": {"ipv6": {"method": "auto", "ip6-privacy": -1, "dns": "2001:db8::1#dns.example.org"}}},
    ],
)
def test_common_connections_are_accepted(networks: dict[str, Any]) -> None:
    assert lines(networks) == []


@pytest.mark.parametrize("example", PAGE)
def test_keyfiles_of_the_documentation_of_fedora_coreos_are_accepted(example: str) -> None:
    networks = {name: parsed(text) for name, text in PAGE[example].items()}
    assert lines(networks) == []
    settings = load(pxe_config(pxe=pxe(machine(networks=networks))))
    assert settings.machines[0].networks == networks


WRONG = [
    # sections and keys
    ({"eno1": {"ip4": {}}}, "eno1.ip4", "did you mean ipv4?"),
    ({"eno1": {"802-3-ethernet": {}}}, "eno1.802-3-ethernet", "did you mean ethernet?"),
    ({"eno1": {"ipv4": {"method": "auto", "adress1": "x"}}}, "eno1.ipv4.adress1", "did you mean address1?"),
    ({"eno1": {"ipv4": {"method": "auto", "dns_search": "x"}}}, "eno1.ipv4.dns_search", "did you mean dns-search?"),
    # secrets
    ({"wlan0": {"wifi-security": {"psk": "x"}}}, "wlan0.wifi-security", "holds a secret"),
    ({"wg0": {"wireguard": {"private-key": "x"}}}, "wg0.wireguard", "holds a secret"),
    ({"eno1": {"802-1x": {"password": "x"}}}, "eno1.802-1x", "holds a secret"),
    ({"eno1": {"ethernet": {"wake-on-lan-password": "x"}}}, "eno1.ethernet.wake-on-lan-password", "holds a secret"),
    # addresses
    ({"eno1": {"ipv4": {"method": "manual"}}}, "eno1.ipv4.method", "manual without an address; set address1 to"),
    ({"eno1": {"ipv4": {"address1": "10.0.0.1/24"}}}, "eno1.ipv4.method", "required; allowed: auto, manual"),
    ({"eno1": {"ipv4": {"method": "static"}}}, "eno1.ipv4.method", "'static' is not valid; allowed: auto, manual"),
    ({"eno1": {"ipv4": {"method": "ignore"}}}, "eno1.ipv4.method", "'ignore' is not valid"),
    *(
        (
            {"eno1": {"ipv4": {"method": "manual", "address1": address}}},
            "eno1.ipv4.address1",
            f"{address!r} is not valid; allowed: an IPv4 address with prefix",
        )
        for address in (
            "10.0.0.10", "10.0.0.10/33", "10.0.0.256/24", "10.0.0.10/24,", "10.0.0.10/24,gateway", "2001:db8::1/64",
            "10.0.0.10/24,2001:db8::1", "10.0.0.10/255.255.255.0", "10.0.0.10/24 10.0.0.1", "",
        )
    ),
    ({"eno1": {"ipv6": {"method": "manual", "address1": "2001:db8::1/129"}}}, "eno1.ipv6.address1", "not valid"),
    ({"eno1": {"ipv6": {"method": "manual", "address1": "fe80::1%eno1/64"}}}, "eno1.ipv6.address1", "not valid"),
    ({"eno1": {"ipv4": {"method": "auto", "dns": "1.1.1.1,9.9.9.9"}}}, "eno1.ipv4.dns", "joined by semicolons"),
    ({"eno1": {"ipv4": {"method": "auto", "dns": "dns.example.org"}}}, "eno1.ipv4.dns", "an IPv4 address"),
    ({"eno1": {"ipv4": {"method": "auto", "route1": "10.8.0.0,10.0.0.1"}}}, "eno1.ipv4.route1", "NETWORK/PREFIX"),
    ({"eno1": {"ipv4": {"method": "auto", "route1_options": "mut=1"}}}, "eno1.ipv4.route1_options", "'mut=1'"),
    (
        {"eno1": {"ipv4": {"method": "disabled", "address1": "10.0.0.1/24"}}},
        "eno1.ipv4.address1",
        "not used with method: disabled; remove it",
    ),
    # kinds of values
    ({"eno1": {"connection": {"mdns": "yes"}}}, "eno1.connection.mdns", "2 yes"),
    ({"eno1": {"connection": {"autoconnect": "no"}}}, "eno1.connection.autoconnect", "allowed: true, false"),
    ({"eno1": {"connection": {"uuid": "1"}}}, "eno1.connection.uuid", "a UUID"),
    ({"eno1": {"connection": {"interface-name": "a" * 16}}}, "eno1.connection.interface-name", "15 characters"),
    ({"eno1": {"ethernet": {"mac-address": "52-54-00-a1-9c-ae"}}}, "eno1.ethernet.mac-address", "a MAC address"),
    ({"eno1": {"ethernet": {"mtu": 70000}}}, "eno1.ethernet.mtu", "from 0 to 65535"),
    ({"eno1": {"ethernet": {"mtu": "auto"}}}, "eno1.ethernet.mtu", "from 0 to 65535"),
    ({"eno1": {"connection": {"zone": "a\nb"}}}, "eno1.connection.zone", "one line of text"),
    # types
    ({"v": {"vlan": {"id": 4095, "parent": "eno1"}}}, "v.vlan.id", "from 0 to 4094"),
    ({"v": {"vlan": {"id": 5}}}, "v.vlan.parent", "required; allowed: an interface"),
    ({"v": {"vlan": {"parent": "eno1"}}}, "v.vlan.id", "required; allowed: a number"),
    ({"b": {"bond": {"mode": "lacp"}}}, "b.bond.mode", "802.3ad"),
    ({"b": {"connection": {"type": "bond"}}}, "b.bond", "required with connection.type: bond"),
    ({"b": {"bond": {}, "bridge": {}}}, "b.bridge", "keep only one type"),
    ({"b": {"bridge": {}, "match": {"driver": "e1000"}}}, "b.connection.interface-name", "required; set the interface"),
    # ports
    ({"eno1": {"connection": {"controller": "bond0"}}}, "eno1.connection.port-type", "required with controller"),
    ({"eno1": {"connection": {"port-type": "bond"}}}, "eno1.connection.controller", "required with port-type"),
    (
        {"bond0": {"bond": {}}, "eno1": {"connection": {"controller": "bond1", "port-type": "bond"}}},
        "eno1.connection.controller",
        "'bond1' is not a bond; allowed: bond0",
    ),
    (
        {"br0": {"bridge": {}}, "eno1": {"connection": {"master": "br0", "slave-type": "bond"}}},
        "eno1.connection.master",
        "'br0' is not a bond; add a connection of type bond",
    ),
    ({"eno1": {"bond-port": {"queue-id": 1}}}, "eno1.bond-port", "only used with port-type: bond; remove it"),
    # names
    ({".eno1": {}}, '[".eno1"]', "hidden files"),
    ({"eno1:1": {}}, "eno1:1", "is not an interface name; rename it (at most 15 characters"),
    ({"a" * 16: {}}, "a" * 16, "is not an interface name; rename it (at most 15 characters"),
    ({"eno1": {"team": {"config": "{}"}, "bond": {}}}, "eno1.team", "keep only one type"),
]  # fmt: skip


@pytest.mark.parametrize(("networks", "path", "part"), WRONG)
def test_each_mistake_is_reported_in_one_line_with_the_remedy(networks: dict[str, Any], path: str, part: str) -> None:
    (line,) = lines(networks)
    assert line.startswith(f"{path}: ")
    assert part in line
    assert "; " in line
    assert "\n" not in line


def test_list_of_allowed_keys_is_short_beside_a_suggestion() -> None:
    (line,) = lines({"eno1": {"ipv4": {"method": "auto", "adress1": "x"}}})
    first = ", ".join(sorted(SECTIONS["ipv4"])[:8])
    assert line == f"eno1.ipv4.adress1: unknown key (did you mean address1?); allowed: {first}, ..."
    (line,) = lines({"eno1": {"ipv4": {"method": "auto", "x": "y"}}})
    assert line.endswith(", ".join(sorted(SECTIONS["ipv4"])))


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [("bond0", "type", "bnd"), ("bond0", "interface-name", "a/b"), ("eno2", "slave-type", "bnd")],
)
def test_value_that_is_not_valid_makes_no_other_problem(name: str, key: str, value: str) -> None:
    connection = {**BOND[name].get("connection", {}), key: value}
    (line,) = lines({**BOND, name: {**BOND[name], "connection": connection}})
    assert line.startswith(f"{name}.connection.{key}: {value!r} is not valid; allowed: ")


def test_port_with_addresses_is_refused() -> None:
    networks = {**BOND, "eno1": {**BOND["eno1"], "ipv4": {"method": "auto"}}}
    assert lines(networks) == [
        "eno1.ipv4: not used in the connection of a port; move this section to the connection of bond0"
    ]


def test_all_network_mistakes_are_reported_by_load_at_once() -> None:
    networks = {"eno1": {"ipv4": {"method": "manual", "adress1": "10.0.0.1/24", "dns": "x"}}}
    with pytest.raises(ConfigError) as error:
        load(pxe_config(pxe=pxe(machine(networks=networks)), target="pxe"))
    assert [problem.path for problem in error.value.problems] == [
        f"{PATH}.eno1.ipv4.adress1",
        f"{PATH}.eno1.ipv4.dns",
        f"{PATH}.eno1.ipv4.method",
    ]


def test_table_of_keys_contains_no_secrets() -> None:
    assert not [(section, key) for section, keys in SECTIONS.items() for key in keys if holds_secret(section, key)]


def test_numbered_keys_are_accepted_and_sorted_by_number() -> None:
    assert value_spec("ipv4", "address12") is value_spec("ipv4", "address1")
    assert value_spec("ipv4", "route12_options") is value_spec("ipv4", "route1_options")
    assert value_spec("ipv4", "dns1") is None
    assert value_spec("ipv4", "address") is None
    assert in_order(["route1_options", "method", "address10", "route1", "address2"]) == [
        "address2",
        "address10",
        "method",
        "route1",
        "route1_options",
    ]


KEYS = sorted({key for keys in SECTIONS.values() for key in keys})
TEXTS = st.text(max_size=30) | st.sampled_from(["auto", "manual", "10.0.0.1/24", "bond", "eno1", "-1", "²", "1;;2"])
KEYFILES = st.dictionaries(
    st.sampled_from([*SECTIONS, "wifi"]) | st.text(max_size=8),
    st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=12), TEXTS | st.integers() | st.booleans(), max_size=5),
    max_size=4,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=16), KEYFILES, max_size=3))
def test_arbitrary_networks_give_single_line_problems_without_exception(networks: dict[str, Any]) -> None:
    for problem in check_networks("networks", networks):
        assert problem.path.startswith("networks")
        assert form_faults(problem.message) == []
        assert "\n" not in problem.message
