"""What `diaspora-infra status` prints."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from diaspora_infra.smoke.report import plain
from diaspora_infra.status.groups import Group, Member, Refresh


def lines(domain: str, groups: Sequence[Group], deployment: str | None) -> list[str]:
    """All groups with their machines, and what is wrong."""
    found = [domain]
    for group in groups:
        if group.problem:
            found.append(f"  {group.role}: {group.name} {group.problem}")
            continue
        found.append(
            f"  {group.role}: {group.name}, version {group.version}, {len(group.ready)} of {group.wanted} ready"
        )
        found += [f"    {_member(member)}" for member in group.members]
        if group.refresh is not None:
            found.append(f"    last change of machines: {_refresh(group.refresh)}")
    if deployment is not None:
        found.append(f"  deployment: {plain(deployment)}")
    return found


def _member(member: Member) -> str:
    version = f"version {member.version}" if member.version else "another template"
    target = "" if member.target is None else f", load balancer: {member.target}"
    address = f"  {member.address}" if member.address else ""
    return f"{member.id}  {member.zone}{address}  {version}  {member.state}, {member.health}{target}"


def _refresh(refresh: Refresh) -> str:
    reason = f": {plain(refresh.reason)}" if refresh.reason else ""
    return f"{refresh.status}, {refresh.percent} %{reason}"


def verdict(groups: Sequence[Group]) -> str:
    """The last line: whether all machines are as the stack wants them, and else what to do."""
    failed = [group.role for group in groups if group.failed]
    if failed:
        return (
            f"{', '.join(failed)}: the change failed. The machines that were not replaced go on; see why in the log of "
            "a new machine, correct the settings, and run `pulumi up` again"
        )
    waiting = [group.role for group in groups if not group.done]
    if waiting:
        return f"{', '.join(waiting)}: not all machines are ready yet"
    return "all machines are ready, and of the version that the stack has"


def data(stack: str, domain: str, groups: Sequence[Group], deployment: str | None) -> dict[str, Any]:
    """Everything, for JSON."""
    shown = [
        {**asdict(group), "ready": len(group.ready), "done": group.done, "failed": group.failed} for group in groups
    ]
    return {"stack": stack, "domain": domain, "groups": shown, "deployment": deployment}
