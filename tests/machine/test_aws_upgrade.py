"""Upgrades on AWS: the offered bundle from the simulated account, and a database with a real server of its own.

Whoever is connected to that server as the pod is no superuser, as on AWS.
"""

import itertools
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.aws.offer import object_key, offer_of
from diaspora_infra.config import load
from diaspora_infra.host import Parts, render
from diaspora_infra.host.features.first_bundle import first_bundle
from lab.aws.account import Account
from tests.host.aws_pod import aws_context
from tests.host.pod import LIBEXEC, write_tree
from tests.machine.aws_door import Door
from tests.machine.pod_programs import RequireProgram
from tests.machine.pod_upgrade import NEW_IMAGE, OLD_IMAGE, Upgraded
from tests.machine.test_pod_postgresql import as_user, server_programs
from tests.machine.test_pod_upgrade import MIGRATION, POSTS, TABLES, empty, folder
from tests.support.configs import SSH_KEY, aws_config, host

__all__ = ["empty", "folder"]
pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may change the files of a machine")

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
PATH = "/diaspora/pod.example.org"
BUCKET = "pod-bundles-1a2b"
# what the programs of AWS need beside those of an upgrade
MORE_PROGRAMS = ("mktemp", "sha512sum")


@cache
def parts_of(image: str | None = OLD_IMAGE, key: str = SSH_KEY, **changes: Any) -> Parts:
    users = host(users=[{"name": "core", "sshAuthorizedKeys": [key]}])
    values = aws_config(region="eu-west-1", pod_changes={"image": image, **changes}, mail={"enabled": False})
    settings = load({**values, "host": users}, [])
    parts = render(settings, settings.machines[0], {}).parts
    assert parts is not None
    return parts


def new_parts(**changes: Any) -> Parts:
    return parts_of(NEW_IMAGE, name="Another name", **changes)


class Pod(Upgraded):
    """A machine on AWS, its account, and the server of its database."""

    account: Account
    door: Door

    def client(self, service: str) -> Any:
        return self.account.client(service, "eu-west-1")

    @property
    def server(self) -> Path:
        return self.folder / "server"

    def start_server(self, empty: Path) -> None:
        """Start the server of AWS, whose administrator made the role and the database of the pod."""
        shutil.copytree(empty, self.server)
        for path in (self.server, *self.server.rglob("*")):
            shutil.chown(path, "postgres", "postgres")
        options = f"-k {self.folder / 'socket'} -p 5432 -c listen_addresses= -c fsync=off -c shared_buffers=16MB"
        self.pg_ctl("-o", options, "-l", str(self.folder / "socket/log"), "start")
        self.admin("CREATE ROLE diaspora LOGIN CREATEDB", "CREATE DATABASE diaspora_production OWNER diaspora")

    def pg_ctl(self, *words: str) -> None:
        subprocess.run(
            [self.server_programs / "pg_ctl", "-D", self.server, "-w", *words],
            check=True, timeout=60, cwd="/", stdout=subprocess.DEVNULL, **as_user(),  # type: ignore[call-overload]
        )  # fmt: skip

    def admin(self, *statements: str) -> None:
        for statement in statements:
            subprocess.run(
                [self.server_programs / "psql", "-X", "-q", "-h", self.folder / "socket", "-U", "postgres", "-c",
                 statement], check=True, timeout=60,
            )  # fmt: skip

    def reprepare(self, empty: Path) -> None:
        """Write the stand-ins again, with what images do now."""
        self.prepare(empty)
        for name in MORE_PROGRAMS:
            (self.folder / "bin" / name).symlink_to(str(shutil.which(name)))

    def offer(self, parts: Parts) -> None:
        self.client("s3").put_object(Bucket=BUCKET, Key=object_key(parts.bundle), Body=parts.bundle.encode())
        value = offer_of(BUCKET, parts.bundle, parts.bundle_hash)
        self.client("ssm").put_parameter(Name=f"{PATH}/bundle", Value=value, Type="String", Overwrite=True)

    def told(self) -> str:
        return str(self.client("ssm").get_parameter(Name=f"{PATH}/bundleApplied")["Parameter"]["Value"])

    def fetched(self, mode: str) -> None:
        """What the machine does at each boot, and every 15 minutes."""
        done = self.run("/usr/bin/bash", self.root / LIBEXEC / "fetch-parameters", mode)
        assert (done.returncode, done.stderr) == (0, "")

    def status(self) -> list[str]:
        done = self.run("/usr/bin/bash", self.root / "usr/local/bin/diaspora-pod", "status")
        return [line for line in done.stdout.splitlines() if "bundle" in line or "upgrade" in line]


def staged(pod: Pod, parts: Parts, path: str) -> str:
    """The text of a file of a bundle."""
    return (pod.staged(json.loads(parts.bundle)) / "files" / path).read_text()


numbers = itertools.count(1)


