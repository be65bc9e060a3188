"""A real PgBouncer with the rendered config, in front of a real PostgreSQL with TLS: a database that can sleep."""

import contextlib
import itertools
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab.matchbox import free_ports
from tests.host.aws_pod import aws_context
from tests.host.pod import LIBEXEC, containers, files, pod_context, pod_fragment, values, write_tree
from tests.machine.pod_nginx import Application, running_pod
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_pod_postgresql import PASSWORD, Postgresql, running, server_programs
from tests.machine.test_pod_units import generate
from tests.support.memory import memory_folder
from tests.support.processes import stop

IDLE = 1
ASLEEP_SECONDS = 30


@dataclass
class Pooled:
    """PostgreSQL, and PgBouncer in front of it on another port."""

    database: Postgresql
    folder: Path
    port: int
    backend: int
    program: str
    root: Path

    @contextlib.contextmanager
    def pgbouncer(self, port: int, host: str = "localhost") -> Iterator[subprocess.Popen[bytes]]:
        """PgBouncer as the container starts it, with its paths and ports moved, and a shorter idle time."""
        config = (self.root / "etc/diaspora/pgbouncer/pgbouncer.ini").read_text()
        for old, new in (
            ("port=5432", f"port={port}"),
            ("listen_port = 5432", f"listen_port = {self.port}"),
            ("listen_addr = 0.0.0.0", "listen_addr = 127.0.0.1"),
            ("/tmp/userlist.txt", f"{self.folder}/userlist.txt"),
            ("/etc/database-ca", str(self.folder)),
            ("server_idle_timeout = 60", f"server_idle_timeout = {IDLE}"),
        ):
            assert config.count(old) == 1, old
            config = config.replace(old, new)
        (self.folder / "pgbouncer.ini.template").write_text(config)
        start = (self.root / "etc/diaspora/pgbouncer/start").read_text()
        for old, new in (
            ("/run/secrets/diaspora-database-password", f"{self.folder}/password"),
            ("/etc/pgbouncer/pgbouncer.ini", f"{self.folder}/pgbouncer.ini.template"),
            ("exec pgbouncer", f"exec {self.program}"),
        ):
            assert old in start
            start = start.replace(old, new)
        (self.folder / "start").write_text(start)
        account = pwd.getpwnam("postgres")
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, account.pw_uid, account.pw_gid)
        variables = {"DATABASE_HOST": host, "TMPDIR": str(self.folder), "PATH": os.environ["PATH"]}
        with (
            (self.folder / "log").open("wb") as log,
            subprocess.Popen(
                ["/bin/sh", self.folder / "start"], env=variables, stdout=log, stderr=log, cwd=self.folder,
                user=account.pw_uid, group=account.pw_gid, extra_groups=[],
            ) as process,
        ):  # fmt: skip
            try:
                for _ in range(100):
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                        break
                    time.sleep(0.1)
                yield process
            finally:
                stop(process)

    def ask(self, query: str, seconds: float = 60) -> str:
        done = subprocess.run(
            self.psql("-c", query), env=self.variables(), capture_output=True, text=True, check=False, timeout=seconds
        )
        return (done.stdout + done.stderr).strip()

    def psql(self, *arguments: str) -> list[str | Path]:
        return [
            self.database.programs / "psql", "-X", "-At", "-w", "-h", "127.0.0.1", "-p", str(self.port),
            "-U", "diaspora", "-d", "diaspora_production", *arguments,
        ]  # fmt: skip

    def variables(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD}

    def connections(self) -> list[str]:
        """The current connections of the application to the server: with TLS or without."""
        query = "select ssl from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'diaspora'"
        return self.database.administer("-c", query).split()


