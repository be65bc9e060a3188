"""The daily look at the age of the operating system."""

import datetime
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from diaspora_infra.host.features.system_updates import system_updates
from diaspora_infra.host.features.updates import updates
from tests.host.contexts import context
from tests.host.pod import LIBEXEC, pod_context, write_tree

DAY = 86400


@dataclass
class Machine:
    """A machine with a release of a certain age, which was installed long ago."""

    folder: Path

    def release(self, days: int, line: str = "OSTREE_VERSION='{}'") -> None:
        built = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
        version = line.format(f"44.{built:%Y%m%d}.3.1")
        (self.folder / "etc").mkdir(exist_ok=True)
        (self.folder / "etc/os-release").write_text(f'NAME="Fedora Linux"\nVERSION_ID=44\n{version}\n')

    def program(self, name: str, text: str) -> None:
        (self.folder / "tools").mkdir(exist_ok=True)
        file = self.folder / "tools" / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def zincati(self, state: str) -> None:
        text = "periodically polling for updates"
        self.program(
            "systemctl", f'if [ "$1" = is-active ]; then echo {state}; [ {state} = active ]; else echo {text}; fi'
        )

    def check(self) -> "subprocess.CompletedProcess[str]":
        program = self.folder / "tree" / LIBEXEC / "check-system-updates"
        return subprocess.run(
            ["bash", program],
            env={"PATH": f"{self.folder}/tools:/usr/bin:/bin", "DIASPORA_ROOT": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    write_tree(system_updates(pod_context().of_pod), tmp_path / "tree")
    made = Machine(tmp_path)
    write_tree(updates(context()), tmp_path)
    made.release(20)
    made.zincati("active")
    made.program("rpm-ostree", "echo deployments")
    return made


@pytest.mark.parametrize("days", [0, 20, 55])
@pytest.mark.parametrize("line", ["OSTREE_VERSION='{}'", 'OSTREE_VERSION="{}"', "OSTREE_VERSION={}"])
def test_current_release_is_good(machine: Machine, days: int, line: str) -> None:
    machine.release(days, line)
    done = machine.check()
    assert (done.returncode, done.stderr) == (0, "")
    assert f"is {days} days old" in done.stdout


def test_old_release_fails_and_says_what_zincati_does(machine: Machine) -> None:
    machine.release(58)
    done = machine.check()
    assert done.returncode == 1
    assert "is 58 days old; zincati is active: periodically polling for updates\n" in done.stderr
    assert "deployments" in done.stderr


@pytest.mark.parametrize("state", ["failed", "inactive", "deactivating"])
def test_zincati_that_does_not_run_fails_at_once(machine: Machine, state: str) -> None:
    machine.zincati(state)
    done = machine.check()
    assert done.returncode == 1
    assert f"zincati is {state}" in done.stderr


def test_zincati_that_starts_again_is_given_time(machine: Machine) -> None:
    machine.zincati("activating")
    assert machine.check().returncode == 0
    machine.release(58)
    assert machine.check().returncode == 1


def test_updates_that_are_off_are_not_missed(machine: Machine) -> None:
    machine.release(500)
    machine.zincati("inactive")
    write_tree(updates(context(updates={"strategy": "off"})), machine.folder)
    assert machine.check().returncode == 0


def test_new_machine_has_time_for_its_first_update(machine: Machine) -> None:
    machine.release(300)
    stamp = machine.folder / "etc/.ignition-result.json"
    stamp.touch()
    assert machine.check().returncode == 0
    old = stamp.stat().st_mtime - 15 * DAY
    os.utime(stamp, (old, old))
    assert machine.check().returncode == 1


def test_unknown_release_fails(machine: Machine) -> None:
    (machine.folder / "etc/os-release").write_text("VERSION_ID=44\n")
    done = machine.check()
    assert done.returncode == 1
    assert done.stderr == "cannot read the release of Fedora CoreOS from /etc/os-release\n"


def test_failure_alerts_the_podmin() -> None:
    units = {entry["name"]: entry["contents"] for entry in system_updates(pod_context().of_pod)["systemd"]["units"]}
    assert "OnFailure=diaspora-alert@%N.service\n" in units["diaspora-system-updates.service"]
