"""Computers on a network of their own: network namespaces that live as long as a process holds them."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Listens on all ports given as "tcp|udp 4|6 PORT", and answers whoever says something with the address that it sees.
_SERVER = r"""
import json, selectors, socket, sys
selector = selectors.DefaultSelector()
for kind, version, port in json.loads(sys.argv[1]):
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    server = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if version == 6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind(("" if version == 4 else "::", port))
    if kind == "tcp":
        server.listen(50)
    selector.register(server, selectors.EVENT_READ, kind)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        if key.data == "tcp":
            client, _ = key.fileobj.accept()
            selector.register(client, selectors.EVENT_READ, "client")
        elif key.data == "client":
            if key.fileobj.recv(100):
                key.fileobj.sendall(key.fileobj.getpeername()[0].encode())
            else:
                selector.unregister(key.fileobj)
                key.fileobj.close()
        else:
            _, address = key.fileobj.recvfrom(100)
            key.fileobj.sendto(address[0].encode(), address)
"""

# Asks all "tcp|udp ADDRESS PORT [SOURCE PORT]" at once; gives the answer of each, or "refused", or "nothing".
_CLIENT = r"""
import json, socket, sys, threading
asked = json.loads(sys.argv[1])
answers = [""] * len(asked)
def ask(index, kind, address, port, source=0):
    family, _, _, _, target = socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM)[0]
    client = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    client.settimeout(float(sys.argv[2]))
    try:
        if source:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            client.bind(("" if family == socket.AF_INET else "::", source))
        if source and kind == "udp":
            client.sendto(b"?", target)  # the answer may come from another address than was asked
        else:
            client.connect(target)
            client.send(b"?")
        answers[index] = client.recv(100).decode()
    except ConnectionRefusedError:
        answers[index] = "refused"
    except OSError:
        answers[index] = "nothing"
threads = [threading.Thread(target=ask, args=(index, *each)) for index, each in enumerate(asked)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(answers))
"""

REFUSED, NOTHING = "refused", "nothing"
_PATIENCE = 0.7


@dataclass
class Namespace:
    """A computer: a network namespace, and the processes in it. `file` is that of a namespace that is there already."""

    file: Path | None = None
    processes: list["subprocess.Popen[str]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the namespace; its first process holds it."""
        if self.file:
            return
        holder = subprocess.Popen(
            ["unshare", "--net", sys.executable, "-Ic", "print('held', flush=True); input()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes.append(holder)
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        self.run("ip", "link", "set", "lo", "up")

    @property
    def pid(self) -> int:
        return self.processes[0].pid

    def command(self, *words: str) -> list[str]:
        return ["nsenter", f"--net={self.file or f'/proc/{self.pid}/ns/net'}", *words]

    def run(self, *words: str) -> str:
        """Run a command that must succeed."""
        done = self.attempt(*words)
        assert done.returncode == 0, done
        return done.stdout

    def attempt(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=False, timeout=60)

    def ip(self, text: str) -> None:
        self.run("ip", *text.split())

    def kernel(self, name: str, value: int) -> None:
        """Set a sysctl of this namespace."""
        words = f"echo {value} > /proc/sys/{name.replace('.', '/')}"
        self.run("sh", "-c", words)

    def serve(self, *ports: tuple[str, int, int]) -> None:
        """Listen on ports, each ("tcp" or "udp", 4 or 6, number)."""
        words = self.command(sys.executable, "-Ic", _SERVER, json.dumps(ports))
        server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.processes.append(server)
        assert server.stdout
        assert server.stdout.readline() == "ready\n"

    def ask(self, *asked: tuple[Any, ...], patience: float = _PATIENCE) -> list[str]:
        """The answers to ("tcp" or "udp", address, port, optional source port), all sent at once."""
        return list(json.loads(self.run(sys.executable, "-Ic", _CLIENT, json.dumps(asked), str(patience))))

    def end(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.communicate()


def cable(one: Namespace, name: str, other: Namespace, other_name: str) -> None:
    """Connect two computers."""
    one.ip(f"link add {name} type veth peer name {other_name} netns {other.pid}")
    one.ip(f"link set {name} up")
    other.ip(f"link set {other_name} up")


def settle(namespace: Namespace) -> None:
    """Wait until no IPv6 address of a computer is tentative any more."""
    for _ in range(100):
        if "tentative" not in namespace.run("ip", "-6", "address"):
            return
        time.sleep(0.05)
    raise AssertionError("an address stays tentative")


def load(namespace: Namespace, rules: str | Path) -> "subprocess.CompletedProcess[str]":
    """Load rules into nftables of a computer: a file, or a text."""
    if isinstance(rules, Path):
        return namespace.attempt("nft", "-f", str(rules))
    return subprocess.run(
        namespace.command("nft", "-f", "-"), input=rules, capture_output=True, text=True, check=False, timeout=60
    )
