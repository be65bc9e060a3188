"""The units of the backup, read by systemd, butane and ignition."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from diaspora_infra.host.render import BUTANE_VERSION, document_text
from tests.host.pod import pod_context, pod_fragment, read_quadlet, write_tree
from tests.host.test_backup import SECRETS
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_pod_units import accepted
from tests.support.configs import SSH_KEY

CONTEXTS = {
    "local": pod_context(backup={}, secrets=SECRETS),
    "sftp": pod_context(backup={"repository": "sftp://pod@nas.lan//b", "hostKey": SSH_KEY}, secrets=SECRETS),
    "rest": pod_context(backup={"repository": "rest:https://h/", "username": "it's"}, secrets=SECRETS),
    "s3": pod_context(backup={"repository": "s3:https://h/b", "time": "00:00", "restoreFirst": True}, secrets=SECRETS),
}
UNITS = (
    "diaspora-backup.service",
    "diaspora-backup.timer",
    "diaspora-backup-check.service",
    "diaspora-backup-check.timer",
    "diaspora-restore.service",
    "diaspora-import.service",
    "diaspora-upgrade.service",
    "diaspora-upgrade-recover.service",
)


@pytest.mark.parametrize("name", ["local", "s3"])
def test_systemd_accepts_the_units(name: str, tmp_path: Path, require_program: RequireProgram) -> None:
    systemd_analyze = require_program("systemd-analyze", "systemd")
    root = write_tree(pod_fragment(CONTEXTS[name]), tmp_path)
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    (root / "usr/bin").mkdir(parents=True)
    for program in ("bash", "sleep", "systemctl", "systemd-inhibit", "systemd-tmpfiles"):
        (root / "usr/bin" / program).write_text("")
        (root / "usr/bin" / program).chmod(0o755)
    # the generator of podman makes this one; other tests look at it
    service = "[Unit]\nDescription=PostgreSQL\n[Service]\nExecStart=/usr/bin/bash\n"
    (root / "etc/systemd/system/postgresql.service").write_text(service)
    first = ("diaspora-restore-first.service",) if name == "s3" else ()
    for unit in (*UNITS, *first):
        done = subprocess.run(
            [systemd_analyze, "verify", "--man=no", f"--root={root}", unit],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        # the one key, of units that these need, which an older systemd may not know
        lines = [line for line in done.stderr.splitlines() if "Unknown key 'RestartMode'" not in line]
        assert (done.returncode, lines) == (0, []), unit


def test_systemd_parses_the_timers(require_program: RequireProgram) -> None:
    systemd_analyze = require_program("systemd-analyze", "systemd")
    fragment = pod_fragment(CONTEXTS["local"])
    units = {unit["name"]: unit["contents"] for unit in fragment["systemd"]["units"] if "contents" in unit}
    times = [re.findall("^OnCalendar=(.*)$", units[name], re.MULTILINE)[0] for name in UNITS if name.endswith("timer")]
    done = subprocess.run([systemd_analyze, "calendar", *times], capture_output=True, text=True, check=True)
    normal = re.findall("Normalized form: (.*)", done.stdout)
    assert normal == ["*-*-* 01:30:00", "Sun *-*-* 12:00:00"]


@pytest.mark.parametrize("name", CONTEXTS)
def test_shellcheck_butane_and_ignition_report_nothing(
    name: str, tmp_path: Path, require_program: RequireProgram, butane_binary: Path, ignition_validate: Path
) -> None:
    fragment = pod_fragment(CONTEXTS[name])
    root = write_tree(fragment, tmp_path)
    shellcheck = require_program("shellcheck", "shellcheck")
    programs = [root / "usr/local/libexec/diaspora" / program for program in ("backup", "restic")]
    assert subprocess.run([shellcheck, *programs], capture_output=True, text=True, check=False).stdout == ""
    document = {"variant": "fcos", "version": BUTANE_VERSION, **fragment}
    accepted([ignition_validate, "-"], accepted([butane_binary, "--strict"], document_text(document)))


def test_both_timers_start_at_boot() -> None:
    units = {unit["name"]: unit for unit in pod_fragment(CONTEXTS["local"])["systemd"]["units"]}
    assert all(units[name].get("enabled") for name in UNITS if name.endswith("timer"))


@pytest.mark.parametrize("name", ["backup", "restore", "import", "upgrade", "upgrade-recover", "restore-first"])
def test_reboots_are_held_off_during_a_job(name: str) -> None:
    units = {unit["name"]: unit.get("contents") for unit in pod_fragment(CONTEXTS["s3"])["systemd"]["units"]}
    section = read_quadlet(units[f"diaspora-{name}.service"])["Unit"]
    for key in ("Wants", "After"):
        assert "diaspora-inhibit@%N.service" in " ".join(value for entry, value in section if entry == key).split()
    # rpm-ostree and logind honour this mode only
    assert "--mode=block" in units["diaspora-inhibit@.service"]
