"""The programs of the pod, run for real in a separate folder, with a stand-in for podman."""

import re
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.pod import LIBEXEC, pod_context, pod_fragment, write_tree
from tests.machine.pod_programs import PODMAN, Machine, RequireProgram, machine

IMAGE = "registry.example.org/diaspora:0.9.1.0"
MADE_SECRETS = {"database_password": 48, "redis_password": 48, "secret_key_base": 80}
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIJKQIBAAKCAgEA\n-----END RSA PRIVATE KEY-----\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(pod_fragment(pod_context()), tmp_path_factory.mktemp("machine"))


@pytest.fixture
def here(tree: Path, tmp_path: Path) -> Machine:
    return machine(tmp_path, tree)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def contents(folder: Path) -> dict[str, str]:
    return {entry.name: entry.read_text() for entry in folder.iterdir() if entry.is_file()}


def test_shellcheck_reports_nothing(tree: Path, require_program: RequireProgram) -> None:
    shellcheck = require_program("shellcheck", "shellcheck")
    programs = sorted((tree / LIBEXEC).iterdir())
    assert len(programs) >= 11
    result = subprocess.run([shellcheck, *programs], capture_output=True, text=True, check=False)
    assert result.stdout == ""
    assert result.returncode == 0


def test_programs_are_executable_and_stop_at_the_first_error(tree: Path) -> None:
    for program in (tree / LIBEXEC).iterdir():
        assert mode(program) == 0o755
        lines = program.read_text().splitlines()
        assert lines[0] == "#!/usr/bin/bash"
        assert "set -euo pipefail" in lines


class TestClaimData:
    def test_first_start_writes_the_domain(self, here: Machine) -> None:
        assert here.succeed("claim-data", "pod.example.org") == ""
        assert (here.data / "domain").read_text() == "pod.example.org\n"
        assert not (here.data / "domain.new").exists()

    def test_later_starts_change_nothing(self, here: Machine) -> None:
        here.succeed("claim-data", "pod.example.org")
        before = (here.data / "domain").stat()
        here.succeed("claim-data", "pod.example.org")
        assert (here.data / "domain").stat() == before

    def test_other_domain_is_refused_in_one_line(self, here: Machine) -> None:
        here.succeed("claim-data", "pod.example.org")
        result = here.run("claim-data", "other.example.org")
        assert result.returncode == 1
        assert result.stdout == ""
        assert result.stderr == (
            f"{here.data} holds the pod pod.example.org, but this machine is set up for other.example.org; refusing "
            "to start\n"
        )
        assert (here.data / "domain").read_text() == "pod.example.org\n"

    def test_empty_domain_file_is_refused(self, here: Machine) -> None:
        (here.data / "domain").touch()
        result = here.run("claim-data", "pod.example.org")
        assert result.returncode == 1
        assert "domain is empty" in result.stderr

    def test_interrupted_first_start_can_be_repeated(self, here: Machine) -> None:
        here.failing = {"mv"}
        assert here.run("claim-data", "other.example.org").returncode != 0
        assert not (here.data / "domain").exists()
        here.failing = set()
        here.succeed("claim-data", "pod.example.org")
        assert (here.data / "domain").read_text() == "pod.example.org\n"


