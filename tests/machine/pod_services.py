"""The servers of a pod, PostgreSQL and Redis, with a small pod; and its complete content, to compare."""

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lab.matchbox import free_ports
from tests.host.pod import files, pod_context, pod_fragment
from tests.machine.pod_backup import PASSWORD, REDIS_PASSWORD, Pod
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_pod_postgresql import Postgresql, running, server_programs
from tests.support.memory import memory_folder
from tests.support.processes import stop

BACKUP = pod_context(backup={}, secrets={"backupPassword": PASSWORD})
OWNER = 813
# Tables as Rails makes them: keys, an index, a sequence, references, and values that are hard to write down.
TABLES = """
create table users (id serial primary key, username text not null unique, encrypted_password text not null default '');
create table people (id bigserial primary key, diaspora_handle text not null unique, serialized_public_key text,
    owner_id integer unique references users);
create table pods (id serial primary key, host text not null);
create table photos (id serial primary key, author_id bigint references people, text text, sizes jsonb, raw bytea,
    created_at timestamp default '2026-01-02 03:04:05.678');
create index index_photos_on_author on photos (author_id, created_at);
create table schema_migrations (version varchar primary key);
insert into schema_migrations values ('20200101000000'), ('20230506123456');
insert into users (username, encrypted_password) values ('alice', '$2a$10$hash'), ('bob', '$2a$10$hush');
insert into pods (host) values ('remote.example.net');
insert into people (diaspora_handle, serialized_public_key, owner_id)
    select username || '@pod.example.org', 'key', id from users;
insert into people (diaspora_handle, serialized_public_key)
    select 'user' || n || '@remote.example.net', repeat(md5(n::text), 20) from generate_series(3, 3000) n;
insert into photos (author_id, text, sizes, raw)
    select 1 + n % 3000, E'line\\nnaïve 🐘 \\\\ ' || n, jsonb_build_object('n', n), decode(md5(n::text), 'hex')
    from generate_series(1, 5000) n;
"""


def pod_server(name: str, require_program: RequireProgram) -> Iterator[Postgresql]:
    """Run PostgreSQL as the pod would."""
    # not in pytest's folder, which only one user may enter
    folder = memory_folder() / f"pod-{name}-{os.getpid()}"
    folder.mkdir()
    try:
        yield from running(folder, server_programs(require_program), files(pod_fragment(BACKUP)))
    finally:
        shutil.rmtree(folder)


def pod_redis(folder: Path, require_program: RequireProgram) -> Iterator[int]:
    """Run Redis on a free port."""
    (port,) = free_ports(1)
    command = [require_program("redis-server", "redis-server"), "--port", str(port), "--bind", "127.0.0.1",
               "--requirepass", REDIS_PASSWORD, "--dir", str(folder)]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                if ask_redis(port, "ping") == "PONG":
                    break
                time.sleep(0.05)
            yield port
        finally:
            stop(process)


def ask_redis(port: int, *command: str) -> str:
    return subprocess.run(
        ["redis-cli", "-p", str(port), *command],
        env={"PATH": os.environ["PATH"], "REDISCLI_AUTH": REDIS_PASSWORD},
        capture_output=True, text=True, check=False, timeout=20,
    ).stdout.strip()  # fmt: skip


def sql(server: Postgresql, text: str, database: str = "diaspora_production") -> str:
    return server.administer("-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", text)


def empty_database(server: Postgresql, template: str | None = None) -> None:
    """Replace the pod's databases with a new one, which is a copy of the template."""
    drop = [f"drop database if exists {name} with (force)" for name in
            ("diaspora_production", "diaspora_restored", "diaspora_replaced")]  # fmt: skip
    copy = [f"create database diaspora_production template {template} owner diaspora"] if template else []
    commands = [word for command in (*drop, *copy) for word in ("-c", command)]
    server.administer("-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", *commands)
    server.prepare()


def save_database(server: Postgresql, name: str) -> None:
    """Keep the pod's database as a template of this name."""
    sql(server, f"create database {name} template diaspora_production owner diaspora", "postgres")


def fill(server: Postgresql) -> None:
    """Recreate the tables of the small pod, with their rows."""
    empty_database(server)
    sql(server, f"set role diaspora; {TABLES}")


# Each part begins with a line "\x01NAME". \gexec runs what the last query has returned.
ROWS = r"""
select format(E'select E\'\\x01%s\'', tablename), format('copy (select * from %I order by 1) to stdout', tablename)
    from pg_tables where schemaname = 'public' order by tablename \gexec
select E'\x01owners';
select relname, relkind, pg_get_userbyid(relowner) from pg_class where relnamespace = 'public'::regnamespace order by 1;
select E'\x01indexes';
select indexdef from pg_indexes where schemaname = 'public' order by 1;
select E'\x01keys';
select conname, pg_get_constraintdef(oid) from pg_constraint order by 1, 2;
select E'\x01sequences';
select sequencename, last_value from pg_sequences order by 1;
"""


def rows(server: Postgresql, database: str = "diaspora_production") -> dict[str, str]:
    """Every row of every table, the owners, indexes, references and sequence values."""
    answer = server.administer("-q", "-v", "ON_ERROR_STOP=1", "-d", database, text=ROWS)
    parts = [part.split("\n", 1) for part in answer.split("\x01")[1:]]
    return {name: content.strip() for name, content in parts}


def copy_machine(pod: Pod, folder: Path) -> Pod:
    """The same machine in another folder, which is below an existing one; it uses the same servers."""
    new = replace(pod, folder=folder)
    subprocess.run(["cp", "-aT", pod.folder, folder], check=True)
    new.prepare_programs()
    return new


def uploads(pod: Pod, folder: Path | None = None) -> dict[str, tuple[object, ...]]:
    """Every file and folder of the uploads: content, mode, owner, time."""
    found: dict[str, tuple[object, ...]] = {}
    folder = folder or pod.data / "uploads"
    for path in (folder, *sorted(folder.rglob("*"))):
        entry = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        facts = (stat.S_IMODE(entry.st_mode), entry.st_uid, entry.st_gid, content)
        found[str(path.relative_to(folder))] = facts if path.is_dir() else (*facts, entry.st_mtime_ns)
    return found


def fill_uploads(pod: Pod) -> None:
    """Create files of users, with names, modes and owners that are easily lost."""
    folder = pod.data / "uploads"
    for name in ("images/a cat.jpg", "images/größe.png", "images/deep/er/x", "users/export.json.gz", "images/li\nne"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(os.urandom(50_000))
    (folder / "images/empty").mkdir()
    (folder / "users").chmod(0o750)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, OWNER, OWNER)
