"""`diaspora-pod upgrade` from one bundle to another, and back, with a real PostgreSQL; interrupted at every step.

An interruption kills the program and everything that it started; a power failure also the database and what lies in
/run. What a disk loses that was not flushed is not shown.
"""

import contextlib
import fcntl
import functools
import http.server
import itertools
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.config import load
from diaspora_infra.host import render
from diaspora_infra.host.templates import templates_folder
from lab.matchbox import free_ports
from tests.host.pod import LIBEXEC
from tests.machine.pod_programs import RequireProgram, link_programs
from tests.machine.pod_upgrade import NEW_IMAGE, OLD_IMAGE, Upgraded, config_of
from tests.machine.test_pod_postgresql import as_user, server_programs
from tests.support.configs import SSH_KEY, host, machine, pxe, pxe_config
from tests.support.configs import pod as pod_settings
from tests.support.ignition_root import Node
from tests.support.memory import memory_folder
from tests.support.processes import wait_until_blocked

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may change the files of a machine")

TABLES = """
CREATE TABLE IF NOT EXISTS schema_migrations (version varchar PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('1') ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS posts (id serial PRIMARY KEY, text text);
"""
MIGRATION = "ALTER TABLE posts ADD COLUMN color text; INSERT INTO schema_migrations VALUES ('2');"
# one program asks for all that is compared
CONTENT = """SELECT json_build_object(
    'first', ARRAY(SELECT id || '|' || text FROM posts ORDER BY id LIMIT 500),
    'posts', (SELECT count(*) FROM posts),
    'versions', ARRAY(SELECT version FROM schema_migrations ORDER BY 1),
    'columns', ARRAY(SELECT column_name FROM information_schema.columns WHERE table_name = 'posts' ORDER BY 1),
    'owners', ARRAY(SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relname IN ('posts')),
    'copies', (SELECT count(*) FROM pg_database WHERE datname LIKE 'diaspora_re%'))"""
OTHER_KEY = SSH_KEY.replace("podmin@example.org", "other@example.org")
POSTS = [f"{number}|naïve 🐘 {number}" for number in range(1, 501)]
SERVICES = ("postgresql", "redis", "diaspora-web", "diaspora-sidekiq", "nginx")


@cache
def config(**changes: Any) -> dict[str, Any]:
    return config_of(**{**changes, "tls": {"mode": changes["tls"]}} if "tls" in changes else changes)


def old_config() -> dict[str, Any]:
    return config()


