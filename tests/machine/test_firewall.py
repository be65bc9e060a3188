"""The firewall, in nftables of the kernel: a machine between a network and its containers, in network namespaces.

The machine is one of Debian trixie with its systemd. Its netavark connects the containers, publishes their ports and
starts aardvark-dns, asked as podman asks it. What this cannot show: a newer netavark, and the kernel of Fedora CoreOS.
"""

import hashlib
import ipaddress
import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diaspora_infra.host.features import firewall
from tests.conftest import skip_unless
from tests.host.aws_pod import aws_context
from tests.host.contexts import file_text, pod_context_on_host
from tests.host.pod import pod_context, read_quadlet, write_tree
from tests.machine.namespaces import NOTHING, REFUSED, Namespace, cable, load, settle
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_hardening import kernel_settings
from tests.support.trixie import TrixieMachine, trixie_machine
from tools import tool_path

FILE = "/etc/diaspora/firewall.nft"
UNIT = "etc/systemd/system/diaspora-firewall.service"

CLIENT, FRIEND, MACHINE = "192.0.2.1", "192.0.2.7", "192.0.2.10"
CLIENT6, MACHINE6 = "2001:db8::1", "2001:db8::10"
GATEWAY, WEB, OTHER = "10.89.71.1", "10.89.71.2", "10.89.71.3"
GATEWAY6, WEB6, OTHER6 = "fd00:71::1", "fd00:71::2", "fd00:71::3"

SETTINGS = {
    "open": [
        {"port": 9100, "from": [f"{FRIEND}/32", "198.51.100.0/24"]},
        {"port": 5000},
        {"port": 5353, "protocol": "udp"},
        {"port": 9443, "from": [CLIENT6]},
    ]
}

# PublishPort=80:8080, 443:8443, 9000:9000, 9100:8080, 9443:8443 and 5353:5353/udp of the container `web`.
PORTS = [("tcp", 80, 8080), ("tcp", 443, 8443), ("tcp", 9000, 9000), ("tcp", 9100, 8080), ("tcp", 9443, 8443),
         ("udp", 5353, 5353)]  # fmt: skip
NETAVARK = "/usr/lib/podman/netavark"
AARDVARK = "/usr/lib/podman/aardvark-dns"
NETWORK = {
    "name": "diaspora",
    "id": "2" * 64,
    "driver": "bridge",
    "network_interface": "podman1",
    "created": "2026-01-01T00:00:00Z",
    "subnets": [
        {"subnet": "10.89.71.0/24", "gateway": GATEWAY},
        {"subnet": "fd00:71::/64", "gateway": GATEWAY6},
    ],
    "ipv6_enabled": True,
    "internal": False,
    "dns_enabled": True,
    "ipam_options": {"driver": "host-local"},
}


def connect(machine: TrixieMachine, name: str, addresses: Sequence[str], ports: Sequence[tuple[str, int, int]]) -> None:
    """Connect a container, a network namespace of the machine, to the pod's network as podman does."""
    request = {
        "container_id": hashlib.sha256(name.encode()).hexdigest(),
        "container_name": name,
        "port_mappings": [
            {"container_port": inside, "host_port": port, "protocol": kind, "host_ip": "", "range": 1}
            for kind, port, inside in ports
        ],
        "networks": {"diaspora": {"static_ips": addresses, "interface_name": "eth0", "aliases": [f"diaspora-{name}"]}},
        "network_info": {"diaspora": NETWORK},
        "network_dns_servers": [],
    }
    machine.put(f"/root/{name}.json", json.dumps(request))
    options = ["--config", "/run/containers/networks", "--rootless", "false", "--aardvark-binary", AARDVARK]
    words = [NETAVARK, *options, "--file", f"/root/{name}.json", "setup", f"/run/netns/{name}"]
    machine.run("env", "NETAVARK_FW=nftables", *words)


