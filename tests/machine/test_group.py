"""A pod on several machines: its first start, deployments, and what is left when a machine is killed in the middle."""

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from lab.aws.account import Account
from tests.conftest import skip_unless
from tests.host.pod import LIBEXEC
from tests.machine.aws_door import signed
from tests.machine.group_world import BACKUP_PASSWORD, PATH, TOKEN, Answer, GroupWorld, Machine, group_world
from tests.machine.pod_application import Container, healthy, wait
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_pod_postgresql import PASSWORD

pytestmark = pytest.mark.timeout(300)

LAST = "20230604015559"
SLOW = "20260101000000"
SLOW_MIGRATION = """class Slow < ActiveRecord::Migration[6.1]
  def up
    execute "create table migration_runs (id serial primary key)"
    execute "insert into migration_runs default values"
    execute "select pg_sleep(2)"
  end
end
"""


@pytest.fixture(scope="module")
def world(account: Account, require_program: RequireProgram) -> Iterator[GroupWorld]:
    """A pod of which nothing has been started yet."""
    skip_unless(os.geteuid() == 0, "needs root: it makes namespaces")
    with group_world(account, require_program) as made:
        yield made


@pytest.fixture(scope="module")
def first(world: GroupWorld) -> list[Machine]:
    """Two web machines and a job machine that have started at the same time, and have made what all of them share."""
    machines = [world.machine(role, mounted=role == "web") for role in ("web", "web", "job")]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(Machine.prepare, machines))
    return machines


@pytest.fixture(scope="module")
def deployed(world: GroupWorld, first: list[Machine]) -> list[Machine]:
    """The same machines, after the job machine has migrated the database."""
    for machine in first[:2]:
        machine.serve()
    assert world.healthy() == []
    assert world.ask("/").is_maintenance
    assert first[2].migrate() == "done"
    world.settled(1)
    return first


@pytest.fixture(scope="module")
def worker(deployed: list[Machine]) -> Container:
    """Sidekiq of the job machine."""
    return deployed[2].pod.work()


class TestFirstStart:
    def test_machines_that_start_at_once_share_what_one_of_them_has_made(
        self, world: GroupWorld, first: list[Machine]
    ) -> None:
        for name in ("secret-token", "oidc-key"):
            assert len({machine.secret(name) for machine in first}) == 1, name
        assert world.parameter("generated/secret_key_base") in first[0].secret("secret-token")
        assert world.parameter("generated/oidc_key") == first[0].secret("oidc-key")
        for name in ("secret_key_base", "oidc_key"):
            (made,) = world.store.get_parameter_history(Name=f"{PATH}/generated/{name}")["Parameters"]
            assert (made["Version"], made["Type"]) == (1, "SecureString")

    def test_redis_is_spoken_to_over_tls(self, first: list[Machine]) -> None:
        assert {machine.secret("redis-url") for machine in first} == {f"rediss://:{TOKEN}@cache.example.org:6379/0"}

    def test_web_machines_run_after_one_migration_and_one_administrator(
        self, world: GroupWorld, deployed: list[Machine]
    ) -> None:
        assert world.query("select string_agg(username, ' ') from users") == "podmin"
        assert world.query("select count(*) from roles") == "1"
        assert world.parameter("deployment") == f"runs {LAST} registry.example.org/diaspora:1"
        assert deployed[2].migrate() == "skipped"
        assert world.ask("/").status == 200

    def test_another_job_machine_makes_no_other_administrator(self, world: GroupWorld, deployed: list[Machine]) -> None:
        other = world.machine("job")
        other.prepare()
        assert other.migrate() == "skipped"
        # as if the first one had been killed before it was done
        world.store.delete_parameter(Name=f"{PATH}/generated/admin_password_fingerprint")
        status, said = other.administrator()
        assert (status, "podmin is the administrator of this pod" in said) == (0, True), said
        assert world.query("select count(*) from users") == "1"
        assert other.administrator() == (1, ""), "it is settled"
        for machine in (deployed[2], other):
            assert world.parameter("generated/admin_password") in machine.run("administrator", "show").stdout
        other.kill()


