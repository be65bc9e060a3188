"""A Rails program in the place of diaspora*, run as the rendered containers run the real one.

Real: Ruby, Rails 6.1, Puma, Sidekiq 6.4 and all gems (Debian bookworm's), PostgreSQL, Redis, their rendered configs,
and the command, environment, secrets and mounts of each rendered container. The program is ours
(tests/support/application).
"""

import email
import json
import os
import re
import signal
import stat
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.conftest import skip_unless
from tests.host.pod import LIBEXEC, SMTP_PASSWORD, containers, pod_context, pod_fragment, values
from tests.machine import mail_world
from tests.machine.pod_application import Answer, Container, PodWorld, healthy, pod_world, wait
from tests.machine.pod_mail import certificate
from tests.machine.pod_programs import RequireProgram

pytestmark = pytest.mark.timeout(300)

TABLES = "ar_internal_metadata aspects people photos pods posts roles schema_migrations users"
LAST = "20230604015559"
PICTURE = "\xff\xd8picture"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[PodWorld]:
    """A pod with its administrator, and with an account at a mail server."""
    skip_unless(os.geteuid() == 0, "needs root: it makes namespaces")
    fragment = pod_fragment(pod_context(with_mail=True))
    with pod_world(fragment, require_program, {"smtp_password": SMTP_PASSWORD}) as made:
        _, made.authorities = certificate(made.folder / "smtp.example.org", "smtp.example.org")
        status, said = made.run("diaspora-migrate")
        assert status == 0, said
        assert administrator(made) == (0, "podmin is the administrator of this pod")
        yield made


@pytest.fixture(scope="module")
def web(world: PodWorld) -> Container:
    return world.serve()


@pytest.fixture(scope="module")
def worker(world: PodWorld) -> Container:
    return world.work()


def administrator(world: PodWorld) -> tuple[int, str]:
    """Run the container that makes the administrator; returns its exit code and its last line."""
    file = world.folder / "record/secret-diaspora-admin-password"
    file.write_text(f"{ADMIN_PASSWORD}\n", encoding="ascii")
    status, said = world.run("diaspora-administrator")
    return status, said.replace("Rack::SSL is enabled\n", "").strip()


ADMIN_PASSWORD = "0123456789abcdef01234567"


def sign_in(world: PodWorld) -> str:
    """Sign in as a browser does; returns the cookie of the session."""
    form = world.ask("/users/sign_in")
    token = re.search(r'name="authenticity_token" value="([^"]+)"', form.body)
    assert token
    cookie = cookie_of(form)
    fields = {"authenticity_token": token[1], "user[username]": "podmin", "user[password]": ADMIN_PASSWORD}
    done = post(world, "/users/sign_in", fields, cookie)
    assert (done.status, done.header("location")) == (302, "https://pod.example.org/stream"), done
    assert "secure" in done.header("set-cookie").lower()
    return cookie_of(done)


def cookie_of(answer: Answer) -> str:
    return answer.header("set-cookie").split(";")[0]


def post(world: PodWorld, path: str, fields: dict[str, str], cookie: str) -> Answer:
    return world.ask(path, "POST", urlencode(fields), Cookie=cookie, Content_Type="application/x-www-form-urlencoded")