# Asks a name server for the address of a name; prints it, or nothing.
QUESTION = r"""
import socket, struct, sys
name, server = sys.argv[1:]
labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(4)
asking.sendto(struct.pack(">HHHHHH", 1, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1), (server, 53))
answer = asking.recv(512)
if struct.unpack(">H", answer[6:8])[0]:
    print(socket.inet_ntoa(answer[-4:]))
"""


def rendered(**changes: object) -> str:
    return file_text(firewall(pod_context_on_host(firewall=changes)), FILE)


@pytest.fixture(scope="module", autouse=True)
def _needs(require_program: RequireProgram) -> None:
    for program, package in (("nft", "nftables"), ("ip", "iproute2"), ("ping", "iputils-ping")):
        require_program(program, package)
    skip_unless(os.geteuid() == 0, "needs root: network namespaces")


class Lab:
    """A client, a friend, the machine, and two containers on its bridge."""

    def __init__(self, trixie: TrixieMachine) -> None:
        self.trixie = trixie
        self.client = Namespace()
        self.machine = Namespace(Path(f"/proc/{trixie.pid}/ns/net"))
        for name in ("web", "other"):
            trixie.run("ip", "netns", "add", name)
        self.web, self.other = (Namespace(trixie.root / "run/netns" / name) for name in ("web", "other"))
        self.all = (self.client, self.machine, self.web, self.other)

    def build(self) -> None:
        """Cables, addresses, routes, servers, and what podman adds."""
        # addresses count at once, without looking for the same one elsewhere
        for namespace in self.all:
            namespace.kernel("net.ipv6.conf.default.accept_dad", 0)
            namespace.kernel("net.ipv6.conf.all.accept_dad", 0)
        cable(self.machine, "eth0", self.client, "eth0")
        for namespace, device, addresses in (
            (self.client, "eth0", (f"{CLIENT}/24", f"{FRIEND}/24", f"{CLIENT6}/64")),
            (self.machine, "eth0", (f"{MACHINE}/24", f"{MACHINE6}/64")),
        ):
            for address in addresses:
                namespace.ip(f"address add {address} dev {device}")
        # as systemd sets them on the machine
        for name, value in kernel_settings().items():
            if name.startswith("net."):
                self.machine.kernel(name, int(value))
        # a neighbour who knows where the containers are
        self.client.ip(f"route add 10.89.71.0/24 via {MACHINE}")
        self.client.ip(f"-6 route add fd00:71::/64 via {MACHINE6}")
        for container in (self.web, self.other):
            container.ip("link set lo up")
        # aardvark-dns asks it for all other names
        self.trixie.put("/etc/resolv.conf", f"nameserver {CLIENT}\n")
        connect(self.trixie, "web", [WEB, WEB6], PORTS)
        connect(self.trixie, "other", [OTHER, OTHER6], ())
        for namespace in self.all:
            settle(namespace)
        both = (4, 6)
        self.client.serve(*((kind, version, 7000) for kind in ("tcp", "udp") for version in both))
        # port 53 is that of aardvark-dns
        ports = [("tcp", port) for port in (22, 3306, 5000, 9001)] + [("udp", port) for port in (68, 546, 5354)]
        self.machine.serve(*((kind, version, port) for kind, port in ports for version in both))
        inside = [("tcp", 8080), ("tcp", 8443), ("tcp", 9000), ("tcp", 5000), ("tcp", 5432), ("udp", 5353)]
        self.web.serve(*((kind, version, port) for kind, port in inside for version in both))

    def start(self, rules: str) -> None:
        done = load(self.machine, rules)
        assert (done.returncode, done.stderr) == (0, "")

    def end(self) -> None:
        for namespace in reversed(self.all):
            namespace.end()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with trixie_machine() as trixie:
        made = Lab(trixie)
        try:
            made.build()
            yield made
        finally:
            made.end()


