"""The settings of a provisioning server: accepted values, and one line for each mistake."""

import ipaddress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diaspora_infra.config import (
    NAMESPACE,
    SECRETS,
    ConfigError,
    ProvisioningSettings,
    PxeSettings,
    load,
    load_provisioning,
    load_stack,
    load_written,
    needed_secrets,
)
from diaspora_infra.config.provisioning.server import host_of, port_of
from tests.config.mistakes import changed
from tests.config.schema_errors import schema_errors
from tests.support.configs import full_dhcp, pod, provisioning_config, pxe_config

NETWORK = "an IPv4 network with a prefix length of 8 to 30, such as 192.168.1.0/24"

MISTAKES = [
    ({"provisioning": None}, "provisioning: nothing given; allowed: a table of keys"),
    ({"host.users": []}, "host.users: empty; allowed: at least 1 item"),
    (
        {"pod": pod()},
        "pod: not used with target: provisioning; remove it",
    ),
    (
        {"provisioning.httpUrl": "https://m.lan"},
        "provisioning.httpUrl: 'https://m.lan' is not valid; allowed: http://HOST:PORT, without a path (matchbox and "
        "iPXE do not use HTTPS)",
    ),
    (
        {"provisioning.httpUrl": "http://m.lan:8080/boot"},
        "provisioning.httpUrl: 'http://m.lan:8080/boot' is not valid; allowed: http://HOST:PORT, without a path "
        "(matchbox and iPXE do not use HTTPS)",
    ),
    (
        {"provisioning.rpcPort": 8080},
        "provisioning.rpcPort: the same port as provisioning.httpUrl; choose another",
    ),
    (
        {"provisioning.dhcp": {}},
        f"provisioning.dhcp.network: required unless mode: off; allowed: {NETWORK}",
    ),
    (
        {"provisioning.dhcp.network": "192.168.77.5/24"},
        f"provisioning.dhcp.network: '192.168.77.5/24' is not valid; allowed: {NETWORK}",
    ),
    (
        {"provisioning.dhcp.network": "192.168.77.0/31"},
        f"provisioning.dhcp.network: '192.168.77.0/31' is not valid; allowed: {NETWORK}",
    ),
    (
        {"provisioning.dhcp.mode": "both"},
        "provisioning.dhcp.mode: 'both' is not valid; allowed: proxy, full, off",
    ),
    (
        {"provisioning.dhcp.router": "192.168.77.1"},
        "provisioning.dhcp.router: only used with mode: full; remove it",
    ),
    (
        {"provisioning.dhcp": {"mode": "off", "leaseHours": 1}},
        "provisioning.dhcp.leaseHours: only used with mode: full; remove it",
    ),
    (
        {"provisioning.dhcp": {"mode": "full", "network": "10.0.0.0/8", "firstAddress": "10.0.0.1"}},
        "provisioning.dhcp.lastAddress: required with mode: full; allowed: an address in 10.0.0.0/8",
    ),
    (
        {"provisioning.dhcp": full_dhcp(lastAddress="192.168.77.99")},
        "provisioning.dhcp.lastAddress: 192.168.77.99 comes before firstAddress (192.168.77.100); choose a later "
        "address",
    ),
    (
        {"provisioning.dhcp": full_dhcp(firstAddress="192.168.77.0")},
        "provisioning.dhcp.firstAddress: 192.168.77.0 is not the address of a host in 192.168.77.0/24; choose another",
    ),
    (
        {"provisioning.dhcp": full_dhcp(router="192.168.77.120")},
        "provisioning.dhcp.router: 192.168.77.120 is between firstAddress and lastAddress; choose an address outside "
        "that range",
    ),
    (
        {"provisioning.dhcp.bootFiles": {"bios": "../undionly.kpxe"}},
        "provisioning.dhcp.bootFiles.bios: '../undionly.kpxe' is not valid; allowed: the name of a file, such as "
        "undionly.kpxe",
    ),
    (
        {"provisioning.disk": "/dev/sdb", "host.storage": {"dataDisk": "/dev/sdb"}},
        "provisioning.disk: the same disk as host.storage.dataDisk; choose another",
    ),
    (
        {"provisioning.networks": {"eno1": {"ipv4": {"method": "manuel"}}}},
        "provisioning.networks.eno1.ipv4.method: 'manuel' is not valid; allowed: auto, manual, disabled, link-local, "
        "shared",
    ),
]


