"""The vocabulary of NetworkManager keyfiles: which sections and keys exist, and what their values look like.

Source: the properties of libnm 1.42, compared with this table by introspection, the manual pages nm-settings-nmcli
and nm-settings-keyfile, and NetworkManager's release notes up to 1.58 for what came later. Sections that hold secrets
are left out on purpose: whoever reaches a machine's Ignition config can read it.

In a keyfile most choices are numbers, where nmcli takes words: NetworkManager drops `mdns=yes` without a word.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal


def _same(text: str) -> str:
    return text


@dataclass(frozen=True)
class Kind:
    """The form of a value: a description, a test, and how NetworkManager writes it.

    `may_be_empty`: NetworkManager reads a key without a value as if the key were not there, and does not write it.
    """

    allowed: str
    accepts: Callable[[str], bool]
    write: Callable[[str], str] = _same
    may_be_empty: bool = False


def _matching(pattern: str, allowed: str) -> Kind:
    compiled = re.compile(pattern, re.ASCII)
    return Kind(allowed, lambda text: compiled.fullmatch(text) is not None)


def _words(*words: str) -> Kind:
    return Kind(", ".join(words), lambda text: text in words)


def _number(minimum: int, maximum: int, meaning: str = "") -> Kind:
    def accepts(text: str) -> bool:
        return re.fullmatch(r"-?\d{1,20}", text, re.ASCII) is not None and minimum <= int(text) <= maximum

    return Kind(f"a number from {minimum} to {maximum}{f': {meaning}' if meaning else ''}", accepts)


def items(text: str) -> list[str]:
    """Split a list of a keyfile; a closing semicolon ends the last item and starts none. Nothing is an empty list."""
    return [item.strip() for item in text.removesuffix(";").split(";")] if text else []


def _list_of(item: Kind) -> Kind:
    return Kind(
        f"{item.allowed}, or several joined by semicolons",
        lambda text: all(item.accepts(part) for part in items(text)),
        lambda text: "".join(f"{part};" for part in items(text)),
        may_be_empty=True,
    )


def _is_address(version: Literal[4, 6], text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.version == version and "%" not in text


def _is_subnet(version: Literal[4, 6], text: str) -> bool:
    address, slash, prefix = text.partition("/")
    maximum = 32 if version == 4 else 128
    return (
        bool(slash)
        and _is_address(version, address)
        and re.fullmatch(r"\d{1,3}", prefix, re.ASCII) is not None
        and int(prefix) <= maximum
    )


def _example(version: Literal[4, 6]) -> tuple[str, str]:
    return ("10.0.0.10/24", "10.0.0.1") if version == 4 else ("2001:db8::10/64", "2001:db8::1")


def _address(version: Literal[4, 6]) -> Kind:
    subnet, gateway = _example(version)

    def accepts(text: str) -> bool:
        own, comma, via = text.partition(",")
        return _is_subnet(version, own) and (not comma or _is_address(version, via))

    return Kind(f"an IPv{version} address with prefix, and an optional gateway, such as {subnet},{gateway}", accepts)


def _gateway(version: Literal[4, 6]) -> Kind:
    return Kind(f"an IPv{version} address such as {_example(version)[1]}", lambda text: _is_address(version, text))


def _route(version: Literal[4, 6]) -> Kind:
    subnet, gateway = ("10.8.0.0/16", "10.0.0.1") if version == 4 else ("2001:db8:8::/48", "2001:db8::1")

    def accepts(text: str) -> bool:
        to, via, metric, *more = (*text.split(","), "", "")[: max(3, text.count(",") + 1)]
        return (
            _is_subnet(version, to)
            and (not via or _is_address(version, via))
            and re.fullmatch(r"\d{0,9}", metric, re.ASCII) is not None
            and not more
        )

    return Kind(f"NETWORK/PREFIX[,GATEWAY[,METRIC]], such as {subnet},{gateway},100", accepts)


def _name_server(version: Literal[4, 6]) -> Kind:
    def accepts(text: str) -> bool:
        address, hash_sign, name = text.partition("#")
        if re.fullmatch(r"dns\+(udp|tls)://\S+", address):
            return True
        return _is_address(version, address) and (not hash_sign or bool(name))

    return Kind(f"an IPv{version} address such as {_example(version)[1]} (for DNS over TLS ADDRESS#NAME)", accepts)


_ROUTE_OPTIONS = (
    "advmss", "cwnd", "from", "initcwnd", "initrwnd", "lock-advmss", "lock-cwnd", "lock-initcwnd", "lock-initrwnd",
    "lock-mtu", "lock-window", "mtu", "onlink", "quickack", "rto_min", "scope", "src", "table", "tos", "type",
    "weight", "window",
)  # fmt: skip
_OPTION = "|".join(_ROUTE_OPTIONS)

BOOL = _words("true", "false")
TEXT = Kind("one line of text", bool)
UINT = _number(0, 2**32 - 1)
UINT16 = _number(0, 2**16 - 1)
TIMEOUT = _number(-1, 2**31 - 1, "-1 is the default")
CHOICE = _number(-1, 1, "-1 default, 0 no, 1 yes")
RESOLVE = _number(-1, 2, "-1 default, 0 no, 1 resolve only, 2 yes")
MTU = _number(0, 65535, "bytes, 0 is automatic")
TEXTS = _list_of(TEXT)
INTERFACE = _matching(r"(?!\.\.?$)[^\s/:]{1,15}", "at most 15 characters without spaces, / and :")
UUID = _matching(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "a UUID")
_HEX_PAIRS = r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}"
MAC = Kind(
    "a MAC address such as 52:54:00:A1:9C:AE", lambda text: re.fullmatch(_HEX_PAIRS, text) is not None, str.upper
)
CLONED_MAC = Kind(
    f"{MAC.allowed}, or permanent, preserve, random, stable",
    lambda text: MAC.accepts(text) or text in {"permanent", "preserve", "random", "stable"},
    lambda text: text.upper() if MAC.accepts(text) else text,
)
BOND_MODE = _words(
    "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"
)  # fmt: skip
ROUTE_OPTIONS = _matching(
    rf"({_OPTION})=[^,\s]+(,({_OPTION})=[^,\s]+)*", f"NAME=VALUE joined by commas, with the names {_OPTION}"
)
TYPES = ("ethernet", "vlan", "bond", "bridge", "team")
PORT_TYPES = ("bond", "bridge", "team")


def _named(names: str, kind: Kind) -> dict[str, Kind]:
    return dict.fromkeys(names.split(), kind)


def _ip(version: Literal[4, 6]) -> dict[str, Kind]:
    return {
        # address1, address2 ... stand for any number, see `value_spec`
        "address1": _address(version),
        "gateway": _gateway(version),
        "dns": _list_of(_name_server(version)),
        "route1": _route(version),
        "route1_options": ROUTE_OPTIONS,
        "routing-rule1": TEXT,
        "route-metric": _number(-1, 2**32 - 1, "-1 is the default"),
        "route-table": UINT,
        "dns-priority": _number(-(2**31), 2**31 - 1),
        "dad-timeout": _number(-1, 30000, "milliseconds, -1 is the default"),
        "dhcp-hostname-flags": _number(0, 15),
        "dhcp-dscp": _words("CS0", "CS4", "CS6"),
        **_named("dns-options dns-search dhcp-reject-servers", TEXTS),
        **_named("dhcp-hostname dhcp-iaid", TEXT),
        **_named("dhcp-timeout required-timeout", TIMEOUT),
        **_named("dhcp-send-hostname ignore-auto-dns ignore-auto-routes may-fail never-default", BOOL),
        **_named("auto-route-ext-gw dhcp-send-release replace-local-rule routed-dns", CHOICE),
    }


SECTIONS: dict[str, dict[str, Kind]] = {
    "connection": {
        "id": TEXT,
        "uuid": UUID,
        "type": _words(*TYPES),
        "interface-name": INTERFACE,
        "autoconnect-priority": _number(-999, 999),
        "metered": _number(0, 4, "0 unknown, 1 yes, 2 no"),
        "multi-connect": _number(0, 3, "0 default, 1 single, 2 manual-multiple, 3 multiple"),
        "lldp": _number(-1, 1, "-1 default, 0 off, 1 receive"),
        **_named("gateway-ping-timeout ip-ping-timeout", _number(0, 600, "seconds")),
        "mptcp-flags": UINT,
        "ip-ping-addresses": TEXTS,
        **_named("port-type slave-type", _words(*PORT_TYPES)),
        **_named("autoconnect read-only", BOOL),
        **_named("autoconnect-retries auth-retries wait-activation-delay wait-device-timeout", TIMEOUT),
        **_named("autoconnect-ports autoconnect-slaves down-on-poweroff ip-ping-addresses-require-all", CHOICE),
        **_named("dns-over-tls dnssec llmnr mdns", RESOLVE),
        **_named("controller master mud-url stable-id zone", TEXT),
        **_named("permissions secondaries", TEXTS),
    },
    "ethernet": {
        "mac-address": MAC,
        "cloned-mac-address": CLONED_MAC,
        "mtu": MTU,
        "duplex": _words("half", "full"),
        "port": _words("tp", "aui", "bnc", "mii"),
        "s390-nettype": _words("qeth", "lcs", "ctc"),
        "accept-all-mac-addresses": CHOICE,
        "auto-negotiate": BOOL,
        "generate-mac-address-mask": TEXT,
        "s390-subchannels": TEXTS,
        **_named("mac-address-blacklist mac-address-denylist", _list_of(MAC)),
        **_named("speed wake-on-lan", UINT),
    },
    "vlan": {
        "id": _number(0, 4094),
        "parent": TEXT,
        "flags": _number(0, 15, "1 reorder headers, 2 GVRP, 4 loose binding, 8 MVRP, added up"),
        "protocol": _words("802.1Q", "802.1ad"),
        **_named("egress-priority-map ingress-priority-map", _list_of(_matching(r"\d{1,10}:\d{1,10}", "FROM:TO"))),
    },
    "bond": {
        "mode": BOND_MODE,
        **_named("miimon updelay downdelay arp_interval lp_interval peer_notif_delay", _number(0, 2**31 - 1)),
        **_named("resend_igmp num_grat_arp num_unsol_na", _number(0, 255)),
        **_named("min_links packets_per_slave ad_actor_sys_prio ad_user_port_key", UINT16),
        **_named("all_slaves_active tlb_dynamic_lb use_carrier balance-slb", _words("0", "1")),
        "lacp_rate": _words("slow", "fast"),
        "lacp_active": _words("off", "on"),
        "ad_select": _words("stable", "bandwidth", "count"),
        "fail_over_mac": _words("none", "active", "follow"),
        "primary_reselect": _words("always", "better", "failure"),
        "xmit_hash_policy": _words("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"),
        "arp_all_targets": _words("any", "all"),
        "arp_validate": _words("none", "active", "backup", "all", "filter", "filter_active", "filter_backup"),
        "arp_missed_max": _number(0, 255),
        "ad_actor_system": MAC,
        **_named("active_slave primary", INTERFACE),
        **_named("arp_ip_target ns_ip6_target", TEXT),
    },
    "bridge": {
        "mac-address": MAC,
        "group-address": MAC,
        "ageing-time": _number(0, 1000000, "seconds"),
        "forward-delay": _number(0, 30, "seconds"),
        "hello-time": _number(0, 10, "seconds"),
        "max-age": _number(0, 40, "seconds"),
        "vlan-default-pvid": _number(0, 4094),
        "vlan-protocol": _words("802.1Q", "802.1ad"),
        "multicast-router": _words("auto", "disabled", "enabled"),
        "vlans": TEXT,
        **_named("group-forward-mask priority", UINT16),
        **_named(
            "multicast-hash-max multicast-last-member-count multicast-last-member-interval "
            "multicast-membership-interval multicast-querier-interval multicast-query-interval "
            "multicast-query-response-interval multicast-startup-query-count multicast-startup-query-interval",
            UINT,
        ),
        **_named(
            "multicast-querier multicast-query-use-ifaddr multicast-snooping stp vlan-filtering vlan-stats-enabled",
            BOOL,
        ),
    },
    "bridge-port": {"hairpin-mode": BOOL, "path-cost": UINT16, "priority": _number(0, 63), "vlans": TEXT},
    "bond-port": {"prio": _number(-(2**31), 2**31 - 1), "queue-id": UINT16},
    "team": {"config": TEXT},
    "team-port": {"config": TEXT},
    "ethtool": {
        # offloads of the network card that have to be turned off on some (virtual) hardware
        **_named(
            "feature-gro feature-gso feature-hw-tc-offload feature-lro feature-ntuple feature-rx feature-rx-gro-hw "
            "feature-rx-gro-list feature-rx-udp-gro-forwarding feature-rxhash feature-rxvlan feature-sg feature-tso "
            "feature-tx feature-tx-gso-partial feature-tx-nocache-copy feature-tx-tcp-segmentation "
            "feature-tx-tcp6-segmentation feature-tx-udp_tnl-csum-segmentation feature-tx-udp_tnl-segmentation "
            "feature-txvlan pause-autoneg pause-rx pause-tx eee-enabled",
            BOOL,
        ),
        **_named(
            "channels-combined channels-other channels-rx channels-tx coalesce-rx-frames coalesce-rx-usecs "
            "coalesce-tx-frames coalesce-tx-usecs ring-rx ring-rx-jumbo ring-rx-mini ring-tx",
            UINT,
        ),
    },
    "link": _named("gro-max-size gso-max-segments gso-max-size tx-queue-length", _number(-1, 2**32 - 1)),
    "match": _named("driver interface-name kernel-command-line path", TEXTS),
    "hostname": {
        "priority": _number(-(2**31), 2**31 - 1),
        **_named("from-dhcp from-dns-lookup only-from-default", CHOICE),
    },
    "ipv4": {
        **_ip(4),
        "method": _words("auto", "manual", "disabled", "link-local", "shared"),
        "dhcp-client-id": TEXT,
        "dhcp-fqdn": TEXT,
        "dhcp-vendor-class-identifier": TEXT,
        "link-local": _number(0, 4, "0 default, 1 auto, 2 disabled, 3 enabled, 4 fallback"),
        "shared-dhcp-range": TEXT,
        "shared-dhcp-lease-time": TIMEOUT,
        "clat": RESOLVE,
        "dhcp-ipv6-only-preferred": RESOLVE,
        "forwarding": RESOLVE,
    },
    "ipv6": {
        **_ip(6),
        "method": _words("auto", "manual", "disabled", "ignore", "dhcp", "link-local", "shared"),
        "addr-gen-mode": _words("default", "default-or-eui64", "eui64", "stable-privacy"),
        "ip6-privacy": _number(-1, 2, "-1 default, 0 off, 1 on, 2 on and preferred"),
        "dhcp-duid": TEXT,
        "dhcp-pd-hint": TEXT,
        "mtu": MTU,
        "ra-timeout": _number(0, 2**31 - 1, "seconds"),
        "temp-preferred-lifetime": _number(0, 2**31 - 1, "seconds"),
        "temp-valid-lifetime": _number(0, 2**31 - 1, "seconds"),
        "token": _gateway(6),
    },
    "proxy": {
        "method": _number(0, 1, "0 none, 1 automatic"),
        "browser-only": BOOL,
        "pac-url": TEXT,
        "pac-script": TEXT,
    },
}

SECRET_SECTIONS = frozenset(
    {
        "802-11-wireless", "802-11-wireless-security", "802-1x", "adsl", "cdma", "gsm", "macsec", "pppoe", "vpn",
        "vpn-secrets", "wifi", "wifi-security", "wireguard", "wireguard-peer",
    }
)  # fmt: skip
_SECRET_KEY = re.compile(r"password|secret|psk|preshared|private-key|wep-key|(^|-)(cak|pin)$")
_NUMBERED = re.compile(r"(address|route|routing-rule)(\d+)(_options)?", re.ASCII)


def holds_secret(section: str, key: str = "") -> bool:
    """Tell whether a section, or a key in it, holds a secret."""
    return section.partition(".")[0] in SECRET_SECTIONS or bool(_SECRET_KEY.search(key))


def value_spec(section: str, key: str) -> Kind | None:
    """Find what the value of a key looks like; None for an unknown key."""
    return SECTIONS.get(section, {}).get(_NUMBERED.sub(r"\g<1>1\g<3>", key))


def text_of(value: str | int | bool) -> str:
    """Write a value of the settings in the form of a keyfile."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def in_order(keys: Iterable[str]) -> list[str]:
    """Sort the keys of a section as NetworkManager does: by name, numbered ones by their number."""

    def rank(key: str) -> tuple[str, int, str]:
        match = _NUMBERED.fullmatch(key)
        return (f"{match[1]}0", int(match[2][:9]), match[3] or "") if match else (key, 0, "")

    return sorted(keys, key=rank)
