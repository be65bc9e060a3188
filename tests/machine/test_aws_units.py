"""The units of a machine on AWS, read by podman's Quadlet generator and by systemd; and the size of its config."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from diaspora_infra.host import render
from diaspora_infra.host.bundle import unpack
from diaspora_infra.host.features import machine_part
from tests.host.aws_pod import aws_context, group_contexts
from tests.host.pod import QUADLETS, pod_fragment, write_tree
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_pod_units import generate

CONTEXTS = {
    "gateway": aws_context(),
    "direct": aws_context(edge="direct", database={"engine": "rds"}, uploads="volume"),
    "instance": aws_context(database={"engine": "onInstance"}),
}
GROUPS = group_contexts(pod_changes={"backup": {}}, secrets={"backupPassword": "stand-in"})
PROGRAMS = (
    "bin/podman", "bin/bash", "bin/rm", "bin/sleep", "bin/systemctl", "bin/systemd-inhibit", "bin/systemd-tmpfiles",
    "sbin/nft", "sbin/xfs_growfs", "sbin/restorecon",
)  # fmt: skip
USER_DATA_LIMIT = 16384


@pytest.mark.parametrize("variant", [*CONTEXTS, *GROUPS])
def test_systemd_accepts_the_units(variant: str, tmp_path: Path, require_program: RequireProgram) -> None:
    systemd_analyze = require_program("systemd-analyze", "systemd")
    root = write_tree(pod_fragment({**CONTEXTS, **GROUPS}[variant]), tmp_path)
    units = root / "etc/systemd/system"
    done = generate(root / QUADLETS.lstrip("/"), units)
    assert (done.returncode, done.stderr) == (0, "")
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    for program in PROGRAMS:
        stub = root / "usr" / program
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.write_text("")
        stub.chmod(0o755)
    names = sorted(path.name for path in units.iterdir() if path.is_file())
    special = {"web": "nginx.service", "job": "diaspora-sidekiq.service"}.get(variant, "diaspora-data-volume.service")
    assert {"var-mnt-data.mount", special, "diaspora-task.service"} <= set(names)
    done = subprocess.run(
        [systemd_analyze, "verify", "--man=no", f"--root={root}", *names],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    # Fedora CoreOS is newer; this is the one key that an older systemd may not know
    lines = [line for line in done.stderr.splitlines() if not re.search("Unknown key.* 'RestartMode'", line)]
    assert (done.returncode, lines) == (0, [])


@pytest.mark.parametrize("variant", [*CONTEXTS, *GROUPS])
def test_machine_and_pod_parts_do_not_overlap(variant: str) -> None:
    context = {**CONTEXTS, **GROUPS}[variant]
    own = machine_part(context.of_machine)
    pod = pod_fragment(context)
    for fragment in (own, pod):
        names = [unit["name"] for unit in fragment["systemd"]["units"]]
        paths = [file["path"] for file in fragment["storage"]["files"]]
        assert (len(names), len(paths)) == (len(set(names)), len(set(paths)))


@pytest.mark.parametrize("variant", CONTEXTS)
def test_machine_part_fits_user_data_and_has_no_disks(variant: str) -> None:
    """A longer one, because of snippets or keys, is handed over by a bucket (aws/user_data.py)."""
    context = CONTEXTS[variant]
    parts = render(context.settings, context.machine, {}).parts
    assert parts is not None
    # the rest is for keys and snippets
    assert 5_000 < len(parts.own) < 10_000 < USER_DATA_LIMIT
    assert not {"disks", "filesystems", "raid", "luks"} & set(unpack(json.loads(parts.own))["storage"])