class TestMakeSecrets:
    def test_secrets_are_generated_and_passed_to_podman(self, here: Machine) -> None:
        here.succeed("make-secrets")
        folder = here.data / "secrets"
        assert mode(folder) == 0o700
        made = contents(folder)
        assert {name: len(value) for name, value in made.items()} == MADE_SECRETS
        for name, value in made.items():
            assert re.fullmatch(r"[0-9a-f]+", value)
            assert mode(folder / name) == 0o600
        assert here.secret("diaspora-database-password") == made["database_password"]
        assert here.secret("diaspora-redis-password") == made["redis_password"]
        assert here.secret("diaspora-redis-auth") == f"requirepass {made['redis_password']}\n"
        assert here.secret("diaspora-redis-url") == f"redis://:{made['redis_password']}@redis:6379/0"
        assert here.secret("diaspora-secret-token") == (
            f"Diaspora::Application.config.secret_key_base = '{made['secret_key_base']}'\n"
        )

    def test_secrets_are_not_in_arguments_or_output(self, here: Machine) -> None:
        (here.given / "smtp_password").write_text("correct horse")
        result = here.run("make-secrets")
        seen = "\n".join([*here.calls, result.stdout, result.stderr])
        assert len(here.calls) == 6
        for value in [*contents(here.data / "secrets").values(), "correct horse"]:
            assert value not in seen

    def test_later_boots_and_reinstalled_machines_keep_the_secrets(
        self, here: Machine, tmp_path: Path, tree: Path
    ) -> None:
        here.succeed("make-secrets")
        before = contents(here.data / "secrets")
        here.succeed("make-secrets")
        assert contents(here.data / "secrets") == before
        reinstalled = machine(tmp_path / "reinstalled", tree)
        (here.data / "secrets").rename(reinstalled.data / "secrets")
        reinstalled.succeed("make-secrets")
        assert reinstalled.secret("diaspora-database-password") == before["database_password"]

    def test_machines_have_different_secrets(self, here: Machine, tmp_path: Path, tree: Path) -> None:
        other = machine(tmp_path / "other", tree)
        for one in (here, other):
            one.succeed("make-secrets")
        ours, theirs = contents(here.data / "secrets"), contents(other.data / "secrets")
        assert not set(ours.values()) & set(theirs.values())

    @pytest.mark.parametrize("program", ["tr", "sync", "mv", "chmod"])
    def test_generation_completes_after_interruption_at_any_program(self, here: Machine, program: str) -> None:
        here.failing = {program}
        assert here.run("make-secrets").returncode != 0
        here.failing = set()
        here.succeed("make-secrets")
        made = contents(here.data / "secrets")
        assert {name: len(value) for name, value in made.items()} == MADE_SECRETS

    def test_changed_modes_are_corrected(self, here: Machine) -> None:
        here.succeed("make-secrets")
        folder = here.data / "secrets"
        folder.chmod(0o755)
        (folder / "database_password").chmod(0o644)
        here.succeed("make-secrets")
        assert (mode(folder), mode(folder / "database_password")) == (0o700, 0o600)

    def test_smtp_password_is_passed_unchanged(self, here: Machine) -> None:
        (here.given / "smtp_password").write_text("correct horse=battery/staple")
        here.succeed("make-secrets")
        assert here.secret("diaspora-smtp-password") == "correct horse=battery/staple"

    def test_other_user_secrets_are_passed_to_podman(self, here: Machine) -> None:
        for name in ("camo_key", "wordpress_secret"):
            (here.given / name).write_text(f"value of {name}")
        here.succeed("make-secrets")
        assert here.secret("diaspora-camo-key") == "value of camo_key"
        assert here.secret("diaspora-wordpress-secret") == "value of wordpress_secret"


class TestMakeSigningKey:
    arguments = (IMAGE, "-c", "--user=1000:1000", "--uidmap=0:400000:1000")

    @pytest.fixture
    def ready(self, here: Machine) -> Machine:
        (here.data / "secrets").mkdir(mode=0o700)
        (here.record / "answer").write_text(KEY.removesuffix("\n"))
        return here

    def test_signing_key_is_generated_once(self, ready: Machine) -> None:
        ready.succeed("make-signing-key", *self.arguments)
        key = ready.data / "secrets" / "oidc_key.pem"
        assert mode(key) == 0o600
        assert ready.secret("diaspora-oidc-key") == key.read_text() == KEY.removesuffix("\n")
        ready.succeed("make-signing-key", *self.arguments)
        assert [call.split()[0] for call in ready.calls] == ["run", "secret", "secret"]

    def test_key_container_has_no_network_and_no_log(self, ready: Machine) -> None:
        ready.succeed("make-signing-key", *self.arguments)
        call = ready.calls[0]
        assert "--network=none" in call
        assert "--log-driver=none" in call
        assert f"--user=1000:1000 --uidmap=0:400000:1000 -- {IMAGE} bash -c ruby -ropenssl" in call

    @pytest.mark.parametrize("answer", ["", "sh: ruby: not found", KEY[:40], f"loading\n{KEY}"])
    def test_invalid_key_is_refused(self, ready: Machine, answer: str) -> None:
        (ready.record / "answer").write_text(answer)
        result = ready.run("make-signing-key", *self.arguments)
        assert (result.returncode, result.stderr) == (1, f"{IMAGE} did not generate a key\n")
        assert not (ready.data / "secrets" / "oidc_key.pem").exists()
        (ready.record / "answer").write_text(KEY)
        ready.succeed("make-signing-key", *self.arguments)

    def test_interrupted_key_generation_can_be_repeated(self, ready: Machine) -> None:
        ready.failing = {"sync"}
        assert ready.run("make-signing-key", *self.arguments).returncode != 0
        assert not (ready.data / "secrets" / "oidc_key.pem").exists()
        ready.failing = set()
        ready.succeed("make-signing-key", *self.arguments)


