"""What a run means for groups of machines on AWS, from the events of the engine."""

import json
from typing import Any

import pytest

from diaspora_infra.preview.events import read_run
from diaspora_infra.preview.summary import sum_up

POD = "urn:pulumi:prod::project::diaspora-infra:index:AwsPod$diaspora-infra:index:MachineGroup"
GROUP, TEMPLATE = "aws:autoscaling/group:Group", "aws:ec2/launchTemplate:LaunchTemplate"
FOLLOW = "AWS makes other machines, while `diaspora-infra status STACK --wait` follows: a change of"


def event(kind: str, op: str, keys: list[str], role: str = "web") -> dict[str, Any]:
    """An event of the engine about a group or its launch template."""
    name = f"{POD}${kind}::pod-{role}-machines"
    old, new = (
        {"type": kind, "urn": name, "inputs": dict.fromkeys(keys, value), "outputs": {}} for value in ("old", "new")
    )
    metadata = {"op": op, "urn": name, "type": kind, "diffs": [*keys, "defaultVersion"], "old": old, "new": new}
    return {"resourcePreEvent": {"metadata": metadata, "planning": True}}


def told(*events: dict[str, Any]) -> list[str]:
    """The lines about machines."""
    end = {"summaryEvent": {"resourceChanges": {"update": len(events)}, "isPreview": True}}
    return list(sum_up(read_run("\n".join(map(json.dumps, [*events, end])))).machines)


def test_another_config_makes_other_machines_of_its_group_only() -> None:
    assert told(
        event(TEMPLATE, "update", ["userData"]),
        event(GROUP, "update", ["launchTemplate"]),
        event(TEMPLATE, "same", [], "job"),
        event(GROUP, "same", [], "job"),
    ) == [
        f"reinstall    1  pod-web-machines: {FOLLOW} the config",
        "nothing      1  pod-job-machines",
        "2 groups: 1 reinstall, 1 nothing",
    ]


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        (["imageId", "instanceType", "tags"], "instanceType, the image"),
        (["blockDeviceMappings"], "blockDeviceMappings"),
    ],
)
def test_all_reasons_are_named(keys: list[str], why: str) -> None:
    lines = told(event(TEMPLATE, "update", keys), event(GROUP, "update", ["launchTemplate"]))
    assert lines[0] == f"reinstall    1  pod-web-machines: {FOLLOW} {why}"


@pytest.mark.parametrize("keys", [["tags"], ["tags", "tagsAll"]])
def test_tags_and_sizes_make_no_other_machines(keys: list[str]) -> None:
    lines = told(event(TEMPLATE, "update", keys), event(GROUP, "update", ["desiredCapacity", "minSize"]))
    assert lines == ["nothing      1  pod-web-machines", "1 group: 1 nothing"]


@pytest.mark.parametrize(
    ("op", "line"),
    [
        ("create", "new          1  pod-web-machines: AWS makes its machines"),
        ("delete", "gone         1  pod-web-machines: its machines are removed; they hold no data"),
        ("replace", f"reinstall    1  pod-web-machines: {FOLLOW} the group itself"),
    ],
)
def test_whole_groups_come_and_go(op: str, line: str) -> None:
    assert told(event(GROUP, op, []))[0] == line
