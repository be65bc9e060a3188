"""A separate network with a home router."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import IN_CI
from tests.machine.pod_programs import RequireProgram
from tests.provisioning.network import ROUTER, Host, Network, wait_until
from tests.provisioning.server import IPXE

ADDRESSES = "192.168.77.200,192.168.77.210,1h"


@pytest.fixture
def network(require_program: RequireProgram) -> Iterator[Network]:
    for program, package in (
        ("dnsmasq", "dnsmasq-base"),
        ("ip", "iproute2"),
        ("nft", "nftables"),
        ("setpriv", "util-linux"),
    ):
        require_program(program, package)
    for there, what in ((os.geteuid() == 0, "needs root"), (IPXE.is_dir(), "apt-get install ipxe")):
        if not there:
            (pytest.fail if IN_CI else pytest.skip)(what)
    with Network() as network:
        yield network


@pytest.fixture
def router(network: Network, tmp_path: Path) -> Host:
    """A home router, with DHCP and IPv6."""
    return _router(network, tmp_path, f"--dhcp-leasefile={tmp_path / 'leases'}", f"--dhcp-range={ADDRESSES}")


@pytest.fixture
def router_without_dhcp(network: Network, tmp_path: Path) -> Host:
    """A router whose DHCP is turned off, because another server has that part."""
    return _router(network, tmp_path)


def _router(network: Network, folder: Path, *dhcp: str) -> Host:
    host = network.host(f"{ROUTER}/24")
    # iPXE asks for an IPv6 router, and calculates for 13 s until it believes that there is none
    host.run("ip", "address", "add", "fd77::1/64", "dev", "eth0", "nodad")
    options = [
        "--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file=",
        "--enable-ra", "--dhcp-range=fd77::,ra-only", *dhcp,
    ]  # fmt: skip
    log = folder / "router.log"
    host.start(log, "dnsmasq", *options)
    wait_until(lambda: "router advertisement on fd77::" in log.read_text(), what="the router")
    return host
