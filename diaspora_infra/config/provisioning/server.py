"""The `provisioning` key: the server that other machines boot from, with matchbox, DHCP and TFTP."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from diaspora_infra.config.checking import run_checks
from diaspora_infra.config.host.host import Host, Machine
from diaspora_infra.config.host.networks import check_networks
from diaspora_infra.config.images import DIASPORA_VERSION
from diaspora_infra.config.loader.checks import check_build, check_host
from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.versions import DiasporaVersion, SourceCommit, missing_commit, source_commit
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import Form, HttpUrl, ImageReference, MachineName, OffWord, Target, TargetField

_ADDRESS = r"[0-9]{1,3}(?:[.][0-9]{1,3}){3}"
_ADDRESS_ALLOWED = "an IPv4 address, such as 192.168.1.5"
_NETWORK_ALLOWED = "an IPv4 network with a prefix length of 8 to 30, such as 192.168.1.0/24"


def _address(value: str) -> str:
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError:
        raise ValueError(f"{value!r} is not valid; allowed: {_ADDRESS_ALLOWED}") from None


def _network(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError:
        network = None
    if network is None or not 8 <= network.prefixlen <= 30:
        raise ValueError(f"{value!r} is not valid; allowed: {_NETWORK_ALLOWED}")
    return str(network)


Address = Annotated[str, Form(_ADDRESS, _ADDRESS_ALLOWED), AfterValidator(_address)]
Network = Annotated[str, Form(rf"{_ADDRESS}/[0-9]{{1,2}}", _NETWORK_ALLOWED), AfterValidator(_network)]
Interface = Annotated[str, Form("[A-Za-z0-9_.-]{1,15}", "a network interface, such as eno1")]
FileName = Annotated[str, Form("[A-Za-z0-9_-][A-Za-z0-9_.-]*", "the name of a file, such as undionly.kpxe")]


class BootFiles(Model):
    """The iPXE files that TFTP sends to each kind of firmware. They are in the image of dnsmasq."""

    bios: FileName = "undionly.kpxe"
    """For a BIOS."""
    uefi: FileName = "ipxe.efi"
    """For UEFI on x86_64. `snponly.efi` uses the firmware's own driver of the network card; the project's image also
    contains it."""
    uefi_arm64: FileName | None = None
    """For UEFI on aarch64. When not set, such machines get no answer, because the default image has no file for
    them."""


class Dhcp(Model):
    """DHCP and TFTP, which tell machines where to boot from."""

    mode: Annotated[Literal["proxy", "full", "off"], OffWord] = "proxy"
    """`proxy`: the network has another DHCP server, such as a home router; this one only adds where to boot from.
    `full`: this is the only DHCP server. `off`: neither DHCP nor TFTP; other servers provide both."""
    network: Network | None = None
    """The network of the machines; required unless `mode` is `off`. The server has an address in it."""
    interface: Interface | None = None
    """Answer on this interface only; on all when not set."""
    first_address: Address | None = None
    """First address for clients, with mode `full`."""
    last_address: Address | None = None
    """Last address for clients, with mode `full`."""
    router: Address | None = None
    """Gateway for clients, with mode `full`; the server itself when not set."""
    dns_servers: list[Address] = []
    """DNS servers for clients, with mode `full`; none when empty."""
    lease_hours: int = Field(default=12, ge=1, le=8760)
    """Lease time of addresses in hours."""
    boot_files: BootFiles = BootFiles.model_construct()
    """The iPXE files."""


class DiasporaImage(Model):
    """The image of diaspora* that the server builds."""

    version: DiasporaVersion = DIASPORA_VERSION
    """Release of diaspora*: `pod.version` of the machines."""
    source_commit: SourceCommit | None = None
    """Commit of diaspora*; that of the release when not set. `pod.sourceCommit` of the machines."""


class Provisioning(Machine):
    """A provisioning server: matchbox, with DHCP and TFTP for network boot."""

    name: MachineName = "provisioning"
    """Name of the machine."""
    http_url: HttpUrl
    """Address that machines boot from, such as http://192.168.1.5:8080: `pxe.matchbox.httpUrl` of their stack. With
    a name instead of the address, the DNS server of the network must know it."""
    rpc_port: int = Field(default=8081, ge=1, le=65535)
    """Port of the gRPC API, for podmins: `pxe.matchbox.rpcEndpoint` of the machines' stack."""
    dhcp: Dhcp = Dhcp.model_construct()
    """DHCP and TFTP."""
    diaspora_image: DiasporaImage | None = None
    """Build the image of diaspora* once, and hand it out to machines of the same architecture, whose
    `pod.imageArchive` names it. `{}` builds the default release; none when not set."""
    matchbox_image: ImageReference | None = None
    """Image of matchbox; when not set, the one under [Images](#images)."""
    dnsmasq_image: ImageReference | None = None
    """Image of dnsmasq, with iPXE's files in /var/lib/tftpboot, such as one built from containers/dnsmasq; when not
    set, the one under [Images](#images)."""


class ProvisioningSettings(Model):
    """The stack of a provisioning server (target `provisioning`)."""

    target: TargetField = Target.PROVISIONING
    """`provisioning`."""
    host: Host
    """Settings of the machine."""
    provisioning: Provisioning
    """The provisioning server."""
    file_names: Mapping[str, str] = Field(default={}, exclude=True)
    """Entries of lists that are in files of their own, such as host.snippets[0], and what messages call them."""

    @property
    def machines(self) -> list[Machine]:
        """The one machine."""
        return [self.provisioning]


def check_provisioning(provisioning: Provisioning) -> Iterator[Problem]:
    """Settings of the server that do not work together."""
    yield from run_checks((_check_address, _check_commit, _check_networks, _check_dhcp), provisioning)


