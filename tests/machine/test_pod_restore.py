"""The round trip: a pod is backed up, destroyed and restored, with the real PostgreSQL, Redis and restic."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.host.pod import LIBEXEC, pod_context, pod_fragment, write_tree
from tests.machine.pod_backup import PASSWORD, Pod
from tests.machine.pod_programs import RequireProgram
from tests.machine.pod_services import (
    BACKUP,
    OWNER,
    ask_redis,
    copy_machine,
    empty_database,
    fill,
    fill_uploads,
    pod_redis,
    pod_server,
    rows,
    save_database,
    sql,
    uploads,
)
from tests.machine.test_pod_postgresql import Postgresql, as_user
from tests.support.processes import wait_until_blocked

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may restore owners and run diaspora-pod")


@pytest.fixture(scope="module")
def server(require_program: RequireProgram) -> Iterator[Postgresql]:
    yield from pod_server("restore", require_program)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[int]:
    yield from pod_redis(tmp_path_factory.mktemp("redis"), require_program)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(pod_fragment(BACKUP), tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, tree: Path, server: Postgresql, redis: int, restic: str) -> Pod:
    """A machine of which the tests take copies."""
    pod = Pod(tmp_path_factory.mktemp("prepared") / "pod", tree, server, redis, restic)
    pod.prepare()
    return pod


@pytest.fixture(scope="module")
def backed_up(prepared: Pod) -> Pod:
    """The same machine in use, after its first backup; its database is the template `backed_up`."""
    pod = copy_machine(prepared, prepared.folder.with_name("backed-up"))
    fill(pod.server)
    fill_uploads(pod)
    pod.succeed("backup")
    save_database(pod.server, "backed_up")
    return pod


@pytest.fixture
def first(tmp_path: Path, backed_up: Pod) -> Pod:
    """A pod in use that was backed up."""
    empty_database(backed_up.server, "backed_up")
    return copy_machine(backed_up, tmp_path / "first")


@pytest.fixture
def idle(tmp_path: Path, prepared: Pod) -> Pod:
    """A pod that says when it was backed up, without anything to restore."""
    pod = copy_machine(prepared, tmp_path / "idle")
    (pod.data / "state/backup").write_text(f"{int(time.time()) - 80_000}\n")
    return pod


def another(pod: Pod, name: str = "second") -> Pod:
    """A new machine with an empty pod, and the repository of the first: all that is left."""
    new = Pod(pod.folder.parent / name, pod.tree, pod.server, pod.redis_port, pod.restic)
    new.prepare()
    (new.data / "backup").mkdir()
    shutil.copytree(pod.repository, new.repository)
    (new.data / "state/migrate").write_text("image\n")
    return new


def test_pod_is_restored_completely_on_a_new_machine(first: Pod, server: Postgresql) -> None:
    before, files_before = rows(server), uploads(first)
    assert len(before["photos"].splitlines()) == 5000
    new = another(first)
    credentials = {name: (new.data / "secrets" / name).read_text() for name in ("database_password", "redis_password")}
    key = (first.data / "secrets/oidc_key.pem").read_text()
    assert (new.data / "secrets/oidc_key.pem").read_text() != key
    shutil.rmtree(first.data)
    empty_database(server)
    ask_redis(new.redis_port, "set", "queue:old", "job")
    done = new.job("restore")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "restore: done, the pod runs again"
    assert rows(server) == before
    assert uploads(new) == files_before
    # the application's keys are those of the backup, the machine's credentials its own
    assert (new.data / "secrets/oidc_key.pem").read_text() == key
    for name, value in credentials.items():
        assert (new.data / "secrets" / name).read_text() == value
    assert ask_redis(new.redis_port, "dbsize") == "0"
    assert not (new.data / "state/migrate").exists()
    assert not (new.data / "backup/restore").exists()
    assert sql(server, "select count(*) from pg_database where datname like 'diaspora_re%'") == "0"


def test_files_of_an_older_backup_get_the_owners_of_today(first: Pod) -> None:
    """A backup of the time when diaspora* was the user core, and nginx another group."""
    for path in (first.data / "uploads", *(first.data / "uploads").rglob("*")):
        os.chown(path, 1000, 1000)
    (first.data / "tls/certificate-1").mkdir(parents=True)
    (first.data / "tls/certificate-1/privkey.pem").write_text("key")
    os.chown(first.data / "tls/certificate-1/privkey.pem", 0, 101)
    first.succeed("backup")
    new = another(first)
    assert new.job("restore").returncode == 0
    restored = uploads(new)
    assert len(restored) > 8
    assert {facts[1:3] for facts in restored.values()} == {(OWNER, OWNER)}
    found = (new.data / "tls/certificate-1/privkey.pem").stat()
    assert (found.st_uid, found.st_gid) == (0, 814)


def test_pod_is_stopped_during_restore_and_sidekiq_starts_last(first: Pod) -> None:
    first.job("restore")
    calls = first.calls
    order = [
        next(number for number, call in enumerate(calls) if call.startswith(start))
        for start in (
            "systemctl stop diaspora.target",
            "podman exec redis redis-cli FLUSHALL",
            "systemctl restart diaspora-secrets.service",
            "systemctl restart diaspora-signing-key.service",
            "systemctl start --no-block diaspora-web.service",
            "systemctl start --no-block diaspora.target",
        )
    ]
    assert order == sorted(order)
    # a backup that a timer starts meanwhile waits
    assert not [call for call in calls if ".timer" in call]
    # nothing names Sidekiq before the target starts it
    assert not [call for call in calls if "sidekiq" in call]


def test_restored_pod_that_shows_no_pages_is_named(first: Pod) -> None:
    (first.record / "page-status").write_text("1")
    first.extra = {"DIASPORA_PAGE_LIMIT": "0"}
    done = first.job("restore")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [
        "diaspora* runs, but does not show its sign-in page; see: diaspora-pod logs application",
        f"restore failed: the pod does not start, see above; what was replaced is still in {first.data}/replaced and "
        "in the database diaspora_replaced",
    ]
    assert not (first.data / "state/changing-over").exists(), "the restore itself is complete"


def test_older_snapshot_replaces_all_later_data(first: Pod, server: Postgresql) -> None:
    before, files_before = rows(server), uploads(first)
    (snapshot,) = first.snapshots()
    sql(server, "delete from photos; create table later (id int)")
    (first.data / "uploads/images/later").touch()
    (first.data / "uploads/images/a cat.jpg").unlink()
    done = first.job("restore", snapshot["short_id"])
    assert done.returncode == 0, done
    assert rows(server) == before
    assert uploads(first) == files_before


@pytest.mark.parametrize(
    "match",
    ["exec redis redis-cli FLUSHALL", "psql .*--single-transaction", "systemctl restart diaspora-secrets"],
)
def test_failed_restore_leaves_the_pod_stopped_and_can_be_repeated(first: Pod, server: Postgresql, match: str) -> None:
    before, files_before = rows(server), uploads(first)
    sql(server, "delete from photos")
    first.fault(match, "fail")
    done = first.job("restore")
    assert done.returncode == 1
    assert (
        done.stderr.splitlines()[-1] == "restore failed: the pod is stopped, half changed; run the same command again"
    )
    assert "systemctl stop diaspora.target" in first.calls
    assert "systemctl start --no-block diaspora.target" not in first.calls
    done = first.job("restore")
    assert done.returncode == 0, done
    assert rows(server) == before
    assert uploads(first) == files_before


@pytest.mark.parametrize("match", ["pg_restore --username", "psql .*--single-transaction", "redis-cli FLUSHALL"])
def test_restore_completes_when_repeated_after_a_power_cut(first: Pod, server: Postgresql, match: str) -> None:
    before, files_before = rows(server), uploads(first)
    sql(server, "delete from photos")
    first.fault(match, "after")
    (first.data / "uploads/images/a cat.jpg").unlink()
    lost, files_lost = rows(server), uploads(first)
    assert first.job("restore").returncode == -9
    assert first.job("restore").returncode == 0
    assert rows(server) == before
    assert uploads(first) == files_before
    # the pod as it was before the first run, not what that had restored
    check_replaced(first, lost, files_lost)


def check_replaced(pod: Pod, content: dict[str, str], files: dict[str, tuple[object, ...]]) -> None:
    """What a restore has replaced is kept."""
    assert rows(pod.server, "diaspora_replaced") == content
    assert uploads(pod, pod.data / "replaced/uploads") == files


def test_replaced_pod_is_kept_until_the_podmin_removes_it(first: Pod, server: Postgresql) -> None:
    sql(server, "delete from photos")
    (first.data / "uploads/images/a cat.jpg").unlink()
    before, files_before = rows(server), uploads(first)
    token = (first.data / "secrets/secret_key_base").read_text()
    done = first.job("restore")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-2] == (
        f"restore: what was replaced is kept: the database diaspora_replaced, and {first.data}/replaced; to remove "
        "both, run: diaspora-pod remove-replaced"
    )
    check_replaced(first, before, files_before)
    assert (first.data / "replaced/secrets/secret_key_base").read_text() == token
    assert (first.data / "replaced").stat().st_mode & 0o77 == 0
    (line,) = [line for line in first.command("status").stdout.splitlines() if line.startswith("replaced data")]
    assert line.endswith(f"kept in {first.data}/replaced; to remove it: diaspora-pod remove-replaced")
    # only one is kept: another restore would remove the first
    refused = first.job("restore")
    assert (refused.returncode, refused.stderr) == (
        1,
        f"restore failed: {first.data}/replaced still has what the last restore or import replaced; if you do not need "
        "it, run: diaspora-pod remove-replaced\n",
    )
    check_replaced(first, before, files_before)
    done = first.command("remove-replaced")
    assert (done.returncode, done.stdout) == (0, "remove-replaced: removed\n")
    assert not (first.data / "replaced").exists()
    assert sql(server, "select count(*) from pg_database where datname like 'diaspora_re%'") == "0"
    assert first.command("remove-replaced").stdout == "remove-replaced: nothing is kept\n"


def test_replaced_pod_of_an_interrupted_restore_is_not_removed(first: Pod, server: Postgresql) -> None:
    before, files_before = rows(server), uploads(first)
    first.fault("redis-cli FLUSHALL", "after")
    assert first.job("restore").returncode == -9
    done = first.command("remove-replaced")
    assert (done.returncode, done.stderr) == (
        1,
        "remove-replaced failed: the restore was interrupted, and needs what it replaced; run it again first\n",
    )
    check_replaced(first, before, files_before)


def test_killed_restore_does_not_leave_an_unchanged_pod_stopped(first: Pod) -> None:
    folder = first.data / "backup/restore"
    folder.mkdir()
    (folder / "fetched").touch()
    assert first.run("restore", "--tidy").returncode == 0
    assert not folder.exists()
    assert "systemctl start --no-block diaspora.target" not in first.calls
    # it was killed after it had stopped the pod
    folder.mkdir()
    (folder / "stopped").touch()
    tidied = first.run("restore", "--tidy")
    assert (tidied.returncode, tidied.stdout, tidied.stderr) == (0, "", "")
    assert first.calls[-1] == "systemctl start --no-block diaspora.target"
    assert not folder.exists()


def test_refused_restore_does_not_tidy_up_after_another(first: Pod) -> None:
    folder = first.data / "backup/restore"
    folder.mkdir()
    holder = os.open(first.data / "state", os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        assert first.run("restore", "--tidy").returncode == 0
    finally:
        os.close(holder)
    assert folder.exists()


def test_a_check_of_health_does_not_keep_a_killed_restore_from_being_tidied_up(first: Pod) -> None:
    folder = first.data / "backup/restore"
    folder.mkdir()
    with ThreadPoolExecutor() as pool:
        holder = os.open(first.data / "state", os.O_RDONLY)
        try:
            fcntl.flock(holder, fcntl.LOCK_SH)
            tidied = pool.submit(first.run, "restore", "--tidy")
            wait_until_blocked(tidied, holder)
        finally:
            os.close(holder)
    assert tidied.result().returncode == 0
    assert not folder.exists()


def test_backup_waits_for_the_end_of_a_restore(first: Pod) -> None:
    (first.record / "calls").unlink()
    with ThreadPoolExecutor() as pool:
        with (first.data / "state/backup-lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            backup = pool.submit(first.run, "backup")
            time.sleep(1)
            assert not first.calls
            assert not backup.done()
        done = backup.result()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "waiting for the end of a restore, an import, an upgrade or a check"


class TestQuestion:
    """The podmin is asked before the pod is replaced."""

    def ask(self, pod: Pod, answer: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run restore on a terminal."""
        keyboard, terminal = os.openpty()
        try:
            os.write(keyboard, f"{answer}\n".encode())
            return pod.run("diaspora-pod", "restore", *options, prefix="usr/local/bin", stdin=terminal)
        finally:
            os.close(keyboard)
            os.close(terminal)

    def started(self, pod: Pod) -> bool:
        return "systemctl start --no-block diaspora-restore.service" in pod.calls

    @pytest.mark.parametrize("answer", ["no", "", "y", "Yes, please"])
    def test_other_answers_than_yes_change_nothing(self, idle: Pod, answer: str) -> None:
        done = self.ask(idle, answer, "0123abcd")
        assert done.returncode == 2
        assert done.stderr.endswith("diaspora-pod: nothing was changed\n")
        assert "of pod.example.org become those of the snapshot 0123abcd." in done.stdout
        assert not self.started(idle)

    def test_answer_yes_starts_the_restore(self, idle: Pod) -> None:
        self.ask(idle, "yes", "0123abcd")
        assert self.started(idle)

    def test_scripts_need_an_option(self, idle: Pod) -> None:
        done = idle.command("restore")
        line = "diaspora-pod: restore replaces the pod; to do so without a question, run: diaspora-pod restore --yes\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, "", line)
        assert not self.started(idle)
        idle.command("restore", "--yes")
        assert self.started(idle)
        assert idle.command("restore", "--no").stderr == "diaspora-pod: unknown option --no; allowed: --yes\n"