@pytest.fixture(scope="module")
def pooled(require_program: RequireProgram, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooled]:
    if os.getuid() != 0:
        pytest.skip("needs root: PgBouncer runs as another user")
    program = require_program("pgbouncer", "pgbouncer")
    programs = server_programs(require_program)
    root = write_tree(pod_fragment(aws_context()), tmp_path_factory.mktemp("root"))
    folder = memory_folder() / f"aws-database-{os.getpid()}"
    (folder / "server").mkdir(parents=True)
    (folder / "pool").mkdir()
    try:
        for database in running(folder / "server", programs, files(pod_fragment(pod_context()))):
            database.prepare()
            certify(folder / "pool", folder / "server/data")
            database.administer("-c", "alter system set ssl = on")
            database.administer("-c", "select pg_reload_conf()")
            (folder / "pool/password").write_text(PASSWORD)
            (port,) = free_ports(1)
            yield Pooled(database, folder / "pool", port, database.port, program, root)
    finally:
        shutil.rmtree(folder)


def certify(folder: Path, data: Path) -> None:
    """An authority in `folder`, and a server certificate signed by it for localhost, in the server's data folder."""

    def openssl(*arguments: str | Path) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)

    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        *new,
        "-x509",
        "-days",
        "2",
        "-subj",
        "/CN=authority",
        "-keyout",
        folder / "ca.key",
        "-out",
        folder / "bundle.pem",
    )
    openssl(*new, "-subj", "/CN=localhost", "-keyout", data / "server.key", "-out", folder / "request")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl(
        "x509", "-req", "-days", "2", "-in", folder / "request", "-CA", folder / "bundle.pem",
        "-CAkey", folder / "ca.key", "-CAcreateserial", "-extfile", folder / "names", "-out", data / "server.crt",
    )  # fmt: skip
    for path in (data / "server.key", data / "server.crt"):
        shutil.chown(path, "postgres", "postgres")
    (data / "server.key").chmod(0o600)


