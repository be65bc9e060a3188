"""dnsmasq as it is rendered, in a network of its own: the answers to firmware, iPXE and other machines.

The clients are packets as firmware sends them; tests/provisioning/test_firmware.py has real firmware.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.config import ProvisioningSettings, load_stack
from tests.provisioning.clients import ACK, OFFER, Answer, Client, boot_file, discover, load, request
from tests.provisioning.network import ROUTER, Host, Network, wait_until
from tests.provisioning.server import ADDRESS, IPXE, Server
from tests.support.configs import full_dhcp, provisioning_config

OWN_ADDRESS = "192.168.77.50"
SCRIPT = f"http://{ADDRESS}:8080/boot.ipxe"
BIOS, UEFI, UEFI_TOO, ARM64 = 0, 7, 9, 11

Start = Callable[[dict[str, Any]], Server]


@pytest.fixture
def start(network: Network, tmp_path: Path) -> Start:
    """Starts dnsmasq with these settings of `provisioning.dhcp`."""

    def started(dhcp: dict[str, Any]) -> Server:
        settings = load_stack(provisioning_config(dhcp=dhcp))
        assert isinstance(settings, ProvisioningSettings)
        server = Server(settings, network.host(f"{ADDRESS}/24"), tmp_path)
        log = server.start_dnsmasq()
        wait_until(lambda: "dnsmasq-tftp" in log.read_text(), what=f"dnsmasq: {log.read_text()}")
        return server

    return started


@pytest.fixture
def machine(network: Network) -> Host:
    """The host of the clients."""
    return network.host(f"{OWN_ADDRESS}/24")


def offers_of(machine: Host, client: Client, servers: int) -> dict[str, Answer]:
    found = machine.call(lambda: discover(client, servers))
    assert {answer.kind for answer in found} <= {OFFER}
    return {answer.sender: answer for answer in found}


PROXY = {"network": "192.168.77.0/24", "interface": "eth0"}


@pytest.mark.parametrize(
    ("architecture", "file"), [(BIOS, "undionly.kpxe"), (UEFI, "ipxe.efi"), (UEFI_TOO, "ipxe.efi")]
)
@pytest.mark.usefixtures("router")
def test_proxy_dhcp_sends_ipxe_to_firmware_and_script_to_ipxe(
    start: Start, machine: Host, architecture: int, file: str
) -> None:
    start(PROXY)
    for ipxe, expected in ((False, file), (True, SCRIPT)):
        client = Client(architecture, ipxe)
        offers = offers_of(machine, client, 2)
        assert offers.keys() == {ROUTER, ADDRESS}
        assert offers[ROUTER].address.startswith("192.168.77.2"), "the router gives the address"
        assert offers[ADDRESS].address == "0.0.0.0", "the server gives none"
        assert machine.call(lambda client=client, offers=offers: boot_file(client, offers[ADDRESS], OWN_ADDRESS)) == (
            expected
        )
        assert machine.call(lambda client=client, offers=offers: request(client, offers[ROUTER])).kind == ACK


@pytest.mark.usefixtures("router")
def test_proxy_dhcp_ignores_machines_that_do_not_network_boot(start: Start, machine: Host) -> None:
    log = start(PROXY).folder / "dnsmasq.log"
    assert offers_of(machine, Client(0, plain=True), 2).keys() == {ROUTER}
    assert "DHCPOFFER" not in log.read_text()


@pytest.mark.usefixtures("router")
def test_proxy_dhcp_offers_no_file_for_arm_by_default(start: Start, machine: Host) -> None:
    client = Client(ARM64)
    start(PROXY)
    offer = offers_of(machine, client, 2)[ADDRESS]
    assert not machine.call(lambda: boot_file(client, offer, OWN_ADDRESS))


def test_proxy_dhcp_offers_the_configured_file_for_arm(start: Start, machine: Host) -> None:
    client = Client(ARM64)
    start({**PROXY, "bootFiles": {"uefiArm64": "ipxe-arm64.efi"}})
    offer = offers_of(machine, client, 1)[ADDRESS]
    assert machine.call(lambda: boot_file(client, offer, OWN_ADDRESS)) == "ipxe-arm64.efi"


def test_full_dhcp_assigns_addresses_and_boot_files(start: Start, machine: Host) -> None:
    server = start(full_dhcp(router=ROUTER, dnsServers=[ROUTER, "9.9.9.9"], leaseHours=2))
    for architecture, file in ((BIOS, "undionly.kpxe"), (UEFI, "ipxe.efi"), (UEFI_TOO, "ipxe.efi")):
        for ipxe, expected in ((False, file), (True, SCRIPT)):
            client = Client(architecture, ipxe)
            offer = offers_of(machine, client, 1)[ADDRESS]
            assert 100 <= int(offer.address.rpartition(".")[2]) <= 150
            assert (offer.file, offer.next_server) == (expected, ADDRESS)
    taken = machine.call(lambda: request(client, offer))
    assert (taken.kind, taken.address) == (ACK, offer.address)
    assert taken.options[1] == bytes([255, 255, 255, 0])
    assert taken.options[3] == bytes([192, 168, 77, 1])
    assert taken.options[6] == bytes([192, 168, 77, 1, 9, 9, 9, 9])
    assert int.from_bytes(taken.options[51], "big") == 2 * 3600
    plain = offers_of(machine, Client(0, plain=True), 1)[ADDRESS]
    assert plain.file == "", "a laptop gets an address and nothing to boot"
    assert server.container("network-boot")["Volume"] == "/var/lib/diaspora-dnsmasq:/var/lib/dnsmasq:z"


def test_full_dhcp_gives_firmware_without_boot_file_only_an_address(start: Start, machine: Host) -> None:
    start(full_dhcp())
    offer = offers_of(machine, Client(ARM64), 1)[ADDRESS]
    assert (offer.file, offer.options.get(3)) == ("", bytes([192, 168, 77, 5])), "and the server as its gateway"


def test_tftp_sends_only_the_boot_files(start: Start, machine: Host) -> None:
    start(PROXY)
    for name in ("undionly.kpxe", "ipxe.efi", "snponly.efi"):
        assert machine.call(lambda name=name: load(ADDRESS, name)) == (IPXE / name).read_bytes()
    for name in ("missing.efi", "../../../etc/passwd", "/etc/passwd"):
        with pytest.raises(OSError, match=r"not found|allowed|denied"):
            machine.call(lambda name=name: load(ADDRESS, name))
