"""The firewall: a table of its own in nftables, loaded before the network is up."""

import ipaddress
from collections.abc import Iterable

from diaspora_infra.config import ProvisioningSettings
from diaspora_infra.config.host.firewall import SSH_PORT, WEB_PORTS, Firewall
from diaspora_infra.host.features.provisioning import open_ports
from diaspora_infra.host.features.tls import terminates_tls
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.templates import render_tree


def firewall(context: PodContext) -> Fragment:
    """Block ports that the settings do not open; nothing when the firewall is off."""
    ports = [("tcp", port) for port in (WEB_PORTS if terminates_tls(context.pod) else WEB_PORTS[:1])]
    table = _table(context.firewall, ports, hide_metadata=context.on_aws)
    return combine([table, render_tree("firewall_pod")]) if table else {}


def provisioning_firewall(settings: ProvisioningSettings) -> Fragment:
    """The same for a provisioning server."""
    return _table(settings.host.firewall, open_ports(settings.provisioning))


def _table(settings: Firewall, own_ports: Iterable[tuple[str, int]], *, hide_metadata: bool = False) -> Fragment:
    """Open `own_ports`, by which what runs on the machine is reached, and what the settings open."""
    if not settings.enable:
        return {}
    rules = [f"{protocol} ct original proto-dst {port} accept" for protocol, port in own_ports]
    rules += [
        f"{entry.protocol} ct original proto-dst {entry.port} {source}accept"
        for entry in settings.open
        for source in _matches(entry.sources)
    ]
    return render_tree(
        "firewall",
        ssh=[f"tcp dport {SSH_PORT} {source}accept" for source in _matches(settings.ssh_from)],
        opened=rules,
        hide_metadata=hide_metadata,
    )


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
