"""Backups with the rendered programs and the real PostgreSQL and restic."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.host.pod import LIBEXEC, pod_fragment, write_tree
from tests.machine.pod_backup import PASSWORD, Pod
from tests.machine.pod_programs import RequireProgram
from tests.machine.pod_services import BACKUP, pod_server
from tests.machine.test_pod_postgresql import Postgresql
from tests.support.processes import wait_until_blocked

SAVED = [
    "/backup/staging/versions",
    "/domain",
    *(f"/secrets/{name}" for name in ("backup-me", "oidc_key.pem", "secret_key_base")),
    "/uploads/images/a cat.jpg",
]


@pytest.fixture(scope="module")
def server(require_program: RequireProgram) -> Iterator[Postgresql]:
    yield from pod_server("backup", require_program)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(pod_fragment(BACKUP), tmp_path_factory.mktemp("tree"))


@pytest.fixture
def here(tmp_path: Path, tree: Path, server: Postgresql, restic: str) -> Pod:
    """A pod with a small database and uploads."""
    server.prepare()
    server.administer("-d", "diaspora_production", "-c", "drop table if exists people; create table people (id int)")
    pod = Pod(tmp_path, tree, server, 0, restic)
    pod.prepare()
    (pod.data / "uploads/images").mkdir()
    (pod.data / "uploads/images/a cat.jpg").write_bytes(os.urandom(3_000_000))
    (pod.data / "uploads/tmp").mkdir()
    (pod.data / "uploads/tmp/cache").touch()
    (pod.data / "secrets/backup-me").write_text("key")
    return pod


def test_backup_holds_the_whole_pod_without_machine_credentials(here: Pod, require_program: RequireProgram) -> None:
    # here restic makes the repository and its key itself
    here.restic = require_program("restic", "restic")
    here.prepare_programs()
    # what the podmin placed on the machine
    (here.data / "secrets" / "provided").mkdir()
    (here.data / "secrets" / "provided" / "backup_password").write_text(PASSWORD)
    assert here.succeed("backup") == ""
    saved = here.saved()
    configuration = [path for path in saved if path.startswith("/backup/staging/configuration/")]
    assert sorted({*saved} - {*configuration}) == sorted(["/backup/staging/database.dump", *SAVED])
    assert "/backup/staging/configuration/diaspora.toml" in configuration
    (snapshot,) = here.snapshots()
    assert snapshot["hostname"] == "pod.example.org"
    assert not (here.data / "backup/staging").exists()
    assert int((here.data / "state/backup").read_text()) > 1_700_000_000
    assert not here.locks()


def test_existing_certificates_are_backed_up(here: Pod) -> None:
    for path in ("tls/key.pem", "certbot/live/cert.pem"):
        (here.data / path).parent.mkdir(parents=True)
        (here.data / path).touch()
    here.succeed("backup")
    assert {"/tls/key.pem", "/certbot/live/cert.pem"} <= {*here.saved()}


def test_database_is_dumped_before_files_are_saved(here: Pod) -> None:
    here.succeed("backup")
    order = [
        next(number for number, call in enumerate(here.calls) if word in call)
        for word in (" init ", " unlock ", " pg_dump ", " pg_restore --list", " backup --quiet ", " forget ")
    ]
    assert order == sorted(order)


def test_secrets_are_not_in_arguments(here: Pod) -> None:
    here.succeed("backup")
    values = [path.read_text() for path in (here.data / "secrets").iterdir() if path.name != "backup-me"]
    for secret in (PASSWORD, *values):
        assert secret not in "\n".join(here.calls)


def test_second_backup_is_incremental_and_prunes_old_snapshots(here: Pod) -> None:
    here.succeed("backup")
    size = sum(path.stat().st_size for path in here.repository.rglob("*") if path.is_file())
    here.succeed("backup")
    again = sum(path.stat().st_size for path in here.repository.rglob("*") if path.is_file())
    assert again - size < 100_000
    # of one day the last is kept
    assert len(here.snapshots()) == 1


def test_wrong_password_is_reported_before_the_dump(here: Pod) -> None:
    here.succeed("backup")
    (here.record / "secret-diaspora-backup-password").write_text("wrong")
    (here.record / "calls").unlink()
    done = here.run("backup")
    assert done.returncode == 1
    assert done.stderr == "backup failed: the secret backupPassword is not the password of the repository\n"
    assert not [call for call in here.calls if "pg_dump" in call or " init" in call]


STEPS = {
    " unlock ": "the repository cannot be opened: no answer",
    " pg_dump ": "the database could not be dumped",
    " pg_restore --list": "the dump of the database cannot be read",
    " backup --quiet ": "restic could not save everything",
    " forget ": "the pod is saved, but old snapshots could not be removed",
}


def test_failed_step_is_named_and_next_backup_is_complete(here: Pod) -> None:
    for match, line in STEPS.items():
        here.fault(match, "fail")
        done = here.run("backup")
        assert (done.returncode, done.stderr) == (1, f"backup failed: {line}\n")
        assert not (here.data / "backup/staging").exists()
        assert not (here.data / "state/backup").exists()
    here.succeed("backup")
    assert set(SAVED) < {*here.saved()}


@pytest.mark.parametrize("when", ["before", "after"])
def test_next_backup_is_complete_after_power_cuts_at_every_step(here: Pod, when: str) -> None:
    for match in (" unlock ", " init ", " pg_dump ", " pg_restore ", " backup --quiet ", " forget "):
        # after the repository was made, nothing makes it again
        (here.record / "calls").unlink()
        here.fault(match, when)
        assert here.run("backup").returncode == -9, match
        assert not (here.record / "fault").exists()
    here.succeed("backup")
    assert set(SAVED) < {*here.saved()}
    assert not (here.data / "backup/staging").exists()
    here.ask_restic("check", "--read-data")


def test_power_cut_while_saving_leaves_no_lock_or_partial_snapshot(here: Pod) -> None:
    (here.data / "uploads/images/big").write_bytes(os.urandom(60_000_000))
    here.fault(" backup --quiet ", "during", here.repository / "locks")
    assert here.run("backup").returncode == -9
    assert not (here.record / "fault-came-too-late").exists()
    assert here.locks()
    assert here.snapshots() == []
    here.succeed("backup")
    assert not here.locks()
    assert len(here.snapshots()) == 1
    here.ask_restic("check", "--read-data")


def test_stale_prune_lock_does_not_stop_the_next_backup(here: Pod) -> None:
    here.succeed("backup")
    (here.data / "uploads/images/new").write_bytes(os.urandom(20_000_000))
    here.fault(" forget ", "during", here.repository / "locks")
    assert here.run("backup").returncode == -9
    assert not (here.record / "fault-came-too-late").exists()
    assert here.locks()
    here.succeed("backup")
    assert not here.locks()


def test_lock_of_a_running_process_is_respected(here: Pod) -> None:
    """A check holds the exclusive lock; a backup must fail instead of removing the lock."""
    here.succeed("backup")
    # a restic that is stopped holds its lock for ever
    command = [here.restic, "--no-cache", "--repo", here.repository, "check", "--read-data"]
    environment = {"PATH": "/usr/bin:/bin", "RESTIC_PASSWORD": PASSWORD, "HOME": "/nowhere"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None and not here.locks():
                pass
            process.send_signal(19)
            assert process.poll() is None
            assert here.locks()
            done = here.run("backup")
            assert done.returncode == 1
            assert done.stderr.splitlines()[-1] == "backup failed: restic could not save everything"
            assert here.locks()
        finally:
            process.kill()


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")
def test_full_disk_fails_the_backup_and_keeps_the_repository(here: Pod) -> None:
    here.succeed("backup")
    (before,) = here.snapshots()
    # the room of the data partition is looked at first; this disk is full later
    kept, small = here.folder / "kept", here.data / "backup"
    small.rename(kept)
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", small], check=True)
    try:
        shutil.copytree(kept, small, dirs_exist_ok=True)
        (here.data / "uploads/new").write_bytes(os.urandom(12_000_000))
        done = here.run("backup")
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith("backup failed: ")
        assert [snapshot["id"] for snapshot in here.snapshots()] == [before["id"]]
        assert not (here.data / "backup/staging").exists()
        (here.data / "uploads/new").unlink()
        here.succeed("backup")
        here.ask_restic("check", "--read-data")
    finally:
        subprocess.run(["umount", small], check=True)


def test_check_and_backup_wait_for_each_other(here: Pod) -> None:
    (here.data / "state/backup").write_text("1")
    with ThreadPoolExecutor() as pool:
        with (here.data / "state/backup-lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            check = pool.submit(here.run, "check-backup")
            wait_until_blocked(check, lock.fileno())
            assert not check.done()
        assert check.result().returncode == 1


def test_weekly_check_detects_lost_data(here: Pod) -> None:
    done = here.run("check-backup")
    assert (done.returncode, done.stderr) == (
        1, "the check of the backups failed: the repository has no backup yet\n"
    )  # fmt: skip
    here.succeed("backup")
    here.succeed("check-backup")
    # a picture's; restic tries for 100 s to read a list of files that is gone
    files = [path for path in (here.repository / "data").rglob("*") if path.is_file()]
    max(files, key=lambda path: path.stat().st_size).unlink()
    done = here.run("check-backup")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "the check of the backups failed: restic found errors, see above"


def test_shellcheck_reports_nothing(tree: Path, require_program: RequireProgram) -> None:
    programs = [tree / LIBEXEC / name for name in ("backup", "check-backup", "open-repository", "restic")]
    done = subprocess.run(
        [require_program("shellcheck", "shellcheck"), *programs], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