class TestCheckPostgresql:
    def test_empty_folder_and_same_version_are_accepted(self, here: Machine) -> None:
        here.succeed("check-postgresql", "17")
        (here.data / "postgresql").mkdir()
        here.succeed("check-postgresql", "17")
        (here.data / "postgresql" / "PG_VERSION").write_text("17\n")
        here.succeed("check-postgresql", "17")

    def test_other_version_is_refused_in_one_line(self, here: Machine) -> None:
        (here.data / "postgresql").mkdir()
        (here.data / "postgresql" / "PG_VERSION").write_text("15\n")
        result = here.run("check-postgresql", "17")
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1
        assert "was written by PostgreSQL 15, but this machine runs 17: refusing to start" in result.stderr


class TestOncePerImage:
    def needed(self, here: Machine, step: str = "migrate") -> bool:
        result = here.run("once-per-image", "needed", step, IMAGE)
        assert result.stderr == ""
        assert result.returncode in {0, 1}
        return result.returncode == 0

    def test_step_is_needed_once_per_image(self, here: Machine) -> None:
        assert self.needed(here), "the image is not there yet"
        (here.record / "image-id").write_text("aaaa\n")
        assert self.needed(here)
        here.succeed("once-per-image", "done", "migrate", IMAGE)
        assert not self.needed(here)
        assert self.needed(here, "public"), "another step"
        (here.record / "image-id").write_text("bbbb\n")
        assert self.needed(here), "the tag moved"

    def test_step_is_not_marked_done_without_the_image(self, here: Machine) -> None:
        result = here.run("once-per-image", "done", "migrate", IMAGE)
        assert (result.returncode, result.stderr) == (1, f"the image {IMAGE} no longer exists\n")
        assert not (here.data / "state" / "migrate").exists()

    def test_step_is_needed_again_after_a_crash(self, here: Machine) -> None:
        (here.record / "image-id").write_text("aaaa\n")
        here.failing = {"mv"}
        assert here.run("once-per-image", "done", "migrate", IMAGE).returncode != 0
        here.failing = set()
        assert self.needed(here)

    def test_unknown_actions_are_refused(self, here: Machine) -> None:
        assert here.run("once-per-image", "maybe", "migrate", IMAGE).returncode == 2


class TestCheckSchema:
    def test_full_disk_does_not_skip_the_migrations(self, here: Machine) -> None:
        """systemd takes the exit codes from 1 to 254 for a condition that is not met."""
        here.podman = PODMAN.replace('"run "*)', '"exec "*) echo "migration 1 of image" ;;\n    "run "*)')
        (here.record / "image-id").write_text("aaaa\n")
        (here.record / "answer").write_text("1_first.rb\n2_second.rb\n")
        (here.data / "state/migrate").touch()
        # where nothing can be written
        (here.data / "state/newest-migration.new").mkdir()
        result = here.run("check-schema", "start", IMAGE)
        assert result.returncode == 0, result
        assert not (here.data / "state/migrate").exists()


