"""A fleet on a real matchbox, driven by a real engine: many machines, one profile for those that are alike."""

import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.config import PxeSettings
from diaspora_infra.host import render
from diaspora_infra.pxe.plan import plan_states, plan_steps
from diaspora_infra.pxe.template import SAFE
from lab.engine import PROJECT
from lab.report import Progress
from tests.support.configs import host, machine
from tests.support.processes import kill_tree
from tests.support.sizes import check_size
from tests.support.stack import Stack

COUNT = 60
HOSTILE = """
variant: fcos
version: 1.7.0
storage:
  files:
    - path: /etc/motd
      contents: {inline: "%s {{.name}} {{.request.query.x}} {{{ }} \\\\ \\" %% \\n"}
systemd:
  units:
    - {name: hello.service, contents: "[Service]\\nExecStart=/usr/bin/podman ps --format {{.Names}}\\n"}
"""


def fleet() -> list[dict[str, Any]]:
    """Machines that are alike, and some that have something for themselves."""
    machines = [machine(number) for number in range(1, COUNT + 1)]
    machines[3] |= {"hostname": "other.example.org"}
    machines[4] |= {"networks": {"eno1": {"ipv4": {"method": "manual", "address1": "10.0.0.5/24"}}}}
    machines[5] |= {"networks": {"eno1": {"ipv4": {"method": "manual", "address1": "10.0.0.6/24"}}}}
    machines[6] |= {"snippets": [HOSTILE % "six"]}
    machines[7] |= {"snippets": [HOSTILE % "seven"]}
    machines[8] |= {"disk": "/dev/disk/by-id/ata-EXAMPLE"}
    return machines


def test_fleet_is_created_changed_killed_and_destroyed(stack: Stack, request: pytest.FixtureRequest) -> None:
    machines = fleet()
    stack.values["host"] = host(storage={"disk": "/dev/sda"}, snippets=[HOSTILE.replace("motd", "issue") % "all"])
    stack.machines(*machines)
    progress = Progress(COUNT, 0)
    for line in stack.up("--json").stdout.splitlines():
        progress(line)
    assert progress.counts == {"created": COUNT}
    assert len(stack.files()["groups"]) == COUNT
    assert len(stack.files()["profiles"]) == 4, "alike, own networks, own snippets, own disk"
    assert_served_byte_for_byte(stack)
    assert_metadata_is_safe(stack, machines)

    check_size("group in the state", state_of_a_group(stack), update=request.config.getoption("--golden-update"))

    before = stack.files()
    machines[10] |= {"hostname": "renamed"}
    preview = json.loads(stack.run("preview", "--json", "--show-sames").stdout)
    plans = {plan.machine: plan for plan in plan_steps(preview["steps"])}
    assert {name for name, plan in plans.items() if plan.action != "nothing"} == {"pod11"}
    assert (plans["pod11"].action, plans["pod11"].why) == ("reinstall", ("/etc/hostname",))
    stack.up()
    after = stack.files()
    assert before["profiles"] == after["profiles"]
    (gone,), (new,) = ({*one["groups"]} - {*other["groups"]} for one, other in ((before, after), (after, before)))
    assert gone[:6] == new[:6] == "pod11-"
    assert_served_byte_for_byte(stack)

    old = stack.state()["resources"]
    stack.values["pod"]["name"] = "Another"
    stack.sparing = False
    with always_served(stack, machines[:3]) as answers:
        kill_half_way(stack, len(after["groups"]) + COUNT // 2)
        stack.engine.recover()
        stack.up()
    assert_served_byte_for_byte(stack)
    assert len(answers) > 20
    assert {plan.action for plan in plan_states(old, stack.state()["resources"])} == {"upgrade"}
    assert {kind: len(names) for kind, names in stack.files().items()} == {"profiles": 4, "groups": COUNT}

    destroyed = stack.run("destroy")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert stack.files() == {"profiles": [], "groups": []}


def state_of_a_group(stack: Stack) -> int:
    """Bytes that a machine with nothing for itself adds to the state, without the places in this computer's Python."""
    sizes = []
    for group in (entry for entry in stack.state()["resources"] if entry["type"].endswith(":Group")):
        ours = [frame for frame in group.pop("stackTrace") if "/diaspora_infra/" in frame["sourcePosition"]]
        assert len(ours) == 1, "the program's stack is short where groups are made"
        sizes.append(len(json.dumps(group)))
    return min(sizes)


PODS = """
from pathlib import Path

import pulumi

from diaspora_infra.host import render
from diaspora_infra.pulumi_config import load_stack_config
from diaspora_infra.pxe import PxePod
from diaspora_infra.pxe.install import install_settings
from diaspora_infra.pxe.server import connect
from diaspora_infra.pxe.stack import _provider

settings, _ = load_stack_config()
credentials = connect(settings.pxe.matchbox, Path.cwd())
options = pulumi.ResourceOptions(providers=[_provider(settings.pxe, credentials)])
for machine in settings.pxe.machines:
    install = install_settings(settings, machine)
    del install["endpoint"]
    ignition = render(settings, machine, {}).ignition
    PxePod(machine.name, {**install, "mac": machine.mac, "ignition": ignition}, options)
"""


def test_stack_of_pods_becomes_a_fleet_while_its_machines_are_served(stack: Stack, tmp_path: Path) -> None:
    """A machine takes the address of its config from the script that it booted with."""
    program = tmp_path / "pods"
    program.mkdir()
    shutil.copy(PROJECT / "Pulumi.yaml", program)
    (program / ".venv").symlink_to(PROJECT / ".venv")
    (program / "__main__.py").write_text(PODS)
    machines = [machine(1), machine(2, networks={"eno1": {"ipv4": {"method": "auto"}}}), machine(3)]
    stack.machines(*machines)
    ours, stack.engine = stack.engine, replace(stack.engine, project=program)
    stack.up()
    assert len(stack.files()["profiles"]) == 3
    stack.engine = ours
    with always_served(stack, machines) as answers:
        stack.up()
    assert len(answers) > 20
    assert len(stack.files()["profiles"]) == 2
    assert_served_byte_for_byte(stack)


def assert_served_byte_for_byte(stack: Stack) -> None:
    settings = stack.settings()
    assert isinstance(settings, PxeSettings)
    for entry in settings.pxe.machines:
        assert stack.served(entry.mac) == render(settings, entry, {}).ignition, entry.name


def assert_metadata_is_safe(stack: Stack, machines: list[dict[str, Any]]) -> None:
    """The query cannot change it, and a group never has anything that a shell or JSON would read."""
    for entry in machines:
        status, text = stack.get(f"/metadata?mac={entry['mac']}&name=evil&hostname=evil")
        assert status == 200
        values = dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("REQUEST_"))
        assert {"NAME", "HOSTNAME", "DIGEST", "MAC"} <= values.keys()
        assert all(SAFE.fullmatch(value) for value in values.values())
        assert values["NAME"] == entry["name"]
        evil = "name=evil&own=evil&digest=evil&x=%22,%22pwn%22:%22"
        assert stack.get(f"/generic?mac={entry['mac']}&{evil}") == stack.get(f"/generic?mac={entry['mac']}")


