"""The restoration that nobody asks for: from an empty data partition, with nothing but what the user's config holds."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.pod import LIBEXEC, files, pod_context, pod_fragment, write_tree
from tests.machine.pod_backup import PASSWORD, Pod
from tests.machine.pod_programs import RequireProgram
from tests.machine.pod_services import (
    BACKUP,
    empty_database,
    fill,
    fill_uploads,
    pod_redis,
    pod_server,
    rows,
    sql,
    uploads,
)
from tests.machine.test_pod_postgresql import Postgresql

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may restore owners and run diaspora-pod")

SECRETS = {"backupPassword": PASSWORD, "backupAccessKey": "key id", "backupSecretKey": "key"}
SETTINGS = {"repository": "s3:https://s3.example.org/pod", "restoreFirst": True}
FRAGMENT = pod_fragment(pod_context(backup=SETTINGS, secrets=SECRETS))
WAITS = (
    "the pod does not start before its last backup is restored (pod.backup.restoreFirst); see: diaspora-pod logs "
    "diaspora-restore-first; to give it up and start an empty pod: diaspora-pod start-empty"
)


@pytest.fixture(scope="module")
def server(require_program: RequireProgram) -> Iterator[Postgresql]:
    yield from pod_server("restore-first", require_program)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[int]:
    yield from pod_redis(tmp_path_factory.mktemp("redis"), require_program)


@pytest.fixture
def lost(tmp_path: Path, server: Postgresql, redis: int, restic: str) -> Pod:
    """A pod whose machine is about to burn; its repository, elsewhere, is all that will be left."""
    fill(server)
    tree = write_tree(pod_fragment(BACKUP), tmp_path / "tree")
    pod = Pod(tmp_path / "lost", tree, server, redis, restic)
    pod.prepare()
    fill_uploads(pod)
    pod.succeed("backup")
    pod.repository.rename(tmp_path / "elsewhere")
    return pod


@pytest.fixture
def new(lost: Pod, tmp_path: Path, require_program: RequireProgram) -> Pod:
    """A machine with an empty data disk: files of its config, secrets of the user; what the first units do is done."""
    pod = Pod(tmp_path / "new", write_tree(FRAGMENT, tmp_path / "new-tree"), lost.server, lost.redis_port, lost.restic)
    pod.prepare(data=False, elsewhere=tmp_path / "elsewhere")
    shutil.rmtree(pod.folder / "given")
    shutil.copytree(pod.tree / "etc/diaspora/secrets", pod.folder / "given")
    pod.data.mkdir()
    assert first_units(pod, require_program).returncode == 0
    return pod


def first_units(pod: Pod, require_program: RequireProgram) -> "subprocess.CompletedProcess[str]":
    """Run what diaspora-data.service and diaspora-secrets.service run."""
    unit = files(FRAGMENT)["/etc/systemd/system/diaspora-data.service"]
    (words,) = [shlex.split(line) for line in unit.splitlines() if "claim-data" in line]
    assert words[1] == f"/{LIBEXEC}/claim-data"
    claimed = pod.run("claim-data", *words[2:])
    directories = files(FRAGMENT)["/etc/diaspora/directories.conf"].replace("/var/mnt/data", str(pod.data))
    (pod.folder / "directories.conf").write_text(directories)
    make = [require_program("systemd-tmpfiles", "systemd"), "--create", pod.folder / "directories.conf"]
    subprocess.run(make, check=True, capture_output=True)
    assert pod.run("make-secrets").returncode == 0
    return claimed


def test_pod_is_restored_completely_before_it_starts(new: Pod, lost: Pod) -> None:
    before, files_before = rows(lost.server), uploads(lost)
    keys = {name: (lost.data / "secrets" / name).read_text() for name in ("secret_key_base", "oidc_key.pem")}
    old_password = (lost.data / "secrets/database_password").read_text()
    shutil.rmtree(lost.folder)
    empty_database(new.server)
    refused = new.run("check-complete")
    assert (refused.returncode, refused.stderr) == (1, f"{WAITS}\n")
    assert new.command("status").stdout.splitlines()[0] == WAITS
    password = (new.data / "secrets/database_password").read_text()
    assert password != old_password
    done = new.job("restore")
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(new.server) == before
    assert uploads(new) == files_before
    for name, value in keys.items():
        assert (new.data / "secrets" / name).read_text() == value
    assert (new.data / "secrets/database_password").read_text() == password
    # it is a pod like any other now
    assert not (new.data / "state/restore-first").exists()
    assert new.run("check-complete").returncode == 0


def test_only_an_empty_data_partition_is_marked_for_restore(new: Pod, require_program: RequireProgram) -> None:
    marker = new.data / "state/restore-first"
    assert marker.exists()
    marker.unlink()
    # a reboot, a reinstallation
    first_units(new, require_program)
    assert not marker.exists()
    # data without a domain, whoever made them
    (new.data / "domain").unlink()
    first_units(new, require_program)
    assert not marker.exists()


def test_pod_without_the_setting_does_not_wait_for_a_restore(new: Pod) -> None:
    new.succeed("claim-data", "pod.example.org")
    assert new.run("check-complete").returncode == 0
    plain = files(pod_fragment(pod_context(backup=SETTINGS | {"restoreFirst": False}, secrets=SECRETS)))
    assert "/etc/systemd/system/diaspora-restore-first.service" not in plain
    assert "claim-data pod.example.org\n" in plain["/etc/systemd/system/diaspora-data.service"]


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ("gone", "restore failed: the repository has no backup yet"),
        (
            "empty",
            "restore failed: the snapshot latest could not be fetched; to list the snapshots, run: "
            "diaspora-pod snapshots",
        ),
        ("silent", "restore failed: the repository cannot be opened: no answer"),
    ],
)
def test_pod_does_not_start_without_a_backup(new: Pod, tmp_path: Path, answer: str, line: str) -> None:
    if answer == "gone":
        shutil.rmtree(tmp_path / "elsewhere")
    elif answer == "empty":
        shutil.rmtree(tmp_path / "elsewhere/snapshots")
        (tmp_path / "elsewhere/snapshots").mkdir()
    else:
        new.fault(" unlock ", "fail")
    done = new.job("restore")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, line)
    assert new.run("check-complete").returncode == 1
    # the timer of the backup must not put an empty pod over the backups
    assert new.run("backup").stderr == f"backup failed: {WAITS}\n"


def test_restore_starts_over_after_a_power_cut(new: Pod, lost: Pod) -> None:
    before = rows(lost.server)
    empty_database(new.server)
    for match in ("pg_restore --username", "psql .*--single-transaction"):
        new.fault(match, "after")
        assert new.job("restore").returncode == -9
        assert new.run("check-complete").returncode == 1
    assert new.job("restore").returncode == 0
    assert rows(new.server) == before
    assert new.run("check-complete").returncode == 0


def test_podmin_can_start_an_empty_pod(new: Pod) -> None:
    done = new.command("start-empty")
    assert (done.returncode, done.stdout) == (0, "the pod starts without data; see: diaspora-pod status\n")
    assert new.run("check-complete").returncode == 0
    assert new.calls[-2:] == [
        "systemctl stop diaspora-restore-first.service", "systemctl start --no-block diaspora.target",
    ]  # fmt: skip
    done = new.command("start-empty")
    assert (done.returncode, done.stderr) == (2, "diaspora-pod: this pod does not wait for a restore\n")


def test_partially_restored_pod_cannot_be_started_empty(new: Pod) -> None:
    new.fault("redis-cli FLUSHALL", "fail")
    assert new.job("restore").returncode == 1
    done = new.command("start-empty")
    line = "diaspora-pod: the restore has already changed the pod; run: diaspora-pod restore\n"
    assert (done.returncode, done.stderr) == (2, line)


def test_restore_that_changes_the_pod_until_it_stops_is_not_given_up(new: Pod) -> None:
    program = new.folder / "bin/systemctl"
    program.write_text(f"#!/bin/bash\ntouch {new.data}/state/changing-over\n")
    done = new.command("start-empty")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the restore has changed the pod meanwhile" in done.stderr
    assert (new.data / "state/restore-first").exists()


class TestVersions:
    """A backup says what made it; an older machine refuses it before it touches anything."""

    def backed_up_with(self, pod: Pod, target: Path, change: str) -> None:
        """Back the pod up again with another content of the file `versions`."""
        tree = pod.folder / "changed-tree"
        shutil.copytree(pod.tree, tree)
        program = tree / LIBEXEC / "backup"
        text = program.read_text()
        assert text.count('> "$staging/versions"') == 1
        program.write_text(text.replace('> "$staging/versions"', f'> "$staging/versions"; {change}'))
        target.rename(pod.repository)
        pod.tree = tree
        pod.succeed("backup")
        pod.repository.rename(target)

    @pytest.mark.parametrize(
        ("versions", "line"),
        [
            ("postgresql=99", "the snapshot latest comes from PostgreSQL 99, but this machine runs 15"),
            ("migration=20990101000000", "the snapshot latest comes from a newer diaspora* (migration "
                                         "20990101000000) than registry.example.org/diaspora:0.9.1.0 (migration "
                                         "20240101000000)"),
        ],
    )  # fmt: skip
    def test_backup_of_newer_version_is_refused(
        self, new: Pod, lost: Pod, tmp_path: Path, versions: str, line: str
    ) -> None:
        self.backed_up_with(lost, tmp_path / "elsewhere", f'echo {versions} > "$staging/versions"')
        before = rows(lost.server)
        done = new.job("restore")
        assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"restore failed: {line}")
        assert not [call for call in new.calls if "pg_restore --username" in call]
        assert rows(new.server) == before

    def test_newer_database_without_version_file_is_refused(self, new: Pod, lost: Pod, tmp_path: Path) -> None:
        sql(lost.server, "insert into schema_migrations values ('20990101000000')")
        self.backed_up_with(lost, tmp_path / "elsewhere", 'rm "$staging/versions"')
        done = new.job("restore")
        assert done.returncode == 1
        assert "comes from a newer diaspora* (migration 20990101000000)" in done.stderr

    def test_versions_file_names_image_postgresql_and_migration(self, lost: Pod, tmp_path: Path) -> None:
        copy = tmp_path / "copy"
        self.backed_up_with(lost, tmp_path / "elsewhere", f'cp "$staging/versions" {copy}')
        lines = dict(line.split("=") for line in copy.read_text().splitlines())
        assert lines == {
            "image": "registry.example.org/diaspora:0.9.1.0", "postgresql": "15", "migration": "20230506123456"
        }  # fmt: skip