@pytest.fixture
def guarded(lab: Lab) -> Lab:
    """The lab with the firewall active."""
    lab.start(rendered(**SETTINGS))
    return lab


def answers(lab: Lab, *asked: tuple[object, ...]) -> list[str]:
    """The client's answers from the IPv4 and the IPv6 address of the machine."""
    return lab.client.ask(*((kind, address, *rest) for address in (MACHINE, MACHINE6) for kind, *rest in asked))


def test_all_ports_are_reachable_without_the_firewall(lab: Lab) -> None:
    lab.machine.attempt("nft", "delete", "table", "inet", "diaspora")
    open_ports = [("tcp", port) for port in (22, 80, 443, 3306, 5000, 9000, 9001, 9100)]
    assert answers(lab, *open_ports) == [CLIENT] * 8 + [CLIENT6] * 8
    assert lab.client.ask(("tcp", WEB, 5432), ("tcp", WEB6, 5432)) == [CLIENT, CLIENT6]


def test_ssh_pod_and_configured_ports_are_reachable(guarded: Lab) -> None:
    asked = [("tcp", 22), ("tcp", 80), ("tcp", 443), ("tcp", 5000), ("udp", 5353)]
    assert answers(guarded, *asked) == [CLIENT] * 5 + [CLIENT6] * 5


def test_other_ports_are_unreachable(guarded: Lab) -> None:
    asked = [("tcp", 3306), ("tcp", 9001), ("tcp", 53), ("udp", 53), ("udp", 5354), ("tcp", 5353), ("udp", 80)]
    assert answers(guarded, *asked) == [NOTHING] * 14
    assert "counter packets 0" not in section(guarded, "input")


def section(lab: Lab, chain: str) -> str:
    return lab.machine.run("nft", "list", "chain", "inet", "diaspora", chain)


def test_published_port_is_closed_unless_opened(guarded: Lab) -> None:
    assert answers(guarded, ("tcp", 9000)) == [NOTHING] * 2
    assert "counter packets 0" not in section(guarded, "forward")
    # the machine itself and its containers reach it
    assert guarded.machine.ask(("tcp", MACHINE, 9000), ("tcp", MACHINE6, 9000))[0] != NOTHING
    assert guarded.other.ask(("tcp", MACHINE, 9000)) != [NOTHING]


def test_containers_are_reachable_only_by_published_ports(guarded: Lab) -> None:
    """This holds for the numbers of open ports too."""
    asked = [("tcp", address, port) for address in (WEB, WEB6) for port in (8080, 8443, 5000, 5432)]
    assert guarded.client.ask(*asked) == [NOTHING] * 8


def test_source_restrictions_apply_to_published_ports(guarded: Lab) -> None:
    assert answers(guarded, ("tcp", 9100)) == [NOTHING] * 2
    guarded.client.ip(f"route change 192.0.2.0/24 dev eth0 src {FRIEND}")
    try:
        assert guarded.client.ask(("tcp", MACHINE, 9100)) == [FRIEND]
    finally:
        guarded.client.ip(f"route change 192.0.2.0/24 dev eth0 src {CLIENT}")
    # one source of IPv6: nobody by IPv4
    assert answers(guarded, ("tcp", 9443)) == [NOTHING, CLIENT6]


def test_ssh_is_restricted_to_configured_networks(lab: Lab) -> None:
    lab.start(rendered(sshFrom=["198.51.100.0/24", "2001:db8::/32"]))
    assert answers(lab, ("tcp", 22)) == [NOTHING, CLIENT6]
    lab.start(rendered(sshFrom=["192.0.2.0/28"]))
    assert answers(lab, ("tcp", 22)) == [CLIENT, NOTHING]


def test_only_port_80_is_open_behind_a_proxy() -> None:
    proxy = {"mode": "behindProxy", "trustedProxies": ["192.0.2.10"]}
    text = file_text(firewall(pod_context(tls=proxy).of_pod), FILE)
    assert "proto-dst 80 accept" in text
    assert "443" not in text