class TestMigration:
    def test_tables_are_there_and_a_second_run_changes_nothing(self, world: PodWorld) -> None:
        tables = "select string_agg(tablename, ' ' order by tablename) from pg_tables where schemaname = 'public'"
        versions = "select string_agg(version, ' ' order by version) from schema_migrations"
        assert (world.query(tables), world.query(versions)) == (TABLES, f"0 {LAST}")
        status, said = world.run("diaspora-migrate")
        assert (status, "migrating" in said) == (0, False)
        assert world.query(versions) == f"0 {LAST}"

    def test_nothing_is_written_but_to_what_is_mounted(self, world: PodWorld) -> None:
        assert sorted(path.name for path in (world.data / "log").iterdir()) == ["production.log"]
        status, said = world.run("diaspora-migrate", ["touch", "db/schema.rb"])
        assert status != 0
        assert "Read-only file system" in said

    def test_migration_ends_while_another_runs(self, world: PodWorld) -> None:
        """Rails holds an advisory lock in the database; a second migration ends, and its unit tries again."""
        # as activerecord: lib/active_record/migration.rb, generate_migrator_advisory_lock_id
        lock = 2053462845 * zlib.crc32(b"diaspora_production")
        holder = subprocess.Popen(
            [world.postgresql.programs / "psql", "-X", "-At", "-h", world.postgresql.folder, "-p", "5432",
             "-U", "diaspora", "-d", "diaspora_production"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert holder.stdin
            assert holder.stdout
            holder.stdin.write(f"select pg_try_advisory_lock({lock});\n")
            holder.stdin.flush()
            assert holder.stdout.readline() == "t\n"
            status, said = world.run("diaspora-migrate")
            assert status != 0
            assert "ActiveRecord::ConcurrentMigrationError" in said
        finally:
            holder.communicate()
        assert world.run("diaspora-migrate")[0] == 0


class TestAdministrator:
    """make-administrator.rb with real models."""

    def test_administrator_has_an_account_a_role_and_aspects(self, world: PodWorld) -> None:
        found = world.query(
            "select username, email, admin.name from users join people on owner_id = users.id "
            "join roles admin on person_id = people.id"
        )
        assert found == "podmin|podmin@example.org|admin"
        assert world.query("select count(*) from aspects") == "4"
        assert administrator(world) == (0, "podmin is the administrator of this pod")
        assert world.query("select count(*) from aspects") == "4"

    def test_refused_account_is_told_apart_from_failures(self, world: PodWorld) -> None:
        world.query("create table kept as select * from users; update users set username = 'somebody'")
        try:
            assert administrator(world) == (3, "no administrator: the pod has users already")
        finally:
            world.query("update users set username = kept.username from kept; drop table kept")


class TestWebServer:
    def test_address_of_the_pod_is_that_of_the_settings(self, world: PodWorld, web: Container) -> None:
        answer = world.ask("/.well-known/nodeinfo")
        assert json.loads(answer.body)["links"][0]["href"] == "https://pod.example.org/nodeinfo/1.0"
        assert world.ask("/.well-known/nodeinfo", https=False).status == 301
        assert world.ask("/").body.count("Welcome to diaspora*") == 1
        document = json.loads(world.ask("/nodeinfo/2.1").body)
        assert document["metadata"] == {"nodeName": "diaspora*", "adminAccount": "podmin"}

    def test_pages_of_a_signed_in_user_show_the_database(self, world: PodWorld, web: Container) -> None:
        world.query(
            "insert into posts (author_id, guid, type, text, public, created_at, updated_at) "
            "select id, 'a', 'StatusMessage', 'one post', true, now(), now() from people"
        )
        assert world.ask("/stream").header("location") == "https://pod.example.org/users/sign_in"
        page = world.ask("/stream", Cookie=sign_in(world))
        assert (page.status, "podmin@pod.example.org: one post" in page.body) == (200, True)

    def test_upload_reaches_the_folder_that_nginx_serves(
        self, world: PodWorld, web: Container, worker: Container
    ) -> None:
        page = world.ask("/users/sign_in", Cookie=sign_in(world))
        cookie, token = cookie_of(page), re.search(r'csrf-token" content="([^"]+)"', page.body)
        assert token
        body = (
            '--b\r\nContent-Disposition: form-data; name="qqfile"; filename="cat.jpg"\r\n'
            f"Content-Type: image/jpeg\r\n\r\n{PICTURE}\r\n--b--\r\n"
        )
        done = world.ask(
            "/photos", "POST", body, Cookie=cookie, Content_Type="multipart/form-data; boundary=b",
            X_CSRF_Token=token[1],
        )  # fmt: skip
        assert done.status == 200, done
        name = json.loads(done.body)["data"]["photo"]["url"].removeprefix("https://pod.example.org/uploads/images/")
        file = world.data / "uploads/images" / name
        assert file.read_bytes() == PICTURE.encode("latin-1")
        assert stat.S_IMODE(file.stat().st_mode) == 0o644
        # Sidekiq has seen it
        wait(lambda: world.query("select processed_image from photos") == name, "the job", worker)

    def test_health_check_and_page_check_need_no_database(self, world: PodWorld, web: Container) -> None:
        """A database that is away for a moment must not have the web server killed; pages with queries are errors."""
        assert healthy(web)
        assert healthy(web, "web-healthy", "3000", "/users/sign_in")
        with silent_database(world):
            assert healthy(web)
            assert healthy(web, "web-healthy", "3000", "/users/sign_in")
            words = ("timeout", "2", "bash", "/usr/local/bin/web-healthy", "3000", "/")
            assert web.execute(*words).returncode == 124, "this page has a query"
        assert not healthy(web, "web-healthy", "3000", "/no/such/page")
        assert not healthy(web, "web-healthy", "3001")

    def test_upgrade_accepts_the_page(self, world: PodWorld, web: Container, tmp_path: Path) -> None:
        podman = tmp_path / "podman"
        podman.write_text(
            f'#!/bin/bash\n[[ $1 == exec && $2 == diaspora-web ]] && exec {" ".join(web.command())} "${{@:3}}"\n'
        )
        podman.chmod(0o755)

        def check() -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                ["bash", world.tree / LIBEXEC / "web-shows-pages"],
                env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "DIASPORA_PAGE_LIMIT": "0"},
                capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip

        assert (check().returncode, check().stderr) == (0, "")


@contextmanager
def silent_database(world: PodWorld) -> Iterator[None]:
    """PostgreSQL keeps its connections, and does not answer."""
    first = (world.folder / "postgresql/data/postmaster.pid").read_text().splitlines()[0]
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    processes = [int(first), *map(int, children)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


class TestJobs:
    def test_sidekiq_takes_the_schedule_as_it_is(self, world: PodWorld, worker: Container) -> None:
        text = (world.data / "sidekiq/schedule.yml").read_text()
        assert text.count(":cron:") == 7
        said = worker.said()
        assert "ERROR" not in said
        for name, cron in re.findall(r'^:(\w+):\n  :cron: "(.*)"$', text, re.MULTILINE):
            assert world.ask_redis("hget", f"cron_job:{name}", "cron") == cron

    def test_what_federation_sends_is_a_job_without_a_query(
        self, world: PodWorld, web: Container, worker: Container
    ) -> None:
        answer = world.ask("/receive/public", "POST", "<hello/>", Content_Type="application/magic-envelope+xml")
        assert answer.status == 202
        wait(lambda: world.query("select count(*) from posts where text = '<hello/>'") == "1", "the job", worker)

    def test_full_redis_refuses_jobs_and_keeps_those_it_has(
        self, world: PodWorld, web: Container, worker: Container
    ) -> None:
        """The pod that sent the message gets an error, and sends it again later."""
        world.ask_redis("config", "set", "maxmemory", "1mb")
        try:
            answer = world.ask("/receive/public", "POST", "<later/>", Content_Type="application/magic-envelope+xml")
            assert answer.status == 500
            assert "OOM command not allowed" in world.log()
        finally:
            world.ask_redis("config", "set", "maxmemory", "0")
        answer = world.ask("/receive/public", "POST", "<later/>", Content_Type="application/magic-envelope+xml")
        assert answer.status == 202
        wait(lambda: world.query("select count(*) from posts where text = '<later/>'") == "1", "the job", worker)


class TestTask:
    def test_console_and_tasks_work_in_a_container_of_their_own(self, world: PodWorld) -> None:
        task = world.start("diaspora-task")
        wait(lambda: task.succeeds("mkdir", "-p", "tmp/pids", "tmp/cache"), "the task", task)
        done = task.execute("bin/rails", "console", text="User.first.username\n")
        assert (done.returncode, done.stderr) == (0, "")
        assert '"podmin"' in done.stdout
        done = task.execute("bin/rake", "db:version")
        assert f"Current version: {LAST}" in done.stdout


class TestMail:
    """The rendered mail settings and our initializer in the mail library of Rails."""

    def test_mail_is_sent_by_sidekiq_encrypted_and_with_the_account(
        self, world: PodWorld, web: Container, worker: Container
    ) -> None:
        said = len(worker.said())
        with mail_server(world, "starttls") as received:
            ask_for_password(world)
            # the mail is there before the server has accepted it
            wait(lambda: re.search(r"ResetPassword.* done", worker.said()[said:]), "the end of the job", worker)
        (mail,) = received.glob("*.mail")
        envelope, _, text = mail.read_text().partition("\n")
        assert envelope == "no-reply@pod.example.org podmin@example.org pod.example.org"
        message = email.message_from_string(text)
        assert message["From"] == "diaspora* <no-reply@pod.example.org>"
        assert "https://pod.example.org/users/password/edit" in text
        assert (received / "logins").read_text() == "True\n"

    @pytest.mark.parametrize("server", ["plain", "other"])
    def test_password_is_not_sent_without_encryption_or_to_another_server(
        self, server: str, world: PodWorld, web: Container, worker: Container
    ) -> None:
        """Somebody in between takes the offer of STARTTLS away, or has a certificate of another name."""
        said = len(worker.said())
        with mail_server(world, server) as received:
            ask_for_password(world)
            wait(lambda: "ResetPassword" in worker.said()[said:], "the attempt", worker)
            wait(lambda: world.ask_redis("zcard", "retry") != "0", "the next attempt", worker)
        assert not list(received.glob("*.mail"))
        assert not (received / "logins").exists()
        assert SMTP_PASSWORD not in worker.said() + world.log()
        # one attempt is enough
        (job,) = world.ask_redis("zrange", "retry", "0", "-1").splitlines()
        assert json.loads(job)["error_class"] == {
            "plain": "Net::SMTPUnsupportedCommand", "other": "OpenSSL::SSL::SSLError"
        }[server]  # fmt: skip
        world.ask_redis("del", "retry")


class TestStop:
    """The last tests of the module: they stop its containers."""

    def test_container_that_was_stopped_has_not_failed(
        self, world: PodWorld, web: Container, worker: Container
    ) -> None:
        """systemd calls a unit failed whose program ends with another status; `diaspora-pod status` would show that."""
        task = world.start("diaspora-task")
        wait(lambda: task.succeeds("grep", "--quiet", "sleep", "/proc/1/cmdline"), "the task", task)
        for name, container in (("diaspora-web", web), ("diaspora-sidekiq", worker), ("diaspora-task", task)):
            expected = values(containers(world.fragment)[name]["Service"], "SuccessExitStatus")
            assert str(container.stop()) in ["0", *expected], name


def ask_for_password(world: PodWorld) -> None:
    form = world.ask("/users/sign_in")
    token = re.search(r'csrf-token" content="([^"]+)"', form.body)
    assert token
    fields = {"authenticity_token": token[1], "user[email]": "podmin@example.org"}
    assert post(world, "/users/password", fields, cookie_of(form)).status == 302


# A server that offers a login, but no encryption.
_PLAIN = r"""
import sys
from pathlib import Path
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
sys.path.insert(0, sys.argv[1])
from mail_world import Sink
folder = Path(sys.argv[2])
def login(server, session, envelope, way, data):
    (folder / "logins").write_text("it came")
    return AuthResult(success=True)
Controller(Sink(folder), hostname="127.0.0.1", port=587, auth_require_tls=False, authenticator=login).start()
(folder / "ready").touch()
sys.stdin.read()
"""


@contextmanager
def mail_server(world: PodWorld, kind: str) -> Iterator[Path]:
    """A server on port 587 of the pod's network: `starttls`, `plain`, or `other`, with the certificate of another."""
    folder = world.folder / f"mail-{kind}"
    folder.mkdir()
    server = Path(mail_world.__file__)
    if kind == "plain":
        words = ["-Ic", _PLAIN, str(server.parent), str(folder)]
    else:
        if kind == "other":
            certificate(world.folder / "other.test", "other.test")
        keys = world.folder / ("other.test" if kind == "other" else "smtp.example.org")
        key = [str(keys / "server.pem"), str(keys / "server.key"), SMTP_PASSWORD]
        words = [str(server), "127.0.0.1", str(folder), *key]
    process = subprocess.Popen(world.network.command(sys.executable, *words), stdin=subprocess.PIPE)
    try:
        wait((folder / "ready").exists, "the mail server")
        yield folder
    finally:
        process.kill()
        process.communicate()
