"""Notices about new releases: the program, with the real curl and jq, and a server in GitHub's place."""

import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.host.features.release_notice import release_notice
from diaspora_infra.pxe.pki import create_pki
from diaspora_infra.version import package_version
from tests.host.pod import LIBEXEC, pod_context, write_tree
from tests.machine.pod_programs import RequireProgram

TAGS = "/repos/diaspora/diaspora/git/matching-refs/tags/v"
ADVISORIES = "/repos/example/diaspora-infra/security-advisories?per_page=100"
# as config/defaults.yml of 0.9.1.0 has it
DEFAULTS = 'defaults:\n  version:\n    number: "{}" # Do not touch unless doing a release\n  heroku: false\n'


@dataclass
class World:
    """A machine, and what GitHub answers: a status, and bytes or what becomes JSON, by path."""

    folder: Path
    address: str
    authority: Path
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def tags(self, *names: object) -> None:
        self.answers[TAGS] = (200, [{"ref": name, "object": {"type": "tag"}} for name in names])

    def runs(self, version: str) -> None:
        program = self.folder / "bin/podman"
        program.write_text(
            f'#!/bin/bash\n[[ "$1 $2" == \'exec diaspora-web\' ]] || exit 125\ncd {self.folder}\n"${{@:3}}"\n'
        )
        program.chmod(0o755)
        (self.folder / "config").mkdir(exist_ok=True)
        (self.folder / "config/defaults.yml").write_text(DEFAULTS.format(version))

    def mails(self) -> list[str]:
        """The mails since the last call."""
        found = [path.read_text() for path in sorted(self.folder.glob("mail.*"))]
        for path in self.folder.glob("mail.*"):
            path.unlink()
        return found

    def check(self) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", self.folder / "tree" / LIBEXEC / "check-releases"],
            env={
                "PATH": f"{self.folder}/bin:/usr/bin:/bin",
                "CURL_CA_BUNDLE": str(self.authority),
                "DIASPORA_DATA": str(self.folder),
                "DIASPORA_GITHUB": self.address,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[http.server.ThreadingHTTPServer, Path]]:
    """A server with TLS, and the certificate of its authority."""
    pki = create_pki(tmp_path_factory.mktemp("pki"), ["127.0.0.1"])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.certificate("server"), pki.key("server"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server, pki.ca
    server.shutdown()
    thread.join()
    server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    world: World

    def do_GET(self) -> None:
        self.world.asked.append(self.path)
        status, answer = self.world.answers.get(self.path, (404, {"message": "Not Found"}))
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", TAGS)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stays silent."""


@pytest.fixture
def world(github: tuple[http.server.ThreadingHTTPServer, Path], tmp_path: Path) -> World:
    server, authority = github
    for name in ("bin", "state"):
        (tmp_path / name).mkdir()
    made = World(tmp_path, f"https://127.0.0.1:{server.server_port}", authority)
    _Handler.world = made
    context = pod_context(releaseNotice={"project": "example/diaspora-infra"})
    write_tree(release_notice(context.of_pod), tmp_path / "tree")
    sender = tmp_path / "tree" / LIBEXEC / "send-alert"
    sender.write_text(
        f"[[ ! -e {tmp_path}/mail-is-down ]] || exit 1\nfile=$(mktemp {tmp_path}/mail.XXXX)\n"
        'printf "%s\\n" "$1" > "$file"\ncat >> "$file"\n'
    )
    made.runs("0.9.1.0")
    made.tags("refs/tags/v0.9.0.0", "refs/tags/v0.9.1.0")
    made.answers[ADVISORIES] = (200, [])
    return made


def advisory(*ranges: str, name: str = "diaspora-infra", **changes: Any) -> dict[str, Any]:
    """An advisory as GitHub has it, without what is not read."""
    vulnerabilities = [
        {"package": {"ecosystem": "pip", "name": name}, "vulnerable_version_range": versions, "patched_versions": "9"}
        for versions in ranges
    ]
    return {"ghsa_id": "GHSA-ab12-cd34-ef56", "withdrawn_at": None, "vulnerabilities": vulnerabilities, **changes}


def assert_quiet(world: World) -> None:
    done = world.check()
    assert (done.returncode, world.mails()) == (0, []), done


def test_current_pod_gets_no_mail(world: World) -> None:
    assert_quiet(world)
    assert world.asked == [TAGS, ADVISORIES]


def test_each_release_is_told_once(world: World) -> None:
    world.tags("refs/tags/v0.9.1.0", "refs/tags/v0.10.0.0", "refs/tags/v0.9.2.0")
    assert world.check().returncode == 0
    (mail,) = world.mails()
    assert mail.startswith("diaspora* 0.10.0.0 is released\nThis pod runs diaspora* 0.9.1.0.")
    assert_quiet(world)
    world.tags("refs/tags/v0.10.0.0", "refs/tags/v0.10.0.1")
    world.check()
    assert len(world.mails()) == 1
    world.runs("0.10.0.1")
    assert_quiet(world)


def test_mail_that_was_not_sent_is_sent_a_week_later(world: World) -> None:
    world.tags("refs/tags/v0.9.2.0")
    (world.folder / "mail-is-down").touch()
    assert world.check().returncode != 0
    (world.folder / "mail-is-down").unlink()
    assert world.check().returncode == 0
    assert len(world.mails()) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (200, b""),
        (200, b"<html>"),
        (200, {"message": "API rate limit exceeded"}),
        (200, [{"ref": 5}]),
        (
            200,
            [{"ref": "refs/tags/v9.9.9.9; reboot"}, {"ref": "refs/tags/v9.9.9.9\nv1"}, {"ref": "x refs/tags/v9.9.9.9"}],
        ),
        (200, [{"ref": "refs/tags/v1.0.0.0-rc1"}, {"ref": "refs/tags/v" + "9" * 400 + ".0.0.0"}]),
        (200, b"[" + b'{"ref": "refs/tags/v9.9.9.9"},' * 100_000 + b"{}]"),
        (302, b""),
        (500, [{"ref": "refs/tags/v9.9.9.9"}]),
    ],
    ids=lambda answer: str(answer)[:50],
)
def test_answers_that_make_no_sense_are_ignored(world: World, answer: tuple[int, Any]) -> None:
    world.answers[TAGS] = world.answers[ADVISORIES] = answer
    assert_quiet(world)