@pytest.mark.parametrize(("program", "what"), [("backup", "a backup"), ("restore", "the restore")])
def test_too_little_room_is_reported_before_anything_is_done(first: Pod, program: str, what: str) -> None:
    kept = first.folder / "kept"
    first.data.rename(kept)
    first.data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", first.data], check=True)
    try:
        shutil.copytree(kept, first.data, dirs_exist_ok=True)
        (first.record / "calls").unlink()
        done = first.job(program) if program == "restore" else first.run(program)
    finally:
        subprocess.run(["umount", first.data], check=True)
    line = (
        rf"{program} failed: the data partition has too little room: \d+ MiB are free, {what} needs about (\d+) MiB; "
    )
    found = re.fullmatch(f"{line}free space, or use a larger disk", done.stderr.splitlines()[-1])
    assert found, done
    # 64 MiB that stay free, and the database: a template of PostgreSQL has 7 MiB
    assert int(found[1]) >= 64 + 7 * (program == "backup")
    assert not [call for call in first.calls if " pg_dump " in call or "systemctl stop" in call or " restore " in call]


class TestOnAws:
    """The administrator is `diaspora`, who may make databases and is no superuser."""

    @pytest.fixture
    def pod(self, first: Pod, server: Postgresql) -> Iterator[Pod]:
        sql(server, "alter role diaspora createdb", "postgres")
        pod = another(first)
        pod.administrator = "diaspora"
        pod.prepare_programs()
        yield pod
        sql(server, "alter role diaspora nocreatedb", "postgres")

    def session(self, server: Postgresql, user: str, seconds: float) -> "subprocess.Popen[bytes]":
        """Be connected to the pod's database for some time."""
        command = [server.programs / "psql", "-X", "-h", server.folder, "-p", str(server.port), "-U", user]
        process = subprocess.Popen(
            [*command, "-d", "diaspora_production", "-c", f"select pg_sleep({seconds})"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=server.folder, **as_user(),  # type: ignore[call-overload]
        )  # fmt: skip
        query = f"select count(*) from pg_stat_activity where usename = '{user}' and query ~ '^select pg_sleep'"
        while sql(server, query, "postgres") == "0":
            assert process.poll() is None
        return process

    def test_own_database_sessions_are_ended(self, pod: Pod, server: Postgresql) -> None:
        with self.session(server, "diaspora", 60) as session:
            done = pod.job("restore")
            assert session.wait(timeout=20) == 2
        assert (done.returncode, done.stderr) == (0, "")
        assert sum("--single-transaction" in call for call in pod.calls) == 1

    def test_restore_waits_for_superuser_sessions(self, pod: Pod, server: Postgresql) -> None:
        before = rows(server)
        sql(server, "delete from photos")
        with self.session(server, "postgres", 600) as session, ThreadPoolExecutor() as pool:
            restored = pool.submit(pod.job, "restore")
            # it goes after the first try, for which PostgreSQL itself waits five seconds
            while sum("--single-transaction" in call for call in pod.calls) < 2 and not restored.done():
                time.sleep(0.05)
            assert session.poll() is None and not restored.done()
            sql(server, "select pg_terminate_backend(pid) from pg_stat_activity where query ~ '^select pg_sleep'",
                "postgres")  # fmt: skip
            done = restored.result()
        assert (done.returncode, done.stderr) == (0, "")
        assert rows(server) == before
        assert sql(server, "select datname from pg_database where datname like 'diaspora_re%'") == "diaspora_replaced"


class TestRefused:
    """Wrong cases: one line that says why, and the pod as it was."""

    def refused(self, pod: Pod, server: Postgresql, line: str, *arguments: str) -> None:
        before, files_before = rows(server), uploads(pod)
        (pod.record / "calls").unlink()
        done = pod.job("restore", *arguments)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == f"restore failed: {line}"
        assert "systemctl stop diaspora.target" not in pod.calls
        assert rows(server) == before
        assert uploads(pod) == files_before
        assert not (pod.data / "backup/restore").exists()

    def test_other_repository_password_is_refused(self, first: Pod, server: Postgresql) -> None:
        (first.record / "secret-diaspora-backup-password").write_text("wrong")
        self.refused(first, server, "the secret backupPassword is not the password of the repository")

    def test_missing_repository_is_refused(self, first: Pod, server: Postgresql) -> None:
        first.repository.rename(first.folder / "elsewhere")
        self.refused(first, server, "the repository has no backup yet")

    def test_unknown_snapshot_is_refused(self, first: Pod, server: Postgresql) -> None:
        line = "the snapshot 0123abcd could not be fetched; to list the snapshots, run: diaspora-pod snapshots"
        self.refused(first, server, line, "0123abcd")
        line = "--target=/ is not a snapshot; to list the snapshots, run: diaspora-pod snapshots"
        self.refused(first, server, line, "--target=/")

    def test_backup_of_another_pod_is_refused(self, first: Pod, server: Postgresql) -> None:
        (first.data / "domain").write_text("other.example.org\n")
        first.succeed("backup")
        (first.data / "domain").write_text("pod.example.org\n")
        line = "the snapshot latest belongs to the pod other.example.org, but this machine is pod.example.org"
        self.refused(first, server, line)

    def test_foreign_snapshot_is_refused(self, first: Pod, server: Postgresql) -> None:
        snapshot = json.loads(first.ask_restic("backup", "--json", str(first.data / "domain")).splitlines()[-1])
        name = snapshot["snapshot_id"]
        self.refused(first, server, f"the snapshot {name} is not a complete backup of a pod: domain is missing", name)

    def test_damaged_dump_is_refused(self, first: Pod, server: Postgresql) -> None:
        # as if pg_dump had written something else, and nobody had looked
        (first.data / "backup/staging").mkdir()
        (first.data / "backup/staging/database.dump").write_text("PGDMP and no more")
        options = ["backup", "--host=pod.example.org", "backup/staging", "domain", "secrets", "uploads"]
        done = subprocess.run(
            [first.restic, "--no-cache", "--repo", first.repository, *options],
            env={"PATH": "/usr/bin:/bin", "RESTIC_PASSWORD": PASSWORD, "HOME": "/nowhere"},
            cwd=first.data, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done
        self.refused(first, server, "this PostgreSQL cannot read the dump in the snapshot latest")

    def test_unrestorable_dump_is_refused(self, first: Pod, server: Postgresql) -> None:
        first.fault("pg_restore --username", "fail")
        self.refused(first, server, "the database could not be restored")
        assert sql(server, "select count(*) from pg_database where datname like 'diaspora_re%'") == "0"

    def test_restore_is_refused_during_a_backup(self, first: Pod, server: Postgresql) -> None:
        line = "a backup or its check is running; wait until it ends, or run: systemctl stop diaspora-backup.service"
        line += " diaspora-backup-check.service"
        with (first.data / "state/backup-lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused(first, server, line)

    def test_restore_is_refused_after_an_interrupted_upgrade(self, first: Pod, server: Postgresql) -> None:
        (first.data / "upgrade").mkdir()
        (first.data / "upgrade/state").write_text("begun\n")
        line = "an upgrade was interrupted; to roll it back, run: diaspora-pod upgrade"
        self.refused(first, server, line)

    def test_restore_is_refused_during_another_restore(self, first: Pod, server: Postgresql) -> None:
        holder = os.open(first.data / "state", os.O_RDONLY)
        try:
            fcntl.flock(holder, fcntl.LOCK_EX)
            self.refused(first, server, "another restore, import or upgrade is running")
        finally:
            os.close(holder)

    def test_restore_is_refused_on_a_full_disk(self, first: Pod, server: Postgresql) -> None:
        small = first.folder / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=True)
        try:
            shutil.copytree(first.data / "backup", small, dirs_exist_ok=True)
            filler = small / "filler"
            with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
                while True:
                    file.write(b"x" * 10_000)
            with filler.open("r+b") as file:
                file.truncate(filler.stat().st_size - 200_000)
            shutil.rmtree(first.data / "backup")
            (first.data / "backup").symlink_to(small)
            line = "the snapshot latest could not be fetched; to list the snapshots, run: diaspora-pod snapshots"
            self.refused(first, server, line)
        finally:
            if (first.data / "backup").is_symlink():
                (first.data / "backup").unlink()
            subprocess.run(["umount", small], check=True)


def test_new_pod_does_not_replace_backups_of_the_lost_one(first: Pod, server: Postgresql) -> None:
    new = another(first)
    refused = new.run("backup")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith(
        "backup failed: the repository has backups of this pod that this machine never restored."
    )
    assert len(new.snapshots()) == 1
    assert new.job("restore").returncode == 0
    new.succeed("backup")
    assert len(new.snapshots()) == 1, "the same day: the later one is kept"


def test_anew_option_allows_backups_of_a_new_pod(first: Pod) -> None:
    new = another(first)
    assert new.command("backup", "--x").stderr == "diaspora-pod: unknown option --x; allowed: --ignore-existing\n"
    new.command("backup", "--ignore-existing")
    new.succeed("backup")


class TestHealth:
    """What diaspora-health.timer runs."""

    def look(self, pod: Pod) -> "subprocess.CompletedProcess[str]":
        pod.extra |= {"DIASPORA_POD": str(pod.tree / "usr/local/bin/diaspora-pod"), "DIASPORA_HEALTH_PAUSE": "0"}
        return pod.run("check-health")

    def unwell(self, pod: Pod) -> None:
        (pod.record / "states").mkdir(exist_ok=True)
        (pod.record / "states/health-diaspora-sidekiq").write_text("unhealthy")

    def test_healthy_pod_prints_nothing(self, idle: Pod) -> None:
        done = self.look(idle)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_unhealthy_service_fails_the_unit(self, idle: Pod) -> None:
        self.unwell(idle)
        done = self.look(idle)
        assert done.returncode == 1
        assert "diaspora-sidekiq         running, unhealthy" in done.stdout.splitlines()

    def test_health_is_not_checked_during_restore_or_upgrade(self, idle: Pod) -> None:
        self.unwell(idle)
        holder = os.open(idle.data / "state", os.O_RDONLY)
        try:
            fcntl.flock(holder, fcntl.LOCK_EX)
            done = self.look(idle)
        finally:
            os.close(holder)
        assert (done.returncode, done.stdout) == (0, "skipped: the pod is being upgraded or restored\n")


class TestCommand:
    def test_status_of_a_healthy_pod_succeeds(self, idle: Pod) -> None:
        done = idle.command("status")
        assert (done.returncode, done.stderr) == (0, "")
        lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
        assert lines[:5] == [
            [name, "running, healthy"]
            for name in ("postgresql", "redis", "diaspora-web", "diaspora-sidekiq", "nginx")
        ]  # fmt: skip
        assert done.stdout.splitlines()[5].startswith("last good backup         20")
        assert len(lines) == 9
        # Ignition did not make this machine
        assert lines[8] == ["bundle", "unknown"]

    def test_status_fails_when_the_backup_is_too_old(self, idle: Pod) -> None:
        (idle.data / "state/backup").write_text("1790000000\n")
        done = idle.command("status")
        assert done.returncode == 1
        assert "last good backup         2026-09-21 14:13, for more than two days" in done.stdout.splitlines()
        (idle.data / "state/backup").unlink()
        assert idle.command("status").returncode == 0, "a new pod has time for its first one"
        os.utime(idle.data / "domain", (1790000000, 1790000000))
        done = idle.command("status")
        assert done.returncode == 1
        assert "last good backup         never, for more than two days" in done.stdout.splitlines()

    def test_services_option_checks_only_services(self, idle: Pod) -> None:
        (idle.record / "states").mkdir(exist_ok=True)
        (idle.record / "states/diaspora-backup.service").write_text("failed")
        done = idle.command("status", "--services")
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 5
        (idle.record / "states/health-diaspora-web").write_text("unhealthy")
        assert idle.command("status", "--services").returncode == 1

    def test_status_fails_after_an_interrupted_upgrade(self, idle: Pod) -> None:
        (idle.data / "upgrade").mkdir()
        (idle.data / "upgrade/last").write_text("2026-01-02 03:04 failed: interrupted, and rolled back\n")
        assert idle.command("status").returncode == 0
        (idle.data / "upgrade/state").write_text("begun\n")
        done = idle.command("status")
        assert done.returncode == 1
        assert done.stdout.splitlines()[-2:] == [
            "last upgrade             2026-01-02 03:04 failed: interrupted, and rolled back",
            "upgrade                  interrupted; if none is running, run: diaspora-pod upgrade",
        ]

    @pytest.mark.parametrize(
        ("name", "state", "line"),
        [
            ("diaspora-web.service", "failed", "diaspora-web             failed"),
            ("redis.service", "activating", "redis                    activating"),
            ("health-diaspora-sidekiq", "unhealthy", "diaspora-sidekiq         running, unhealthy"),
            ("diaspora-migrate.service", "failed", "diaspora-migrate         failed; see: diaspora-pod logs "
             "diaspora-migrate"),
            ("diaspora-backup.service", "failed", "diaspora-backup          failed; see: diaspora-pod logs "
             "diaspora-backup"),
            ("diaspora-backup.timer", "inactive", "diaspora-backup.timer    inactive"),
        ],
    )  # fmt: skip
    def test_status_reports_each_problem_in_one_line_and_fails(
        self, idle: Pod, name: str, state: str, line: str
    ) -> None:
        (idle.record / "states").mkdir(exist_ok=True)
        (idle.record / "states" / name).write_text(state)
        done = idle.command("status")
        assert done.returncode == 1
        assert line in done.stdout.splitlines()

    def test_backup_and_snapshots_commands_work(self, first: Pod) -> None:
        done = first.command("backup")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "the pod is backed up")
        (snapshot,) = first.snapshots()
        done = first.command("snapshots")
        assert done.returncode == 0
        assert snapshot["short_id"] in done.stdout
        first.fault(" pg_dump ", "fail")
        done = first.command("backup")
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == (
            "diaspora-pod: the backup failed (exit-code); see: diaspora-pod logs diaspora-backup"
        )  # fmt: skip

    def test_logs_command_calls_journalctl(self, idle: Pod) -> None:
        idle.command("logs", "-f", "nginx", "--lines=5")
        assert idle.calls[-1] == (
            "journalctl -f --lines=5 _SYSTEMD_UNIT=nginx.service _TRANSPORT=stdout "
            "+ _SYSTEMD_UNIT=nginx.service _TRANSPORT=journal _COMM=conmon + UNIT=nginx.service _PID=1"
        )
        idle.command("logs")
        assert "_SYSTEMD_UNIT=diaspora-web.service" in idle.calls[-1]

    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            (["restart"], "unknown command restart; see: diaspora-pod help"),
            (["restore", "a", "b"], "too many arguments after restore; see: diaspora-pod help"),
            (["status", "x"], "unknown option x; allowed: --services"),
        ],
    )
    def test_unknown_command_is_reported_in_one_line(self, idle: Pod, arguments: list[str], line: str) -> None:
        done = idle.command(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"diaspora-pod: {line}\n")

    def test_restore_requires_the_backup_setting(self, idle: Pod, tmp_path: Path) -> None:
        idle.tree = write_tree(pod_fragment(pod_context()), tmp_path / "plain")
        done = idle.command("restore")
        assert (done.returncode, done.stderr) == (2, "diaspora-pod: pod.backup is not set for this pod\n")
        assert idle.command("status").returncode == 0
        assert "diaspora-pod status" in idle.command("help").stdout


def test_shellcheck_reports_nothing(tree: Path, require_program: RequireProgram) -> None:
    programs = [*((tree / LIBEXEC / name) for name in ("restore", "import", "switch-database", "check-complete")),
                tree / "usr/local/bin/diaspora-pod"]  # fmt: skip
    done = subprocess.run(
        [require_program("shellcheck", "shellcheck"), "--external-sources", *programs],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
