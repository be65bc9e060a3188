"""What the systemd of the tests' own machine does with units: what newer ones do and older ones do not."""

import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.conftest import skip_unless
from tests.machine.pod_programs import RequireProgram
from tests.support.trixie import START, TrixieMachine, trixie_machine

FAILS_ONCE = """\
[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'if [ -e /run/tried ]; then exit 0; fi; touch /run/tried; exit 1'
Restart=on-failure
RestartSec=1
RestartMode={mode}
"""
DEPENDENT = """\
[Unit]
Requires=once.service
After=once.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[TrixieMachine]:
    skip_unless(os.geteuid() == 0, "needs root: namespaces")
    with trixie_machine() as made:
        yield made


def test_systemd_is_as_new_as_that_of_fedora_coreos(machine: TrixieMachine) -> None:
    version = machine.run("systemctl", "--version").split()[1]
    assert int(version) >= 257
    assert machine.run("systemctl", "is-system-running") == "running\n"


@pytest.mark.parametrize(("mode", "status"), [("direct", 0), ("normal", 1)])
def test_dependents_wait_for_a_service_that_is_tried_again_directly(
    machine: TrixieMachine, mode: str, status: int
) -> None:
    machine.run("sh", "-c", "rm -f /run/tried; systemctl stop once.service dependent.service 2> /dev/null || true")
    machine.put("/etc/systemd/system/once.service", FAILS_ONCE.format(mode=mode))
    machine.put("/etc/systemd/system/dependent.service", DEPENDENT)
    machine.run("systemctl", "daemon-reload")
    assert machine.attempt("systemctl", "start", "dependent.service").returncode == status


def test_start_of_a_service_that_always_fails_directly_does_not_return(machine: TrixieMachine) -> None:
    """What starts such a service needs a limit of time of its own."""
    text = FAILS_ONCE.format(mode="direct").replace("touch /run/tried; ", "").replace("/run/tried", "/run/never")
    machine.put("/etc/systemd/system/always.service", text)
    machine.run("systemctl", "daemon-reload")
    start = time.monotonic()
    assert machine.attempt("timeout", "4", "systemctl", "start", "always.service").returncode == 124
    assert time.monotonic() - start >= 4
    machine.run("systemctl", "stop", "always.service")


def test_machine_does_not_change_settings_of_the_kernel(machine: TrixieMachine) -> None:
    assert machine.attempt("sh", "-c", "echo 0 > /proc/sys/kernel/sysrq").returncode != 0


def test_shellcheck_accepts_the_start_of_the_machine(require_program: RequireProgram) -> None:
    subprocess.run([require_program("shellcheck", "shellcheck"), START], check=True)
