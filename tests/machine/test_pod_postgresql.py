"""The rendered PostgreSQL config and SQL in a real PostgreSQL."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.matchbox import free_ports
from tests.host.pod import containers, files, pod_context, pod_fragment, values
from tests.machine.namespaces import Namespace
from tests.machine.pod_programs import RequireProgram
from tests.support.processes import stop

PASSWORD = "0123456789abcdef"


def server_programs(require_program: RequireProgram) -> Path:
    """The folder of initdb and postgres, which Debian keeps off PATH."""
    psql = require_program("psql", "postgresql")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return folders[-1] if folders else Path(psql).resolve().parent


def as_user() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


@dataclass
class Postgresql:
    """A running server with the pod's config; its administrator is whoever runs the test."""

    port: int
    programs: Path
    folder: Path

    def administer(self, *arguments: str, expect: int = 0, text: str | None = None) -> str:
        """Run psql, with a text as its standard input; returns what it says."""
        command = [self.programs / "psql", "-X", "-At", "-h", self.folder, "-p", str(self.port), "-U", "postgres"]
        done = subprocess.run(
            [*command, *arguments], input=text,
            capture_output=True, text=True, check=False, timeout=60, cwd=self.folder, **as_user(),  # type: ignore[call-overload]
        )  # fmt: skip
        assert done.returncode == expect, done.stderr
        return str(done.stdout + done.stderr).strip()

    def connect(self, user: str, database: str, password: str, query: str = "select current_user") -> str:
        done = subprocess.run(
            [self.programs / "psql", "-X", "-At", "-w", "-h", "127.0.0.1", "-p", str(self.port), "-U", user,
             "-d", database, "-c", query],
            env={"PATH": os.environ["PATH"], "PGPASSWORD": password},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return (done.stdout + done.stderr).strip()

    def prepare(self) -> str:
        return self.administer("--quiet", "--file", str(self.folder / "database.sql"))


@pytest.fixture(scope="module")
def server(require_program: RequireProgram) -> Iterator[Postgresql]:
    programs = server_programs(require_program)
    texts = files(pod_fragment(pod_context()))
    # not in pytest's folder, which only one user may enter
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"pod-postgresql-{os.getpid()}"
    folder.mkdir()
    try:
        yield from running(folder, programs, texts)
    finally:
        shutil.rmtree(folder)


def running(
    folder: Path, programs: Path, texts: dict[str, str], network: Namespace | None = None
) -> Iterator[Postgresql]:
    """Run PostgreSQL on a free port of 127.0.0.1, or on its own port in another network."""
    port = 5432 if network else free_ports(1)[0]
    config = texts["/etc/diaspora/postgresql/postgresql.conf"]
    access = texts["/etc/diaspora/postgresql/pg_hba.conf"]
    sql = texts["/etc/diaspora/postgresql/database.sql"]
    assert "listen_addresses = '*'" in config
    config = config.replace("listen_addresses = '*'", "listen_addresses = '127.0.0.1'")
    config = config.replace("/etc/postgresql/", f"{folder}/")
    assert access.count("peer") == 1
    # the test's user need not be called postgres
    (folder / "pg_hba.conf").write_text(access.replace("peer", "peer map=test"))
    name = pwd.getpwuid(os.getuid()).pw_name if os.getuid() else "postgres"
    (folder / "pg_ident.conf").write_text(f"test {name} postgres\n")
    (folder / "postgresql.conf").write_text(f"{config}\nident_file = '{folder}/pg_ident.conf'\n")
    (folder / "password").write_text(PASSWORD)
    assert sql.count("/run/secrets/diaspora-database-password") == 1
    (folder / "database.sql").write_text(sql.replace("/run/secrets/diaspora-database-password", f"{folder}/password"))
    if os.getuid() == 0:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "postgres", "postgres")
    options = re.search(r"POSTGRES_INITDB_ARGS=([^\"]+)\"", texts["/etc/containers/systemd/postgresql.container"])
    assert options
    subprocess.run(
        [programs / "initdb", "-D", folder / "data", "-U", "postgres", *options[1].split()],
        check=True, capture_output=True, timeout=120, cwd=folder, **as_user(),  # type: ignore[call-overload]
    )  # fmt: skip
    # a machine on which tests run need not lose its power
    command = [
        str(programs / "postgres"), "-D", str(folder / "data"), "-c", f"config_file={folder}/postgresql.conf",
        "-c", "fsync=off",
        "-p", str(port), "-c", f"unix_socket_directories={folder}",
    ]  # fmt: skip
    ready = [str(programs / "pg_isready"), "--quiet", "--host=127.0.0.1", "--port", str(port), "--username=postgres"]
    account = as_user()
    if network:
        # only root may enter it
        command = network.command("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command)
        ready, account = network.command(*ready), {}
    with (folder / "log").open("w") as log, subprocess.Popen(
        command, stdout=log, stderr=log, cwd=folder, **account  # type: ignore[call-overload]
    ) as process:  # fmt: skip
        try:
            for _ in range(100):
                if subprocess.run(ready, check=False, timeout=20).returncode == 0:
                    break
                time.sleep(0.1)
            else:
                pytest.fail((folder / "log").read_text())
            yield Postgresql(port, programs, folder)
        finally:
            # "fast": with SIGTERM the server waits until every client has gone
            stop(process, signal.SIGINT)


def test_database_is_created_once_and_kept(server: Postgresql) -> None:
    assert server.prepare() == ""
    server.connect("diaspora", "diaspora_production", PASSWORD, "create table kept (id int)")
    assert server.prepare() == ""
    assert server.connect("diaspora", "diaspora_production", PASSWORD) == "diaspora"
    assert "kept" in server.connect("diaspora", "diaspora_production", PASSWORD, r"\dt")


def test_application_role_is_unprivileged_and_database_is_unicode(server: Postgresql) -> None:
    server.prepare()
    query = "select rolsuper or rolcreaterole or rolcreatedb from pg_roles where rolname = 'diaspora'"
    assert server.administer("-c", query) == "f"
    query = "select pg_encoding_to_char(encoding), pg_get_userbyid(datdba) from pg_database where datname = '{}'"
    assert server.administer("-c", query.format("diaspora_production")) == "UTF8|diaspora"


def test_wrong_password_and_administrator_are_refused_over_the_network(server: Postgresql) -> None:
    server.prepare()
    assert "password authentication failed" in server.connect("diaspora", "diaspora_production", "wrong")
    assert "no pg_hba.conf entry" in server.connect("postgres", "postgres", PASSWORD)
    assert "no pg_hba.conf entry" in server.connect("diaspora", "postgres", PASSWORD)


def test_changed_password_file_changes_the_password_of_the_role(server: Postgresql) -> None:
    server.prepare()
    try:
        (server.folder / "password").write_text("fedcba9876543210")
        server.prepare()
        assert server.connect("diaspora", "diaspora_production", "fedcba9876543210") == "diaspora"
    finally:
        (server.folder / "password").write_text(PASSWORD)
        server.prepare()


def test_passwords_are_hashed_and_not_in_the_log(server: Postgresql) -> None:
    server.prepare()
    query = "select rolpassword from pg_authid where rolname = 'diaspora'"
    assert server.administer("-c", query).startswith("SCRAM-SHA-256$")
    # a statement that fails is logged; this one holds a password, and fails
    (server.folder / "password").write_text("0" * 16)
    broken = (server.folder / "database.sql").read_text().replace("ALTER ROLE diaspora", "ALTER ROLE nobody")
    (server.folder / "broken.sql").write_text(broken)
    server.administer("--file", str(server.folder / "broken.sql"), expect=3)
    (server.folder / "password").write_text(PASSWORD)
    log = (server.folder / "log").read_text()
    assert "0" * 16 not in log
    assert PASSWORD not in log


def test_health_check_leaves_nothing_in_the_log(server: Postgresql) -> None:
    """It runs every ten seconds; the journal would be full of errors that are none."""
    server.prepare()
    (check,) = values(containers(pod_fragment(pod_context()))["postgresql"]["Container"], "HealthCmd")
    program, *options = check.split()
    before = (server.folder / "log").read_text()
    for _ in range(3):
        subprocess.run([server.programs / program, *options, "--port", str(server.port)], check=True, timeout=20)
    # by then the log has what was said before
    server.administer("-c", "do $$begin raise log 'asked'; end$$")
    said = (server.folder / "log").read_text().removeprefix(before)
    assert "asked" in said
    assert "FATAL" not in said


def test_postgresql_settings_are_active(server: Postgresql) -> None:
    def setting(name: str) -> str:
        return server.administer("-c", f"show {name}")

    assert setting("shared_buffers") == "128MB"
    assert setting("max_connections") == "30"
    assert setting("password_encryption") == "scram-sha-256"
    assert setting("data_checksums") == "on"
    assert server.administer("-c", "select count(*) from pg_file_settings where error is not null") == "0"
    assert server.administer("-c", "select count(*) from pg_hba_file_rules where error is not null") == "0"
