"""The `host.firewall` key: the open ports of the machine, and their allowed sources."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field

from diaspora_infra.config.checking import readable, run_checks
from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import SOME_ADDRESSES, not_everybody

SSH_PORT = 22
WEB_PORTS = (80, 443)


Source = Annotated[str, SOME_ADDRESSES, not_everybody("remove the key to allow every address")]


class OpenPort(Model):
    """An open port in addition to those for SSH and the pod."""

    port: int = Field(ge=1, le=65535)
    """Port of the machine, or the published port of a container."""
    protocol: Literal["tcp", "udp"] = "tcp"
    """Protocol."""
    sources: list[Source] | None = Field(default=None, alias="from", min_length=1)
    """Addresses and networks that may reach the port; all when not set."""


class Firewall(Model):
    """Firewall of the machine. SSH and the pod's web ports are open; see docs/security.md."""

    enable: bool = True
    """Block all ports that are not opened. `false` leaves the machine without a firewall: every port that a program or
    a container opens is reachable."""
    ssh_from: list[Source] | None = Field(default=None, min_length=1)
    """Addresses and networks that may reach the SSH port (22); all when not set. A mistake here locks you out."""
    open: list[OpenPort] = []
    """Further open ports."""


def check_firewall(firewall: Firewall) -> Iterator[Problem]:
    """Settings of the firewall that do not work together."""
    yield from run_checks((_unused_sources, _unused_ports), firewall)
    if firewall.enable:
        for index, entry in enumerate(firewall.open):
            yield from run_checks((_open_anyway,), f"host.firewall.open[{index}].port", entry)
        yield from _twice(firewall.open)


def _unused_sources(firewall: Firewall) -> Iterator[Problem]:
    if not firewall.enable and firewall.ssh_from:
        yield Problem("host.firewall.sshFrom", "only used with enable: true; remove it")


def _unused_ports(firewall: Firewall) -> Iterator[Problem]:
    if not firewall.enable and firewall.open:
        yield Problem("host.firewall.open", "only used with enable: true; remove it")


def _open_anyway(path: str, entry: OpenPort) -> Iterator[Problem]:
    if entry.protocol == "tcp" and entry.port == SSH_PORT:
        yield Problem(path, "22 is the SSH port; set host.firewall.sshFrom instead")
    elif entry.protocol == "tcp" and entry.port in WEB_PORTS:
        yield Problem(path, f"{entry.port} is always open for the pod; remove it")


def _twice(ports: Sequence[OpenPort]) -> Iterator[Problem]:
    first: dict[tuple[int, str], int] = {}
    for index, entry in readable(ports, lambda port: (port.port, port.protocol)).items():
        before = first.setdefault(entry, index)
        if before != index:
            yield Problem(
                f"host.firewall.open[{index}].port",
                f"{entry[0]}/{entry[1]} is already in host.firewall.open[{before}]; "
                "merge the two entries, with all networks in `from`",
            )
