"""What a pod that runs looks like, for tests with whole pods (tests/support/pod_machine.py)."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from diaspora_infra.config import load
from diaspora_infra.host.features.storage import DATA_FOLDER
from diaspora_infra.host.render import render
from tests.support import configs
from tests.support.ignition_root import Ignition
from tests.support.trixie import TrixieMachine

DATA = DATA_FOLDER
SERVICES = ("postgresql", "redis", "diaspora-web", "diaspora-sidekiq", "nginx")


def config(
    secrets: Mapping[str, str] | None = None, address: str = "", host: Mapping[str, Any] | None = None, **pod: Any
) -> Ignition:
    """The config of a machine, without a certificate that somebody else has to issue; `address` is that of eth0."""
    networks = {"eth0": {"ipv4": {"method": "manual", "address1": address}}} if address else {}
    machines = {"machines": [{"name": "pod", "networks": networks}]}
    of_host = configs.host(**(host or {}))
    values = configs.ignition_config(pod=configs.pod(tls={"mode": "own"}, **pod), host=of_host, ignition=machines)
    settings = load(values, secrets or {})
    found: Ignition = json.loads(render(settings, settings.machines[0], secrets or {}).ignition)
    return found


def assert_runs(machine: TrixieMachine, seconds: float = 180) -> None:
    """All units are up, the containers become healthy, and the pod answers."""
    end = time.monotonic() + seconds
    # Nothing waits for the health of Sidekiq, whose first check may be too early: the next one comes after 30 s. One
    # podman waits for it: each status starts podman a dozen times.
    patient = ("timeout", str(seconds), "podman", "wait", "--condition=healthy", "--interval=500ms")
    machine.attempt(*patient, *SERVICES, seconds=seconds + 30)
    while (done := machine.attempt("diaspora-pod", "status")).returncode or failed_units(machine):
        assert time.monotonic() < end, (done, failed_units(machine))
        time.sleep(0.5)
    status = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert {name: status[name] for name in SERVICES} == dict.fromkeys(SERVICES, "running, healthy")
    page(machine, "/.well-known/nodeinfo")


def assert_started_in_order(journal: str, chains: Sequence[Sequence[str]]) -> None:
    """Each unit of a chain was up before the next one was started."""
    for chain in chains:
        for earlier, later in pairwise(chain):
            up = re.search(rf"(?:Started|Finished|Mounted) {re.escape(earlier)} - ", journal)
            started = re.search(rf"(?:Starting|Mounting) {re.escape(later)} - ", journal)
            assert up, earlier
            assert started, later
            assert up.start() < started.start(), (earlier, later)


def failed_units(machine: TrixieMachine) -> str:
    """The units that have failed, a line each."""
    return machine.run("systemctl", "--failed", "--plain", "--no-legend")


def wait_for_archive(machine: TrixieMachine) -> None:
    """Wait until the image that the machine has built is kept; that begins when the pod runs already."""
    folder = machine.root / DATA.lstrip("/") / "images"
    end = time.monotonic() + 180
    while not list(folder.glob("*.tar")):
        assert time.monotonic() < end and not failed_units(machine)
        time.sleep(0.3)
    machine.run("sh", "-c", f"cd {DATA}/images && sha256sum --check *.sha256")


def page(machine: TrixieMachine, path: str) -> str:
    """A page of the pod, which must be there."""
    options = ("--fail", "--silent", "--show-error", "--insecure", "--resolve", "pod.example.org:443:127.0.0.1")
    return machine.run("curl", *options, f"https://pod.example.org{path}")


def psql(machine: TrixieMachine, query: str) -> str:
    """What a query of the pod's database prints."""
    options = ("--username=postgres", "--dbname=diaspora_production", "-X", "-A", "-t")
    return machine.run("podman", "exec", "postgresql", "psql", *options, "--set=ON_ERROR_STOP=1", f"--command={query}")
