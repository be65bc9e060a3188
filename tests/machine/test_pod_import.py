"""Existing pods come to a new machine: their dumps and archives, with the real PostgreSQL, Redis, tar and zstd."""

import hashlib
import io
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.host.pod import pod_context, pod_fragment, write_tree
from tests.machine.pod_backup import Pod
from tests.machine.pod_programs import RequireProgram
from tests.machine.pod_services import (
    OWNER,
    TABLES,
    ask_redis,
    copy_machine,
    empty_database,
    pod_redis,
    pod_server,
    rows,
    save_database,
    sql,
    uploads,
)
from tests.machine.test_pod_postgresql import Postgresql, as_user

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may change owners and run diaspora-pod")

LAYOUT = {"uid": 1042}
CONTEXT = pod_context(backup={}, secrets={"backupPassword": "correct horse battery"}, imageLayout=LAYOUT)
TOKEN = "0123456789abcdef" * 5
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n"
PHOTO = os.urandom(30_000)
AGAIN = "import failed: the pod is stopped, half changed; run the same command again"


@pytest.fixture(scope="module")
def server(require_program: RequireProgram) -> Iterator[Postgresql]:
    yield from pod_server("import", require_program)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[int]:
    yield from pod_redis(tmp_path_factory.mktemp("redis"), require_program)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(pod_fragment(CONTEXT), tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def old(server: Postgresql) -> dict[str, str]:
    """The pod of another machine, where the database and its role have other names; what is in it."""
    sql(server, "create role somebody; create role reader", "postgres")
    sql(server, "create database old owner somebody", "postgres")
    rights = "grant select on people to reader; comment on extension plpgsql is 'SQL'"
    sql(server, f"grant all on schema public to somebody; set role somebody; {TABLES}; reset role; {rights}", "old")
    found = rows(server, "old")
    # on the new machine all is the application's
    return {**found, "owners": found["owners"].replace("somebody", "diaspora")}


@pytest.fixture
def dump(tmp_path: Path, server: Postgresql, old: dict[str, str]) -> "Dump":
    return Dump(tmp_path, server)


class Dump:
    """Dumps of the old pod, and files that pretend to be some."""

    def __init__(self, folder: Path, server: Postgresql) -> None:
        self.folder = folder
        self.server = server

    def make(self, kind: str = "custom", packed: str = "", database: str = "old") -> Path:
        # nothing changes the database `old`
        dumped = dump_of_old if database == "old" else dump_of
        path = self.folder / f"old.{kind}.{packed}"
        path.write_bytes(dumped(self.server.programs, self.server.folder, self.server.port, kind, packed, database))
        return path

    def text(self, text: str | bytes) -> Path:
        path = self.folder / "made.sql"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path


def dump_of(programs: Path, folder: Path, port: int, kind: str, packed: str, database: str) -> bytes:
    command = [programs / "pg_dump", "-h", folder, "-p", str(port), "-U", "postgres", f"--format={kind}", database]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, cwd="/", **as_user())  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    content: bytes = done.stdout
    return subprocess.run([packed, "-c"], input=content, capture_output=True, check=True).stdout if packed else content


dump_of_old = cache(dump_of)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, tree: Path, server: Postgresql, redis: int, restic: str) -> Pod:
    """The machine of which the tests take copies; its database is the template `started`."""
    empty_database(server)
    text = "create table users (id serial, username text, encrypted_password text)"
    sql(server, f"set role diaspora; {text}; insert into users (username, encrypted_password) values ('podmin', 'x')")
    save_database(server, "started")
    pod = Pod(tmp_path_factory.mktemp("started") / "pod", tree, server, redis, restic)
    pod.prepare()
    (pod.data / "secrets/admin_password").write_text("first\n")
    (pod.data / "secrets/admin_password_fingerprint").write_text(hashlib.sha256(b"x").hexdigest() + "\n")
    (pod.data / "state/migrate").write_text("image\n")
    return pod


@pytest.fixture
def here(tmp_path: Path, started: Pod) -> Pod:
    """A new machine after its first start: nobody is in the pod but the administrator that it has made."""
    empty_database(started.server, "started")
    return copy_machine(started, tmp_path / "here")


