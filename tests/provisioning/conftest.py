"""A separate network with a home router."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import IN_CI
from tests.machine.pod_programs import RequireProgram
from tests.provisioning.network import ROUTER, Host, Network, wait_until
from tests.provisioning.server import IPXE


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
    """A home router, with DHCP."""
    host = network.host(f"{ROUTER}/24")
    options = [
        "--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file=",
        f"--dhcp-leasefile={tmp_path / 'leases'}", "--dhcp-range=192.168.77.200,192.168.77.210,1h",
    ]  # fmt: skip
    log = tmp_path / "router.log"
    host.start(log, "dnsmasq", *options)
    wait_until(lambda: "IP range" in log.read_text(), what="the router")
    return host
