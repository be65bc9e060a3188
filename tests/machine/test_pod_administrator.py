"""The first administrator: the Ruby program with stand-ins for diaspora*'s models, and the machine's part with a real
PostgreSQL."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.pod import LIBEXEC, QUADLETS, containers, files, pod_context, pod_fragment, values, write_tree
from tests.machine.pod_backup import Pod
from tests.machine.pod_programs import RequireProgram
from tests.machine.pod_services import empty_database, pod_server, sql
from tests.machine.test_pod_postgresql import Postgresql

# An e-mail address may hold characters that shells, systemd and Ruby read as something else.
EMAIL = "o'hara%n$HOME`{x}`@example.org"
FRAGMENT = pod_fragment(pod_context(admin={"username": "po.d-min_1", "email": EMAIL}))
PASSWORD = "0123456789abcdef01234567"

# The models as the program uses them. They are kept in a file, as a database would keep them between two runs.
MODELS = r"""
require "json"
STORE = ENV.fetch("STORE")
DATABASE = JSON.parse(File.read(STORE))
at_exit { File.write(STORE, JSON.generate(DATABASE)) }
def power_cut(step)
  return unless ENV["POWER_CUT"] == step
  # what was done in the transaction is undone
  File.write(STORE, $before)
  exit!(9)
end
module Connection
  def self.execute(sql) = $locked = sql.include?("pg_advisory_xact_lock(")
end
Errors = Struct.new(:full_messages)
class User
  attr_reader :row
  def initialize(row) = @row = row
  def self.transaction
    $before = JSON.generate(DATABASE)
    yield
  end
  def self.connection = Connection
  def self.exists? = !DATABASE["users"].empty?
  def self.find_by(username:)
    raise "not locked" unless $before && $locked
    row = DATABASE["users"].find { |each| each["username"] == username }
    row && new(row)
  end
  def self.build(username:, email:, password:, password_confirmation:)
    raise "no confirmation" unless password == password_confirmation
    new("username" => username, "email" => email, "password" => password, "aspects" => [])
  end
  def errors = Errors.new(["Username is not available", "Person can't be blank"])
  def save
    return false if ["root"].include?(row["username"])
    DATABASE["users"] << row
    power_cut("save")
    true
  end
  def person = row["username"]
  def valid_password?(password) = row["password"] == password
  def aspects = row["aspects"]
  def seed_aspects
    aspects.push("Family", "Friends")
    power_cut("aspects")
  end
end
class Role
  def self.add_admin(person)
    DATABASE["admins"] |= [person]
    power_cut("admin")
  end
