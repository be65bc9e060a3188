"""PxeFleet on Pulumi's mocks, and what docs/fleet.md says of it."""

import json
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest
import yaml

from diaspora_infra.config import PxeSettings, load, parse_stack_file
from diaspora_infra.host import render
from diaspora_infra.pxe import FleetMachine, PxeFleet
from diaspora_infra.pxe.install import install_boot, install_settings
from diaspora_infra.pxe.plan import ACTIONS, plan_states, summary
from diaspora_infra.pxe.template import filled_in
from lab.engine import PROJECT
from tests.pxe.test_components import Recorder
from tests.support.configs import host, machine, mail, pod, pxe, pxe_config
from tests.support.mocked import mock_engine

PASSWORD = "correct-horse-battery-staple"
SECRET = "4dabf18193072939515e22adb298388d"
PAGE = (PROJECT / "docs/fleet.md").read_text(encoding="utf-8")
Place = Callable[..., Recorder]


def fleet_machines(values: dict[str, Any], secrets: dict[str, str] | None = None) -> list[FleetMachine]:
    settings = load(values, secrets or {})
    assert isinstance(settings, PxeSettings)
    found = []
    for each in settings.pxe.machines:
        rendered = render(settings, each, secrets or {})
        boot = install_boot(**install_settings(settings, each))
        found.append(FleetMachine(each.name, each.mac, boot, rendered.ignition, rendered.own))
    return found


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Makes a fleet of some machines; returns what it registers."""
    with mock_engine() as runner:

        def run(machines: list[FleetMachine], **changes: Any) -> Recorder:
            recorder = Recorder()

            def program() -> "pulumi.Output[Any]":
                return PxeFleet("fleet", {"machines": machines, **changes}).groups  # type: ignore[typeddict-item]

            runner(recorder, program)
            return recorder

        yield run


def resources(recorder: Recorder) -> list[dict[str, Any]]:
    """As the engine's state has them, with secrets in the clear."""
    found = [{"type": each.typ, "inputs": dict(each.inputs)} for each in recorder.resources]
    for each in found:
        for key, value in each["inputs"].items():
            if isinstance(value, dict) and SECRET in value:
                each["inputs"][key] = {SECRET: value[SECRET], "plaintext": json.dumps(value["value"])}
    return found


def names(recorder: Recorder, kind: str) -> set[str]:
    return {each["name"] for each in recorder.of(kind)}


def test_each_machine_gets_its_config_byte_for_byte(place: Place) -> None:
    machines = fleet_machines(pxe_config(pxe=pxe(*(machine(number) for number in range(1, 6)))))
    made = place(machines)
    (profile,) = made.of("Profile")
    groups = {group["selector"]["mac"]: group for group in made.of("Group")}
    assert len(groups) == 5
    for each in machines:
        group = groups[each.mac]
        assert group["profile"] == profile["name"]
        assert filled_in(profile["genericConfig"], {**group["metadata"], **group["selector"]}) == each.ignition
    assert "rawIgnition" not in profile


def test_change_of_one_machine_is_one_of_its_group(place: Place) -> None:
    def fleet(**changes: Any) -> Recorder:
        return place(fleet_machines(pxe_config(pxe=pxe(machine(1), machine(2, **changes), machine(3)))))

    before, renamed, moved = fleet(), fleet(hostname="other"), fleet(mac="52:54:00:00:00:99")
    for after in (renamed, moved):
        assert names(before, "Profile") == names(after, "Profile")
        (gone,) = names(before, "Group") - names(after, "Group")
        assert gone.startswith("pod2-")
    other_pod = place(fleet_machines(pxe_config(pod=pod(name="Other"), pxe=pxe(machine(1), machine(2), machine(3)))))
    for kind in ("Profile", "Group"):
        assert not names(before, kind) & names(other_pod, kind), "a new text has new names"


@pytest.mark.parametrize("other", [{"disk": "/dev/vdb"}, {"architecture": "aarch64"}, {"kernelArguments": ["quiet"]}])
def test_another_way_to_boot_is_another_profile(place: Place, other: dict[str, Any]) -> None:
    made = place(fleet_machines(pxe_config(pxe=pxe(machine(1), machine(2, **other), machine(3)))))
    profiles = {group["name"][:4]: group["profile"] for group in made.of("Group")}
    assert profiles["pod1"] == profiles["pod3"] != profiles["pod2"]


