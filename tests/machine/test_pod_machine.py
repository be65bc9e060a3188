"""Whole pods that really start, on machines in namespaces (tests/support/pod_machine.py)."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.conftest import skip_unless
from tests.machine.former import FORMER
from tests.machine.pod_assertions import DATA, assert_runs, config
from tests.support.ignition_root import Ignition
from tests.support.pod_machine import data_disk, installed
from tests.support.trixie import TrixieMachine

SECRETS = ("database_password", "redis_password", "secret_key_base", "oidc_key.pem", "admin_password")


@pytest.fixture(autouse=True)
def needs_root() -> None:
    skip_unless(os.geteuid() == 0, "needs root: namespaces and mounts")


def with_bundle_of(machine: Ignition, pod: Ignition) -> Ignition:
    """The machine's own part of one config with the bundle of another."""
    merged = [pod["ignition"]["config"]["merge"][0], *machine["ignition"]["config"]["merge"][1:]]
    return {**machine, "ignition": {**machine["ignition"], "config": {"merge": merged}}}


def secrets(machine: TrixieMachine) -> dict[str, bytes]:
    """The secrets that the machine has generated."""
    folder = machine.root / DATA.lstrip("/") / "secrets"
    return {name: (folder / name).read_bytes() for name in SECRETS}


def owners(machine: TrixieMachine) -> dict[str, set[int]]:
    """The owners of everything below the folders of the data partition that containers write to."""
    data = machine.root / DATA.lstrip("/")
    folders = ("postgresql", "redis", "log", "uploads", "public")
    return {name: {path.lstat().st_uid for path in (data / name, *(data / name).rglob("*"))} for name in folders}


def test_machine_of_former_version_is_upgraded_and_reinstalled(tmp_path: Path) -> None:
    """By its own programs, which have to accept the bundle of today. It starts after a power failure, and after a
    reinstallation."""
    former = json.loads(FORMER.read_text(encoding="utf-8"))
    today = config()
    with installed(former, data_disk(tmp_path / "data.img"), tmp_path / "machine") as pod:
        with pod.started() as machine:
            assert_runs(machine)
            made = secrets(machine)
            assert owners(machine)["postgresql"] == {999}
            # what a change of the machine's own part needs, is said
            machine.put("/root/today.ign", json.dumps(today))
            done = machine.attempt("diaspora-pod", "upgrade", "/root/today.ign")
            assert (done.returncode, "reinstall needed: " in done.stderr) == (1, True), done
            machine.put("/root/today.ign", json.dumps(with_bundle_of(former, today)))
            done = machine.attempt("diaspora-pod", "upgrade", "/root/today.ign", seconds=300)
            assert done.returncode == 0, done
            assert_runs(machine)
            assert re.search(r"^last upgrade .* done: ", machine.run("diaspora-pod", "status"), re.MULTILINE)
        with pod.started() as machine:
            assert_runs(machine)
            found = owners(machine)
            assert found == {"postgresql": {811}, "redis": {812}, "log": {813}, "uploads": {813}, "public": {813}}
            assert secrets(machine) == made
    with installed(today, pod.data, tmp_path / "reinstalled") as again, again.started() as machine:
        assert_runs(machine)
        assert secrets(machine) == made
        # neither is done twice
        once = ("diaspora-migrate.service", "diaspora-administrator.service")
        assert machine.run("systemctl", "show", "--property=ConditionResult", "--value", *once).split() == ["no", "no"]