class TestPublicFiles:
    def release(self, here: Machine, version: str) -> None:
        image = here.folder / version
        (image / "assets").mkdir(parents=True)
        (image / "uploads").mkdir()
        (image / "uploads" / "secret").touch()
        (image / "assets" / f"main-{version}.js").write_text(version)
        (image / "404.html").write_text(version)
        here.succeed("copy-public", str(image), str(here.data / "public"))

    def releases(self, here: Machine) -> list[Path]:
        return sorted((here.data / "public").glob("release-*"))

    def test_new_release_becomes_current(self, here: Machine) -> None:
        self.release(here, "1")
        here.succeed("switch-public")
        current = here.data / "public" / "current"
        assert current.is_symlink()
        assert not current.readlink().is_absolute(), "the folder has another path inside nginx"
        assert sorted(entry.name for entry in current.iterdir()) == ["404.html", "assets"]

    def test_previous_release_is_kept_and_older_ones_are_removed(self, here: Machine) -> None:
        for version in ("1", "2", "3"):
            self.release(here, version)
            here.succeed("switch-public")
        kept = [(folder / "404.html").read_text() for folder in self.releases(here)]
        assert sorted(kept) == ["2", "3"]
        assert (here.data / "public" / "current" / "404.html").read_text() == "3"

    @pytest.mark.parametrize("program", ["sync", "date", "ln", "mv"])
    def test_interrupted_switch_keeps_the_old_release_and_can_be_repeated(self, here: Machine, program: str) -> None:
        self.release(here, "1")
        here.succeed("switch-public")
        self.release(here, "2")
        here.failing = {program}
        assert here.run("switch-public").returncode != 0
        assert (here.data / "public" / "current" / "404.html").read_text() == "1"
        here.failing = set()
        (here.folder / "2").rename(here.folder / "old")
        self.release(here, "2")
        here.succeed("switch-public")
        assert (here.data / "public" / "current" / "404.html").read_text() == "2"

    def test_switch_that_lost_its_power_at_the_end_can_be_repeated(self, here: Machine) -> None:
        self.release(here, "1")
        here.succeed("switch-public")
        self.release(here, "2")
        # everything but the last step
        (here.data / "public/next").rename(here.data / "public/release-2")
        (here.data / "public/current.new").symlink_to("release-2")
        self.release(here, "3")
        here.succeed("switch-public")
        assert (here.data / "public/current/404.html").read_text() == "3"

    def test_partially_copied_release_is_removed(self, here: Machine) -> None:
        (here.data / "public" / "next").mkdir()
        (here.data / "public" / "next" / "stale").touch()
        self.release(here, "1")
        assert not (here.data / "public" / "next" / "stale").exists()


@pytest.fixture
def answering() -> Iterator[tuple[socket.socket, list[bytes]]]:
    """A server on 127.0.0.1 that sends the answers in a list."""
    answers: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(10):
                try:
                    connection, _address = server.accept()
                except OSError:
                    return
                with connection:
                    received = b""
                    while not received.endswith(b"\r\n\r\n"):
                        received += connection.recv(4096)
                    connection.sendall(answers[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server, answers
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


class TestWebHealthy:
    @pytest.mark.parametrize(
        ("answer", "healthy"),
        [(b"HTTP/1.0 200 OK\r\n\r\n", True), (b"HTTP/1.0 404 Not Found\r\n\r\n", True),
         (b"HTTP/1.0 500 Internal Server Error\r\n\r\n", False), (b"", False)],
    )  # fmt: skip
    def test_any_answer_except_server_errors_is_healthy(
        self, here: Machine, answering: tuple[socket.socket, list[bytes]], answer: bytes, healthy: bool
    ) -> None:
        server, answers = answering
        answers.append(answer)
        result = here.run("web-healthy", str(server.getsockname()[1]))
        assert (result.returncode == 0) is healthy

    @pytest.mark.parametrize(
        "status", ["200 OK", "301 Moved Permanently", "404 Not Found", "500 Internal Server Error"]
    )
    def test_named_page_must_come(
        self, here: Machine, answering: tuple[socket.socket, list[bytes]], status: str
    ) -> None:
        server, answers = answering
        answers.append(f"HTTP/1.0 {status}\r\n\r\n".encode())
        result = here.run("web-healthy", str(server.getsockname()[1]), "/users/sign_in")
        assert (result.returncode == 0) is (status == "200 OK")

    def test_closed_port_is_unhealthy(self, here: Machine) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        assert here.run("web-healthy", str(port)).returncode != 0