@pytest.fixture
def pod(folder: Path, empty: Path, account: Account, require_program: RequireProgram) -> Iterator[Pod]:
    """A machine that runs the old bundle, with 500 posts."""
    account.reset()
    door = Door(account.endpoint)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    server = f"http://127.0.0.1:{door.server_address[1]}"
    images = {OLD_IMAGE: {"migration": TABLES}, NEW_IMAGE: {"migration": MIGRATION}}
    made = Pod(folder / f"aws-{next(numbers)}", server_programs(require_program), images)
    made.account, made.door = account, door
    made.variables = {
        "DIASPORA_IMDS": server, "DIASPORA_SSM": server, "DIASPORA_S3": server, "DIASPORA_ECR": server,
        "DIASPORA_CONFIGURATION": str(made.root / "etc/diaspora"), "DIASPORA_UPGRADE_LIMIT": "60",
    }  # fmt: skip
    # many units, and a fetch
    made.seconds = 300
    made.folder.mkdir()
    made.install(json.loads(parts_of().bundle), empty)
    write_tree(first_bundle(aws_context().of_machine), made.root)
    made.reprepare(empty)
    made.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for name, value in (("databaseHost", "db.example.org"), ("uploadsBucket", "b"), ("databasePassword", "x")):
        made.client("ssm").put_parameter(Name=f"{PATH}/{name}", Value=value, Type="String")
    made.offer(parts_of())
    made.start_server(empty)
    made.fetched("boot")
    (made.record / "pulled").write_text("\n".join(images_of(made)))
    assert made.boot() is None
    assert made.is_active("diaspora-web.service")
    made.sql("INSERT INTO posts (text) SELECT 'naïve 🐘 ' || n FROM generate_series(1, 500) n", user="diaspora")
    (made.record / "calls").unlink()
    try:
        yield made
    finally:
        made.pg_ctl("-m", "immediate", "stop")
        door.shutdown()
        door.server_close()
        shutil.rmtree(made.folder)


def images_of(pod: Pod) -> list[str]:
    quadlets = (pod.root / "etc/containers/systemd").rglob("*")
    lines = [line for path in quadlets if path.is_file() for line in path.read_text().splitlines()]
    return sorted({line.removeprefix("Image=") for line in lines if line.startswith("Image=")})


def check(pod: Pod, parts: Parts, *, new: bool) -> None:
    """Files, database and services are all of one version."""
    assert json.loads((pod.root / "etc/diaspora/bundle.json").read_text())["hash"] == parts.bundle_hash
    assert pod.sql("SELECT id, text FROM posts ORDER BY id").splitlines() == POSTS
    assert pod.sql("SELECT version FROM schema_migrations ORDER BY 1").split() == (["1", "2"] if new else ["1"])
    assert pod.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'diaspora_re%'") == "0"
    note = "migration 2 of " + NEW_IMAGE if new else "migration 1 of " + OLD_IMAGE
    assert pod.sql("SELECT obj_description('schema_migrations'::regclass)") == note
    for service in ("pgbouncer", "diaspora-web", "diaspora-sidekiq", "nginx"):
        assert pod.is_active(f"{service}.service"), service
    assert not pod.state.exists()
    assert (pod.root / LIBEXEC / "fetch-bundle").exists(), "the machine's own part stays"


