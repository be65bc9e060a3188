"""docs/operate.md on whole pods (tests/support/pod_machine.py): installation, restore, upgrade, emergencies.

A machine outside of the pods has the repository of their backups: S3, which is moto here. The commands are those of the
page and of the pages to which it leads.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import skip_unless
from tests.machine.cheap_restic import cheap_key
from tests.machine.namespaces import Namespace, cable
from tests.machine.pod_assertions import (
    DATA,
    SERVICES,
    assert_runs,
    assert_started_in_order,
    config,
    psql,
    wait_for_archive,
)
from tests.support.built_image import STEPS, stand_in
from tests.support.pod_machine import PodMachine, data_disk, installed
from tests.support.trixie import TrixieMachine

OUTSIDE, ADDRESS = "192.0.2.1", "192.0.2.10/24"
BACKUP = {"repository": f"s3:http://{OUTSIDE}:9000/pod-backups"}
SECRETS = {"backupPassword": "p1", "backupAccessKey": "a1", "backupSecretKey": "s1"}
MONITORING = {"nodeExporter": True}
PAGE = Path(__file__).parent.parent.parent / "docs" / "machine.md"
# each unit is up before the next one is started; tests/boot has the mount of the data partition
ORDER = (
    ("diaspora-data.service", "diaspora-secrets.service", "postgresql.service"),
    ("postgresql.service", "diaspora-migrate.service", "diaspora-administrator.service", "diaspora-web.service"),
    ("diaspora-secrets.service", "redis.service", "diaspora-migrate.service"),
    ("diaspora-web.service", "diaspora-sidekiq.service"),
    ("diaspora-network.service", "postgresql.service"),
    ("diaspora-secrets.service", "diaspora-signing-key.service", "public-files.service", "nginx.service"),
    ("diaspora-signing-key.service", "diaspora-certificate.service", "nginx.service"),
)
MEMORABLE = "a post that everybody remembers"


class Outside(Namespace):
    """A machine with the repository of the backups, to which one pod at a time is connected."""

    def serve_s3(self, folder: Path) -> None:
        """Start S3."""
        with (folder / "s3.log").open("wb") as log:
            words = self.command(sys.executable, "-m", "moto.server", "-H", "0.0.0.0", "-p", "9000")
            self.processes.append(subprocess.Popen(words, stdout=log, stderr=log, text=True))
        for _ in range(300):
            done = self.attempt("curl", "--silent", "--output", "/dev/null", "http://127.0.0.1:9000/moto-api/")
            if done.returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError((folder / "s3.log").read_text(encoding="utf-8"))

    def make_password_cheap(self) -> None:
        """From now on restic needs no time to derive a key from the password of the repository."""
        folder = "http://127.0.0.1:9000/pod-backups"
        (name,) = re.findall(r"<Key>(keys/\w+)</Key>", self.curl(f"{folder}?prefix=keys/"))
        key = cheap_key(self.curl(f"{folder}/{name}").encode(), SECRETS["backupPassword"])
        put = ("--request", "PUT", "--header", "Content-Type: application/json", "--data-binary", key.decode())
        self.curl(*put, f"{folder}/keys/{hashlib.sha256(key).hexdigest()}")
        self.curl("--request", "DELETE", f"{folder}/{name}")

    def curl(self, *words: str) -> str:
        """What the server answers, which must be content."""
        options = ("--fail", "--silent", "--show-error", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "a1:s1")
        done = self.attempt("curl", *options, *words)
        assert done.returncode == 0, done
        return done.stdout

    def connect(self, machine: TrixieMachine) -> None:
        """Lay a cable to a machine."""
        other = Namespace(Path(f"/proc/{machine.pid}/ns/net"))
        cable(other, "eth0", self, "eth0")
        self.ip(f"address add {OUTSIDE}/24 dev eth0")


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    skip_unless(os.geteuid() == 0, "needs root: namespaces and mounts")
    made = Outside()
    try:
        made.serve_s3(tmp_path_factory.mktemp("outside"))
        yield made
    finally:
        made.end()


@contextmanager
def pod(outside: Outside, data: Path, folder: Path, **settings: Any) -> Iterator[TrixieMachine]:
    """Install a machine with backups, start it, and connect it."""
    found = config(secrets=SECRETS, address=ADDRESS, monitoring=MONITORING, backup={**BACKUP, **settings})
    with installed(found, data, folder) as machine, started(outside, machine) as running:
        yield running


@contextmanager
def started(outside: Outside, machine: PodMachine) -> Iterator[TrixieMachine]:
    with machine.started(connect=outside.connect) as running:
        yield running


def assert_journal_is_readable(machine: TrixieMachine) -> None:
    """`logs` shows what services, containers and systemd say, and nothing that podman adds."""
    lines = machine.run("diaspora-pod", "logs", "nginx", "redis", "diaspora-migrate", "--output=cat").splitlines()
    for part in (
        "Started redis.service",
        "Ready to accept connections",
        "start worker processes",
        "Finished diaspora-migrate",
    ):
        assert any(part in line for line in lines), (part, lines)
    assert [line for line in lines if "container " in line or "image pull" in line] == []


def assert_target_waits_for_services(journal: str) -> None:
    *_, reached = re.finditer(r"Reached target diaspora\.target", journal)
    for name in SERVICES:
        up = re.search(rf"Started {name}\.service", journal)
        assert up, name
        assert up.start() < reached.start(), name


def assert_status_matches_page(status: str) -> None:
    """The page shows the same lines except for numbers and hashes; its machine has no backups."""
    shown = re.search(
        r"^\$ sudo diaspora-pod status\n(.*?)^\$ ", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert shown, "no status in docs/machine.md"
    changing = r"[0-9a-f]{16,}|\d+"
    found = "".join(line for line in status.splitlines(keepends=True) if not line.startswith("last good backup "))
    assert re.sub(changing, "N", shown[1]) == re.sub(changing, "N", found)


def chapter_install(machine: TrixieMachine, outside: Outside) -> None:
    """Install, step 6."""
    assert_runs(machine)
    journal = machine.run("journalctl", "--boot", "--output=short-monotonic", "--no-hostname", "--no-pager")
    assert_started_in_order(journal, ORDER)
    assert_target_waits_for_services(journal)
    assert_status_matches_page(machine.run("diaspora-pod", "status"))
    assert_journal_is_readable(machine)
    assert "podmin" in machine.run("diaspora-pod", "admin")
    # the podmin changes the password; until then the pod counts as one without users
    psql(machine, "UPDATE users SET encrypted_password = 'another' WHERE username = 'podmin'")
    machine.run("diaspora-pod", "backup", seconds=300)
    outside.make_password_cheap()
    assert len(snapshots(machine)) == 1
    assert "last good backup         20" in machine.run("diaspora-pod", "status")


def snapshots(machine: TrixieMachine) -> list[str]:
    """The ids of the snapshots, the oldest first."""
    rows = [line.split() for line in machine.run("diaspora-pod", "snapshots", seconds=120).splitlines()]
    return [row[0] for row in rows if len(row) > 4 and len(row[0]) == 8]


def publish(machine: TrixieMachine, text: str) -> None:
    """Something that a user of the pod would miss: a row of the database, and a file."""
    psql(machine, f"INSERT INTO pods (host, created_at, updated_at) VALUES ('{text}', now(), now())")
    machine.put(f"{DATA}/uploads/images/{text.replace(' ', '-')}.txt", text)


def published(machine: TrixieMachine) -> tuple[list[str], list[str]]:
    """What `publish` has left, in the database and as files."""
    rows = psql(machine, "SELECT host FROM pods WHERE host LIKE 'a post%' ORDER BY host").splitlines()
    files = sorted(path.read_text() for path in (machine.root / DATA.lstrip("/") / "uploads/images").glob("a-post*"))
    return rows, files


def chapter_restore(machine: TrixieMachine, _: Outside) -> None:
    """Restore onto the same machine, after a mistake."""
    publish(machine, MEMORABLE)
    machine.run("diaspora-pod", "backup", seconds=300)
    *_, last = snapshots(machine)
    psql(machine, "DELETE FROM pods")
    (machine.root / f"{DATA}/uploads/images/{MEMORABLE.replace(' ', '-')}.txt".lstrip("/")).unlink()
    publish(machine, "a post of yesterday")
    machine.run("diaspora-pod", "restore", last, "--yes", seconds=600)
    assert_runs(machine)
    assert published(machine) == ([MEMORABLE], [MEMORABLE])
    assert "replaced data" in machine.run("diaspora-pod", "status")
    machine.run("diaspora-pod", "remove-replaced", seconds=120)
    assert "replaced data" not in machine.run("diaspora-pod", "status")


def chapter_upgrade(machine: TrixieMachine, _: Outside) -> None:
    """A version that does not start is rolled back; one that does stays. The machine builds both."""
    before = bundle(machine)
    for last, message in (
        ("RUN exit 7", "failed: the image localhost/diaspora:"),
        ("ENV RUBYOPT=-rmissing", "failed: the migration failed"),
        ("ENV RELEASE=0.9.1.1", "done: "),
    ):
        with stand_in(f"{STEPS}{last}\n"):
            found = config(secrets=SECRETS, address=ADDRESS, monitoring=MONITORING, backup=BACKUP, image=None)
        machine.put("/root/pod.ign", json.dumps(found), 0o600)
        changed = machine.run("diaspora-pod", "upgrade", "--check", "/root/pod.ign")
        assert "diaspora-.container.d" in changed
        done = machine.attempt("diaspora-pod", "upgrade", "/root/pod.ign", seconds=900)
        assert (done.returncode == 0) == (message == "done: "), done
        assert message in done.stdout + done.stderr + machine.attempt("diaspora-pod", "status").stdout
        assert (bundle(machine) == before) == (message != "done: ")
        # the podmin has read it
        machine.attempt("systemctl", "reset-failed", "diaspora-upgrade.service")
        assert_runs(machine)
        assert published(machine) == ([MEMORABLE], [MEMORABLE])
    wait_for_archive(machine)


def bundle(machine: TrixieMachine) -> str:
    """The bundle that the machine has."""
    (line,) = (
        row for row in machine.attempt("diaspora-pod", "status").stdout.splitlines() if row.startswith("bundle ")
    )
    return line.split()[1]


def chapter_full_disk(machine: TrixieMachine, _: Outside) -> None:
    """What can be made again is removed, the podmin hears of it, and the pod goes on when there is room."""
    machine.attempt("sh", "-c", f"head -c 10G /dev/zero > {DATA}/tmp/filler")
    done = machine.attempt("diaspora-pod", "status")
    assert (done.returncode, "data disk                100 % used" in done.stdout) == (1, True), done
    machine.run("systemctl", "start", "diaspora-disk-space.service")
    # without mail the alert is in the journal
    assert "the data partition is 100 % full" in machine.run("diaspora-pod", "logs", "diaspora-disk-space")
    machine.run("rm", f"{DATA}/tmp/filler")
    machine.run("systemctl", "start", "diaspora-disk-space.service")
    assert_runs(machine)


def chapter_secrets(machine: TrixieMachine, _: Outside) -> None:
    """Rotate all secrets, step 1."""
    key = machine.root / f"{DATA}/secrets/secret_key_base".lstrip("/")
    before = key.read_bytes()
    machine.run("systemctl", "stop", "diaspora.target")
    machine.run("rm", f"{DATA}/secrets/secret_key_base", f"{DATA}/secrets/oidc_key.pem")
    machine.run("systemctl", "restart", "diaspora-secrets.service", "diaspora-signing-key.service")
    machine.run("systemctl", "start", "diaspora.target", seconds=300)
    assert_runs(machine)
    assert key.read_bytes() not in {before, b""}


@pytest.mark.timeout(1800)
def test_life_of_a_pod(outside: Outside, tmp_path: Path, memory_path: Path) -> None:
    data = data_disk(memory_path / "data.img")
    with pod(outside, data, tmp_path / "machine") as machine:
        for chapter in (chapter_install, chapter_restore, chapter_upgrade, chapter_full_disk, chapter_secrets):
            began = time.monotonic()
            chapter(machine, outside)
            print(chapter.__name__, round(time.monotonic() - began, 1))
    # the disk is broken: a new machine with an empty one
    empty = data_disk(memory_path / "empty.img")
    with pod(outside, empty, tmp_path / "new", restoreFirst=True) as machine:
        assert_runs(machine)
        assert published(machine) == ([MEMORABLE], [MEMORABLE])