def test_command_of_the_podmin_fits_the_role(world: GroupWorld, deployed: list[Machine]) -> None:
    web, job = deployed[0], deployed[2]
    for machine in (web, job):
        said = machine.diaspora_pod("maintenance")
        assert (said.returncode, said.stdout.strip()) == (0, world.parameter("deployment"))
        done = machine.diaspora_pod("restore", "--yes")
        assert (done.returncode, "restore is not for a machine in a group" in done.stderr) == (2, True)
        assert " restore " not in machine.diaspora_pod("help").stdout
    for words in (["admin"], ["backup"], ["maintenance", "on"]):
        assert (web.diaspora_pod(*words).returncode, "job machine" in web.diaspora_pod(*words).stderr) == (2, True)
    assert world.parameter("generated/admin_password").strip() in job.diaspora_pod("admin").stdout


def test_session_of_one_machine_is_good_at_the_other(world: GroupWorld, deployed: list[Machine]) -> None:
    cookie = sign_in(world, deployed[0], deployed[1])
    for machine in deployed[:2]:
        assert world.ask("/stream", at=machine, Cookie=cookie).status == 200


def sign_in(world: GroupWorld, one: Machine, other: Machine) -> str:
    """Get the form from one machine, and send it to the other."""
    form = world.ask("/users/sign_in", at=one)
    token = re.search(r'name="authenticity_token" value="([^"]+)"', form.body)
    assert token
    password = world.parameter("generated/admin_password").strip()
    fields = {"authenticity_token": token[1], "user[username]": "podmin", "user[password]": password}
    done = world.ask(
        "/users/sign_in", "POST", urlencode(fields), at=other, Cookie=form.headers["set-cookie"].split(";")[0],
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert (done.status, done.headers["location"]) == (302, "https://pod.example.org/stream"), done
    return done.headers["set-cookie"].split(";")[0]


def test_only_the_load_balancer_says_who_a_client_is(world: GroupWorld, deployed: list[Machine]) -> None:
    machine = deployed[0]
    # the load balancer appends the address that it sees
    assert world.ask("/robots.txt", at=machine, X_Forwarded_For="192.0.2.1, 198.51.100.8").status in (200, 404)
    assert world.ask("/", at=machine, X_Forwarded_Proto="http").headers["location"] == "https://pod.example.org/"
    lines = (machine.folder / "access.out").read_text().splitlines()
    assert any(line.startswith("198.51.100.8 ") for line in lines)
    assert not any(line.startswith("192.0.2.1 ") for line in lines)


class TestRedis:
    def test_sidekiq_works_and_its_health_check_speaks_tls(
        self, world: GroupWorld, deployed: list[Machine], worker: Container
    ) -> None:
        assert send(world, "one") == 202
        wait(lambda: world.query("select count(*) from posts where text = 'one'") == "1", "a job")
        assert healthy(worker, "sidekiq-healthy")

    def test_health_check_refuses_a_cache_that_proves_no_name(self, worker: Container) -> None:
        command = "SSL_CERT_FILE=/dev/null exec bash /usr/local/bin/sidekiq-healthy"
        done = worker.execute("bash", "-c", command)
        assert done.returncode != 0
        assert "certificate verify failed" in done.stderr

    def test_token_is_in_no_log(self, worker: Container, deployed: list[Machine]) -> None:
        assert TOKEN not in worker.said()
        # diaspora* warns of an address that begins with rediss://, and shows it
        assert "Your redis url" not in "".join(machine.output for machine in deployed)


def send(world: GroupWorld, text: str) -> int:
    return world.ask("/receive/public", "POST", text).status


def test_one_machine_makes_a_backup_at_a_time(world: GroupWorld, deployed: list[Machine]) -> None:
    holder = subprocess.Popen(
        [world.postgresql.programs / "psql", "-XAt", "-h", world.postgresql.folder, "-U", "diaspora",
         "-d", "diaspora_production"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdin
    assert holder.stdout
    holder.stdin.write("select pg_try_advisory_lock(20260801);\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "t\n"
    done = deployed[2].run("backup")
    assert (done.returncode, "another machine of the pod makes a backup" in done.stderr) == (1, True), done
    holder.communicate()
    done = deployed[2].run("backup")
    assert "the bucket with the uploads is not mounted" in done.stderr, "the lock was free"


@contextmanager
def visitors(world: GroupWorld) -> Iterator[Counter[str]]:
    """Ask all the time, and count the answers."""
    seen: Counter[str] = Counter()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                answer = world.ask("/users/sign_in")
                seen["maintenance" if answer.is_maintenance else str(answer.status)] += 1
            except (OSError, HTTPException):
                seen["interrupted"] += 1
            time.sleep(0.1)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_killed_web_machine_loses_nothing_that_was_acknowledged(
    world: GroupWorld, deployed: list[Machine], worker: Container
) -> None:
    taken: list[str] = []
    failed: list[str] = []

    def sender(name: str) -> None:
        for number in range(25):
            try:
                (taken if send(world, f"{name}{number}") == 202 else failed).append(f"{name}{number}")
            except (OSError, HTTPException):
                failed.append("interrupted")

    threads = [threading.Thread(target=sender, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    wait(lambda: len(taken) > 10, "some posts")
    deployed[1].kill()
    for thread in threads:
        thread.join()
    assert len(taken) > 80
    assert set(failed) <= {"interrupted"}
    # a request that was in it
    assert len(failed) <= len(threads)
    wait(lambda: int(world.query("select count(*) from posts")) >= len(taken) + 1, "the jobs")
    texts = world.query("select text from posts").splitlines()
    assert set(taken) <= set(texts)


def test_machine_with_other_settings_joins_without_a_gap(world: GroupWorld, deployed: list[Machine]) -> None:
    """The refresh of a group: a new machine is ready before an old one goes."""
    with visitors(world) as seen:
        new = world.machine("web", mounted=True)
        new.prepare()
        new.serve()
        world.settled(1)
    assert deployed[0] in world.healthy()
    assert (set(seen), seen["200"] > 5) == ({"200"}, True), seen


def test_upload_that_a_kill_interrupts_is_made_at_another_machine(
    world: GroupWorld, deployed: list[Machine], worker: Container
) -> None:
    assert worker
    old, new = deployed[0], world.webs()[-1]
    cookie, picture = sign_in(world, old, new), os.urandom(3_000_000).decode("latin-1")
    world.doors.delay = 1
    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(upload, world, old, cookie, picture)
        wait(lambda: sending.done() or puts(world) > 0, "the file")
        assert not sending.done()
        old.kill()
        with pytest.raises((OSError, HTTPException)):
            sending.result()
    world.doors.delay = 0
    done = upload(world, new, cookie, picture)
    assert done.status == 200
    place = json.loads(done.body)["data"]["photo"]["url"].removeprefix("https://pod.example.org")
    assert world.ask(place).body == picture
    assert world.query("select count(*) from photos") == "1"
    # the other one is whole as well, or not there
    assert new.uploads
    pictures = [name for name in new.uploads.names() if name.startswith("images/") and not name.endswith("/")]
    assert place.removeprefix("/uploads/") in pictures
    assert {len(new.uploads.content(name)) for name in pictures} == {len(picture)}


def puts(world: GroupWorld) -> int:
    """How many pictures machines have begun to put into the bucket."""
    return sum(command == "PUT" and "/images/" in path for command, path, _ in world.doors.asked)


def upload(world: GroupWorld, machine: Machine, cookie: str, picture: str) -> Answer:
    """Send a picture as a browser does."""
    stream = world.ask("/stream", at=machine, Cookie=cookie)
    token = re.search(r'name="csrf-token" content="([^"]+)"', stream.body)
    assert token
    # the token is in the session
    cookie = stream.headers["set-cookie"].split(";")[0]
    body = (
        '--part\r\nContent-Disposition: form-data; name="qqfile"; filename="a.jpg"\r\n'
        f"Content-Type: image/jpeg\r\n\r\n{picture}\r\n--part--\r\n"
    )
    return world.ask(
        "/photos", "POST", body, at=machine, Cookie=cookie, Content_Type="multipart/form-data; boundary=part",
        X_CSRF_Token=token[1],
    )  # fmt: skip


@dataclass
class Upgraded:
    """A deployment of another version: what visitors saw, and the machines of before and of now."""

    seen: Counter[str]
    old: list[Machine]
    web: Machine
    job: Machine


@pytest.fixture(scope="module")
def upgraded(world: GroupWorld, deployed: list[Machine], worker: Container) -> Upgraded:
    """Deploy another version of diaspora*, and kill its job machine in the middle of the migration."""
    shutil.copytree(world.migrations / "1", world.migrations / "2")
    (world.migrations / f"2/{SLOW}_slow.rb").write_text(SLOW_MIGRATION)
    old = world.webs()
    with visitors(world) as seen:
        # the group of job machines lets the old one go first
        assert worker.stop() == 0
        deployed[2].kill()
        killed, job, web = (world.machine(role, 2) for role in ("job", "job", "web"))
        for machine in (killed, job, web):
            machine.prepare()
        web.serve()
        telling = tell(web)
        migration = threading.Thread(target=killed.migrate)
        migration.start()
        sleeping = "select count(*) from pg_stat_activity where query = 'select pg_sleep(2)'"
        wait(lambda: world.query(sleeping) == "1", "the migration")
        assert world.parameter("deployment").startswith("maintenance 2")
        assert world.healthy() == []
        killed.kill()
        migration.join()
        assert telling.poll() is None, "it is not ready"
        assert job.migrate() == "done"
        world.settled(2)
        assert telling.wait(timeout=60) == 0
    return Upgraded(seen, old, web, job)


def tell(web: Machine) -> "subprocess.Popen[bytes]":
    """Let the machine say when it is ready."""
    web.door.is_healthy = lambda: web in web.world.healthy()
    door = f"http://127.0.0.1:{web.door.server_address[1]}"
    environment = web.environment(DIASPORA_HEALTH=f"{door}/health", DIASPORA_HEARTBEAT="0")
    return subprocess.Popen(web.command("tell-ready"), env=environment)


def told(machine: Machine) -> list[str]:
    """What the machine has told EC2 Auto Scaling of itself."""
    bodies = [dict(parse_qsl(body.decode())) for headers, body in machine.door.asked if "X-Amz-Target" not in headers]
    return [body["Action"] for body in bodies if not body["Action"].startswith("Describe")]


class Nameless(dict[str, str]):
    """The metadata of a machine that does not get to know its name; `asked` counts how often it has asked."""

    def __contains__(self, key: object) -> bool:
        self["asked"] = f"{self.get('asked', '')}{key} "
        return False


def test_job_machine_is_ready_when_the_database_is_migrated_and_sidekiq_works(world: GroupWorld) -> None:
    job = world.machine("job")
    job.state("diaspora-migrate.service", "activating")
    # what EC2 Auto Scaling says to a machine that it does not hold back, such as one that was started again, or not yet
    none = b"<ErrorResponse><Message>No active Lifecycle Action found with instance ID i-1</Message></ErrorResponse>"
    job.door.query_answers["RecordLifecycleActionHeartbeat"] = none
    telling = subprocess.Popen(job.command("tell-ready"), env=job.environment(DIASPORA_HEARTBEAT="0"))
    wait(lambda: len(told(job)) > 1, "a heartbeat")
    job.state("diaspora-migrate.service", "inactive")
    for name in ("diaspora-deployment", "diaspora-sidekiq"):
        assert set(told(job)) == {"RecordLifecycleActionHeartbeat"}
        job.state(f"{name}.service", "active")
    job.door.query_answers["CompleteLifecycleAction"] = none
    # without its name the machine can tell nothing, and the answer to the last heartbeat does not count
    metadata, job.door.metadata = job.door.metadata, Nameless()
    (job.folder / "record/sidekiq-healthy").touch()
    # the first question may be that of a heartbeat
    wait(lambda: job.door.metadata.get("asked", "").count("instance-id") > 2 or telling.poll() is not None, "tries")
    job.door.metadata = metadata
    assert telling.wait(timeout=60) == 0
    assert told(job).count("CompleteLifecycleAction") == 1
    job.kill()


ROLE_REQUESTS = """\
credentials() { :; }
parameter_store() { echo '{"Parameter": {"Value": "none"}}' > "$work/answer"; }
"""
KILLED_JQ = """\
#!/bin/bash
[[ $* != *maintenance* ]] || kill -KILL $$
exec {jq} "$@"
"""


def test_program_that_is_killed_does_not_skip_the_migration(world: GroupWorld, tmp_path: Path) -> None:
    """systemd takes the exit codes from 1 to 254 for a condition that is not met."""
    job = world.machine("job")
    for name, text in (
        ("deployment", (job.tree / LIBEXEC / "deployment").read_text()),
        ("role-requests", ROLE_REQUESTS),
        # the database is behind the image
        ("check-schema", "exit 1\n"),
        ("jq", KILLED_JQ.format(jq=shutil.which("jq"))),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = job.environment(PATH=f"{tmp_path}:{os.environ['PATH']}", DIASPORA_RUN=str(tmp_path))
    job.kill()
    begin = ["bash", tmp_path / "deployment", "begin", job.image]
    assert subprocess.run(begin, env=environment, check=False, timeout=60).returncode == 255


class TestDeployment:
    def test_visitors_see_only_pages_and_the_announced_one(self, upgraded: Upgraded) -> None:
        assert set(upgraded.seen) == {"200", "maintenance"}

    def test_database_is_migrated_once(self, world: GroupWorld, upgraded: Upgraded) -> None:
        assert world.query("select count(*) from migration_runs") == "1"
        assert world.parameter("deployment") == f"runs {SLOW} {upgraded.job.image}"

    def test_machines_of_before_run_no_longer(self, world: GroupWorld, upgraded: Upgraded) -> None:
        assert not any(machine.web.process.poll() is None for machine in upgraded.old if machine.web)
        assert world.ask("/", at=upgraded.old[0]).is_maintenance
        assert world.ask("/").status == 200

    def test_new_machine_asks_for_time_and_says_once_that_it_is_ready(self, upgraded: Upgraded) -> None:
        web = upgraded.web
        told = [(headers, body) for headers, body in web.door.asked if "X-Amz-Target" not in headers]
        assert all(signed(headers, "POST", "/", body, "autoscaling") for headers, body in told)
        actions = [dict(parse_qsl(body.decode())) for _, body in told]
        find = {"Action": "DescribeAutoScalingInstances", "InstanceIds.member.1": web.door.metadata["instance-id"]}
        assert {**find, "Version": "2011-01-01"} in actions
        actions = [action for action in actions if action["Action"] != find["Action"]]
        names = [action["Action"] for action in actions]
        assert (names[-1], set(names[:-1])) == ("CompleteLifecycleAction", {"RecordLifecycleActionHeartbeat"})
        assert actions[-1] == {
            "Action": "CompleteLifecycleAction", "Version": "2011-01-01", "LifecycleHookName": "ready",
            "InstanceId": web.door.metadata["instance-id"], "AutoScalingGroupName": "web-group",
            "LifecycleActionResult": "CONTINUE",
        }  # fmt: skip

    def test_older_machine_neither_migrates_nor_answers(self, world: GroupWorld, upgraded: Upgraded) -> None:
        job = world.machine("job")
        job.prepare()
        done = job.run("deployment", "begin", job.image)
        assert done.returncode == 255
        assert f"newer than {job.image}" in done.stderr
        job.kill()
        assert world.healthy() == [upgraded.web]

    def test_podmin_can_hold_the_pod_and_let_it_run_again(self, world: GroupWorld, upgraded: Upgraded) -> None:
        assert upgraded.job.diaspora_pod("maintenance", "on").returncode == 0
        wait(lambda: world.ask("/").is_maintenance, "the page")
        lines = upgraded.web.diaspora_pod("status", "--services").stdout.splitlines()
        assert [line.split() for line in lines if line.endswith("stopped for maintenance")] == [
            [name, "stopped", "for", "maintenance"] for name in ("pgbouncer", "diaspora-web")
        ]
        assert upgraded.job.diaspora_pod("maintenance", "off").returncode == 0
        world.settled(2)


def test_no_secret_is_in_what_machines_write(world: GroupWorld, deployed: list[Machine]) -> None:
    assert deployed
    secrets = [TOKEN, PASSWORD, BACKUP_PASSWORD]
    secrets += [world.parameter(f"generated/{name}").strip() for name in ("secret_key_base", "admin_password")]
    secrets += world.parameter("generated/oidc_key").splitlines()[1:-1]
    written = "".join([*world.said, *(machine.output for machine in world.machines)])
    assert [secret for secret in secrets if secret in written] == []
