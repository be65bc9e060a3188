"""Protection from a full disk, on small real filesystems and with the real restic."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from diaspora_infra.config.images import IMAGES
from tests.host.pod import LIBEXEC, pod_context, pod_fragment, write_tree
from tests.machine.pod_backup import PASSWORD, Pod
from tests.machine.pod_mail import Machine
from tests.machine.pod_programs import RequireProgram, link_df
from tests.machine.test_pod_postgresql import Postgresql

MIB = 1 << 20
SIZE = 64


@contextmanager
def small_disk(folder: Path, mib: int = SIZE) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("a filesystem of its own needs root")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", folder], check=True, timeout=20)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True, timeout=20)


@pytest.fixture
def here(tmp_path: Path, restic: str) -> Iterator[Pod]:
    """A pod whose data partition and system disk have 64 MiB each."""
    context = pod_context(backup={}, secrets={"backupPassword": PASSWORD})
    tree = write_tree(pod_fragment(context), tmp_path / "tree")
    nowhere = cast("Postgresql", type("Nowhere", (), {"folder": tmp_path, "port": 1, "programs": tmp_path}))
    with small_disk(tmp_path / "pod/data"), small_disk(tmp_path / "system") as system:
        pod = Pod(tmp_path / "pod", tree, nowhere, 0, restic)
        pod.extra = {"DIASPORA_SYSTEM": str(system), "STATE_DIRECTORY": str(tmp_path / "alerts")}
        pod.prepare()
        link_df(pod.folder / "bin")
        yield pod


def used(folder: Path) -> int:
    space = os.statvfs(folder)
    return round(100 * (1 - space.f_bfree / space.f_blocks))


def fill(folder: Path, percent: int) -> Path:
    """Fill the filesystem to this percentage, with one file of the pod."""
    file = folder / "uploads/filler"
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    space = os.statvfs(folder)
    # half a percent less: df rounds up
    more = SIZE * MIB * (10 * percent - 5) // 1000 - (space.f_blocks - space.f_bfree) * space.f_frsize
    file.write_bytes(b"x" * max(more, 0))
    return file


def back_up(pod: Pod, times: int, mib: int) -> None:
    """Create this many snapshots, each with this much unique data."""
    picture = pod.data / "uploads/picture"
    for _ in range(times):
        picture.write_bytes(os.urandom(mib * MIB))
        pod.succeed("restic", "backup", "--quiet", "--host=pod.example.org", "uploads/picture")
    picture.unlink()


def test_alert_is_sent_once_at_each_threshold_crossing(here: Pod) -> None:
    def alert() -> str:
        out = here.succeed("check-disk-space")
        return out.splitlines()[0] if out else ""

    assert alert() == ""
    fill(here.data, 87)
    assert alert() == "alert for the podmin: the data partition is 87 % full"
    assert alert() == ""
    fill(here.data, 82)
    assert alert() == ""
    fill(here.data, 87)
    assert alert() == ""  # it was not below 80
    fill(here.data, 70)
    assert alert() == ""
    fill(here.data, 87)
    assert alert().startswith("alert ")


def test_system_disk_is_monitored(here: Pod, tmp_path: Path) -> None:
    fill(tmp_path / "system", 90)
    assert here.succeed("check-disk-space").startswith("alert for the podmin: the system disk is 90 % full")
    assert here.succeed("check-disk-space") == ""


def test_only_needed_backups_are_pruned_and_data_is_kept(here: Pod) -> None:
    here.succeed("open-repository", "create")
    back_up(here, times=5, mib=5)
    filler = fill(here.data, 97)
    size = filler.stat().st_size
    out = here.succeed("check-disk-space")
    assert "removing all backups but the last 3" in out
    assert "but the last 1" not in out
    assert len(here.snapshots()) == 3
    assert used(here.data) < 95
    assert filler.stat().st_size == size
    assert "Files that can be recreated were removed" in out
    here.ask_restic("check")


def test_last_backup_is_never_removed(here: Pod) -> None:
    here.succeed("open-repository", "create")
    back_up(here, times=3, mib=1)
    newest = here.snapshots()[-1]["id"]
    filler = fill(here.data, 99)
    out = here.succeed("check-disk-space")
    assert "removing all backups but the last 1" in out
    assert [snapshot["id"] for snapshot in here.snapshots()] == [newest]
    here.succeed("check-disk-space")
    assert [snapshot["id"] for snapshot in here.snapshots()] == [newest]
    assert filler.exists()
    here.ask_restic("check", "--read-data")


def test_leftover_backup_files_are_removed_first(here: Pod) -> None:
    here.succeed("open-repository", "create")
    back_up(here, times=4, mib=1)
    (here.data / "backup/staging").mkdir()
    (here.data / "backup/staging/database.dump").write_bytes(b"x" * 10 * MIB)
    fill(here.data, 97)
    here.succeed("check-disk-space")
    assert not (here.data / "backup/staging").exists()
    assert len(here.snapshots()) == 4


def test_nothing_is_removed_during_backup_or_restore(here: Pod) -> None:
    (here.data / "backup/staging").mkdir(parents=True)
    fill(here.data, 97)
    with (here.data / "state/backup-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "is running" in here.succeed("check-disk-space")
    assert (here.data / "backup/staging").exists()


@pytest.mark.parametrize("stopped", [False, True])
def test_remains_of_a_restore_that_lost_its_power_are_removed(here: Pod, *, stopped: bool) -> None:
    (here.data / "backup/restore").mkdir(parents=True)
    if stopped:
        (here.data / "backup/restore/stopped").touch()
    fill(here.data, 97)
    here.succeed("check-disk-space")
    assert (here.data / "backup/restore").exists() == stopped


def test_no_backup_begins_while_backups_are_removed(here: Pod) -> None:
    here.succeed("open-repository", "create")
    back_up(here, times=2, mib=1)
    fill(here.data, 99)
    lock = here.data / "state/backup-lock"
    podman = here.folder / "bin/podman"
    podman.rename(podman.with_name("real-podman"))
    podman.write_text(
        f'#!/bin/bash\n[[ $* != *" forget "* ]] || flock --nonblock 9 9>> {lock} || echo held >> {here.record}/held\n'
        'exec "${0%/*}/real-podman" "$@"\n'
    )
    podman.chmod(0o755)
    here.succeed("check-disk-space")
    assert set((here.record / "held").read_text().split()) == {"held"}


def test_status_fails_and_shows_the_full_disk(here: Pod) -> None:
    (here.record / "states").mkdir(exist_ok=True)
    done = here.command("status")
    assert (done.returncode, "data disk" in done.stdout) == (0, True), done
    fill(here.data, 86)
    done = here.command("status")
    assert done.returncode == 1
    assert any(line.split() == ["data", "disk", "86", "%", "used"] for line in done.stdout.splitlines())


def test_unused_images_are_removed_from_a_full_system_disk(tmp_path: Path) -> None:
    here = Machine(tmp_path / "machine", write_tree(pod_fragment(pod_context()), tmp_path / "tree"))
    here.prepare()
    link_df(here.folder / "bin")
    redis = IMAGES["redis"].reference
    images = f"aaa docker.io/library/redis:6 sha256:1\\nbbb {redis} sha256:2\\nccc a.org/diaspora:0.9.0.0 sha256:3\\n"
    here.put("podman", f"#!/bin/sh\necho \"$*\" >> {here.record}/calls\n[ $1 = images ] && printf '{images}'\nexit 0\n")
    variables = {
        "DIASPORA_SYSTEM": str(tmp_path / "system"),
        "DIASPORA_QUADLETS": str(here.tree / "etc/containers/systemd"),
    }
    with small_disk(tmp_path / "system") as system, small_disk(here.folder / "data"):
        fill(system, 96)
        here.variables = variables
        here.succeed("check-disk-space")
    removed = [call for call in here.calls() if call.startswith("image rm")]
    assert removed == ["image rm -- aaa", "image rm -- ccc"]


@pytest.mark.parametrize("backup", [None, {}, {"repository": "rest:https://h/"}])
def test_shellcheck_reports_nothing(
    backup: dict[str, str] | None, tmp_path: Path, require_program: RequireProgram
) -> None:
    changes: dict[str, Any] = {} if backup is None else {"backup": backup, "secrets": {"backupPassword": PASSWORD}}
    root = write_tree(pod_fragment(pod_context(**changes)), tmp_path)
    shellcheck = require_program("shellcheck", "shellcheck")
    program = root / LIBEXEC / "check-disk-space"
    assert subprocess.run([shellcheck, program], capture_output=True, text=True, check=False).stdout == ""
