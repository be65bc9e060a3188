"""Backup, restoration and import of a pod on AWS whose uploads are in a bucket: real s3fs, restic and PostgreSQL.

The repository is a folder here; its address comes from the parameter, as on AWS.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.aws.account import Account
from lab.matchbox import free_ports
from tests.host.aws_pod import aws_context
from tests.host.pod import LIBEXEC, pod_fragment, write_tree
from tests.machine.pod_backup import PASSWORD, Pod
from tests.machine.pod_programs import RequireProgram
from tests.machine.pod_services import BACKUP, empty_database, fill, pod_redis, pod_server, rows
from tests.machine.test_pod_postgresql import Postgresql
from tests.machine.test_pod_restore_first import WAITS
from tests.machine.uploads_bucket import BUCKET, Uploads, uploads_of

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")

CONTEXT = aws_context(
    database={"engine": "onInstance"},
    pod_changes={"backup": {"restoreFirst": True}},
    secrets={"backupPassword": PASSWORD},
)
NAMES = ("images/a cat.jpg", "images/größe.png", "images/deep/x", "users/export.json.gz")
HOST = "pod.example.org/uploads"
CONTENT = {name: os.urandom(50_000) for name in NAMES}


@pytest.fixture(scope="module")
def server(require_program: RequireProgram) -> Iterator[Postgresql]:
    yield from pod_server("uploads", require_program)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[int]:
    yield from pod_redis(tmp_path_factory.mktemp("redis"), require_program)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(pod_fragment(CONTEXT), tmp_path_factory.mktemp("tree"))


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="uploads-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def machine(
    folder: Path,
    tree: Path,
    server: Postgresql,
    redis: int,
    account: Account,
    restic: str,
    require_program: RequireProgram,
) -> Iterator[tuple[Pod, Uploads]]:
    """A machine with a mounted bucket that holds uploads."""
    pod = Pod(folder / "pod", tree, server, redis, restic)
    for made in uploads_of(pod.data, tree, require_program("s3fs", "s3fs"), account, *free_ports(1)):
        made.start()
        read_parameters(pod, folder)
        pod.prepare()
        fill(server)
        for name, content in CONTENT.items():
            made.client.put_object(Bucket=BUCKET, Key=name, Body=content)
        yield pod, made


def saved(pod: Pod, host: str) -> set[str]:
    """The files of the last snapshot of a host."""
    found = [json.loads(line) for line in ask_restic(pod, "ls", "--json", f"--host={host}", "latest")]
    return {entry["path"] for entry in found if entry.get("type") == "file"}


def read_parameters(pod: Pod, folder: Path) -> None:
    """The files that fetch-parameters writes to the data volume."""
    for name, text in {
        "state/facts/backup_repository": str(folder / "repository"),
        "secrets/provided/backup_password": PASSWORD,
    }.items():
        (pod.data / name).parent.mkdir(parents=True, exist_ok=True)
        (pod.data / name).write_text(text)


def stored(made: Uploads) -> dict[str, bytes]:
    return {name: made.content(name) for name in made.names() if not name.endswith("/")}


def ask_restic(pod: Pod, *arguments: str) -> list[str]:
    done = subprocess.run(
        [pod.restic, "--no-cache", "--repo", pod.folder.parent / "repository", *arguments],
        env={"PATH": "/usr/bin:/bin", "RESTIC_PASSWORD": PASSWORD, "HOME": "/nowhere"},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_backup_holds_the_files_of_the_bucket(machine: tuple[Pod, Uploads]) -> None:
    pod, made = machine
    (made.folder / "tmp/half").write_text("not whole yet")
    pod.succeed("backup")
    assert saved(pod, HOST) == {f"/uploads/{name}" for name in NAMES}
    assert not [path for path in saved(pod, "pod.example.org") if path.startswith("/uploads/")]


def test_uploads_are_backed_up_weekly_and_on_demand(machine: tuple[Pod, Uploads]) -> None:
    pod, made = machine
    pod.succeed("backup")
    made.client.put_object(Bucket=BUCKET, Key="images/new.jpg", Body=b"new")
    made.doors.asked.clear()
    pod.succeed("backup")
    assert "/uploads/images/new.jpg" not in saved(pod, HOST)
    assert not [path for command, path, _ in made.doors.asked if path.endswith(".jpg")]
    week = 7 * 24 * 3600
    (pod.data / "state/backup-uploads").write_text(str(int(time.time()) - week))
    pod.succeed("backup")
    assert "/uploads/images/new.jpg" in saved(pod, HOST)
    made.client.put_object(Bucket=BUCKET, Key="images/newer.jpg", Body=b"newer")
    assert pod.command("backup").returncode == 0
    assert "/uploads/images/newer.jpg" in saved(pod, HOST)
    # those of the pod are listed, and the last of them is restored
    assert "/uploads" not in pod.command("snapshots").stdout
    assert len(json.loads(ask_restic(pod, "snapshots", "--json", "--host=pod.example.org")[0])) >= 1
    kept = json.loads(ask_restic(pod, "snapshots", "--json", f"--host={HOST}")[0])
    assert len(kept) == 2


def test_next_backup_fetches_only_new_files(machine: tuple[Pod, Uploads]) -> None:
    """This holds after a remount too, which gives every file a new inode. The cost table relies on it."""
    pod, made = machine
    for number in range(100):
        made.client.put_object(Bucket=BUCKET, Key=f"images/{number}.jpg", Body=b"x")
    pod.succeed("backup")
    made.stop()
    made.start()
    made.client.put_object(Bucket=BUCKET, Key="images/new.jpg", Body=b"new")
    made.doors.asked.clear()
    assert pod.command("backup").returncode == 0
    fetched = {path for command, path, headers in made.doors.asked if command == "GET" and "range" in headers}
    assert fetched == {f"/{BUCKET}/images/new.jpg"}
    asked = [path for command, path, _ in made.doors.asked if command == "HEAD" and path.endswith(".jpg")]
    assert 100 <= len(asked) <= 110


def test_restore_brings_back_deleted_uploads_and_deletes_none(machine: tuple[Pod, Uploads]) -> None:
    pod, made = machine
    before = rows(pod.server)
    pod.succeed("backup")
    empty_database(pod.server)
    made.client.delete_object(Bucket=BUCKET, Key=NAMES[0])
    made.client.put_object(Bucket=BUCKET, Key="images/later.jpg", Body=b"later")
    made.stop()
    made.start()
    done = pod.job("restore")
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(pod.server) == before
    assert stored(made) == {**CONTENT, "images/later.jpg": b"later"}
    # what was there has not become another version, and what came back is one
    versions = made.client.list_object_versions(Bucket=BUCKET)["Versions"]
    assert len([entry for entry in versions if entry["Size"]]) == len(NAMES) + 2
    assert not (pod.data / "backup/restore").exists()
    calls = pod.calls
    assert calls.index("systemctl start --no-block uploads.service") < calls.index("systemctl stop diaspora.target")


def test_backup_and_restore_fail_without_the_bucket(machine: tuple[Pod, Uploads]) -> None:
    """Backups of an empty folder would gradually remove the uploads from the repository."""
    pod, made = machine
    pod.succeed("backup")
    before = rows(pod.server)
    made.stop()
    done = pod.run("backup")
    assert done.returncode == 1
    assert done.stderr == f"backup failed: the bucket with the uploads is not mounted on {made.folder}\n"
    done = pod.job("restore")
    assert done.returncode == 1
    assert "restore failed: the bucket with the uploads cannot be written to" in done.stderr
    assert "systemctl stop diaspora.target" not in pod.calls
    assert rows(pod.server) == before
    assert not list(made.folder.iterdir())


def test_new_machine_and_new_bucket_are_restored_from_the_last_backup(
    machine: tuple[Pod, Uploads], folder: Path, tree: Path
) -> None:
    """With pod.backup.restoreFirst; the repository is named by the parameter alone."""
    old, made = machine
    before = rows(old.server)
    old.succeed("backup")
    for name in made.names():
        made.client.delete_object(Bucket=BUCKET, Key=name)
    made.stop()
    empty_database(old.server)
    new = Pod(folder / "new", tree, old.server, old.redis_port, old.restic)
    there = Uploads(new.data, tree, made.s3fs, made.client, made.doors)
    there.share()
    try:
        new.prepare(data=False)
        assert new.run("claim-data", "pod.example.org", "restore").returncode == 0
        read_parameters(new, folder)
        assert new.run("make-secrets").returncode == 0
        there.start()
        assert new.run("check-complete").stderr == f"{WAITS}\n"
        done = new.job("restore")
        assert (done.returncode, done.stderr) == (0, "")
        assert rows(new.server) == before
        assert stored(there) == CONTENT
        assert new.run("check-complete").returncode == 0
    finally:
        if there.process:
            there.stop()
        subprocess.run(["umount", new.data], check=True)


def test_pod_moves_between_bucket_and_metal(machine: tuple[Pod, Uploads], folder: Path, tmp_path: Path) -> None:
    """From AWS to metal, and from there back into a bucket."""
    old, made = machine
    before = rows(old.server)
    old.succeed("backup")
    made.stop()
    metal = Pod(folder / "metal", write_tree(pod_fragment(BACKUP), tmp_path), old.server, old.redis_port, old.restic)
    metal.prepare()
    shutil.copytree(folder / "repository", metal.repository)
    empty_database(old.server)
    done = metal.job("restore")
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(metal.server) == before
    files = {str(path.relative_to(metal.data / "uploads")): path for path in (metal.data / "uploads").rglob("*")}
    assert {name: path.read_bytes() for name, path in files.items() if path.is_file()} == CONTENT
    (metal.data / "uploads/images/of-metal.jpg").write_bytes(b"of metal")
    metal.succeed("backup")
    shutil.rmtree(folder / "repository")
    shutil.copytree(metal.repository, folder / "repository")
    made.start()
    done = old.job("restore")
    assert (done.returncode, done.stderr) == (0, "")
    assert stored(made) == {**CONTENT, "images/of-metal.jpg": b"of metal"}


def test_imported_uploads_are_stored_in_the_bucket(machine: tuple[Pod, Uploads], folder: Path) -> None:
    pod, made = machine
    old = folder / "old/uploads"
    for name in ("images/imported.jpg", "users/archive.gz", "tmp/cache"):
        (old / name).parent.mkdir(parents=True, exist_ok=True)
        (old / name).write_bytes(b"imported")
    dump = folder / "dump"
    command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", pod.server.programs / "pg_dump",
               "-h", pod.server.folder, "-p", str(pod.server.port), "-U", "postgres", "--format=custom",
               "diaspora_production"]  # fmt: skip
    dump.write_bytes(subprocess.run(command, check=True, capture_output=True, cwd="/").stdout)
    done = pod.job("import", "--database", str(dump), "--uploads", str(old.parent), "--replace")
    assert (done.returncode, done.stderr) == (0, "")
    assert stored(made) == {**CONTENT, "images/imported.jpg": b"imported", "users/archive.gz": b"imported"}
    found = (made.folder / "images/imported.jpg").stat()
    assert (found.st_uid, found.st_mode & 0o777) == (813, 0o755)
    assert not (pod.data / "import").exists()


def test_shellcheck_reports_nothing(tree: Path, require_program: RequireProgram) -> None:
    names = ("uploads-mount", "backup", "restic", "restore", "import", "switch-database")
    programs = [tree / LIBEXEC / name for name in names]
    for words in (["--external-sources", *programs], ["--shell=sh", tree / "etc/diaspora/uploads/start"]):
        command = [require_program("shellcheck", "shellcheck"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")