def folder_of_uploads(folder: Path) -> Path:
    for name in ("images/a cat.jpg", "images/deep/größe.png", "users/export.json.gz", "tmp/cache", "other/thing"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(PHOTO)
    (folder / "images/a cat.jpg").chmod(0o4777)
    return folder


def arrived(pod: Pod) -> None:
    """The uploads of the old pod are there, without cache and rights of the old machine."""
    found = uploads(pod)
    assert {name: facts[:4] for name, facts in found.items()} == {
        ".": (0o755, OWNER, OWNER, None),
        "images": (0o755, OWNER, OWNER, None),
        "images/a cat.jpg": (0o755, OWNER, OWNER, PHOTO),
        "images/deep": (0o755, OWNER, OWNER, None),
        "images/deep/größe.png": (0o644, OWNER, OWNER, PHOTO),
        "users": (0o755, OWNER, OWNER, None),
        "users/export.json.gz": (0o644, OWNER, OWNER, PHOTO),
    }


def archive(folder: Path, prefix: str, packed: str) -> Path:
    """Archive a folder `uploads` as the older systems do it: its content, or the folders above it too."""
    root = folder / "archive"
    folder_of_uploads(root / prefix)
    path = folder / f"uploads.tar{packed}"
    option = {"": [], ".gz": ["--gzip"], ".zst": ["--zstd"]}[packed]
    names = sorted(path.name for path in root.iterdir())
    subprocess.run(["tar", "--create", *option, "--file", path, "--directory", root, *names], check=True)
    return path


@pytest.mark.parametrize(
    ("kind", "packed"),
    [("custom", ""), ("tar", ""), ("plain", ""), ("plain", "gzip"), ("tar", "zstd"), ("custom", "gzip")],
)
def test_every_dump_format_is_imported_completely(
    here: Pod, server: Postgresql, old: dict[str, str], dump: Dump, kind: str, packed: str
) -> None:
    file = dump.make(kind, packed)
    done = here.job("import", "--database", str(file))
    assert done.returncode == 0, done
    assert rows(server) == old
    assert not (here.data / "state/migrate").exists()
    assert not (here.data / "state/changing-over").exists()
    assert not (here.data / "import").exists()
    assert not list((here.data / "secrets").glob("admin*"))
    assert sql(server, "select count(*) from pg_database where datname like 'diaspora_re%'") == "0"


@pytest.mark.parametrize(
    ("prefix", "packed"), [(".", ""), ("uploads", ".gz"), ("public/uploads", ".zst"), ("./public/uploads", "")]
)
def test_every_uploads_layout_is_imported_completely(
    here: Pod, dump: Dump, prefix: str, packed: str, tmp_path: Path
) -> None:
    path = archive(tmp_path, prefix, packed)
    done = here.job("import", f"--database={dump.make()}", f"--uploads={path}")
    assert done.returncode == 0, done
    if "public" not in prefix:
        assert "left out of the uploads: other" in done.stdout
    arrived(here)


def test_whoever_registers_until_the_pod_stops_is_kept(here: Pod, server: Postgresql, dump: Dump) -> None:
    real = here.folder / "real"
    real.mkdir()
    program = (here.folder / "bin/systemctl").rename(real / "systemctl")
    insert = "insert into users (username) values ('late')"
    words = f'exec postgresql psql --username=postgres --dbname=diaspora_production --command="{insert}"'
    (here.folder / "bin/systemctl").write_text(
        f'#!/bin/bash\n[[ $* != "stop diaspora.target" ]] || podman {words} > /dev/null\nexec {program} "$@"\n'
    )
    (here.folder / "bin/systemctl").chmod(0o755)
    done = here.job("import", "--database", str(dump.make()))
    assert (done.returncode, done.stderr) == (0, "")
    assert "what was replaced is kept" in done.stdout
    assert sql(server, "select username from users where username = 'late'", "diaspora_replaced") == "late"
    here.succeed("remove-replaced")


def test_whole_pod_is_imported_with_its_keys(here: Pod, redis: int, dump: Dump, tmp_path: Path) -> None:
    (tmp_path / "secret_token.rb").write_text(
        f"# a comment\nDiaspora::Application.config.secret_key_base = '{TOKEN}'\n"
    )
    (tmp_path / "oidc_key.pem").write_text(KEY)
    password = (here.data / "secrets/database_password").read_text()
    ask_redis(redis, "set", "job", "of the empty pod")
    done = here.job(
        "import", "--database", str(dump.make()), "--uploads", str(folder_of_uploads(tmp_path / "uploads")),
        "--secret-token", str(tmp_path / "secret_token.rb"), "--oidc-key", str(tmp_path / "oidc_key.pem"),
    )  # fmt: skip
    assert done.returncode == 0, done
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "import: done, the pod runs on this machine"
    arrived(here)
    assert (here.data / "secrets/secret_key_base").read_text() == TOKEN
    assert (here.data / "secrets/oidc_key.pem").read_text() == KEY
    assert (here.data / "secrets/database_password").read_text() == password
    for name in ("secret_key_base", "oidc_key.pem"):
        assert (here.data / "secrets" / name).stat().st_mode & 0o077 == 0
    assert ask_redis(redis, "dbsize") == "0"
    calls = here.calls
    order = [
        next(number for number, call in enumerate(calls) if call.startswith(start))
        for start in (
            "podman exec --interactive postgresql pg_restore --username=diaspora",
            "systemctl stop diaspora.target",
            "podman exec redis redis-cli FLUSHALL",
            "systemctl restart diaspora-secrets.service",
            "systemctl start --no-block diaspora-web.service",
            "systemctl start --no-block diaspora.target",
        )
    ]
    assert order == sorted(order)
    assert not [call for call in calls if "sidekiq" in call]
    assert not [call for call in calls if TOKEN in call]
    # diaspora* is running again, so nothing is refused
    assert here.run("check-complete").returncode == 0


def test_import_without_keys_and_uploads_keeps_those_of_the_machine(here: Pod, dump: Dump) -> None:
    (here.data / "uploads/kept").touch()
    token = (here.data / "secrets/secret_key_base").read_text()
    done = here.job("import", "--database", str(dump.make()))
    assert done.returncode == 0, done
    assert "without --secret-token everybody has to log in again" in done.stdout
    assert (here.data / "secrets/secret_key_base").read_text() == token
    assert (here.data / "uploads/kept").exists()


class TestUsers:
    def test_pod_with_users_is_not_replaced_without_the_option(self, here: Pod, server: Postgresql, dump: Dump) -> None:
        sql(server, "insert into users (username, encrypted_password) values ('alice', 'y')")
        before = rows(server)
        done = here.job("import", "--database", str(dump.make()))
        assert done.returncode == 1
        line = "this pod has users (1); use --replace to replace this pod and delete its users"
        assert done.stderr == f"import failed: {line}\n"
        assert rows(server) == before

    def test_administrator_with_own_password_counts_as_user(self, here: Pod, dump: Dump) -> None:
        sql(here.server, "update users set encrypted_password = 'his own'")
        assert here.job("import", "--database", str(dump.make())).returncode == 1

    def test_replace_option_backs_up_the_pod_first(
        self, here: Pod, server: Postgresql, old: dict[str, str], dump: Dump
    ) -> None:
        sql(server, "insert into users (username, encrypted_password) values ('alice', 'y')")
        before = rows(server)
        file = str(dump.make())
        here.fault(" pg_dump ", "fail")
        done = here.job("import", "--database", file, "--replace")
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == (
            "import failed: the backup before the import failed; see: diaspora-pod logs diaspora-backup"
        )
        assert rows(server) == before
        done = here.job("import", "--database", file, "--replace")
        assert done.returncode == 0, done
        assert rows(server) == old
        assert len(here.snapshots()) == 1

    def test_pod_that_never_started_has_no_users(self, here: Pod, old: dict[str, str], dump: Dump) -> None:
        empty_database(here.server)
        assert here.job("import", "--database", str(dump.make())).returncode == 0
        assert rows(here.server) == old


class TestInterrupted:
    @pytest.mark.parametrize("match", ["redis-cli FLUSHALL", "psql .*--single-transaction"])
    def test_interrupted_import_blocks_start_until_it_is_repeated(
        self, here: Pod, old: dict[str, str], dump: Dump, match: str, tmp_path: Path
    ) -> None:
        command = ("import", "--database", str(dump.make()), "--uploads", str(folder_of_uploads(tmp_path / "u")))
        here.fault(match, "fail")
        done = here.job(*command)
        assert (done.returncode, done.stderr.splitlines()[-1]) == (1, AGAIN)
        refused = here.run("check-complete")
        line = ("the import was interrupted while the pod was half changed: run diaspora-pod import again, "
                "the pod does not start before")  # fmt: skip
        assert (refused.returncode, refused.stderr) == (1, f"{line}\n")
        status = here.command("status")
        assert (status.returncode, status.stdout.splitlines()[0]) == (1, line)
        assert here.run("backup").stderr == f"backup failed: {line}\n"
        done = here.job(*command)
        assert done.returncode == 0, done
        assert rows(here.server) == old
        arrived(here)

    def test_import_completes_when_repeated_after_power_cuts(self, here: Pod, old: dict[str, str], dump: Dump) -> None:
        command = ("import", "--database", str(dump.make()))
        for match in ("pg_restore --username", "psql .*--single-transaction", "redis-cli FLUSHALL"):
            here.fault(match, "after")
            assert here.job(*command).returncode == -9
        assert here.run("check-complete").returncode == 1
        done = here.job(*command)
        assert done.returncode == 0, done
        assert rows(here.server) == old
        assert here.run("check-complete").returncode == 0


class TestRefused:
    """Wrong cases: one line that says why, and the pod as it was."""

    def refused(self, pod: Pod, line: str, *arguments: str) -> None:
        before, files_before = rows(pod.server), uploads(pod)
        done = pod.job("import", *arguments)
        assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"import failed: {line}")
        assert "systemctl stop diaspora.target" not in pod.calls
        assert rows(pod.server) == before
        assert uploads(pod) == files_before
        assert not (pod.data / "import").exists()
        assert sql(pod.server, "select count(*) from pg_database where datname like 'diaspora_re%'") == "0"
        assert pod.run("check-complete").returncode == 0

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("-- MySQL dump 10.13\n--\n",
             "is a MySQL dump, but this pod uses PostgreSQL; convert the database first"),
            ("--\n-- PostgreSQL database cluster dump\n--\n",
             "comes from pg_dumpall; use pg_dump for one database"),
            ("<html>", "is not a PostgreSQL dump; allowed: plain, tar or custom format of pg_dump, also compressed"),
            ("", "is not a PostgreSQL dump; allowed: plain, tar or custom format of pg_dump, also compressed"),
            (b"\x1f\x8b broken",
             "is not a PostgreSQL dump; allowed: plain, tar or custom format of pg_dump, also compressed"),
        ],
    )  # fmt: skip
    def test_invalid_dump_is_refused(self, here: Pod, dump: Dump, text: str | bytes, line: str) -> None:
        file = dump.text(text)
        self.refused(here, f"{file} {line}", "--database", str(file))

    def test_truncated_dump_is_refused(self, here: Pod, dump: Dump) -> None:
        file = dump.make("plain", "gzip")
        file.write_bytes(file.read_bytes()[:-2000])
        self.refused(here, f"{file} is damaged", "--database", str(file))
        file = dump.make("custom")
        file.write_bytes(file.read_bytes()[:3000])
        self.refused(here, f"this PostgreSQL cannot read {file}", "--database", str(file))

    def changed(self, dump: Dump, text: str) -> Path:
        """A dump of the old pod after a change."""
        sql(dump.server, "drop database if exists changed", "postgres")
        sql(dump.server, "create database changed template old", "postgres")
        sql(dump.server, text, "changed")
        return dump.make(database="changed")

    def test_dump_of_another_pod_is_refused(self, here: Pod, dump: Dump) -> None:
        file = self.changed(dump, "update people set diaspora_handle = 'bob@other.example.org' where owner_id = 2")
        line = (f"{file} comes from the pod other.example.org, pod.example.org, but this machine is pod.example.org; "
                "a pod can never change its name")  # fmt: skip
        self.refused(here, line, "--database", str(file))

    def test_dump_without_users_is_refused(self, here: Pod, dump: Dump) -> None:
        file = self.changed(dump, "update people set owner_id = null")
        line = (
            f"{file} comes from the pod without users, but this machine is pod.example.org; a pod can never "
            "change its name"
        )
        self.refused(here, line, "--database", str(file))

    def test_dump_of_newer_or_unknown_version_is_refused(self, here: Pod, dump: Dump) -> None:
        image = "registry.example.org/diaspora:0.9.1.0"
        file = self.changed(dump, "insert into schema_migrations values ('20260428000000')")
        line = f"{file} comes from a newer diaspora* (migration 20260428000000) than {image} (migration 20240101000000)"
        self.refused(here, line, "--database", str(file))
        file = self.changed(dump, "update schema_migrations set version = '20230607080910' where version > '2023'")
        line = (f"{file} ends with migration 20230607080910, which {image} does not have; the database is too old, "
                "or of another program")  # fmt: skip
        self.refused(here, line, "--database", str(file))

    def test_dump_of_another_program_is_refused(self, here: Pod, dump: Dump) -> None:
        line = "is not a database of diaspora*: the tables schema_migrations, users, people and pods are missing"
        file = self.changed(dump, "drop table pods")
        self.refused(here, f"{file} {line}", "--database", str(file))

    def test_full_disk_is_reported(self, here: Pod, dump: Dump) -> None:
        file = dump.make("plain")
        before = rows(here.server)
        sql(here.server, "alter table users rename to accounts")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", here.data], check=True)
        try:
            (here.data / "state").mkdir()
            done = here.job("import", "--database", str(file))
            line = "import failed: the data partition has too little room: 0 MiB are free, the import needs about "
            assert (done.returncode, done.stderr[: len(line)]) == (1, line)
            assert done.stderr.endswith(" MiB; free space, or use a larger disk\n")
            assert done.stderr.count("\n") == 1
            sql(here.server, "alter table accounts rename to users")
            assert rows(here.server) == before
        finally:
            subprocess.run(["umount", here.data], check=True)

    @pytest.mark.parametrize(
        ("member", "line"),
        [
            ({"type": tarfile.SYMTYPE, "linkname": "/etc/shadow"}, "images/x -> /etc/shadow is a link or a device"),
            (
                {"type": tarfile.LNKTYPE, "linkname": "/etc/shadow"},
                "images/x link to /etc/shadow is a link or a device",
            ),
            ({"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, "images/x is a link or a device"),
            ({"type": tarfile.FIFOTYPE}, "images/x is a link or a device"),
            ({"name": "/etc/cron.d/x"}, "/etc/cron.d/x points outside the archive"),
            ({"name": "images/../../../x"}, "images/../../../x points outside the archive"),
            ({"name": ".."}, ".. points outside the archive"),
        ],
    )  # fmt: skip
    def test_archive_with_links_or_devices_is_refused(
        self, here: Pod, dump: Dump, tmp_path: Path, member: dict[str, object], line: str
    ) -> None:
        path = tmp_path / "uploads.tar"
        with tarfile.open(path, "w") as file:
            good = tarfile.TarInfo("images/good")
            good.size = 4
            file.addfile(good, io.BytesIO(b"good"))
            bad = tarfile.TarInfo("images/x")
            for key, value in member.items():
                setattr(bad, key, value)
            file.addfile(bad)
        self.refused(
            here, f"{path}: {line}; allowed: files and folders", "--database", str(dump.make()), "--uploads", str(path)
        )

    def test_folder_with_a_link_is_refused(self, here: Pod, dump: Dump, tmp_path: Path) -> None:
        folder = folder_of_uploads(tmp_path / "uploads")
        (folder / "images/link").symlink_to("/etc/shadow")
        line = f"{folder}: ./images/link -> /etc/shadow is a link or a device; allowed: files and folders"
        self.refused(here, line, "--database", str(dump.make()), "--uploads", str(folder))

    def test_invalid_uploads_are_refused(self, here: Pod, dump: Dump, tmp_path: Path) -> None:
        file = str(dump.make())
        path = tmp_path / "text"
        path.write_text("no archive\n" * 100)
        line = f"{path} is not a tar archive, or is damaged; allowed: .tar, .tar.gz, .tar.zst, or a folder"
        self.refused(here, line, "--database", file, "--uploads", str(path))
        path = tmp_path / "folder"
        path.mkdir()
        line = f"{path} has no folder images; use the folder public/uploads of diaspora*, or an archive of that folder"
        self.refused(here, line, "--database", file, "--uploads", str(path))

    @pytest.mark.parametrize("text", ["", "short", "a b" * 30, "x'; system('id') #" * 5, "é" * 40])
    def test_invalid_token_is_refused(self, here: Pod, dump: Dump, tmp_path: Path, text: str) -> None:
        path = tmp_path / "token"
        path.write_text(text)
        line = f"{path} contains no secret token; allowed: the file secret_token.rb of diaspora*, or only the token"
        self.refused(here, line, "--database", str(dump.make()), "--secret-token", str(path))

    def test_invalid_key_is_refused(self, here: Pod, dump: Dump, tmp_path: Path) -> None:
        path = tmp_path / "key"
        path.write_text(KEY[:40])
        line = f"{path} contains no private key; allowed: the file oidc_key.pem of diaspora*"
        self.refused(here, line, "--database", str(dump.make()), "--oidc-key", str(path))

    def test_missing_file_is_reported(self, here: Pod, tmp_path: Path) -> None:
        self.refused(here, "/nowhere: no such file", "--database", "/nowhere")

    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            ([], "--database is required"),
            (["--database"], "--database needs a file"),
            (["--databse", "x"], "unknown option --databse"),
            (["dump.sql"], "unknown option dump.sql"),
        ],
    )
    def test_wrong_options_are_reported(self, here: Pod, arguments: list[str], line: str) -> None:
        done = here.job("import", *arguments)
        assert (done.returncode, done.stderr) == (2, f"import failed: {line}; see: diaspora-pod help import\n")


