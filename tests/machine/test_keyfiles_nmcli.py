"""Our keyfiles, parsed and rewritten by NetworkManager: nothing may be dropped, added or moved."""

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from diaspora_infra.config.host.networks import check_networks
from diaspora_infra.host.features.network import keyfile_text
from tests.support.fcos_keyfiles import PAGE, parsed

UUID = "11111111-2222-3333-4444-555555555555"
MANUAL = {"method": "manual", "address1": "10.0.0.10/24,10.0.0.1"}

KEYFILES: dict[str, dict[str, Any]] = {
    "dhcp": {},
    "dhcp-required": {"connection": {"autoconnect-priority": 5}, "ipv4": {"method": "auto", "may-fail": False}},
    "static": {"ipv4": {**MANUAL, "dns": "1.1.1.1;9.9.9.9", "dns-search": "example.org"}},
    "static-without-gateway": {"ipv4": {"method": "manual", "address1": "10.0.0.10/24", "never-default": True}},
    "static-ipv6": {
        "ipv4": {"method": "disabled"},
        "ipv6": {"method": "manual", "address1": "2001:db8::10/64,2001:db8::1", "dns": "2606:4700:4700::1111"},
    },
    "both": {"ipv4": MANUAL, "ipv6": {"method": "manual", "address1": "2001:db8::10/64", "addr-gen-mode": "eui64"}},
    "many-addresses": {
        "ipv4": {"method": "manual", **{f"address{number}": f"10.0.0.{number}/24" for number in range(1, 12)}}
    },
    "routes": {
        "ipv4": {
            **MANUAL,
            "dns-priority": 50,
            "route-metric": 200,
            "route1": "10.8.0.0/16,10.0.0.2,100",
            "route1_options": "mtu=1400,table=5",
            "route2": "10.9.0.0/16,10.0.0.2",
            "routing-rule1": "priority 5 from 10.0.0.0/8 table 5",
        }
    },
    "ipv6-only": {
        "ipv4": {"method": "link-local"},
        "ipv6": {"method": "auto", "addr-gen-mode": "stable-privacy", "ip6-privacy": 2},
    },
    "ipv6-token": {"ipv6": {"method": "auto", "addr-gen-mode": "eui64", "token": "::10"}},
    "no-ipv6": {"ipv4": {"method": "auto", "ignore-auto-dns": True, "dns": "10.0.0.1"}, "ipv6": {"method": "ignore"}},
    "by-address": {"ethernet": {"mac-address": "52:54:00:a1:9c:ae", "mtu": 9000}},
    "other-mac": {"ethernet": {"cloned-mac-address": "52:54:00:A1:9C:AF", "wake-on-lan": 64}},
    "by-driver": {"match": {"driver": "e1000;virtio_net"}, "hostname": {"priority": 5}},
    "offload": {"ethtool": {"feature-gro": False, "feature-tso": False, "ring-rx": 1024}},
    "connection": {
        "connection": {
            "autoconnect": False, "autoconnect-retries": 3, "lldp": 1, "llmnr": 0, "mdns": 2, "metered": 2,
            "mptcp-flags": 2, "permissions": "user:core:", "stable-id": "a b", "wait-device-timeout": 2000,
            "zone": "back\\slash",
        },
        "proxy": {"method": 1},
    },
    "vlan": {"vlan": {"id": 20, "parent": "eno1"}, "ipv4": MANUAL},
    "vlan-with-more": {
        "vlan": {"id": 20, "parent": "eno1", "flags": 3, "egress-priority-map": "1:2;3:4", "protocol": "802.1ad"},
        "ethernet": {"mtu": 1400},
    },
    "bond": {"bond": {"mode": "802.3ad", "miimon": 100, "lacp_rate": "fast", "xmit_hash_policy": "layer3+4"}},
    "empty-lists": {"ipv4": {**MANUAL, "dns-search": ""}, "connection": {"permissions": ""}},
    "team": {"team": {"config": '{"runner": {"name": "activebackup"}}'}, "ethernet": {"mtu": 9000}, "ipv4": MANUAL},
    "bond-default": {"bond": {}, "ipv4": MANUAL},
    "bond-arp": {"bond": {"mode": "active-backup", "arp_interval": 100, "arp_ip_target": "10.0.0.1,10.0.0.2"}},
    "bond-backup": {"bond": {"mode": "active-backup", "miimon": 100, "primary": "eno1", "fail_over_mac": "active"}},
    "bridge": {"bridge": {"stp": False}, "ipv4": MANUAL},
    "bridge-with-more": {
        "ethernet": {"mtu": 9000},
        "bridge": {"mac-address": "52:54:00:a1:9c:ae", "forward-delay": 4, "priority": 100, "vlan-filtering": True},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def nmcli(require_program: Callable[[str, str], str]) -> str:
    return require_program("nmcli", "network-manager")


def written_again(nmcli: str, text: str) -> str:
    """A keyfile as NetworkManager rewrites it. `autoconnect` is the one property that the command must name."""
    autoconnect = "no" if "autoconnect=false" in text else "yes"
    command = [nmcli, "--offline", "connection", "modify", "connection.autoconnect", autoconnect]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_comment(text: str) -> str:
    return text.partition("\n")[2]


def port_words(nmcli: str) -> tuple[str, str]:
    """The keys of a port: NetworkManager writes the new names since 1.50, and knows only the old ones before 1.46."""
    version = subprocess.run([nmcli, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    found = re.search(r"version (\d+)\.(\d+)", version)
    assert found
    return ("controller", "port-type") if (int(found[1]), int(found[2])) >= (1, 50) else ("master", "slave-type")


@pytest.mark.parametrize("name", KEYFILES)
def test_networkmanager_keeps_keyfiles_unchanged(nmcli: str, name: str) -> None:
    networks = {"eno1": KEYFILES[name]}
    assert check_networks("networks", networks) == []
    text = keyfile_text("pod1", "eno1", networks["eno1"])
    assert without_comment(text) == written_again(nmcli, text)


@pytest.mark.parametrize("kind", ["bond", "bridge"])
@pytest.mark.parametrize("port", [{}, {"vlan": {"id": 5, "parent": "eno2"}}], ids=["ethernet", "vlan"])
def test_networkmanager_keeps_port_keyfiles_unchanged(nmcli: str, kind: str, port: dict[str, Any]) -> None:
    owner, port_type = port_words(nmcli)
    options = {"bond": {"queue-id": 1}, "bridge": {"path-cost": 50, "hairpin-mode": True}}[kind]
    keyfile = {"connection": {owner: "main0", port_type: kind}, f"{kind}-port": options, **port}
    assert check_networks("networks", {"main0": {kind: {}}, "eno1": keyfile}) == []
    text = keyfile_text("pod1", "eno1", keyfile)
    assert without_comment(text) == written_again(nmcli, text)


@pytest.mark.parametrize("example", PAGE)
def test_networkmanager_reads_the_same_as_in_the_documentation_of_fedora_coreos(nmcli: str, example: str) -> None:
    for name, text in PAGE[example].items():
        given = parsed(text)
        theirs = parsed(written_again(nmcli, text))
        ours = parsed(written_again(nmcli, keyfile_text("pod1", name, given)))
        for section, values in theirs.items():
            for key in values.keys() - ({"uuid"} - given["connection"].keys()):
                assert ours[section][key] == values[key], f"{name}: [{section}] {key}"


@pytest.mark.parametrize(
    "keyfile",
    [
        {"ipv4": {"method": "auto", "adress1": "10.0.0.1/24"}},
        {"connection": {"mdns": "yes"}},
        {"ethernet": {"mtu": "auto"}},
        {"ipv4": {"method": "auto", "route1": "10.8.0.0/16,10.0.0.1", "route1_options": "mut=1400"}},
        {"ipv4": {"method": "manual", "address1": "10.0.0.1/99"}},
        {"bond": {"mode": "active-backup", "bogus": 1}},
        {"ipv4": {"method": "shared", "address1": "10.0.0.1/24", "address2": "10.0.1.1/24"}},
    ],
)
def test_keys_that_networkmanager_drops_are_refused_by_the_check(nmcli: str, keyfile: dict[str, Any]) -> None:
    text = keyfile_text("pod1", "eno1", keyfile)
    assert without_comment(text) != written_again(nmcli, text)
    assert check_networks("networks", {"eno1": keyfile})
