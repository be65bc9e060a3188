"""Exporters for Prometheus: Debian's node exporter with the arguments of its container."""

import subprocess
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

from lab.matchbox import free_ports
from tests.host.pod import containers, pod_context, pod_fragment, values
from tests.host.test_sizes import limits
from tests.machine.pod_programs import RequireProgram
from tests.support.processes import stop

BOTH = {"nodeExporter": True, "podmanExporter": True}


def found(**monitoring: Any) -> dict[str, Any]:
    return containers(pod_fragment(pod_context(monitoring=monitoring)))


def test_exporters_are_off_by_default() -> None:
    assert not {"node-exporter", "podman-exporter"} & set(found())


@pytest.mark.parametrize(("name", "port"), [("node-exporter", 9100), ("podman-exporter", 9882)])
def test_exporters_listen_on_loopback_unless_an_address_is_set(name: str, port: int) -> None:
    for listen, monitoring in (("127.0.0.1", BOTH), ("192.0.2.10", {**BOTH, "listen": "192.0.2.10"})):
        container = found(**monitoring)[name]["Container"]
        (command,) = values(container, "Exec")
        assert f"--web.listen-address={listen}:{port}" in command.split()
        assert not values(container, "PublishPort")


def test_memory_limits_leave_room_for_exporters() -> None:
    plain, both = limits(pod_fragment(pod_context())), limits(pod_fragment(pod_context(monitoring=BOTH)))
    assert set(both) - set(plain) == {"node-exporter", "podman-exporter"}
    assert both["diaspora-web"] < plain["diaspora-web"]


def test_node_exporter_accepts_the_arguments_and_sees_the_disks(require_program: RequireProgram) -> None:
    program = require_program("prometheus-node-exporter", "prometheus-node-exporter")
    sections = found(nodeExporter=True)["node-exporter"]
    (command,) = values(sections["Container"], "Exec")
    (port,) = free_ports(1)
    words = command.replace("=/host", "=/").replace(":9100", f":{port}").split()
    with subprocess.Popen([program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            text = metrics(f"http://127.0.0.1:{port}/metrics")
        finally:
            stop(process)
    assert 'node_filesystem_avail_bytes{device="' in text
    assert "node_memory_MemAvailable_bytes " in text
    # a unit that was stopped has not failed
    assert values(sections["Service"], "SuccessExitStatus") == [str(128 - process.returncode)]


def metrics(address: str) -> str:
    end = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError:
            assert time.monotonic() < end
            time.sleep(0.1)