def test_ping_works_by_ipv4_and_ipv6(guarded: Lab) -> None:
    for namespace, address in (
        (guarded.client, MACHINE),
        (guarded.client, MACHINE6),
        (guarded.machine, CLIENT),
        (guarded.machine, CLIENT6),
        (guarded.web, CLIENT),
        (guarded.web, CLIENT6),
        (guarded.web, GATEWAY6),
    ):
        namespace.run("ping", "-c", "1", "-W", "2", address)


def test_neighbour_discovery_works(guarded: Lab) -> None:
    for namespace in guarded.all:
        namespace.ip("neighbour flush all")
    assert answers(guarded, ("tcp", 22)) == [CLIENT, CLIENT6]


def test_router_advertisements_are_accepted(guarded: Lab) -> None:
    """A router advertisement (RFC 4861) gives the machine an address, as it does without a firewall."""
    advertisement = (
        "import socket,struct;"
        "s=socket.socket(socket.AF_INET6,socket.SOCK_RAW,socket.IPPROTO_ICMPV6);"
        "s.setsockopt(socket.IPPROTO_IPV6,socket.IPV6_MULTICAST_HOPS,255);"
        "p=struct.pack('!BBHBBHII',134,0,0,64,0,1800,0,0)"
        "+struct.pack('!BBBBIII',3,4,64,0xc0,3600,3600,0)+socket.inet_pton(socket.AF_INET6,'2001:db8:77::');"
        "s.sendto(p,('ff02::1%eth0',0))"
    )
    guarded.machine.kernel("net.ipv6.conf.eth0.accept_ra", 2)
    guarded.client.run("python3", "-Ic", advertisement)
    guarded.client.run("ping", "-c", "1", "-W", "2", MACHINE6)
    assert "2001:db8:77:" in guarded.machine.run("ip", "-6", "address", "show", "dev", "eth0")


def test_only_real_dhcp_answers_are_accepted(guarded: Lab) -> None:
    broadcast, local = "255.255.255.255", f"{link_of(guarded.machine)}%eth0"
    guarded.client.ip("route replace 255.255.255.255 dev eth0")
    assert guarded.client.ask(("udp", broadcast, 68, 67), ("udp", local, 546, 547)) == [CLIENT, link_of(guarded.client)]
    wrong = [("udp", broadcast, 68, 6767), ("udp", local, 546, 5470), ("udp", MACHINE6, 546, 547)]
    assert guarded.client.ask(*wrong) == [NOTHING] * 3


def link_of(namespace: Namespace) -> str:
    (found,) = re.findall(r"inet6 (fe80:\S+)/", namespace.run("ip", "-6", "address", "show", "dev", "eth0"))
    return str(found)


def test_containers_reach_internet_each_other_and_name_server(guarded: Lab) -> None:
    asked = [("tcp", CLIENT, 7000), ("udp", CLIENT, 7000), ("tcp", CLIENT6, 7000)]
    # with the address of the machine
    assert guarded.other.ask(*asked) == [MACHINE, MACHINE, MACHINE6]
    assert guarded.other.ask(("tcp", WEB, 5432), ("tcp", WEB6, 5432)) == [OTHER, OTHER6]
    assert guarded.other.run("python3", "-Ic", QUESTION, "diaspora-web", GATEWAY) == f"{WEB}\n"
    # the pod's own address, as anybody else reaches it
    assert guarded.other.ask(("tcp", MACHINE, 443)) != [NOTHING]


def test_containers_cannot_reach_other_ports_of_the_machine(guarded: Lab) -> None:
    asked = [("tcp", address, port) for address in (GATEWAY, MACHINE, GATEWAY6) for port in (22, 3306, 9001)]
    assert guarded.other.ask(*asked) == [NOTHING] * 9


