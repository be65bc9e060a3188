"""Firmware that boots over a network with a provisioning server and a home router: the whole process, nothing mocked.

UEFI boots with its own PXE (DHCP, proxy DHCP, TFTP), loads iPXE and with that the script of matchbox. A BIOS has no PXE
of its own: its network card's ROM is iPXE already, so undionly.kpxe itself is only seen in test_network_boot.py.
The server is filled by a real `pulumi up` from another host; what its script makes a machine do is in tests/boot.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from diaspora_infra.config import NAMESPACE, Matchbox, ProvisioningSettings, load_stack
from diaspora_infra.pxe.install import ASSETS, image_names
from diaspora_infra.pxe.pki import PkiFolder, create_pki
from diaspora_infra.pxe.server import check_reachable
from lab.engine import PROJECT
from tests.machine.pod_programs import RequireProgram
from tests.provisioning.network import Host, Network, wait_until
from tests.provisioning.server import ADDRESS, Server
from tests.support.boot.virtual_machine import UEFI
from tests.support.configs import full_dhcp, host, machine, pod, provisioning_config, pxe
from tools import tool_path

MAC, UUID = "52:54:00:00:00:01", "5d7d5b86-31b7-4ee0-8d3f-5a8f1b1d0c11"
SECONDS = 200
RELEASE = "44.20260802.3.1"
KERNEL = f"/{ASSETS}/{image_names(RELEASE, 'x86_64').kernel}"
PROXY = {"network": "192.168.77.0/24"}


@pytest.fixture
def server(network: Network, tmp_path: Path, request: pytest.FixtureRequest) -> Server:
    """matchbox, empty, and dnsmasq with the settings of the test's parameter."""
    settings = load_stack(provisioning_config(dhcp=request.param))
    assert isinstance(settings, ProvisioningSettings)
    server = Server(settings, network.host(f"{ADDRESS}/24"), tmp_path)
    data = tmp_path / "matchbox"
    pki = create_pki(tmp_path / "pki", [ADDRESS])
    log = server.start_matchbox(tool_path("matchbox"), data, pki.path)
    wait_until(lambda: "HTTP server" in log.read_text(), what="matchbox")
    log = server.start_dnsmasq()
    wait_until(lambda: "dnsmasq-tftp" in log.read_text(), what="dnsmasq")
    return server


# what a podmin's computer does
UP = """
import sys
from pathlib import Path
from lab.engine import Engine
engine = Engine(Path(sys.argv[1]), "test", Path(sys.argv[2]))
engine.prepare()
engine.run("up")
"""


def bring_up(podmin: Host, folder: Path) -> None:
    """Bring up a stack with one machine on the server, by the engine, from another host of the network."""
    pki = PkiFolder(folder / "pki")
    files = {"caFile": pki.ca, "clientCertFile": pki.certificate("client"), "clientKeyFile": pki.key("client")}
    matchbox = {"httpUrl": f"http://{ADDRESS}:8080", "rpcEndpoint": f"{ADDRESS}:8081"}
    machines = pxe(
        machine(mac=MAC),
        matchbox=matchbox | {key: str(path) for key, path in files.items()},
        release={"source": "matchbox", "version": RELEASE},
    )
    values = {"target": "pxe", "pod": pod(), "host": host(storage={"disk": "/dev/sda"}), "pxe": machines}
    stack = folder / "stack.yaml"
    stack.write_text(yaml.safe_dump({"config": {f"{NAMESPACE}:{key}": value for key, value in values.items()}}))
    command = podmin.command(sys.executable, "-c", UP, folder / "engine", stack)
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def boot(network: Network, folder: Path, *firmware: str) -> list[str]:
    """Boot a machine until it asks for its kernel; returns what it asked matchbox for."""
    log = folder / "matchbox.log"
    where = network.tap("machine")
    command = [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-machine", "pc,graphics=off", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "512", "-uuid", UUID,
        "-serial", f"file:{folder / 'serial'}", "-netdev", "tap,id=net,ifname=machine,script=no,downscript=no",
        "-device", "virtio-rng-pci", *firmware,
    ]  # fmt: skip
    # `pulumi up` has asked the server too
    before = len(log.read_text())
    running = where.start(folder / "qemu.log", *command)
    wait_until(
        lambda: KERNEL in log.read_text()[before:] or running.poll() is not None, SECONDS, "the request for the kernel"
    )
    return re.findall(r"HTTP GET (\S+?)\"", log.read_text()[before:])


CARD = f"virtio-net-pci,netdev=net,mac={MAC},bootindex=1"


@pytest.mark.parametrize("server", [PROXY], indirect=True, ids=["proxy"])
@pytest.mark.usefixtures("router", "server")
def test_uefi_boots_beside_a_router(network: Network, tmp_path: Path, require_program: RequireProgram) -> None:
    require_program("qemu-system-x86_64", "qemu-system-x86")
    # romfile: without the ROM that QEMU gives its card, which is iPXE
    bring_up(network.host("192.168.77.60/24"), tmp_path)
    asked = boot(network, tmp_path, "-bios", UEFI, "-device", f"{CARD},romfile=")
    assert_booted(asked, "x86_64")
    log = (tmp_path / "dnsmasq.log").read_text()
    assert "sent /var/lib/tftpboot/ipxe.efi to 192.168.77.2" in log, "the address is one of the router's"
    assert "DHCPACK" not in log


@pytest.mark.parametrize("server", [PROXY, full_dhcp()], indirect=True, ids=["proxy", "full"])
def test_bios_boots_with_proxy_and_full_dhcp(
    network: Network,
    server: Server,
    tmp_path: Path,
    require_program: RequireProgram,
    request: pytest.FixtureRequest,
) -> None:
    require_program("qemu-system-x86_64", "qemu-system-x86")
    full = "mode" in request.node.callspec.params["server"]
    request.getfixturevalue("router_without_dhcp" if full else "router")
    bring_up(network.host("192.168.77.60/24"), tmp_path)
    assert_booted(boot(network, tmp_path, "-device", CARD), "i386")
    assert ("DHCPACK" in (tmp_path / "dnsmasq.log").read_text()) is full


def assert_booted(asked: list[str], architecture: str) -> None:
    assert asked == [
        "/boot.ipxe",
        f"/ipxe?uuid={UUID}&mac={MAC.replace(':', '-')}&domain=&hostname=&serial=&arch={architecture}",
        KERNEL,
    ]


@pytest.mark.parametrize("server", [PROXY], indirect=True, ids=["proxy"])
def test_matchbox_requires_client_certificates_of_its_authority(
    network: Network, server: Server, tmp_path: Path
) -> None:
    podmin = network.host("192.168.77.60/24")
    reach(podmin, tmp_path / "pki")
    with pytest.raises(Exception, match=r"rpcEndpoint: "):
        reach(podmin, create_pki(tmp_path / "other", [ADDRESS]).path)


def reach(podmin: Host, folder: Path) -> None:
    files: dict[str, Any] = {"caFile": "ca.crt", "clientCertFile": "client.crt", "clientKeyFile": "client.key"}
    matchbox = Matchbox.model_validate({"httpUrl": f"http://{ADDRESS}:8080", "rpcEndpoint": f"{ADDRESS}:8081", **files})
    podmin.call(lambda: check_reachable(matchbox, folder))