def new_config(major: int = 17) -> dict[str, Any]:
    return config(image=NEW_IMAGE, name="Another name", tls="own", major=major)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not in pytest's folder, which only one user may enter."""
    made = memory_folder() / f"pod-upgrade-{os.getpid()}"
    made.mkdir(mode=0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def empty(folder: Path, require_program: RequireProgram) -> Path:
    """A database cluster as the image makes it."""
    require_program("jq", "jq")
    parent = folder / "empty"
    parent.mkdir()
    shutil.chown(parent, "postgres")
    subprocess.run(
        [server_programs(require_program) / "initdb", "-D", parent / "made", "-U", "postgres", "-A", "trust", "-N",
         "--wal-segsize=1", "--encoding=UTF8", "--locale=C.UTF-8"],
        check=True, capture_output=True, timeout=120, cwd="/", **as_user(),  # type: ignore[call-overload]
    )  # fmt: skip
    return parent / "made"


@pytest.fixture(scope="module")
def first(folder: Path, empty: Path, require_program: RequireProgram) -> Upgraded:
    """A machine that was installed, ran, and was shut down."""
    made = Upgraded(folder / "first", server_programs(require_program), {OLD_IMAGE: {"migration": TABLES}})
    made.folder.mkdir()
    made.install(old_config(), empty)
    texts = [path.read_text() for path in (made.root / "etc/containers/systemd").rglob("*") if path.is_file()]
    images = set(re.findall("^Image=(.*)$", "\n".join(texts), re.MULTILINE))
    assert OLD_IMAGE in images
    (made.record / "pulled").write_text("\n".join(images))
    assert made.boot() is None
    assert made.systemctl("is-active", "diaspora-web.service") == 0
    made.sql("INSERT INTO posts (text) SELECT 'naïve 🐘 ' || n FROM generate_series(1, 500) n", user="diaspora")
    made.systemctl("stop", "diaspora.target")
    return made


numbers = itertools.count(1)


@pytest.fixture
def pod(first: Upgraded, empty: Path) -> Iterator[Upgraded]:
    folder = first.folder.parent / str(next(numbers))
    subprocess.run(["cp", "-aT", first.folder, folder], check=True)
    images = {OLD_IMAGE: {"migration": TABLES}, NEW_IMAGE: {"migration": MIGRATION}}
    made = Upgraded(folder, first.server_programs, images)
    made.prepare(empty)
    assert made.boot() is None
    assert made.systemctl("is-active", "diaspora-web.service") == 0
    (made.record / "calls").unlink()
    yield made
    made.power_off()
    shutil.rmtree(folder)


def behave(pod: Upgraded, empty: Path, **how: Any) -> None:
    """Let the new image do something else."""
    if "health" in how:
        # what never becomes healthy is waited for; what starts needs longer than that where cores are shared
        pod.limit = 20
        pod.variables["DIASPORA_UPGRADE_PAUSE"] = "1"
    pod.images[NEW_IMAGE] |= how
    pod.prepare(empty)


read_before: dict[str, dict[str, Node]] = {}


def expected_files(pod: Upgraded, of: dict[str, Any]) -> dict[str, Node]:
    """What the machine's own reader makes of a config; it is asked once."""
    key = json.dumps(of)
    if key not in read_before:
        staged = pod.staged(of)
        other = Upgraded(staged, pod.server_programs)
        (staged / "files").rename(staged / "root")
        shutil.copy(staged / "machine.json", staged / "root/etc/diaspora")
        read_before[key] = other.files()
    return read_before[key]


def check(pod: Upgraded, of: dict[str, Any], *, major: int = 17, posts: int = 500) -> None:
    """Files, units, database, images and services are all of one version, and nothing is left half."""
    new = of is not old_config()
    files = expected_files(pod, of)
    assert pod.files() == files
    known = json.loads(files["/etc/diaspora/bundle.json"].content)
    assert pod.enabled() == known["enabled"]
    image = json.loads(files["/etc/diaspora/pod.json"].content)["image"]
    assert json.loads(pod.sql(CONTENT)) == {
        "first": POSTS,
        "posts": posts,
        "versions": ["1", "2"] if image == NEW_IMAGE else ["1"],
        "columns": ["color", "id", "text"] if image == NEW_IMAGE else ["id", "text"],
        "owners": ["diaspora"],
        "copies": 0,
    }
    assert (pod.data / "postgresql/PG_VERSION").read_text() == f"{major}\n"
    assert (pod.data / "public/image").read_text() == image
    for service in (*SERVICES, "diaspora-data"):
        assert pod.is_active(f"{service}.service"), service
    timers = [unit for unit in known["enabled"] if unit.endswith(".timer")]
    for timer in timers if pod.calls and new else ():
        assert pod.is_active(timer), timer
    assert not list((pod.folder / "run").rglob("90-upgrade.conf"))
    left = {path.name for path in (pod.data / "upgrade").iterdir()} if (pod.data / "upgrade").exists() else set()
    assert left <= {"before.dump", "dumped-for", "last"}


def test_upgrade_replaces_files_images_and_database(pod: Upgraded) -> None:
    done = pod.upgrade_to(new_config())
    assert (done.returncode, done.stderr) == (0, ""), done
    hashed = json.loads((pod.root / "etc/diaspora/bundle.json").read_text())["hash"]
    assert done.stdout.splitlines()[-1] == f"upgrade: the pod runs bundle {hashed}"
    check(pod, new_config())
    assert not (pod.root / "etc/systemd/system/certbot.timer").exists()
    assert (pod.data / "state/bundle").read_text() == f"{hashed}\n"
    # it lasts
    pod.power_off()
    assert pod.boot() is None
    (pod.data / "upgrade/last").unlink()
    check(pod, new_config())


def test_upgrade_runs_its_steps_in_order(pod: Upgraded) -> None:
    assert pod.upgrade_to(new_config()).returncode == 0
    calls = pod.calls
    order = [
        next(number for number, call in enumerate(calls) if call.startswith(start))
        for start in (
            f"podman pull --quiet -- {NEW_IMAGE}",
            "systemctl stop diaspora-task.service diaspora-sidekiq.service diaspora-web.service nginx.service",
            "podman exec postgresql pg_dump",
            "systemctl stop diaspora.target",
            "systemctl daemon-reload",
            "systemctl start redis.service",
            "systemctl start diaspora-migrate.service",
            "systemctl start public-files.service",
            "systemctl start diaspora-web.service",
            "systemctl start diaspora-sidekiq.service",
            "podman exec diaspora-web bash /usr/local/bin/web-healthy 3000 /users/sign_in",
            "systemctl start nginx.service",
            "systemctl start diaspora.target",
        )
    ]
    assert order == sorted(order)
    # the images of two versions stay; those of earlier ones are removed by the next upgrade
    assert {OLD_IMAGE, NEW_IMAGE} <= set((pod.data / "state/images").read_text().split())


def test_upgrade_to_the_same_config_does_nothing(pod: Upgraded) -> None:
    done = pod.upgrade_to(old_config())
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing to do" in done.stdout
    assert not (pod.record / "calls").exists()
    check(pod, old_config())


def test_check_option_lists_changes_and_changes_nothing(pod: Upgraded) -> None:
    done = pod.upgrade_to(new_config(), "--check")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "would replace" in lines[0]
    assert "new      /etc/systemd/system/diaspora-own-certificate.timer" in lines
    assert "changed  /etc/diaspora/diaspora.toml" in lines
    assert "removed  /etc/systemd/system/certbot.timer" in lines
    assert not [line for line in lines if "redis" in line]
    assert not (pod.record / "calls").exists()
    check(pod, old_config())


REFUSED = {
    "disks": ({"host": host(storage={"rootGib": 20})}, "reinstall needed: disks"),
    "users and more": (
        {"host": host(users=[{"name": "core", "sshAuthorizedKeys": [OTHER_KEY]}]), "pxe": pxe(machine(hostname="x"))},
        "reinstall needed: /etc/hostname, users",
    ),
    "networks": ({"pxe": pxe(machine(networks={"eno1": {"ipv4": {"method": "auto"}}}))}, "reinstall needed: networks"),
    "another machine": (
        {"pxe": pxe(machine(2))}, "the config belongs to another machine or pod: name is pod2, not pod1",
    ),
    "another pod": (
        {"pod": pod_settings(domain="other.example.org")}, "domain is other.example.org, not pod.example.org",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_changes_that_need_a_reinstall_are_refused_by_name(name: str, first: Upgraded) -> None:
    changes, words = REFUSED[name]
    settings = load(pxe_config(**changes))
    config = json.loads(render(settings, settings.machines[0], {}).ignition)
    before = first.files()
    done = first.upgrade_to(config)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("upgrade failed: ")
    assert words in done.stderr
    assert first.files() == before
    assert {path.name for path in (first.data / "upgrade").iterdir()} == set()


def test_config_is_read_from_server_or_file(first: Upgraded, tmp_path: Path) -> None:
    missing = first.upgrade("--check", tmp_path / "missing")
    assert missing.stderr == f"upgrade failed: {tmp_path / 'missing'}: no such file\n"
    (port,) = free_ports(1)
    gone = first.upgrade("--check", f"http://127.0.0.1:{port}/ignition")
    assert gone.stderr.startswith(f"upgrade failed: http://127.0.0.1:{port}/ignition cannot be fetched: ")
    (tmp_path / "ignition").write_text(json.dumps(old_config()))
    (tmp_path / "page").write_text("<html>")
    with serve(tmp_path) as address:
        fetched = first.upgrade("--check", f"{address}/ignition")
        assert (fetched.returncode, fetched.stderr) == (0, "")
        assert "nothing to do" in fetched.stdout
        page = first.upgrade(f"{address}/page")
        assert page.stderr == f"upgrade failed: {address}/page cannot be used: not an Ignition config of version 3 \n"
        # without a name it is the machine's own address, of which only the settings know
        known = first.root / "etc/diaspora/machine.json"
        text = known.read_text()
        try:
            known.write_text(json.dumps(json.loads(text) | {"config": f"{address}/ignition"}))
            assert "nothing to do" in first.upgrade().stdout
            known.write_text(json.dumps(json.loads(text) | {"config": None}))
            assert first.upgrade().stderr == (
                "upgrade failed: no server has the config of this machine; run: diaspora-pod upgrade FILE\n"
            )
        finally:
            known.write_text(text)


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """A web server of a folder."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def test_partially_restored_pod_is_not_upgraded(first: Upgraded) -> None:
    marker = first.data / "state/changing-over"
    marker.write_text("import\n")
    try:
        done = first.upgrade_to(new_config())
    finally:
        marker.unlink()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("upgrade failed: the import was interrupted while the pod was half")


def test_upgrade_is_refused_during_a_restore(first: Upgraded) -> None:
    holder = os.open(first.data / "state", os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        done = first.upgrade_to(new_config())
    finally:
        os.close(holder)
    assert (done.returncode, done.stderr) == (1, "upgrade failed: a restore or an import is running\n")


def test_concurrent_upgrade_is_refused(first: Upgraded) -> None:
    with (first.folder / "run/diaspora-upgrade.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = first.upgrade_to(new_config())
    assert done.stderr == "upgrade failed: another upgrade is running\n"


def test_no_backup_begins_while_the_pod_changes_over(pod: Upgraded) -> None:
    (pod.folder / "new.ign").write_text(json.dumps(new_config()))
    (pod.root / LIBEXEC / "backup").touch()
    with (pod.data / "state/backup-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with ThreadPoolExecutor() as pool:
            done = pool.submit(pod.upgrade, pod.folder / "new.ign")
            wait_until_blocked(done, lock.fileno())
            assert not done.done()
            assert "systemctl start diaspora-backup.service" in pod.calls
            assert not [call for call in pod.calls if call.startswith("systemctl stop")]
            # what follows fails, and the upgrade ends
            pod.fault("start postgresql", "fail")
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert done.result().returncode == 1


def test_order_of_paths_is_the_same_in_every_language(tmp_path: Path, first: Upgraded) -> None:
    """The lists are sorted by bytes, and comm compares by the language of whoever has logged in."""
    made = ["localedef", "-i", "en_US", "-f", "UTF-8", tmp_path / "en_US.UTF-8"]
    subprocess.run(made, check=True, capture_output=True, timeout=60)
    expected = first.upgrade_to(new_config(), "--check").stdout
    first.variables = {"LC_ALL": "en_US.UTF-8", "LOCPATH": str(tmp_path)}
    try:
        done = first.upgrade_to(new_config(), "--check")
    finally:
        first.variables = {}
    assert (done.returncode, done.stderr, done.stdout) == (0, "", expected)


# What the new version does wrong, and what is said then.
FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "migration": (
        {"migration": "ALTER TABLE posts ADD color text; DELETE FROM posts WHERE id > 7;", "migration_fails": True},
        "the migration failed; see: diaspora-pod logs diaspora-migrate",
    ),
    "web": ({"web": "fails"}, "diaspora-web does not start; see: diaspora-pod logs diaspora-web"),
    "page": ({"page": "fails"}, "does not show its sign-in page; see: diaspora-pod logs application"),
    "health": ({"health": {"diaspora-sidekiq": "unhealthy"}}, "diaspora-sidekiq does not become healthy"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_failing_version_is_rolled_back_with_its_migrations(name: str, pod: Upgraded, empty: Path) -> None:
    how, words = FAILURES[name]
    behave(pod, empty, **how)
    done = pod.upgrade_to(new_config())
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert done.stderr.endswith("; rolled back to the old version\n")
    check(pod, old_config())


@pytest.mark.parametrize(
    ("match", "words"),
    [
        (f"podman pull --quiet -- {NEW_IMAGE}", f"the image {NEW_IMAGE} cannot be pulled"),
        ("podman exec postgresql pg_dump", "the database could not be dumped"),
    ],
)
def test_failure_before_the_change_leaves_the_pod_unchanged(pod: Upgraded, match: str, words: str) -> None:
    pod.fault(match, "fail")
    done = pod.upgrade_to(new_config())
    assert done.returncode == 1
    assert words in done.stderr
    check(pod, old_config())


def test_settings_change_dumps_and_migrates_nothing(pod: Upgraded) -> None:
    program = pod.folder / "bin/sync"
    real = program.resolve()
    program.unlink()
    program.write_text(f'#!/bin/bash\necho "sync $* $(< {pod.state})" >> {pod.record}/calls\nexec {real} "$@"\n')
    program.chmod(0o755)
    settings = config(name="Another name")
    assert pod.upgrade_to(settings).returncode == 0
    check(pod, settings)
    assert not [call for call in pod.calls if "pg_dump" in call or "pull" in call]
    # the state is on another disk than the files of the machine, which must be there when it goes
    finished = [call for call in pod.calls if call.startswith("sync") and call.endswith(" finished")]
    machine_file = pod.root / "etc/diaspora/machine.json.upgrade-new"
    assert [f"sync {machine_file} finished", f"sync -f {pod.root}/etc finished"] == finished[-2:]


def test_rollback_without_migrations_keeps_new_posts(pod: Upgraded, empty: Path) -> None:
    meanwhile = "INSERT INTO posts (text) VALUES ('meanwhile');"
    behave(pod, empty, migration=meanwhile, newest=1, health={"nginx": "unhealthy"})
    assert pod.upgrade_to(new_config()).returncode == 1
    check(pod, old_config(), posts=501)


# Where the power fails: a call of systemctl or podman, and whether before or after it.
POWER = [
    ("pg_dump", "after"),
    ("systemctl start redis.service", "before"),
    ("systemctl start diaspora-migrate", "before"),
    ("systemctl start diaspora-migrate", "after"),
    ("systemctl start diaspora-sidekiq", "after"),
]


def check_after_power_failure(pod: Upgraded, new: dict[str, Any] | None = None) -> None:
    pod.power_off()
    recovered = pod.boot()
    assert recovered is not None
    assert (recovered.returncode, recovered.stderr) == (0, "")
    check(pod, new or old_config())


@pytest.mark.parametrize(("match", "when"), POWER)
def test_boot_restores_the_old_pod_after_a_power_failure(pod: Upgraded, match: str, when: str) -> None:
    pod.fault(match, when)
    assert pod.upgrade_to(new_config()).returncode == -9
    check_after_power_failure(pod)


# in the middle of the files of the bundle, and right after the mark that an upgrade has begun
@pytest.mark.parametrize(
    ("match", "when"), [("/containers/systemd/redis.container", "before"), ("upgrade/state", "after")]
)
def test_power_failure_between_files_leaves_one_version(pod: Upgraded, match: str, when: str) -> None:
    pod.fault_of_mv(match, when)
    assert pod.upgrade_to(new_config()).returncode == -9
    check_after_power_failure(pod)


def test_partially_upgraded_pod_does_not_start(pod: Upgraded) -> None:
    (pod.data / "upgrade").mkdir(exist_ok=True)
    pod.state.write_text("begun\n")
    pod.systemctl("stop", "diaspora.target", "diaspora-data.service")
    assert pod.systemctl("start", "diaspora-web.service") == 1
    assert pod.systemctl("is-active", "diaspora-web.service") == 3
    assert pod.systemctl("is-active", "postgresql.service") == 3


def test_power_failure_after_the_last_check_keeps_the_new_pod(pod: Upgraded) -> None:
    pod.fault("systemctl start diaspora.target", "before")
    assert pod.upgrade_to(new_config()).returncode == -9
    check_after_power_failure(pod, new_config())


@pytest.mark.parametrize("match", ["pg_restore .*diaspora_restored", "psql .*--single-transaction"])
def test_power_failure_during_rollback_is_recovered(pod: Upgraded, empty: Path, match: str) -> None:
    behave(pod, empty, web="fails")
    pod.fault(match, "after")
    assert pod.upgrade_to(new_config()).returncode == -9
    check_after_power_failure(pod)


def test_next_upgrade_rolls_back_a_killed_one(pod: Upgraded) -> None:
    pod.fault("systemctl start diaspora-migrate", "after")
    assert pod.upgrade_to(new_config()).returncode == -9
    assert pod.systemctl("is-active", "postgresql.service") == 0
    done = pod.upgrade_to(old_config())
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing to do" in done.stdout
    check(pod, old_config())


class TestAfterAReinstallation:
    """Another version of the pod finds the data of the last one."""

    def reinstalled(self, pod: Upgraded) -> None:
        pod.systemctl("stop", "diaspora.target", "diaspora-data.service")
        pod.put_in_place(new_config())
        with (pod.record / "pulled").open("a") as pulled:
            pulled.write(f"\n{NEW_IMAGE}")
        assert pod.boot() is None

    def dumped(self, pod: Upgraded) -> str:
        done = subprocess.run(
            [pod.server_programs / "pg_restore", "-f", "-", pod.data / "upgrade/before.dump"],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return done.stdout

    def test_database_is_dumped_before_it_is_migrated(self, pod: Upgraded) -> None:
        self.reinstalled(pod)
        assert pod.systemctl("is-active", "diaspora-web.service") == 0
        assert pod.sql("SELECT version FROM schema_migrations ORDER BY 1") == "1\n2"
        dumped = self.dumped(pod)
        assert "naïve 🐘 500" in dumped
        assert "color" not in dumped

    def test_repeated_failed_migration_keeps_the_dump(self, pod: Upgraded, empty: Path) -> None:
        behave(pod, empty, migration="DELETE FROM posts;", migration_fails=True)
        self.reinstalled(pod)
        assert pod.systemctl("is-active", "diaspora-web.service") == 3
        assert pod.systemctl("start", "diaspora-migrate.service") == 1
        assert "naïve 🐘 500" in self.dumped(pod)
        script = pod.root / LIBEXEC / "dump-before-migration"
        told = subprocess.run(
            ["bash", script, "tell"],
            env={
                "PATH": "/usr/bin:/bin", "SERVICE_RESULT": "exit-code", "EXIT_STATUS": "1",
                "DIASPORA_DATA": str(pod.data),
            },
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert told.stderr == (
            f"the migration of the database failed; as it was before, it is in {pod.data}/upgrade/before.dump\n"
        )


def test_dump_before_a_migration_counts_until_that_has_succeeded(tmp_path: Path) -> None:
    """What is half migrated is no safety net, and neither is a dump of months ago."""
    (tmp_path / "bin").mkdir()
    link_programs(tmp_path / "bin", ("bash", "mkdir", "mv", "rm"))
    for name, text in (("podman", 'echo "$*" >> calls; echo 1'), ("sync", 'echo "sync ${*##*/}" >> calls')):
        (tmp_path / "bin" / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    variables = {"PATH": str(tmp_path / "bin"), "DIASPORA_DATA": str(tmp_path / "data")}
    script = templates_folder() / "upgrade" / LIBEXEC / "dump-before-migration"

    def calls(*words: str, result: str = "") -> list[str]:
        (tmp_path / "calls").write_text("")
        environment = {**variables, "SERVICE_RESULT": result, "EXIT_STATUS": "1"}
        subprocess.run(["bash", script, *words], env=environment, cwd=tmp_path, check=True, timeout=60)
        return (tmp_path / "calls").read_text().splitlines()

    def dumps() -> bool:
        return any("pg_dump" in call for call in calls("make", OLD_IMAGE))

    assert calls("make", OLD_IMAGE)[-2:] == ["sync before.dump.new", "sync dumped-for upgrade"]
    assert not calls("tell", result="exit-code")
    assert not dumps()
    calls("tell", result="success")
    assert dumps()


def test_image_of_the_machine_is_built_again_and_taken_or_rolled_back(pod: Upgraded, empty: Path) -> None:
    building = config(image=None)
    bundle = pod.staged(building) / "files"
    name = json.loads((bundle / "etc/diaspora/pod.json").read_text())["image"]
    archive = pod.data / f"images/{name.split('/')[1].replace(':', '-')}.tar"
    pod.variables |= {"DIASPORA_BUILD_MEMORY": "1", "DIASPORA_BUILD_ROOM": "1", "DIASPORA_CONSOLE": "/dev/null"}
    pod.images |= {"first": {"migration": MIGRATION, "newest": 2}, "second": {"migration": "", "newest": 2}}

    def rebuild(built: str, **how: Any) -> "subprocess.CompletedProcess[str]":
        (pod.record / "calls").unlink()
        pod.built = built
        pod.images["second"] = {"migration": "", "newest": 2, **how}
        pod.prepare(empty)
        return pod.upgrade("--rebuild")

    def check_runs(image: str) -> None:
        assert json.loads((pod.record / "names").read_text()) == {name: image}
        assert pod.files() == expected_files(pod, building)
        assert pod.sql("SELECT id || '|' || text FROM posts ORDER BY id").splitlines() == POSTS
        for service in SERVICES:
            assert pod.is_active(f"{service}.service"), service
        assert not list((pod.folder / "run").rglob("diaspora-build-*"))
        assert not pod.state.exists()

    done = pod.upgrade("--rebuild")
    assert (done.returncode, done.stderr) == (1, "upgrade failed: this machine does not build the image of diaspora*\n")
    pod.built = "first"
    pod.prepare(empty)
    done = pod.upgrade_to(building)
    assert (done.returncode, done.stderr) == (0, ""), done
    check_runs("first")
    archive.parent.mkdir()
    archive.touch()

    done = rebuild("")
    why = f"building the image {name} failed at stage 1 of 1, step 1 of 1 (RUN false): Error: exit status 1"
    assert (done.returncode, done.stderr) == (
        1,
        f"{why} (see: diaspora-pod logs diaspora-build-again)\n"
        f"upgrade failed: the image {name} cannot be built: {why}; see: diaspora-pod logs diaspora-build-again\n",
    )
    # nothing of the pod was touched
    assert not [call for call in pod.calls if call.startswith("systemctl stop") and "build-again" not in call]
    check_runs("first")

    done = rebuild("second", page="fails")
    assert done.returncode == 1
    assert done.stderr.endswith("; rolled back to the old version\n"), done
    check_runs("first")
    assert list(archive.parent.iterdir()) == [archive]

    pod.fault(f"podman tag localhost/diaspora:next {name}", "after")
    assert rebuild("second").returncode == -9
    pod.power_off()
    recovered = pod.boot()
    assert recovered is not None
    assert (recovered.returncode, recovered.stderr) == (0, "")
    check_runs("first")

    done = rebuild("second")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.splitlines()[-1] == f"upgrade: the pod runs another build of {name}"
    check_runs("second")
    assert pod.calls.count("systemctl start --no-block diaspora-image-archive.service") == 1
    assert {path.suffix for path in archive.parent.iterdir()} == {".tar", ".outdated"}
    # an upgrade to the same config has nothing to do with it
    assert "nothing to do" in pod.upgrade_to(building).stdout


class TestNewMajorOfPostgresql:
    def test_new_major_creates_a_new_database_and_keeps_the_old_one(self, pod: Upgraded) -> None:
        done = pod.upgrade_to(new_config(major=18))
        assert (done.returncode, done.stderr) == (0, ""), done
        check(pod, new_config(major=18), major=18)
        assert (pod.data / "postgresql-17/PG_VERSION").read_text() == "17\n"

    def test_failed_major_upgrade_keeps_the_old_database(self, pod: Upgraded) -> None:
        pod.fault("pg_restore .*--dbname=diaspora_production", "fail")
        done = pod.upgrade_to(new_config(major=18))
        assert done.returncode == 1
        assert done.stderr.endswith("; rolled back to the old version\n")
        check(pod, old_config())
        assert not (pod.data / "postgresql-17").exists()

    def test_power_failure_keeps_the_old_database(self, pod: Upgraded) -> None:
        pod.fault_of_mv("postgresql-17", "after")
        assert pod.upgrade_to(new_config(major=18)).returncode == -9
        check_after_power_failure(pod)

    def test_power_failure_while_filling_the_new_database_keeps_the_old_one(self, pod: Upgraded) -> None:
        pod.fault("pg_restore .*--dbname=diaspora_production", "after")
        assert pod.upgrade_to(new_config(major=18)).returncode == -9
        check_after_power_failure(pod)

    def test_data_of_another_major_is_refused_outside_of_an_upgrade(self, pod: Upgraded) -> None:
        pod.systemctl("stop", "diaspora.target", "diaspora-data.service")
        pod.put_in_place(new_config(major=18))
        assert pod.boot() is None
        assert pod.systemctl("is-active", "postgresql.service") == 3
        done = pod.upgrade_to(new_config(major=19))
        assert "the database was created by PostgreSQL 17, which this machine does not run" in done.stderr
