"""The firewall: a table of its own in nftables, loaded before the network is up."""

import ipaddress
from collections.abc import Iterable

from diaspora_infra.config import ProvisioningSettings
from diaspora_infra.config.host.firewall import SSH_PORT, WEB_PORTS
from diaspora_infra.host.features.provisioning import open_ports
from diaspora_infra.host.features.tls import terminates_tls
from diaspora_infra.host.fragment import Fragment, MachineContext, combine
from diaspora_infra.host.on_aws import aws_of
from diaspora_infra.host.templates import render_tree


def firewall(context: MachineContext) -> Fragment:
    """Block ports that the settings do not open; nothing when the firewall is off."""
    settings = context.settings.host.firewall
    if not settings.enable:
        return {}
    rules = [f"{protocol} ct original proto-dst {port} accept" for protocol, port in _own_ports(context)]
    rules += [
        f"{entry.protocol} ct original proto-dst {entry.port} {source}accept"
        for entry in settings.open
        for source in _matches(entry.sources)
    ]
    table = render_tree(
        "firewall",
        ssh=[f"tcp dport {SSH_PORT} {source}accept" for source in _matches(settings.ssh_from)],
        opened=rules,
        hide_metadata=aws_of(context) is not None,
    )
    if isinstance(context.settings, ProvisioningSettings):
        return table
    return combine([table, render_tree("firewall_pod")])


def _own_ports(context: MachineContext) -> list[tuple[str, int]]:
    """The ports of the services on the machine."""
    settings = context.settings
    if isinstance(settings, ProvisioningSettings):
        return open_ports(settings.provisioning)
    return [("tcp", port) for port in (WEB_PORTS if terminates_tls(settings.pod) else WEB_PORTS[:1])]


def _matches(sources: Iterable[str] | None) -> list[str]:
    """Rule prefixes that match these sources: one for IPv4, one for IPv6, or one that matches all addresses."""
    if sources is None:
        return [""]
    found: dict[str, list[str]] = {}
    for source in sources:
        network = ipaddress.ip_network(source)
        found.setdefault("ip" if network.version == 4 else "ip6", []).append(source)
    return [f"{family} saddr {{ {', '.join(_joined(found[family]))} }} " for family in sorted(found)]


def _joined(sources: Iterable[str]) -> list[str]:
    """The same sources without overlaps, which nftables refuses in a set."""
    networks = [ipaddress.ip_network(source) for source in sources]
    four = [network for network in networks if isinstance(network, ipaddress.IPv4Network)]
    six = [network for network in networks if isinstance(network, ipaddress.IPv6Network)]
    return [str(network) for network in [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]]
