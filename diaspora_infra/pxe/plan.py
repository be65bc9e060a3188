"""What a change of a stack means for each machine: nothing, an upgrade of the pod, or a reinstallation; and why.

The configs are those that the engine has for matchbox's profiles and groups, before the change and after it: in the
steps of `pulumi preview --json`, or in two states. Of a config only names, paths and hashes are told, never contents.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from diaspora_infra.host.data_url import contents, is_data
from diaspora_infra.host.identity import BUNDLE_FILE, MACHINE_FILE
from diaspora_infra.pxe.template import TemplateError, filled_in

Action = Literal["nothing", "restart", "upgrade", "reinstall", "new", "gone"]
ACTIONS: Mapping[Action, str] = {
    "reinstall": "boot it from the network again: a change of",
    "upgrade": "sudo diaspora-pod upgrade: a change of",
    "restart": "it stops and starts again: a change of",
    "new": "boot it from the network",
    "gone": "nothing is served to it any more",
    "nothing": "",
}
"""What a podmin does with a machine, in the order of the effort."""

_PROFILE, _GROUP = "matchbox:index/profile:Profile", "matchbox:index/group:Group"
_SHOWN = 5
_HIDDEN = "[secret]"
_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105  # the engine's mark of a value that is more than data

Resources = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Plan:
    """What one machine needs."""

    machine: str
    action: Action
    why: tuple[str, ...] = ()
    """What changes: parts of the machine, or files of the pod."""


@dataclass(frozen=True)
class _Served:
    """What a machine gets from the server."""

    boot: tuple[str, ...]
    config: str | None
    """None where the engine hides it."""
    revision: str
    """The name of the group: another one with any change."""


def plan_steps(steps: Iterable[Mapping[str, Any]]) -> list[Plan]:
    """Read the steps of a preview (`pulumi preview --json --show-sames`)."""
    before: dict[str, Mapping[str, Any]] = {}
    after: dict[str, Mapping[str, Any]] = {}
    for step in steps:
        if old := step.get("oldState"):
            before.setdefault(step["urn"], old)
        # a refresh finds what somebody has changed: no machine has booted from that
        if (new := step.get("newState")) and step["op"] not in {"delete", "delete-replaced", "refresh"}:
            after[step["urn"]] = new
    return plan_states(before.values(), after.values())


def plan_states(before: Resources, after: Resources) -> list[Plan]:
    """Compare the resources of two states, in the order of the machines' names."""
    old, new = _served(before), _served(after)
    return [_plan(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys(), key=_natural)]


def summary(plans: Sequence[Plan], actions: Mapping[Action, str] = ACTIONS, noun: str = "machine") -> list[str]:
    """A line for each kind of change, whose number does not grow with the machines.

    `actions` says what a podmin does with a machine, or what `noun` calls it, in the order of the effort.
    """
    kinds: dict[tuple[Action, tuple[str, ...]], list[str]] = {}
    for plan in plans:
        kinds.setdefault((plan.action, plan.why), []).append(plan.machine)
    order = list(actions)
    lines = []
    for (action, why), names in sorted(kinds.items(), key=lambda kind: (order.index(kind[0][0]), -len(kind[1]))):
        reason = f": {actions[action]} {_listed(why)}".rstrip() if action != "nothing" else ""
        lines.append(f"{action:<9} {len(names):>4}  {_listed(names)}{reason}")
    counts = Counter(plan.action for plan in plans)
    total = ", ".join(f"{counts[action]} {action}" for action in actions if counts[action])
    machines = f"1 {noun}" if len(plans) == 1 else f"{len(plans)} {noun}s"
    return [*lines, f"{machines}: {total or 'none'}"]


def data(plans: Sequence[Plan]) -> list[dict[str, Any]]:
    """The same for other programs: an object for each machine."""
    return [{"machine": plan.machine, "action": plan.action, "why": list(plan.why)} for plan in plans]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts pod2 before pod10."""
    return [
        (int(piece or 0), "") if number % 2 else (0, piece) for number, piece in enumerate(re.split("([0-9]+)", name))
    ]


def _plan(name: str, before: _Served | None, after: _Served | None) -> Plan:
    if before is None or after is None:
        return Plan(name, "new" if before is None else "gone")
    if before.config is None or after.config is None:
        return (
            Plan(name, "nothing")
            if before.revision == after.revision
            else Plan(name, "reinstall", ("what the engine hides",))
        )
    if before.config == after.config:
        return Plan(name, "nothing")
    return _change(name, before.config, after.config)


def _change(name: str, before: str, after: str) -> Plan:
    try:
        (old, old_bundle), (new, new_bundle) = _read(before), _read(after)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Plan(name, "reinstall", ("the whole config",))
    parts = [key for key in ("name", "domain") if old[key] != new[key]]
    parts += _different(old["parts"], new["parts"])
    if parts:
        return Plan(name, "reinstall", tuple(parts))
    files = _different(old_bundle, new_bundle)
    # the file about the bundle follows from the others
    return Plan(name, "upgrade", tuple(files)) if files else Plan(name, "nothing")


def _different(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in one.keys() | other.keys() if key != BUNDLE_FILE and one.get(key) != other.get(key))


def _read(config: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The file about the machine, and the files and units of the bundle by name."""
    whole = json.loads(config)
    files = {entry["path"]: entry for entry in whole["storage"]["files"]}
    facts = json.loads(contents(files[MACHINE_FILE]["contents"]))
    bundle = json.loads(contents(next(entry for entry in whole["ignition"]["config"]["merge"] if is_data(entry))))
    return facts, dict(_entries(bundle))


def _entries(bundle: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    storage = bundle.get("storage", {})
    for entry in (*storage.get("files", ()), *storage.get("directories", ()), *storage.get("links", ())):
        yield entry["path"], entry
    for unit in bundle.get("systemd", {}).get("units", ()):
        yield unit["name"], unit


def _served(resources: Resources) -> dict[str, _Served]:
    """What each machine gets, by its name: a group is named after it, with a revision."""
    inputs: dict[str, list[Mapping[str, Any]]] = {_PROFILE: [], _GROUP: []}
    for resource in resources:
        if resource["type"] in inputs and not resource.get("delete"):
            inputs[resource["type"]].append(resource.get("inputs") or {})
    profiles = {profile["name"]: profile for profile in inputs[_PROFILE]}
    return {
        group["name"].rpartition("-")[0]: _of(profiles.get(group["profile"], {}), group) for group in inputs[_GROUP]
    }


def _of(profile: Mapping[str, Any], group: Mapping[str, Any]) -> _Served:
    boot = (str(profile.get("kernel")), *profile.get("initrds", ()), *profile.get("args", ()))
    template, raw = (_clear(profile.get(key)) for key in ("genericConfig", "rawIgnition"))
    config = raw
    if template is not None:
        try:
            config = filled_in(template, {**(group.get("metadata") or {}), **group.get("selector", {})})
        except TemplateError:
            config = None
    return _Served(boot, config, group["name"])


def hides_config(step: Mapping[str, Any]) -> bool:
    """Tell whether a step of a preview hides a config, because it may have a secret in it."""
    profiles = [step.get(side) or {} for side in ("oldState", "newState") if f"{_PROFILE}::" in step["urn"]]
    return any(_HIDDEN in (profile.get("inputs") or {}).values() for profile in profiles)


def _clear(value: Any) -> str | None:
    """A text of the engine; None where it is hidden."""
    if isinstance(value, Mapping) and _SECRET in value:
        plain = value.get("plaintext")
        return str(json.loads(plain)) if isinstance(plain, str) else None
    return value if isinstance(value, str) and value != _HIDDEN else None