def check_provisioning_host(host: Host, provisioning: Provisioning) -> Iterator[Problem]:
    """Settings of the machine that the server runs on."""
    yield from check_host(host)
    yield from run_checks((_check_build, _check_data_disk), host, provisioning)


def _check_build(host: Host, provisioning: Provisioning) -> Iterator[Problem]:
    if provisioning.diaspora_image is not None:
        yield from check_build(host, "or remove provisioning.diasporaImage")


def _check_data_disk(host: Host, provisioning: Provisioning) -> Iterator[Problem]:
    if provisioning.disk is not None and provisioning.disk == host.storage.data_disk:
        yield Problem("provisioning.disk", "the same disk as host.storage.dataDisk; choose another")


def port_of(http_url: str) -> int:
    """The port in an http:// address."""
    host = http_url.removeprefix("http://").rpartition("]")[2]
    return int(host.rpartition(":")[2]) if ":" in host else 80


def host_of(http_url: str) -> str:
    """The name or address in an http:// address, as a URL has it."""
    host = http_url.removeprefix("http://")
    return host if host.endswith("]") or ":" not in host else host.rpartition(":")[0]


def _check_address(provisioning: Provisioning) -> Iterator[Problem]:
    url = provisioning.http_url
    if not url.startswith("http://") or "/" in url.removeprefix("http://"):
        allowed = "http://HOST:PORT, without a path (matchbox and iPXE do not use HTTPS)"
        yield Problem("provisioning.httpUrl", f"{url!r} is not valid; allowed: {allowed}")
    elif port_of(url) == provisioning.rpc_port:
        yield Problem("provisioning.rpcPort", "the same port as provisioning.httpUrl; choose another")


def _check_commit(provisioning: Provisioning) -> Iterator[Problem]:
    build = provisioning.diaspora_image
    if build is not None and source_commit(build) is None:
        yield missing_commit("provisioning.diasporaImage.sourceCommit", build.version)


def _check_networks(provisioning: Provisioning) -> Iterator[Problem]:
    yield from check_networks("provisioning.networks", provisioning.networks)


def _check_dhcp(provisioning: Provisioning) -> Iterator[Problem]:
    checks = (_unused, _network_of_machines, _bounds, _hosts, _order, _router)
    yield from run_checks(checks, "provisioning.dhcp", provisioning.dhcp)


def _unused(path: str, dhcp: Dhcp) -> Iterator[Problem]:
    if dhcp.mode != "full":
        for name, key in _FULL_ONLY.items():
            if name in dhcp.model_fields_set:
                yield Problem(f"{path}.{key}", "only used with mode: full; remove it")


def _network_of_machines(path: str, dhcp: Dhcp) -> Iterator[Problem]:
    if dhcp.mode != "off" and dhcp.network is None:
        yield Problem(f"{path}.network", f"required unless mode: off; allowed: {_NETWORK_ALLOWED}")


def _bounds(path: str, dhcp: Dhcp) -> Iterator[Problem]:
    if dhcp.mode == "full" and dhcp.network is not None:
        network = ipaddress.IPv4Network(dhcp.network)
        for name in ("first_address", "last_address"):
            yield from run_checks((_bound,), path, dhcp, network, name)


def _bound(path: str, dhcp: Dhcp, network: ipaddress.IPv4Network, name: str) -> Iterator[Problem]:
    if getattr(dhcp, name) is None:
        yield Problem(f"{path}.{_FULL_ONLY[name]}", f"required with mode: full; allowed: an address in {network}")


def _hosts(path: str, dhcp: Dhcp) -> Iterator[Problem]:
    if dhcp.mode == "full" and dhcp.network is not None:
        network = ipaddress.IPv4Network(dhcp.network)
        for name in ("first_address", "last_address", "router"):
            yield from run_checks((_host,), path, dhcp, network, name)


def _host(path: str, dhcp: Dhcp, network: ipaddress.IPv4Network, name: str) -> Iterator[Problem]:
    value = getattr(dhcp, name)
    if value is not None and not _is_host_of(network, ipaddress.IPv4Address(value)):
        yield Problem(
            f"{path}.{_FULL_ONLY[name]}", f"{value} is not the address of a host in {network}; choose another"
        )


def _span(dhcp: Dhcp) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address] | None:
    """The first and the last address for clients."""
    if dhcp.mode != "full" or dhcp.network is None or dhcp.first_address is None or dhcp.last_address is None:
        return None
    return ipaddress.IPv4Address(dhcp.first_address), ipaddress.IPv4Address(dhcp.last_address)


def _order(path: str, dhcp: Dhcp) -> Iterator[Problem]:
    span = _span(dhcp)
    if span is not None and span[1] < span[0]:
        first, last = span
        yield Problem(f"{path}.lastAddress", f"{last} comes before firstAddress ({first}); choose a later address")


def _router(path: str, dhcp: Dhcp) -> Iterator[Problem]:
    span = _span(dhcp)
    if span is not None and dhcp.router is not None and span[0] <= ipaddress.IPv4Address(dhcp.router) <= span[1]:
        yield Problem(
            f"{path}.router",
            f"{dhcp.router} is between firstAddress and lastAddress; choose an address outside that range",
        )


_FULL_ONLY = {
    "first_address": "firstAddress",
    "last_address": "lastAddress",
    "router": "router",
    "dns_servers": "dnsServers",
    "lease_hours": "leaseHours",
}


def _is_host_of(network: ipaddress.IPv4Network, address: ipaddress.IPv4Address) -> bool:
    return address in network and address not in {network.network_address, network.broadcast_address}