def test_containers_on_aws_cannot_reach_the_metadata_service(lab: Lab) -> None:
    lab.start(file_text(firewall(aws_context().of_pod), FILE))
    for address, family in (("169.254.169.254/32", "-4"), ("fd00:ec2::254/128", "-6")):
        lab.client.ip(f"{family} address add {address} dev eth0")
        lab.machine.ip(f"{family} route add {address} dev eth0")
    settle(lab.client)
    lab.client.serve(("tcp", 4, 80), ("tcp", 6, 80))
    metadata = [("tcp", address, 80) for address in ("169.254.169.254", "fd00:ec2::254")]
    try:
        # under which of its addresses says nothing here: another test gives it one more
        assert not {NOTHING, "refused"} & set(lab.machine.ask(*metadata))
        assert lab.other.ask(*metadata) == [NOTHING] * 2
        assert lab.other.ask(("tcp", CLIENT, 7000)) == [MACHINE]
        # it is the rule that keeps them away
        lab.start(rendered())
        assert not {NOTHING, "refused"} & set(lab.other.ask(*metadata))
    finally:
        for address, family in (("169.254.169.254/32", "-4"), ("fd00:ec2::254/128", "-6")):
            lab.machine.ip(f"{family} route del {address} dev eth0")
            lab.client.ip(f"{family} address del {address} dev eth0")


def test_machine_reaches_everything(guarded: Lab) -> None:
    asked = [("tcp", CLIENT, 7000), ("udp", CLIENT6, 7000), ("tcp", "127.0.0.1", 9001), ("tcp", WEB, 5432)]
    assert guarded.machine.ask(*asked) == [MACHINE, MACHINE6, "127.0.0.1", GATEWAY]


def test_open_port_without_listener_refuses_connections(guarded: Lab) -> None:
    guarded.start(rendered(open=[{"port": 6000}]))
    assert guarded.client.ask(("tcp", MACHINE, 6000)) == [REFUSED]


def tables(lab: Lab) -> str:
    """All tables but our own."""
    ruleset = lab.machine.run("nft", "--stateless", "list", "ruleset")
    return re.sub(r"table inet diaspora \{\n.*?\n\}\n", "", ruleset, flags=re.DOTALL)


def commands() -> dict[str, list[str]]:
    """The commands of the unit, without the path of the rules."""
    (unit,) = firewall(pod_context_on_host())["systemd"]["units"]
    service = read_quadlet(unit["contents"])["Service"]
    return {key: value.lstrip("-").split() for key, value in service if key.startswith("Exec")}


def test_firewall_unit_does_not_change_other_tables(lab: Lab, tmp_path: Path) -> None:
    lab.machine.attempt("nft", "delete", "table", "inet", "diaspora")
    before = tables(lab)
    assert "table inet netavark" in before
    file = tmp_path / "diaspora.nft"
    file.write_text(rendered())
    for verb in ("ExecStart", "ExecReload", "ExecReload", "ExecStop"):
        words = [str(file) if word == FILE else word for word in commands()[verb]]
        lab.machine.run(*words)
        assert ("table inet diaspora" in lab.machine.run("nft", "list", "tables")) is (verb != "ExecStop")
        assert tables(lab) == before, verb
    assert "flush" not in rendered() + str(commands())