def lines(values: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_stack(values)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("change", "line"), MISTAKES, ids=lambda value: value if isinstance(value, str) else "")
def test_each_mistake_is_reported_in_one_line_with_the_remedy(change: dict[str, Any], line: str) -> None:
    assert lines(changed(provisioning_config(), change)) == [line]


GOOD: list[dict[str, Any]] = [
    {},
    {"provisioning.dhcp": {"mode": False}},
    {"provisioning.dhcp": full_dhcp(router="192.168.77.1", dnsServers=["192.168.77.1", "9.9.9.9"], leaseHours=1)},
    {"provisioning.httpUrl": "http://matchbox.lan", "provisioning.rpcPort": 443},
    {"provisioning.name": "boot", "provisioning.hostname": "boot.lan", "provisioning.architecture": "aarch64"},
    {"provisioning.dnsmasqImage": "registry.example.org/dnsmasq:2.90", "provisioning.dhcp.interface": "eno1"},
    {"provisioning.dhcp.bootFiles": {"uefi": "snponly.efi", "uefiArm64": "ipxe-arm64.efi"}},
]


@pytest.mark.parametrize("change", GOOD)
def test_valid_settings_are_accepted_without_secrets(change: dict[str, Any]) -> None:
    found = load_stack(changed(provisioning_config(), change), [secret.key for secret in SECRETS])
    assert isinstance(found, ProvisioningSettings)
    assert [machine.name for machine in found.machines] == [change.get("provisioning.name", "provisioning")]
    assert needed_secrets(found) == []


def test_json_schema_covers_target_provisioning() -> None:
    values = provisioning_config()
    assert schema_errors(values) == []
    assert schema_errors({**values, "pod": pod()})
    assert schema_errors({key: value for key, value in values.items() if key != "provisioning"})
    without_pod = {key: value for key, value in pxe_config().items() if key != "pod"}
    assert schema_errors(without_pod) == [f"'{NAMESPACE}:pod' is a required property"]


def test_pod_stack_may_include_the_provisioning_server() -> None:
    values = pxe_config(provisioning=provisioning_config()["provisioning"])
    assert isinstance(load_stack(values), PxeSettings)
    assert load_written(values).provisioning == load_provisioning(values)
    assert schema_errors(values) == []
    values["provisioning"]["rpcPort"] = 0
    assert lines(values) == ["provisioning.rpcPort: 0 is out of range; allowed: 1 to 65535"]


def test_pod_settings_cannot_be_loaded_from_target_provisioning() -> None:
    with pytest.raises(ConfigError, match=r"^target: provisioning has no pod; allowed here: pxe, aws, ignition$"):
        load({**pxe_config(), "target": "provisioning"})


def test_provisioning_key_alone_is_enough_for_the_files() -> None:
    assert load_provisioning({"provisioning": provisioning_config()["provisioning"]}).rpc_port == 8081
    with pytest.raises(ConfigError, match=r"^provisioning: required; add this key \(A provisioning server\)"):
        load_provisioning({})


@given(st.integers(8, 30), st.integers(0, 2**32 - 1), st.data())
@settings(derandomize=True, max_examples=80)
def test_dhcp_range_is_accepted_if_hosts_can_use_it(prefix: int, seed: int, data: st.DataObject) -> None:
    network = ipaddress.IPv4Network((seed, prefix), strict=False)
    near = st.integers(max(int(network[0]) - 2, 0), min(int(network[-1]) + 2, 2**32 - 1)).map(ipaddress.IPv4Address)
    first, last = data.draw(near), data.draw(near)
    dhcp = {"mode": "full", "network": str(network), "firstAddress": str(first), "lastAddress": str(last)}
    good = network[0] < first <= last < network[-1]
    try:
        load_stack(provisioning_config(dhcp=dhcp))
    except ConfigError:
        assert not good
    else:
        assert good


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://192.168.1.5:8080", "192.168.1.5", 8080),
        ("http://matchbox.lan", "matchbox.lan", 80),
        ("http://[fd00::5]:8080", "[fd00::5]", 8080),
        ("http://[fd00::5]", "[fd00::5]", 80),
    ],
)
def test_host_and_port_are_split_from_the_url(url: str, host: str, port: int) -> None:
    assert (host_of(url), port_of(url)) == (host, port)