def until(happens: object, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if callable(happens) and happens():
            return
        time.sleep(0.1)
    pytest.fail(f"does not happen within {seconds} seconds")


def test_idle_pool_closes_server_connections_and_keeps_clients(pooled: Pooled) -> None:
    with (
        pooled.pgbouncer(pooled.backend),
        subprocess.Popen(
            pooled.psql(), env=pooled.variables(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as client,
    ):
        assert client.stdin
        assert client.stdout
        client.stdin.write("select 'first';\n")
        assert client.stdout.readline() == "first\n"
        assert pooled.connections() == ["t"], "one, and with TLS"
        until(lambda: pooled.connections() == [])
        time.sleep(2 * IDLE)
        assert pooled.connections() == []
        assert client.poll() is None
        # the same connection of the client goes on
        client.stdin.write("select 'second';\n")
        assert client.stdout.readline() == "second\n"
        client.stdin.close()
        client.wait(timeout=20)


def test_idle_client_does_not_wake_the_database(pooled: Pooled) -> None:
    with pooled.pgbouncer(pooled.backend):
        assert pooled.ask("select 1") == "1"
        until(lambda: pooled.connections() == [])
        with subprocess.Popen(pooled.psql(), env=pooled.variables(), stdin=subprocess.PIPE) as client:
            time.sleep(1)
            assert client.poll() is None
            assert pooled.connections() == []
            client.communicate(timeout=20)


@contextlib.contextmanager
def sleeping(backend: int, seconds: float) -> Iterator[int]:
    """A port of a database that wakes up: connections hang until then, and are served afterwards."""
    awake = time.monotonic() + seconds
    opened: list[socket.socket] = []
    with socket.create_server(("localhost", 0)) as server:

        def pump(source: socket.socket, target: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    target.sendall(data)
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client = server.accept()[0]
                    opened.append(client)
                    time.sleep(max(0, awake - time.monotonic()))
                    target = socket.create_connection(("localhost", backend))
                    opened.append(target)
                    for pair in ((client, target), (target, client)):
                        threading.Thread(target=pump, args=pair, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield int(server.getsockname()[1])
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in opened:
                # a close alone does not end the connection while a thread waits for its data
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()


def test_query_waits_until_the_database_is_awake(pooled: Pooled) -> None:
    with sleeping(pooled.backend, ASLEEP_SECONDS) as port, pooled.pgbouncer(port):
        started = time.monotonic()
        assert pooled.ask("select 'awake'") == "awake"
        assert ASLEEP_SECONDS - 5 < time.monotonic() - started < ASLEEP_SECONDS + 15


def test_server_with_wrong_name_gets_no_password(pooled: Pooled) -> None:
    # the certificate is for localhost
    with pooled.pgbouncer(pooled.backend, host="127.0.0.1"):
        with pytest.raises(subprocess.TimeoutExpired):
            pooled.ask("select 1", seconds=4)
        assert "TLS" in (pooled.folder / "log").read_text()


def test_backup_programs_connect_directly_to_the_database(pooled: Pooled, tmp_path: Path) -> None:
    text = (pooled.root / LIBEXEC / "database-program").read_text()
    for old, new in (
        ("/run/secrets/diaspora-database-password", f"{pooled.folder}/password"),
        ("/etc/database-ca", str(pooled.folder)),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    for name in ("psql", "pg_dump"):
        (tmp_path / name).write_text(text)
    variables = {
        "PATH": os.environ["PATH"],
        "DATABASE_HOST": "localhost",
        "DATABASE_PROGRAMS": str(pooled.database.programs),
        "PGPORT": str(pooled.backend),
    }
    query = "select current_user, ssl from pg_stat_ssl where pid = pg_backend_pid()"
    for user in ("postgres", "diaspora"):
        done = subprocess.run(
            ["/bin/bash", tmp_path / "psql", "-XAt", f"--username={user}", "--dbname=diaspora_production", "-c", query],
            env=variables, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert done.stdout == "diaspora|t\n"
    done = subprocess.run(
        ["/bin/bash", tmp_path / "pg_dump", "--username=postgres", "diaspora_production"],
        env=variables, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "PostgreSQL database dump complete" in done.stdout


OPEN, HELD = 5, 5
POLL = {"X_Requested_With": "XMLHttpRequest"}


@contextlib.contextmanager
def holding_polls(pooled: Pooled, pid: int, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The rendered program with its times shortened, beside PgBouncer; it writes the file `polls/held` in `folder`."""
    text = (pooled.root / LIBEXEC / "hold-polls").read_text()
    for old, new in (
        (">= 360)", f">= {OPEN})"),
        (">= 450)", f">= {OPEN + HELD})"),
        ("sleep 5\n", "sleep 0.2\n"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "hold-polls").write_text(text)
    (folder / "podman").write_text(f"#!/bin/sh\necho {pid}\n")
    (folder / "podman").chmod(0o755)
    variables = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "DIASPORA_POLLS": str(folder / "polls"),
        "DIASPORA_DATABASE_PORT": f"{pooled.backend:04X}",
    }
    with subprocess.Popen(
        ["/bin/bash", folder / "hold-polls"], env=variables, start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def test_polls_of_open_pages_let_the_database_sleep_and_do_not_wake_it(
    pooled: Pooled, tmp_path: Path, require_program: RequireProgram
) -> None:
    class Diaspora(Application):
        def answer(self) -> None:
            assert pooled.ask("select 1") == "1"
            super().answer()

        do_GET = answer  # noqa: N815  # the name of http.server

    nginx = require_program("nginx", "nginx-light")
    with (
        pooled.pgbouncer(pooled.backend) as pgbouncer,
        holding_polls(pooled, pgbouncer.pid, tmp_path),
        running_pod(nginx, pooled.root, tmp_path, handler=Diaspora) as pod,
    ):
        held = tmp_path / "polls/held"
        (tmp_path / "srv/polls").symlink_to(held.parent)

        answers: list[int] = []

        def poll() -> None:
            """More often than PgBouncer's idle time."""
            while not done.wait(IDLE / 5):
                answers.append(pod.plain("/notifications?per_page=10&page=1", **POLL)[0].status)

        def asleep() -> bool:
            return held.exists() and set(answers[-5:]) == {204} and pooled.connections() == []

        done = threading.Event()
        poller = threading.Thread(target=poll)
        poller.start()
        try:
            until(lambda: 200 in answers, seconds=60)
            until(asleep, seconds=60)
            answers.clear()
            time.sleep(OPEN + HELD + 2)
            assert set(answers) == {204}
            assert pooled.connections() == [], "a poll woke the database"

            # a visit; PgBouncer's idle time is so short here that the program may miss a single page
            until(lambda: pod.plain("/stream")[0].status == 200 and 200 in answers, seconds=60)
            until(asleep, seconds=60)

            # while somebody uses the pod, polls pass again and again
            answers.clear()
            deadline = time.monotonic() + 90
            while [status for status, _ in itertools.groupby(answers)][:4] != [204, 200, 204, 200]:
                assert pod.plain("/stream")[0].status == 200
                assert time.monotonic() < deadline, answers
        finally:
            done.set()
            poller.join()


def test_polls_pass_when_pgbouncer_has_ended(pooled: Pooled, tmp_path: Path) -> None:
    with pooled.pgbouncer(pooled.backend) as pgbouncer, holding_polls(pooled, pgbouncer.pid, tmp_path) as program:
        until((tmp_path / "polls/held").exists)
        pgbouncer.terminate()
        pgbouncer.wait(timeout=20)
        assert program.wait(timeout=20) == 1
        assert program.stderr
        assert program.stderr.read().endswith("PgBouncer has ended\n")
    # systemd starts the program again, and removes the file whatever it ended with
    unit = files(pod_fragment(aws_context()))["/etc/systemd/system/diaspora-held-polls.service"]
    assert "ExecStopPost=/usr/bin/rm -f /run/diaspora-polls/held\nRestart=always\n" in unit


def test_pod_uses_pgbouncer_and_migration_uses_the_database() -> None:
    found = files(pod_fragment(aws_context()))
    text = found["/etc/diaspora/database.yml"]
    production = yaml.safe_load(text)["production"]
    assert production["prepared_statements"] is False
    assert production["host"] == "<%= ENV['DATABASE_HOST'] || 'pgbouncer' %>"
    units = containers(pod_fragment(aws_context()))
    assert not values(units["diaspora-web"]["Container"], "EnvironmentFile")
    direct = found["/etc/containers/systemd/diaspora-migrate.container.d/20-direct.conf"]
    assert "EnvironmentFile=/var/mnt/data/state/facts/facts.env" in direct
    assert "DATABASE_TLS=verify-full" in direct


def test_health_checks_do_not_query_the_database() -> None:
    found = files(pod_fragment(aws_context()))
    health = [line for text in found.values() for line in text.splitlines() if line.startswith("HealthCmd=")]
    assert not [line for line in health if "pg_" in line or "psql" in line]
    for name in ("pgbouncer", "postgresql"):
        assert "HealthCmd" not in found[f"/etc/containers/systemd/{name}.container"]
        assert "ExecStartPost" not in found[f"/etc/containers/systemd/{name}.container"]
    assert "/.well-known/nodeinfo" in found[f"/{LIBEXEC}/web-healthy"]


@pytest.mark.parametrize(("pause", "idle"), [(300, 60), (86400, 60)])
def test_idle_connections_end_before_the_auto_pause(pause: int, idle: int) -> None:
    texts = files(pod_fragment(aws_context(database={"autoPauseSeconds": pause})))
    (found,) = re.findall("server_idle_timeout = ([0-9]+)", texts["/etc/diaspora/pgbouncer/pgbouncer.ini"])
    assert int(found) == idle
    assert int(found) * 5 <= pause


def test_database_on_instance_is_configured_as_on_metal() -> None:
    found = files(pod_fragment(aws_context(database={"engine": "onInstance"})))
    metal = files(pod_fragment(pod_context()))
    assert not [path for path in found if "pgbouncer" in path or "database-ca" in path]
    for path in ("/etc/containers/systemd/postgresql.container", "/etc/diaspora/postgresql/database.sql"):
        assert found[path] == metal[path]
    assert 'host: "postgresql"' in found["/etc/diaspora/database.yml"].replace('"host"', "host")
    assert "prepared_statements" not in found["/etc/diaspora/database.yml"]


def test_quadlet_accepts_the_units(tmp_path: Path) -> None:
    for name, context in {"aurora": aws_context(), "instance": aws_context(database={"engine": "onInstance"})}.items():
        root = write_tree(pod_fragment(context), tmp_path / name)
        done = generate(root / "etc/containers/systemd", tmp_path / name / "units")
        assert (done.returncode, done.stderr) == (0, "")
        made = (tmp_path / name / "units/postgresql.service").read_text()
        assert ("sleep" in made) == (name == "aurora")