def test_offered_bundle_is_seen_taken_and_told(pod: Pod) -> None:
    old, new = parts_of(), new_parts()
    pod.fetched("refresh")
    assert pod.told() == old.bundle_hash
    assert not [line for line in pod.status() if line.startswith("offered")]
    pod.offer(new)
    pod.fetched("refresh")
    assert f"offered bundle           {new.bundle_hash}; to take it: diaspora-pod upgrade" in pod.status()
    assert pod.told() == old.bundle_hash
    check(pod, old, new=False)

    done = pod.upgrade("--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"bundle {new.bundle_hash} would replace {old.bundle_hash}" in done.stdout
    done = pod.upgrade()
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.splitlines()[-1] == f"upgrade: the pod runs bundle {new.bundle_hash}"
    check(pod, new, new=True)
    assert "systemctl start --no-block diaspora-parameters-refresh.service" in pod.calls
    pod.fetched("refresh")
    assert pod.told() == new.bundle_hash
    assert not [line for line in pod.status() if line.startswith("offered")]
    assert "nothing to do" in pod.upgrade().stdout


@pytest.mark.parametrize("how", [{"page": "fails"}, {"migration_fails": True}], ids=str)
def test_bundle_that_fails_is_rolled_back_with_the_database(pod: Pod, empty: Path, how: dict[str, Any]) -> None:
    pod.images[NEW_IMAGE] |= how
    pod.reprepare(empty)
    pod.offer(new_parts())
    done = pod.upgrade()
    assert done.returncode == 1
    assert done.stderr.endswith("; rolled back to the old version\n"), done
    check(pod, parts_of(), new=False)
    pod.fetched("refresh")
    assert pod.told() == parts_of().bundle_hash


def test_interrupted_upgrade_is_rolled_back_at_the_next_boot(pod: Pod) -> None:
    pod.offer(new_parts())
    pod.fault("systemctl start diaspora-migrate", "after")
    assert pod.upgrade().returncode == -9
    # the files of the new bundle are there, and nothing is told
    pod.fetched("refresh")
    assert json.loads((pod.root / "etc/diaspora/bundle.json").read_text())["hash"] == new_parts().bundle_hash
    assert pod.told() == parts_of().bundle_hash
    recovered = pod.boot()
    assert recovered is not None
    assert (recovered.returncode, recovered.stderr) == (0, "")
    check(pod, parts_of(), new=False)


def test_another_build_of_the_image_is_taken_or_rolled_back(pod: Pod, empty: Path) -> None:
    first, second = (f"{REGISTRY}/pod-diaspora-1a2b@sha256:{digit * 64}" for digit in "12")
    parts = parts_of(image=None)
    name = json.loads(staged(pod, parts, "etc/diaspora/pod.json"))["image"]
    pod.images[first] = {"migration": MIGRATION, "newest": 2}
    pod.images[second] = {"migration": "", "newest": 2, "page": "fails"}
    pod.reprepare(empty)
    parameter = f"{PATH}/images/diaspora-{name.rpartition(':')[2]}-aarch64"

    def built(source: str) -> None:
        client = pod.client("ssm")
        client.put_parameter(Name=parameter, Value=f"{source} tag", Type="String", Overwrite=True)
        pod.fetched("refresh")

    def names() -> dict[str, str]:
        return dict(json.loads((pod.record / "names").read_text()))

    # the machine comes from a bundle with an image of one's own
    pod.offer(parts)
    built(first)
    done = pod.upgrade()
    assert (done.returncode, done.stderr) == (0, ""), done
    assert names() == {name: first}
    pod.fetched("refresh")
    assert not [line for line in pod.status() if line.startswith("offered")]
    assert "nothing to do" in pod.upgrade().stdout

    built(second)
    assert f"offered image            another build of {name}; to take it: diaspora-pod upgrade" in pod.status()
    assert f"rebuilt  {name}\n" in pod.upgrade("--check").stdout
    done = pod.upgrade()
    assert done.returncode == 1
    assert done.stderr.endswith("; rolled back to the old version\n"), done
    assert names() == {name: first}
    assert pod.is_active("diaspora-web.service")
    assert pod.sql("SELECT id, text FROM posts ORDER BY id").splitlines() == POSTS

    del pod.images[second]["page"]
    pod.reprepare(empty)
    done = pod.upgrade()
    assert (done.returncode, done.stderr) == (0, ""), done
    assert names() == {name: second}
    assert pod.is_active("diaspora-web.service")
    assert not [line for line in pod.status() if line.startswith("offered")]


def test_bundle_of_another_machine_part_is_refused(pod: Pod) -> None:
    pod.offer(new_parts(key=SSH_KEY.replace("podmin@example.org", "other@example.org")))
    done = pod.upgrade()
    assert (done.returncode, done.stderr) == (1, "upgrade failed: reinstall needed: users\n")
    check(pod, parts_of(), new=False)


def test_bundle_that_cannot_be_fetched_changes_nothing(pod: Pod) -> None:
    pod.door.refusals = 1
    done = pod.upgrade()
    assert done.returncode == 1
    assert done.stderr.startswith("upgrade failed: the bundle of the stack cannot be fetched: ")
    assert "AccessDeniedException" in done.stderr
    check(pod, parts_of(), new=False)


def test_older_bundle_is_refused_by_the_database(pod: Pod) -> None:
    """Also where the data volume knows nothing of the migration: it was restored, and the database was not."""
    pod.offer(new_parts())
    assert pod.upgrade().returncode == 0
    shutil.rmtree(pod.data / "state/newest-migration", ignore_errors=True)
    pod.offer(parts_of())
    done = pod.upgrade()
    said = f"the database was migrated by {NEW_IMAGE} (migration 2), which is newer than {OLD_IMAGE} (migration 1)"
    assert done.returncode == 1
    assert done.stderr.startswith(f"upgrade failed: {said}; set pod.image to that version")
    check(pod, new_parts(), new=True)

    # a machine that was made from the older bundle
    pod.systemctl("stop", "diaspora.target", "diaspora-data.service")
    pod.put_in_place(json.loads(parts_of().bundle))
    (pod.data / "state/migrate").write_text(f"{OLD_IMAGE.encode().hex()}\n")
    pod.boot()
    assert not pod.is_active("diaspora-web.service")
    assert pod.sql("SELECT version FROM schema_migrations ORDER BY 1").split() == ["1", "2"]
