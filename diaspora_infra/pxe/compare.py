"""Warnings of a run: groups that others have put on the server, and what it has otherwise than it should."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from diaspora_infra.config import PxeMachine
from diaspora_infra.pxe.groups import Group, is_former, other_groups
from diaspora_infra.pxe.install import InstallSettings
from diaspora_infra.pxe.pxe_fleet import Placed, PxeFleet
from diaspora_infra.pxe.verify import answers, served_faults


@dataclass(frozen=True)
class Meant:
    """A machine as it is meant: where its settings are, how it is installed, and its Ignition config in the clear."""

    path: str
    machine: PxeMachine
    install: InstallSettings
    ignition: str


def compare(
    http_url: str,
    machines: Sequence[Meant],
    fleet: PxeFleet,
    before: Sequence[Group],
    after: Callable[[], list[Group]],
) -> None:
    """Warn of what does not fit: of others' groups at once, of what the server has when all groups are made.

    `before` holds the groups of the server before the run, `after` asks for them again.
    """
    placed = {each.machine.name: each for each in fleet.placed}
    by_mac: dict[str, list[Group]] = {}
    for group in before:
        by_mac.setdefault(group.selector.get("mac", "").lower(), []).append(group)
    to_ask: list[tuple[Meant, Placed]] = []
    for meant in machines:
        own = placed.get(meant.machine.name)
        name = own.group if own else f"{meant.machine.name}-"
        for_mac = by_mac.get(meant.machine.mac, [])
        others = [*_others(meant, name, for_mac)]
        for other in others:
            pulumi.log.warn(f"{meant.path}: {other}")
        # while its former group is there too, either may be served
        changes = any(is_former(group.name, name) for group in for_mac if group.name != name)
        if own is not None and not others and not changes:
            to_ask.append((meant, own))
    if to_ask and not pulumi.runtime.is_dry_run():
        fleet.groups.apply(lambda _: _ask(http_url, to_ask, after()))


def _others(meant: Meant, own: str, for_mac: Sequence[Group]) -> Iterator[str]:
    """Groups for the machine that are neither its own nor about to go."""
    is_there = any(group.name == own for group in for_mac)
    mac, off = meant.machine.mac, meant.machine.install == "off"
    for name, first in other_groups(mac, own, for_mac):
        if is_there or not is_former(name, own):
            which = "and install is off" if off else "which comes first" if first else "which may be served instead"
            yield f"the server has another group for {mac}, {name}, {which}; remove it"


def _ask(http_url: str, entries: Sequence[tuple[Meant, Placed]], groups: Sequence[Group]) -> None:
    """Compare all groups, and what is served to one machine of each profile: the server reads all groups each time."""
    there = {group.name: group for group in groups}
    for meant, placed in entries:
        if placed.group in there and not _is_as_meant(there[placed.group], placed):
            _warn(meant, "its group on the server differs from the settings")
    if not answers(http_url):
        pulumi.log.warn(f"pxe.matchbox.httpUrl: {http_url} does not answer here, so what it serves was not compared")
        return
    one_each: Mapping[str, Meant] = {placed.profile: meant for meant, placed in reversed(entries)}
    for meant in one_each.values():
        for fault in served_faults(meant.install, meant.machine, lambda meant=meant: meant.ignition):  # type: ignore[misc]
            _warn(meant, fault)


def _is_as_meant(group: Group, placed: Placed) -> bool:
    selector = {"mac": placed.machine.mac}
    return (group.profile, group.selector, group.metadata) == (placed.profile, selector, placed.metadata)


def _warn(meant: Meant, fault: str) -> None:
    pulumi.log.warn(f"{meant.path}: {fault}; see: diaspora-infra verify")
