"""The keyfiles on the page "Host Network Configuration" of Fedora CoreOS's documentation, key for key."""

_IPV4_STATIC = """
[ipv4]
address1=10.10.10.10/24,10.10.10.1
dhcp-hostname=myhostname
dns=8.8.8.8;
dns-search=
may-fail=false
method=manual
"""
_IPV4_DHCP = """
[ipv4]
dns-search=
may-fail=false
method=auto
"""
_BOND = """
[bond]
miimon=100
mode=active-backup
"""


def _connection(kind: str, interface: str) -> str:
    return f"[connection]\nid={interface}\ntype={kind}\ninterface-name={interface}\n"


def _port(kind: str, owner: str, interface: str, more: str = "") -> str:
    """One of the connections whose name is longer than that of an interface may be."""
    return (
        f"[connection]\nid={owner}-slave-{interface}\ntype=ethernet\ninterface-name={interface}\n"
        f"master={owner}\nslave-type={kind}\n{more}"
    )


def _ports(kind: str, owner: str, more: str = "") -> dict[str, str]:
    return {f"{owner}-slave-{interface}": _port(kind, owner, interface, more) for interface in ("ens2", "ens3")}


def _generated(interface: str, uuid: str) -> str:
    return (
        f"[connection]\nid={interface}\nuuid={uuid}\ntype=ethernet\n"
        f"interface-name={interface}\nmaster=643c17b5-b364-4137-b273-33f450a45476\nmulti-connect=1\npermissions=\n"
        "slave-type=bond\n\n[ethernet]\nmac-address-blacklist=\n"
    )


PAGE: dict[str, dict[str, str]] = {
    "static": {"ens2": _connection("ethernet", "ens2") + _IPV4_STATIC},
    "bond": {"bond0": _connection("bond", "bond0") + _BOND + _IPV4_STATIC, **_ports("bond", "bond0")},
    "bridge": {
        "br0": _connection("bridge", "br0") + "[bridge]\n" + _IPV4_DHCP,
        **_ports("bridge", "br0", "[bridge-port]\n"),
    },
    "team": {
        "team0": _connection("team", "team0")
        + '[team]\nconfig={"runner": {"name": "activebackup"}, "link_watch": {"name": "ethtool"}}\n'
        + _IPV4_DHCP,
        **_ports("team", "team0", '[team-port]\nconfig={"prio": 100}\n'),
    },
    "vlan": {
        "ens2.100": _connection("vlan", "ens2.100")
        + "[vlan]\negress-priority-map=\nflags=1\nid=100\ningress-priority-map=\nparent=ens2\n"
        + _IPV4_STATIC,
        "ens2": _connection("ethernet", "ens2")
        + "[ipv4]\ndns-search=\nmethod=disabled\n[ipv6]\naddr-gen-mode=eui64\ndns-search=\nmethod=disabled\n",
    },
    "vlan on a bond": {
        "bond0.100": _connection("vlan", "bond0.100")
        + "[vlan]\negress-priority-map=\nflags=1\nid=100\ningress-priority-map=\nparent=bond0\n"
        + _IPV4_DHCP,
        "bond0": _connection("bond", "bond0") + _BOND + "[ipv4]\nmethod=disabled\n[ipv6]\nmethod=disabled\n",
        **_ports("bond", "bond0"),
    },
    "nm-initrd-generator": {
        "bond0": "[connection]\nid=bond0\nuuid=643c17b5-b364-4137-b273-33f450a45476\ntype=bond\ninterface-name=bond0\n"
        "multi-connect=1\npermissions=\n\n[ethernet]\nmac-address-blacklist=\n"
        + _BOND
        + "\n[ipv4]\ndns=8.8.8.8;\ndns-search=\nmay-fail=false\nmethod=auto\n"
        "\n[ipv6]\naddr-gen-mode=eui64\ndns-search=\nmethod=auto\n\n[proxy]\n",
        "ens3": _generated("ens3", "b42cc917-fd87-47df-9ac2-34622ecddd8c"),
        "ens2": _generated("ens2", "e111bb4e-3ee3-4612-afc2-1d2dfff97671"),
    },
}
"""Of each example, the text of each connection."""


def parsed(text: str) -> dict[str, dict[str, str]]:
    """Sections and keys of a keyfile: what a podmin writes under `networks`."""
    sections: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line:
            key, _, value = line.partition("=")
            section[key] = value
    return sections