def test_order_of_machines_changes_no_name(place: Place) -> None:
    machines = fleet_machines(pxe_config(pxe=pxe(machine(1), machine(2, disk="/dev/vdb"), machine(3))))
    one, other = place(machines), place(machines[::-1])
    for kind, count in (("Profile", 2), ("Group", 3)):
        assert names(one, kind) == names(other, kind)
        assert len(names(one, kind)) == count


def test_stacks_with_the_same_machines_have_other_profiles(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of one would take the profiles of the other with it."""
    machines = fleet_machines(pxe_config())
    one = place(machines)
    monkeypatch.setattr("pulumi.get_project", lambda: "another")
    assert names(one, "Profile").isdisjoint(names(place(machines), "Profile"))


def test_secret_is_in_the_profile_alone_and_slow_to_try_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    values = pxe_config(pod=pod(mail=mail()), pxe=pxe(machine(1), machine(2)))
    machines = fleet_machines(values, {"smtpPassword": PASSWORD})
    secret = place(machines, secrets=[PASSWORD])
    (profile,) = secret.of("Profile")
    text = profile.pop("genericConfig")
    assert text[SECRET] == "1b47061264138c4ac30d75fd1eb44270", "marked as a secret"
    assert text["value"][-100:] not in str([*secret.of("Group"), profile])
    assert names(secret, "Profile").isdisjoint(names(place(machines), "Profile")), "the hash is another one"
    monkeypatch.setattr("diaspora_infra.pxe.served._ROUNDS", 1)
    assert names(secret, "Profile").isdisjoint(names(place(machines, secrets=[PASSWORD]), "Profile"))


def stack_files() -> list[dict[str, Any]]:
    """The tables of the page, each over the ones before."""
    found: list[dict[str, Any]] = []
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        text = textwrap.dedent(block)
        values = parse_stack_file(text).values if text.startswith("config:") else yaml.safe_load(text)
        found.append(values)
    return found


def test_page_counts_profiles_right(place: Place) -> None:
    whole, machines, files = stack_files()
    assert files.keys() == {"diaspora-infra:pxe"}
    one = place(fleet_machines(whole))
    five = place(fleet_machines({**whole, "pxe": {**whole["pxe"], **machines}}))
    assert [len(names(each, kind)) for each in (one, five) for kind in ("Profile", "Group")] == [1, 1, 2, 5]
    by_name = {group["name"][:4]: group["profile"] for group in five.of("Group")}
    assert by_name["pod1"] == by_name["pod2"] == by_name["pod3"] != by_name["pod4"] == by_name["pod5"]


def test_plan_tells_what_each_machine_needs(place: Place) -> None:
    base = fleet_machines(pxe_config(pxe=pxe(machine(1), machine(2), machine(3))))
    settings = {
        "upgrade": {"pod": pod(name="Other")},
        "reinstall": {"host": host(timeZone="Europe/Berlin")},
        "nothing": {},
    }
    before = resources(place(base))
    for action, changes in settings.items():
        after = resources(place(fleet_machines(pxe_config(pxe=pxe(machine(1), machine(2), machine(3)), **changes))))
        plans = plan_states(before, after)
        assert {plan.action for plan in plans} == {action}
        assert [plan.machine for plan in plans] == ["pod1", "pod2", "pod3"]
        assert bool(plans[0].why) is (action != "nothing")
    one_more = [*fleet_machines(pxe_config(pxe=pxe(machine(1), machine(3, hostname="x"), machine(4))))]
    plans = plan_states(before, resources(place(one_more)))
    assert [(plan.machine, plan.action, plan.why) for plan in plans] == [
        ("pod1", "nothing", ()),
        ("pod2", "gone", ()),
        ("pod3", "reinstall", ("/etc/hostname",)),
        ("pod4", "new", ()),
    ]
    lines = summary(plans)
    assert lines[-1] == "4 machines: 1 reinstall, 1 new, 1 gone, 1 nothing"
    assert any(ACTIONS["reinstall"] in line and "pod3" in line for line in lines)


def test_plan_shows_no_contents(place: Place) -> None:
    values = pxe_config(pod=pod(mail=mail()), pxe=pxe(machine(1)))
    one, other = (
        resources(place(fleet_machines(values, {"smtpPassword": word}), secrets=[word]))
        for word in (PASSWORD, "another-word-of-theirs")
    )
    text = "\n".join(summary(plan_states(one, other)))
    assert "upgrade" in text
    assert PASSWORD not in text
    assert "another-word" not in text
