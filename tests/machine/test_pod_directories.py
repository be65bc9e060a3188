"""The directories of the data partition, made by the real systemd-tmpfiles in a folder."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.host.pod import containers, pod_context, pod_fragment, values, write_tree
from tests.machine.pod_programs import RequireProgram

FRAGMENT = pod_fragment(pod_context(imageLayout={"uid": 1042}))


def make(root: Path, systemd_tmpfiles: str) -> None:
    done = subprocess.run(
        [systemd_tmpfiles, f"--root={root}", "--create", "--prefix=/var/mnt/data",
         str(root / "etc/diaspora/directories.conf")],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def root(tmp_path: Path, require_program: RequireProgram) -> Path:
    systemd_tmpfiles = require_program("systemd-tmpfiles", "systemd")
    if os.getuid() != 0:
        pytest.skip("only root may give folders to other users")
    write_tree(FRAGMENT, tmp_path)
    (tmp_path / "var/mnt/data").mkdir(parents=True)
    make(tmp_path, systemd_tmpfiles)
    return tmp_path


def found(root: Path) -> dict[str, tuple[int, int, int]]:
    data = root / "var/mnt/data"
    return {
        str(path.relative_to(data)): (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid, path.stat().st_gid)
        for path in data.rglob("*")
    }


def test_directories_have_expected_owners_and_modes(root: Path) -> None:
    assert found(root) == {
        "secrets": (0o700, 0, 0),
        "secrets/tls": (0o700, 0, 0),
        "tls": (0o750, 0, 814),
        "certbot": (0o700, 815, 815),
        "acme-challenge": (0o755, 815, 815),
        "state": (0o755, 0, 0),
        "postgresql": (0o700, 811, 811),
        "redis": (0o700, 812, 812),
        "uploads": (0o755, 813, 813),
        "log": (0o750, 813, 813),
        "public": (0o755, 813, 813),
        "tmp": (0o755, 0, 0),
        **{f"tmp/{name}": (0o700, 813, 813) for name in ("web", "sidekiq", "migrate", "administrator", "task")},
        "sidekiq": (0o755, 813, 813),
        "sidekiq/schedule.yml": (0o644, 813, 813),
    }
    assert (root / "var/mnt/data/sidekiq/schedule.yml").read_text() == "{}"


def test_second_run_keeps_content_and_restores_modes(root: Path, require_program: RequireProgram) -> None:
    data = root / "var/mnt/data"
    (data / "uploads/cat.jpg").write_text("cat")
    (data / "sidekiq/schedule.yml").write_text("schedule: 1\n")
    (data / "secrets").chmod(0o755)
    before = found(root) | {"secrets": (0o700, 0, 0)}
    make(root, require_program("systemd-tmpfiles", "systemd"))
    assert found(root) == before
    assert (data / "uploads/cat.jpg").read_text() == "cat"
    assert (data / "sidekiq/schedule.yml").read_text() == "schedule: 1\n"


def test_every_folder_mounted_by_containers_is_created(root: Path) -> None:
    mounted = {
        volume.split(":")[0].removeprefix("/var/mnt/data/")
        for sections in containers(FRAGMENT).values()
        for volume in values(sections["Container"], "Volume")
        if volume.startswith("/var/mnt/data/")
    }
    assert mounted <= set(found(root))
    assert len(mounted) == 14
