"""`diaspora-infra diff`, on what `pulumi preview` answers; tests/engine/test_fleet.py asks the real one."""

import json
import subprocess
from typing import Any

import pytest

from diaspora_infra.cli import main
from diaspora_infra.pxe.plan import Plan, plan_steps
from diaspora_infra.pxe.pxe_fleet import Placed
from tests.pxe.test_fleet import fleet_machines
from tests.support.configs import machine, pxe, pxe_config

PROFILE, GROUP = "matchbox:index/profile:Profile", "matchbox:index/group:Group"


def answer(monkeypatch: pytest.MonkeyPatch, preview: Any, code: int = 0) -> list[list[str]]:
    """Let pulumi answer; returns what it is asked."""
    asked: list[list[str]] = []

    def run(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        asked.append(command)
        return subprocess.CompletedProcess(
            command, code, preview if isinstance(preview, str) else json.dumps(preview), ""
        )

    monkeypatch.setattr("diaspora_infra.commands.diff.subprocess.run", run)
    return asked


def steps(op: str, *machines: dict[str, Any]) -> list[dict[str, Any]]:
    """A profile and a group for each machine, as steps of a preview."""
    found = []
    for each in fleet_machines(pxe_config(pxe=pxe(*machines))):
        placed = Placed(each, f"{each.name}-0123456789ab", f"x-{each.name}", {})
        profile = {"name": placed.profile, "kernel": "k", "args": [], "rawIgnition": each.ignition}
        group = {"name": placed.group, "profile": placed.profile, "selector": {"mac": each.mac}}
        for kind, inputs in ((PROFILE, profile), (GROUP, group)):
            state = {"type": kind, "inputs": inputs}
            sides = {"create": ("newState",), "delete": ("oldState",), "same": ("oldState", "newState")}[op]
            found.append({"op": op, "urn": f"urn::{op}::{kind}::{each.name}", **dict.fromkeys(sides, state)})
    return found


def test_a_line_for_each_kind_of_change(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    changed = [*steps("delete", machine(1)), *steps("create", machine(1, hostname="other"), machine(4))]
    asked = answer(monkeypatch, {"steps": [*changed, *steps("same", machine(2), machine(3))]})
    assert main(["diff", "prod"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "reinstall    1  pod1: boot it from the network again: a change of /etc/hostname",
        "new          1  pod4: boot it from the network",
        "nothing      2  pod2, pod3",
        "4 machines: 1 reinstall, 1 new, 2 nothing",
    ]
    assert "--stack=prod" in asked[0]
    assert main(["diff", "prod", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0] == {
        "machine": "pod1",
        "action": "reinstall",
        "why": ["/etc/hostname"],
    }


@pytest.mark.parametrize("changed", [False, True])
def test_hidden_config_is_never_taken_for_the_same(changed: bool) -> None:
    (profile, group), (_, renamed) = steps("same", machine(1)), steps("same", machine(1))
    profile["oldState"]["inputs"]["rawIgnition"] = "[secret]"
    renamed["newState"] = {"type": GROUP, "inputs": {**group["newState"]["inputs"], "name": "pod1-ffffffffffff"}}
    (plan,) = plan_steps([profile, renamed if changed else group])
    assert (plan.action, plan.why) == (("reinstall", ("what the engine hides",)) if changed else ("nothing", ()))


@pytest.mark.parametrize("code", [0, 255])
def test_a_preview_that_fails_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    message = {"diagnostics": [{"severity": "error", "message": "pxe.machines[0].mac: wrong\n"}]}
    answer(monkeypatch, message if code else "no JSON", code)
    assert main(["diff", "prod"]) == 1
    error = capsys.readouterr().err
    assert "stack prod: cannot be previewed; " in error
    assert ("pxe.machines[0].mac: wrong" in error) is bool(code)


def test_pulumi_has_to_be_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("pulumi")

    monkeypatch.setattr("diaspora_infra.commands.diff.subprocess.run", run)
    assert main(["diff", "prod"]) == 1
    assert capsys.readouterr().err == "stack prod: the program pulumi is not on PATH; install it\n"


def test_what_somebody_changed_on_the_server_is_no_change_of_a_machine() -> None:
    """A refresh finds it, and the run puts it right."""
    ours = [step["newState"] for step in steps("create", machine(1))]
    theirs = [step["newState"] for step in steps("create", machine(1, hostname="other"))]
    found = [
        step
        for our, their in zip(ours, theirs, strict=True)
        for step in (
            {"op": "refresh", "urn": f"urn::{our['type']}", "oldState": our, "newState": their},
            {"op": "update", "urn": f"urn::{our['type']}", "oldState": their, "newState": our},
        )
    ]
    assert plan_steps(found) == [Plan("pod1", "nothing")]