end
"""


class Rails:
    """The application, as the program sees it."""

    def __init__(self, folder: Path, ruby: str, **account: str) -> None:
        self.folder = folder
        self.ruby = ruby
        (folder / "models.rb").write_text(MODELS)
        (folder / "make.rb").write_text(files(FRAGMENT)["/etc/diaspora/administrator/make-administrator.rb"])
        given = json.loads(files(FRAGMENT)["/etc/diaspora/administrator/account.json"]) | account
        (folder / "account.json").write_text(json.dumps(given))
        (folder / "password").write_text(f"{PASSWORD}\n")
        self.store = folder / "store"
        self.write(users=[], admins=[])

    def write(self, **tables: Any) -> None:
        self.store.write_text(json.dumps(tables))

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.store.read_text())
        return found

    def run(self, power_cut: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.ruby, "-w", "-r", self.folder / "models.rb", self.folder / "make.rb"],
            env={
                "STORE": str(self.store), "POWER_CUT": power_cut, "LC_ALL": "C.UTF-8",
                "ADMINISTRATOR_ACCOUNT": str(self.folder / "account.json"),
                "ADMINISTRATOR_PASSWORD_FILE": str(self.folder / "password"),
            },
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip


MADE = {
    "users": [
        {"username": "po.d-min_1", "email": EMAIL, "password": PASSWORD, "aspects": ["Family", "Friends"]},
    ],
    "admins": ["po.d-min_1"],
}


@pytest.fixture
def rails(tmp_path: Path, require_program: RequireProgram) -> Rails:
    return Rails(tmp_path, require_program("ruby", "ruby"))


class TestRuby:
    def test_pod_without_users_gets_an_administrator(self, rails: Rails) -> None:
        done = rails.run()
        assert (done.returncode, done.stdout, done.stderr) == (
            0, "po.d-min_1 is the administrator of this pod\n", ""
        )  # fmt: skip
        assert rails.read() == MADE

    def test_a_second_run_changes_nothing(self, rails: Rails) -> None:
        rails.run()
        assert rails.run().returncode == 0
        assert rails.read() == MADE

    @pytest.mark.parametrize("step", ["save", "admin", "aspects"])
    def test_next_run_completes_after_a_power_cut(self, rails: Rails, step: str) -> None:
        assert rails.run(power_cut=step).returncode == 9
        assert rails.run().returncode == 0
        assert rails.read() == MADE

    @pytest.mark.parametrize(
        ("name", "line"),
        [
            ("po.d-min_1", "no administrator: the user po.d-min_1 already existed\n"),
            ("somebody", "no administrator: the pod has users already\n"),
        ],
    )
    def test_existing_accounts_are_not_changed(self, rails: Rails, name: str, line: str) -> None:
        before = {"users": [{"username": name, "password": "his own", "aspects": []}], "admins": []}
        rails.write(**before)
        done = rails.run()
        assert (done.returncode, done.stdout, done.stderr) == (3, "", line)
        assert rails.read() == before

    def test_refused_account_is_reported_in_one_line(self, tmp_path: Path, require_program: RequireProgram) -> None:
        rails = Rails(tmp_path, require_program("ruby", "ruby"), username="root")
        done = rails.run()
        line = "no administrator: diaspora* refuses root: Username is not available; Person can't be blank\n"
        assert (done.returncode, done.stdout, done.stderr) == (78, "", line)
        assert rails.read() == {"users": [], "admins": []}


@pytest.fixture(scope="module")
def server(require_program: RequireProgram) -> Iterator[Postgresql]:
    yield from pod_server("administrator", require_program)


@pytest.fixture
def here(tmp_path: Path, server: Postgresql) -> Pod:
    """A pod whose migration has just run."""
    empty_database(server)
    sql(
        server,
        "set role diaspora; create table users (id serial, username text, encrypted_password text not null default '')",
    )
    pod = Pod(tmp_path, write_tree(FRAGMENT, tmp_path / "tree"), server, 0, "")
    pod.prepare()
    return pod


def create_administrator(server: Postgresql) -> str:
    sql(server, "insert into users (username, encrypted_password) values ('po.d-min_1', '$2a$10$secret')")
    return hashlib.sha256(b"$2a$10$secret").hexdigest()


def first_start(pod: Pod, server: Postgresql) -> None:
    assert pod.run("administrator", "needed").returncode == 0
    pod.succeed("administrator", "password")
    create_administrator(server)
    pod.succeed("administrator", "done")
    pod.succeed("administrator", "ended")


class TestMachine:
    def test_first_start_creates_a_root_only_password(self, here: Pod, server: Postgresql) -> None:
        first_start(here, server)
        file = here.data / "secrets/admin_password"
        password = file.read_text().strip()
        assert len(password) == 24
        assert set(password) <= set("0123456789abcdef")
        assert file.stat().st_mode & 0o777 == 0o600
        assert password not in "\n".join(here.calls)
        # only while Rails runs does podman have it
        assert not (here.record / "secret-diaspora-admin-password").exists()
        assert here.run("administrator", "needed").returncode == 1

    def test_password_stays_the_same_until_rails_has_used_it(self, here: Pod, server: Postgresql) -> None:
        here.succeed("administrator", "password")
        first = (here.record / "secret-diaspora-admin-password").read_text()
        # Rails had begun when the power went
        create_administrator(server)
        assert here.run("administrator", "needed").returncode == 0
        here.succeed("administrator", "password")
        assert (here.record / "secret-diaspora-admin-password").read_text() == first

    def test_pod_with_users_gets_no_administrator(self, here: Pod, server: Postgresql) -> None:
        sql(server, "insert into users (username) values ('alice')")
        assert here.run("administrator", "needed").returncode == 1
        assert not (here.data / "secrets/admin_password").exists()
        done = here.command("admin")
        assert done.returncode == 1
        assert done.stdout == "the pod already had users, so no administrator was created\n"

    def test_creation_is_retried_without_an_answer_of_the_database(self, here: Pod) -> None:
        here.fault("exec postgresql", "fail")
        assert here.run("administrator", "needed").returncode == 255
        assert here.run("administrator", "needed").returncode == 0

    def test_unused_password_is_deleted(self, here: Pod, server: Postgresql) -> None:
        here.succeed("administrator", "password")
        here.extra = {"EXIT_CODE": "exited", "EXIT_STATUS": "3"}
        here.succeed("administrator", "ended")
        assert not (here.data / "secrets/admin_password").exists()
        assert here.run("administrator", "needed").returncode == 1

    @pytest.mark.parametrize(("code", "status"), [("exited", "1"), ("killed", "3"), ("exited", "78")])
    def test_other_failures_keep_the_password(self, here: Pod, code: str, status: str) -> None:
        here.succeed("administrator", "password")
        here.extra = {"EXIT_CODE": code, "EXIT_STATUS": status}
        here.succeed("administrator", "ended")
        assert here.run("administrator", "needed").returncode == 0

    def test_admin_command_shows_the_password(self, here: Pod, server: Postgresql) -> None:
        done = here.command("admin")
        assert (done.returncode, done.stdout) == (
            1, "the administrator po.d-min_1 does not exist yet; see: diaspora-pod logs diaspora-administrator\n"
        )  # fmt: skip
        first_start(here, server)
        password = (here.data / "secrets/admin_password").read_text()
        head = "user      po.d-min_1\naddress   https://pod.example.org/users/sign_in\npassword  "
        assert here.command("admin").stdout == head + password
        here.fault("exec postgresql", "fail")
        without = f"{head}{password.strip()} (unless it was changed; the database does not answer)\n"
        assert here.command("admin").stdout == without

    def test_changed_password_is_no_longer_shown(self, here: Pod, server: Postgresql) -> None:
        first_start(here, server)
        sql(server, "update users set encrypted_password = '$2a$10$other'")
        assert here.command("admin").stdout.endswith(
            "password  changed since the pod was set up; only its owner knows it\n"
        )
        sql(server, "delete from users")
        assert here.command("admin").stdout.endswith("password  none: the user po.d-min_1 no longer exists\n")

    def test_restored_pod_gets_no_administrator_on_a_new_machine(self, here: Pod, server: Postgresql) -> None:
        """Passwords and fingerprints come back with the secrets; the marker stays with the machine."""
        first_start(here, server)
        (here.data / "state/administrator").unlink()
        assert here.run("administrator", "needed").returncode == 1
        assert here.command("admin").returncode == 0


def test_administrator_unit_runs_before_web_server_and_may_fail() -> None:
    found = containers(FRAGMENT)
    unit, service = found["diaspora-administrator"]["Unit"], found["diaspora-administrator"]["Service"]
    assert values(unit, "Before") == ["diaspora-web.service"]
    assert "diaspora-administrator.service" not in " ".join(values(found["diaspora-web"]["Unit"], "Requires"))
    # with `direct` the web server would wait for the next try
    drop_in = files(FRAGMENT)[f"{QUADLETS}/diaspora-administrator.container.d/30-failure.conf"]
    assert drop_in.endswith("[Service]\nRestartMode=normal\n")
    assert values(service, "RestartPreventExitStatus") == ["3 78"]
    assert not values(service, "SuccessExitStatus")


def test_shellcheck_reports_nothing(tmp_path: Path, require_program: RequireProgram) -> None:
    program = write_tree(FRAGMENT, tmp_path) / LIBEXEC / "administrator"
    done = subprocess.run(
        [require_program("shellcheck", "shellcheck"), program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_ruby_parses_the_program_without_warnings(tmp_path: Path, require_program: RequireProgram) -> None:
    source = tmp_path / "make.rb"
    source.write_text(files(FRAGMENT)["/etc/diaspora/administrator/make-administrator.rb"])
    done = subprocess.run([require_program("ruby", "ruby"), "-wc", source], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("Syntax OK\n", "")
