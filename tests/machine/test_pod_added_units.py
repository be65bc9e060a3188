"""The units of optional features of a pod, read by Quadlet, systemd, butane and ignition."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.host.render import BUTANE_VERSION, document_text
from tests.host.pod import QUADLETS, pod_context, pod_fragment, read_quadlet, write_tree
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_pod_units import accepted, dependencies, generate

RELAY: dict[str, Any] = {"senderAddress": "a@pod.example.org", "relay": {"image": "localhost/relay:1"}}
SMARTHOST = {"host": "smart.example.org", "username": "it's", "port": 465}
CONTEXTS = {
    "monitoring": pod_context(monitoring={"nodeExporter": True, "podmanExporter": True}),
    "relay": pod_context(mail=RELAY),
    "smarthost": pod_context(
        mail={**RELAY, "relay": {**RELAY["relay"], "smarthost": SMARTHOST}}, secrets={"smarthostPassword": "x"}
    ),
}
UNITS = {
    "monitoring": [
        "node-exporter.service",
        "podman-exporter.service",
        "diaspora-disk-space.service",
        "diaspora-health.service",
    ],
    "relay": ["relay.service", "relay-dkim.service", "diaspora-dkim-key.service", "diaspora-alert@.service"],
    "smarthost": ["relay.service", "relay-dkim.service"],
}


@pytest.fixture(scope="module", params=CONTEXTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def root(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_tree(pod_fragment(CONTEXTS[name]), tmp_path_factory.mktemp("root"))
    done = generate(root / QUADLETS.lstrip("/"), root / "etc/systemd/system")
    assert (done.returncode, done.stderr) == (0, "")
    return root


def test_systemd_accepts_the_units(root: Path, name: str, require_program: RequireProgram) -> None:
    systemd_analyze = require_program("systemd-analyze", "systemd")
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True, dirs_exist_ok=True)
    (root / "usr/bin").mkdir(parents=True)
    for program in ("podman", "bash", "sleep", "systemctl", "systemd-inhibit", "systemd-tmpfiles"):
        (root / "usr/bin" / program).write_text("")
        (root / "usr/bin" / program).chmod(0o755)
    # podman's own, which the operating system has
    (root / "usr/lib/systemd/system/podman.socket").write_text("[Socket]\nListenStream=/run/podman/podman.sock\n")
    (root / "usr/lib/systemd/system/podman.service").write_text("[Service]\nExecStart=/usr/bin/podman system service\n")
    for unit in UNITS[name]:
        done = subprocess.run(
            [systemd_analyze, "verify", "--man=no", f"--root={root}", unit],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        # Fedora CoreOS is newer; this is the one key that an older systemd may not know
        lines = [line for line in done.stderr.splitlines() if "'RestartMode' in section" not in line]
        assert (done.returncode, lines) == (0, []), unit


def test_containers_have_memory_limits_and_hardening(root: Path, name: str) -> None:
    for unit in UNITS[name]:
        text = (root / "etc/systemd/system" / unit).read_text()
        if "podman run " in text:
            service = read_quadlet(text)["Service"]
            assert len([value for key, value in service if key == "MemoryMax"]) == 1, unit
            (command,) = [value for key, value in service if key == "ExecStart"]
            for word in ("--cgroups=split", "--cap-drop[ =]all", "--security-opt=no-new-privileges", "--read-only"):
                assert re.search(f"{word}( |$)", command), (unit, word)


def test_every_required_unit_is_ordered_after(root: Path) -> None:
    requires, after = dependencies(root, "Requires"), dependencies(root, "After")
    for unit, needed in requires.items():
        assert needed <= after[unit], unit


def test_butane_and_ignition_accept_the_config(name: str, butane_binary: Path, ignition_validate: Path) -> None:
    document = {"variant": "fcos", "version": BUTANE_VERSION, **pod_fragment(CONTEXTS[name])}
    accepted([ignition_validate, "-"], accepted([butane_binary, "--strict"], document_text(document)))
