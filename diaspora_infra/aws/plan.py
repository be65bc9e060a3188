"""What a run of the engine means for the machine of each pod on AWS, as diaspora_infra/pxe/plan.py says it for pxe."""

from collections.abc import Iterable, Mapping
from typing import Any

from diaspora_infra.pxe.plan import Action, Plan

ACTIONS: Mapping[Action, str] = {
    "reinstall": "AWS makes it anew, beside the same data: a change of",
    "upgrade": "sudo diaspora-pod upgrade: a change of",
    "restart": "AWS stops it, and starts it again: a change of",
    "new": "AWS makes it",
    "gone": "it is removed; its data volume only if it is listed too",
    "nothing": "",
}
"""What happens to a machine, or what a podmin does with it."""

GROUP_ACTIONS: Mapping[Action, str] = {
    "reinstall": "AWS makes other machines, while `diaspora-infra status STACK --wait` follows: a change of",
    "new": "AWS makes its machines",
    "gone": "its machines are removed; they hold no data",
    "nothing": "",
}
"""What happens to the machines of a group."""

_MACHINE = "diaspora-infra:index:Machine$aws:ec2/instance:Instance::"
_GROUP = "diaspora-infra:index:MachineGroup$aws:autoscaling/group:Group::"
_TEMPLATE = "diaspora-infra:index:MachineGroup$aws:ec2/launchTemplate:LaunchTemplate::"
_OFFERED = "diaspora-infra:index:Bundle$aws:ssm/parameter:Parameter::"
_WORDS = {"userData": "the machine's own part of the config", "ami": "the image"}
_STOPPED = "instanceType"
_OF_GROUPS = {"userData": "the config", "imageId": "the image"}
_CHANGES = {"update", "replace", "create-replacement"}
_BESIDE = {"tags", "tagsAll"}
"""Changes of a launch template that make no other machines."""


def plan_steps(steps: Iterable[Mapping[str, Any]]) -> list[Plan]:
    """Read the steps of a run, in the form that diaspora_infra/preview/events.py gives them."""
    machines: dict[str, list[Mapping[str, Any]]] = {}
    offered = set()
    for step in steps:
        if _MACHINE in step["urn"] and step["op"] != "refresh":
            machines.setdefault(step["urn"].rpartition(_MACHINE)[2], []).append(step)
        elif _OFFERED in step["urn"] and step["op"] == "update":
            offered.add(step["urn"].rpartition(_OFFERED)[2].removesuffix("-bundle"))
    return [_plan(name, found, offered) for name, found in sorted(machines.items())]


def plan_groups(steps: Iterable[Mapping[str, Any]]) -> list[Plan]:
    """The same for groups of machines: the plan of each is that of all its machines."""
    groups: dict[str, dict[str, Mapping[str, Any]]] = {}
    changed: dict[str, tuple[str, ...]] = {}
    for step in steps:
        if step["op"] == "refresh":
            continue
        if _GROUP in step["urn"]:
            groups.setdefault(step["urn"].rpartition(_GROUP)[2], {})[step["op"]] = step
        elif _TEMPLATE in step["urn"] and step["op"] in _CHANGES:
            changed[step["urn"].rpartition(_TEMPLATE)[2]] = tuple(
                sorted(_OF_GROUPS.get(key, key) for key in _changed_inputs(step) - _BESIDE)
            )
    return [_group_plan(name, operations, changed.get(name, ())) for name, operations in sorted(groups.items())]


def _changed_inputs(step: Mapping[str, Any]) -> set[str]:
    """Keys that the program gives another value: the provider names others too, which follow from these."""
    old, new = ((step.get(state) or {}).get("inputs") or {} for state in ("oldState", "newState"))
    return {key for key in step.get("diffReasons") or () if old.get(key) != new.get(key)}


def _group_plan(name: str, operations: Mapping[str, Mapping[str, Any]], changed: tuple[str, ...]) -> Plan:
    """A group and its launch template have one name, such as `pod-web-machines`."""
    if operations.keys() & {"replace", "create-replacement"}:
        return Plan(name, "reinstall", changed or ("the group itself",))
    if "create" in operations:
        return Plan(name, "new")
    if "delete" in operations:
        return Plan(name, "gone")
    return Plan(name, "reinstall", changed) if changed else Plan(name, "nothing")


def _plan(name: str, steps: Iterable[Mapping[str, Any]], offered: set[str]) -> Plan:
    """A machine is named after its pod: `pod-machine`, and its bundle `pod-bundle`."""
    operations = {step["op"]: step for step in steps}
    if replaced := operations.get("replace") or operations.get("create-replacement"):
        return Plan(name, "reinstall", tuple(_WORDS.get(key, key) for key in replaced.get("replaceReasons") or ()))
    if "create" in operations:
        return Plan(name, "new")
    if "delete" in operations:
        return Plan(name, "gone")
    stopped = _STOPPED in (operations.get("update", {}).get("diffReasons") or ())
    if name.removesuffix("-machine") in offered:
        also = (f"{_STOPPED}, for which AWS stops and starts it",) if stopped else ()
        return Plan(name, "upgrade", ("the pod's part of the config", *also))
    return Plan(name, "restart", (_STOPPED,)) if stopped else Plan(name, "nothing")
