"""The base features of a machine, read by the programs that will read them: systemd, butane, ignition, bash."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from diaspora_infra.host.features import MACHINE_FEATURES
from diaspora_infra.host.features.firewall import firewall
from diaspora_infra.host.fragment import Fragment, MachineContext, combine, pod_context
from diaspora_infra.host.render import document_text
from tests.host.contexts import context

EVERYTHING = context(
    {"networks": {"eno1": {"ipv4": {"method": "manual", "address1": "10.0.0.10/24,10.0.0.1"}}}},
    kernelArguments=["console=ttyS0"],
    swap={"zramMib": 512, "fileMib": 2048},
    guestAgent=True,
)
VARIANTS = {
    "default": context(),
    "everything": EVERYTHING,
    "data-disk": context(storage={"dataDisk": "/dev/sdb", "dataGib": 100}),
    "fixed-size": context(storage={"rootGib": 20, "dataGib": 100}),
}


def base(of: MachineContext) -> Fragment:
    """The machine's own features, and the firewall, which the pod adds."""
    pod = pod_context(of.settings, of.machine, {})
    return combine([*(feature(of) for feature in MACHINE_FEATURES), firewall(pod)])


def run(*command: str | Path, text: str | None = None) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("name", VARIANTS)
def test_butane_and_ignition_accept_the_config_without_warnings(
    name: str, butane_binary: Path, ignition_validate: Path
) -> None:
    document = {"variant": "fcos", "version": "1.5.0", **base(VARIANTS[name])}
    config = run(butane_binary, "--strict", text=document_text(document))
    assert '"version":"3.4.0"' in config
    assert run(ignition_validate, "-", text=config) == ""


def test_systemd_accepts_the_units(tmp_path: Path, require_program: Callable[[str, str], str]) -> None:
    systemd_analyze = require_program("systemd-analyze", "systemd")
    # A root of our own, in which the programs that the units start are there.
    root = tmp_path / "root"
    units = root / "etc/systemd/system"
    units.mkdir(parents=True)
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    fragment = base(EVERYTHING)
    for unit in fragment["systemd"]["units"]:
        (units / unit["name"]).write_text(unit["contents"])
        for line in unit["contents"].splitlines():
            if line.startswith("Exec"):
                program = root / line.partition("=")[2].lstrip("-").split()[0].lstrip("/")
                program.parent.mkdir(parents=True, exist_ok=True)
                program.write_text("")
                program.chmod(0o755)
    names = sorted(unit["name"] for unit in fragment["systemd"]["units"])
    assert names == [
        "diaspora-data-partition.service",
        "diaspora-firewall.service",
        "diaspora-guest-agent.service",
        "diaspora-ssh-host-keys-kept.service",
        "diaspora-ssh-host-keys.service",
        "diaspora-swap-file.service",
        "var-mnt-data.mount",
    ]
    for name in names:
        assert run(systemd_analyze, "verify", "--man=no", f"--root={root}", name) == ""


def test_shellcheck_reports_nothing(require_program: Callable[[str, str], str]) -> None:
    shellcheck = require_program("shellcheck", "shellcheck")
    scripts = [
        entry["contents"]["inline"]
        for entry in base(EVERYTHING)["storage"]["files"]
        if entry["contents"]["inline"].startswith("#!/usr/bin/bash")
    ]
    assert scripts
    for script in scripts:
        assert "set -euo pipefail" in script
        assert run(shellcheck, "-", text=script) == ""