HEADER = "--\n-- PostgreSQL database dump\n--\n\n"


class TestHostileDumps:
    @pytest.mark.parametrize(
        "text",
        [
            "\\! touch {file}\n",
            "select 1; \\! touch {file}\n",
            "select 1 \\g |touch {file}\n",
            "\\o |touch {file}\nselect 1;\n",
            # the filter takes the second line for data, psql for a comment that ends there
            "/*\nCOPY x (a) FROM stdin;\n*/ \\! touch {file}\n\\.\n",
            "\\restrict abc\n\\unrestrict abc\n\\! touch {file}\n",
            "\\restrict abc\nselect 1;\n\\unrestrict abd\n\\! touch {file}\n",
        ],
    )
    def test_dump_cannot_run_psql_commands(
        self, here: Pod, dump: Dump, server: Postgresql, text: str, tmp_path: Path
    ) -> None:
        made = server.folder / "made"
        done = here.job("import", "--database", str(dump.text(HEADER + text.format(file=made))))
        assert done.returncode == 1, done
        assert re.search(r"backslash commands are restricted|\\unrestrict: wrong key", done.stderr)
        assert not made.exists()

    @pytest.mark.parametrize(
        "text",
        [
            "reset role; alter role diaspora superuser;",
            "set session authorization postgres; alter role diaspora superuser;",
            "create table t (a text); copy t from program 'id';",
            "create function f() returns void language c as '/lib/x86_64-linux-gnu/libc.so.6', 'system';",
            "alter system set archive_command = 'id';",
        ],
    )
    def test_dump_runs_with_the_rights_of_the_application(
        self, here: Pod, dump: Dump, server: Postgresql, text: str
    ) -> None:
        before = rows(server)
        done = here.job("import", "--database", str(dump.text(f"{HEADER}{text}\n")))
        assert done.returncode == 1
        assert rows(server) == before
        assert sql(server, "select rolsuper from pg_roles where rolname = 'diaspora'") == "f"

    def test_functions_in_dump_never_run_as_administrator(
        self, here: Pod, dump: Dump, server: Postgresql, old: dict[str, str]
    ) -> None:
        trap = ("create function public.trap(text) returns text language plpgsql as $$ begin "
                "if current_user = 'postgres' then alter role diaspora superuser; end if; return $1; end $$;\n"
                "alter table users rename to u; create view users as select id, trap(username) as username, "
                "encrypted_password from u;\n")  # fmt: skip
        sql(server, "drop database if exists trapped", "postgres")
        sql(server, "create database trapped template old", "postgres")
        sql(server, trap, "trapped")
        done = here.job("import", "--database", str(dump.make(database="trapped")))
        assert done.returncode == 1
        assert sql(server, "select rolsuper from pg_roles where rolname = 'diaspora'") == "f"