def test_without_a_connection_nothing_is_told(world: World) -> None:
    world.tags("refs/tags/v0.9.2.0")
    world.address = "https://127.0.0.1:9"
    assert_quiet(world)
    # nor by anybody who only says that he is GitHub
    world.address = _Handler.world.address
    world.authority = Path("/dev/null")
    assert_quiet(world)


@pytest.mark.parametrize("version", ["", "0.9", "9.9.9.9.9", "$(reboot)"])
def test_unknown_version_of_diaspora_is_not_compared(world: World, version: str) -> None:
    world.runs(version)
    world.tags("refs/tags/v0.9.2.0")
    done = world.check()
    assert (done.returncode, world.mails()) == (0, [])
    assert world.asked == [ADVISORIES]


def test_pod_that_does_not_run_still_asks_about_the_project(world: World) -> None:
    (world.folder / "bin/podman").write_text("#!/bin/bash\nexit 125\n")
    assert_quiet(world)
    assert world.asked == [ADVISORIES]


OWN = package_version()


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (advisory(f"<= {OWN}"), True),
        (advisory(f"= {OWN}"), True),
        (advisory(">= 0.0.1, < 99.0"), True),
        (advisory("< 0.0.1", ">= 0.0.1, < 99.0.0"), True),
        (advisory(f"< {OWN}"), False),
        (advisory(f"> {OWN}, < 99"), False),
        (advisory(">= 99"), False),
        (advisory("all of them"), False),
        # a clause that is not understood holds for nothing, also beside one that holds
        (advisory("< 99, != 1"), False),
        (advisory("some of them, < 99"), False),
        (advisory(""), False),
        (advisory("< 99", name="butane-py"), False),
        (advisory("< 99", withdrawn_at="2026-01-01T00:00:00Z"), False),
        (advisory("< 99", ghsa_id="GHSA-ab12-cd34-ef56 $(reboot)"), False),
    ],
)
def test_advisory_is_told_where_it_holds_for_the_version_that_made_the_machine(
    world: World, found: dict[str, Any], told: bool
) -> None:
    world.answers[ADVISORIES] = (200, [advisory(">= 99"), found])
    assert world.check().returncode == 0
    mails = world.mails()
    assert len(mails) == told
    assert all("example/diaspora-infra/security/advisories/GHSA-ab12-cd34-ef56\n" in mail for mail in mails)
    assert_quiet(world)


def test_shellcheck_reports_nothing(world: World, require_program: RequireProgram) -> None:
    program = require_program("shellcheck", "shellcheck")
    command = [program, world.folder / "tree" / LIBEXEC / "check-releases"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