def kill_half_way(stack: Stack, groups: int) -> None:
    """Kill the engine and its children when the server has so many groups."""
    stack.write()
    process = stack.engine.start("up")
    deadline = time.monotonic() + 300
    while len(stack.files()["groups"]) < groups and time.monotonic() < deadline:
        time.sleep(0.001)
    kill_tree(process.pid)
    process.wait()
    assert groups <= len(stack.files()["groups"]) < 2 * COUNT


@contextmanager
def always_served(stack: Stack, machines: list[dict[str, Any]]) -> Iterator[list[str]]:
    """Ask as machines do, all the time: each answer is 200 with a whole config."""
    answers: list[str] = []
    faults: list[str] = []
    done = threading.Event()

    def script(mac: str) -> str:
        status, text = stack.get(f"/ipxe?mac={mac}")
        if status != 200:
            faults.append(f"{mac}: {status} for its script")
        return text

    def ask() -> None:
        while not done.is_set():
            for entry in machines:
                mac, text = entry["mac"], script(entry["mac"])
                while True:
                    address = re.search(r"coreos\.inst\.ignition_url=\S+?(/\w+)\?", text)
                    status, config = stack.get(f"{address.group(1)}?mac={mac}") if address else (0, "")
                    if status == 200 and json.loads(config)["storage"]["files"]:
                        answers.append(config)
                        break
                    # between the two requests, another script may have taken the place of this one
                    former, text = text, script(mac)
                    if text == former:
                        faults.append(f"{mac}: {status} for {address}")
                        break
            done.wait(0.01)  # the server needs time for the engine, too

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield answers
    finally:
        done.set()
        asking.join()
    assert faults == []