def test_reload_replaces_rules_and_keeps_connections(lab: Lab) -> None:
    lab.start(rendered(open=[{"port": 5000}]))
    asking = lab.client.command(
        "python3", "-Ic", "import socket,sys;s=socket.create_connection(('192.0.2.10',22));print(1,flush=True);"
        "input();s.send(b'?');s.settimeout(2);print(s.recv(100).decode())",
    )  # fmt: skip
    with subprocess.Popen(asking, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as connected:
        assert connected.stdout
        assert connected.stdout.readline() == "1\n"
        lab.start(rendered(sshFrom=["198.51.100.1"]))
        assert answers(lab, ("tcp", 22), ("tcp", 5000)) == [NOTHING] * 4
        assert connected.communicate("\n", timeout=10)[0] == f"{CLIENT}\n"


@pytest.mark.parametrize("damage", ["dport 22", "table inet diaspora {", "policy drop", "established"])
def test_broken_file_leaves_the_active_rules(lab: Lab, tmp_path: Path, damage: str) -> None:
    lab.start(rendered(**SETTINGS))
    before = lab.machine.run("nft", "--stateless", "list", "ruleset")
    file = tmp_path / "diaspora.nft"
    file.write_text(rendered().replace(damage, "nonsense"))
    words = [str(file) if word == FILE else word for word in commands()["ExecReload"]]
    assert lab.machine.attempt(*words).returncode != 0
    assert lab.machine.run("nft", "--stateless", "list", "ruleset") == before
    assert answers(lab, ("tcp", 22), ("tcp", 9001)) == [CLIENT, NOTHING, CLIENT6, NOTHING]


def test_pod_network_requires_the_firewall(tmp_path: Path) -> None:
    """Rules that do not load leave a machine that answers SSH, and on which nothing else listens."""
    root = write_tree(firewall(pod_context_on_host()), tmp_path)
    folder = root / "etc/containers/systemd"
    (folder / "diaspora.network").write_text("[Network]\nNetworkName=diaspora\n")
    (folder / "nginx.container").write_text("[Container]\nImage=example.org/nginx:1\nNetwork=diaspora.network\n")
    made = tmp_path / "made"
    made.mkdir()
    subprocess.run([tool_path("quadlet"), "-no-kmsg-log", made], env={"QUADLET_UNIT_DIRS": str(folder)}, check=True)
    network = (made / "diaspora-network.service").read_text()
    assert "Requires=diaspora-firewall.service" in network
    assert "After=diaspora-firewall.service" in network
    nginx = (made / "nginx.service").read_text()
    assert "Requires=diaspora-network.service" in nginx
    unit = read_quadlet((root / UNIT).read_text())
    # ordered before the network, required by nothing of it: the machine stays within reach
    assert ("Before", "network-pre.target") in unit["Unit"]
    assert not {"RequiredBy", "Restart"} & {key for section in unit.values() for key, _ in section}


def test_disabled_firewall_adds_nothing() -> None:
    assert firewall(pod_context_on_host(firewall={"enable": False})) == {}


_SOURCES = st.lists(
    st.one_of(
        st.ip_addresses(v=4).map(str),
        st.ip_addresses(v=6).map(str),
        st.builds(lambda address, bits: network(4, address, bits), st.integers(0, 2**32 - 1), st.integers(1, 32)),
        st.builds(lambda address, bits: network(6, address, bits), st.integers(0, 2**128 - 1), st.integers(1, 128)),
    ),
    min_size=1,
    max_size=6,
    unique_by=ipaddress.ip_network,
)


def network(version: int, address: int, bits: int) -> str:
    kind = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
    return str(kind((address, bits), strict=False))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ssh=st.none() | _SOURCES,
    ports=st.lists(
        st.tuples(st.integers(1024, 65535), st.sampled_from(["tcp", "udp"]), st.none() | _SOURCES),
        max_size=5,
        unique_by=lambda entry: entry[:2],
    ),
)
def test_nftables_accepts_rules_of_any_settings(
    lab: Lab, ssh: list[str] | None, ports: list[tuple[int, str, list[str] | None]]
) -> None:
    entries = [
        {"port": port, "protocol": kind, **({"from": sources} if sources else {})} for port, kind, sources in ports
    ]
    done = load(lab.machine, rendered(open=entries, **({"sshFrom": ssh} if ssh else {})))
    assert (done.returncode, done.stderr) == (0, "")
    listed = lab.machine.run("nft", "list", "chain", "inet", "diaspora", "opened")
    for port, _, _ in ports:
        assert f"proto-dst {port}" in listed
