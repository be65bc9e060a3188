"""The support report: its content, and no secrets in it."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.host.pod import LIBEXEC, pod_context, pod_fragment, write_tree
from tests.machine.pod_backup import PASSWORD, Pod
from tests.machine.pod_programs import RequireProgram, link_programs
from tests.machine.test_pod_postgresql import Postgresql

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may run diaspora-pod")

FRAGMENT = pod_fragment(pod_context(backup={}, secrets={"backupPassword": PASSWORD}))
# a server that nobody asks
NO_SERVER = Postgresql(0, Path("/nowhere"), Path("/nowhere"))
LINES = "MIIEowIBAAKCAQEA0Z3VS5JJcds3\nxfn/ygWyF8PbnGy0AHB7Mhgw"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{LINES}\n-----END RSA PRIVATE KEY-----\n"
# lines of a journal, and what must not be left of them
PLANTED = {
    "connecting to redis://:{redis_password}@redis:6379/0": "{redis_password}",
    "PG::ConnectionBad: password {database_password} refused": "{database_password}",
    "restic: RESTIC_PASSWORD was " + PASSWORD.upper(): PASSWORD.upper(),
    "key is MIIEowIBAAKCAQEA0Z3VS5JJcds3 or xfn/ygWyF8PbnGy0AHB7Mhgw": "xfn/ygWyF8PbnGy0AHB7Mhgw",
    "smtp_password: not-on-this-machine": "not-on-this-machine",
    'SETTING="x" SMTP_PASSWORD="two words" and more': "two words",
    "MAIL_SMTP_PASSWORD=hunter22 RAILS_ENV=production": "hunter22",
    'Parameters: {{"reset_password_token"=>"abcDEF123", "id"=>"7"}}': "abcDEF123",
    "GET /users/password/edit?reset_password_token=zyxWVU987&locale=de": "zyxWVU987",
    "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9": "eyJhbGciOiJSUzI1NiJ9",
    "cookie: _diaspora_session=BAh7CEkiD3Nlc3Npb25f": "BAh7CEkiD3Nlc3Npb25f",
    "fetching https://user:s3cr3t@s3.example.org/pod": "s3cr3t",
    "550 5.1.1 <alice.b+c@users.example.net>: no such user": "alice.b+c@users.example.net",
}


@pytest.fixture
def here(tmp_path: Path) -> Pod:
    pod = Pod(tmp_path, write_tree(FRAGMENT, tmp_path / "tree"), NO_SERVER, 0, "")
    pod.prepare()
    (pod.data / "secrets/oidc_key.pem").write_text(KEY)
    link_programs(tmp_path / "bin", ("uname",))
    pod.extra = {"DIASPORA_POD": str(pod.tree / "usr/local/bin/diaspora-pod")}
    return pod


def test_report_shows_failures_and_no_secrets(here: Pod) -> None:
    secrets = {name: (here.data / "secrets" / name).read_text() for name in ("redis_password", "database_password")}
    (here.record / "states").mkdir()
    (here.record / "states/diaspora-web.service").write_text("failed")
    lines = ["the last line of the web server", *(line.format(**secrets) for line in PLANTED)]
    (here.record / "journal").write_text("\n".join(lines))
    toml = here.folder / "etc/diaspora.toml"
    toml.write_text(toml.read_text() + '\n[somebody.added]\nfield_key = "leaked-by-hand"\n')
    done = here.command("support-report")
    assert (done.returncode, done.stderr) == (0, "")
    for secret in (*PLANTED.values(), *secrets.values(), "leaked-by-hand", "podmin@example.org"):
        assert secret.format(**secrets).lower() not in done.stdout.lower()
    for text in (
        "== versions", "== status", "== disks", "== memory", "MemTotal", "== diaspora.toml",
        "== last lines of diaspora-web (failed)", "the last line of the web server", "RAILS_ENV=production",
        'url = "https://pod.example.org/"', "diaspora-web             failed", "and more", "locale=de",
    ):  # fmt: skip
        assert text in done.stdout
    assert "last lines of redis" not in done.stdout


LOG = """\
[2026-11-28T03:30:00] INFO  PID-1 TID-a Rails: Started GET "/people/alice" for 192.0.2.7
[2026-11-28T03:30:01] FATAL PID-1 TID-a Rails: {nothing}
ActionView::Template::Error (the asset "main.css" is not there; token=abcDEF123):
    1: %a{{href: "/people/alice"}}
app/views/layouts/_head.haml:12:in `head'
[2026-11-28T03:30:02] ERROR PID-1 TID-a Workers::ReceivePublic: alice@pod.example.net could not be received
[2026-11-28T03:30:03] FATAL PID-1 TID-a Rails: {nothing}
ActiveRecord::RecordNotUnique (PG::UniqueViolation: ERROR:  duplicate key value violates unique constraint "index"
DETAIL:  Key (username)=(alice) already exists.
):
app/models/user.rb:5:in `save'
[2026-11-28T03:30:04] FATAL PID-1 TID-a Rails: {nothing}
ActionController::RoutingError (No route matches [GET] "/people/alice/x.php"):
[2026-11-28T03:30:05] INFO  PID-1 TID-a Rails: Completed 200 OK
app/models/user.rb:7:in `alice'
"""
ERRORS = """\
== last errors of diaspora*
[2026-11-27T01:00:00] ERROR PID-1 TID-a Rails: of the day before
[2026-11-28T03:30:01] ActionView::Template::Error (the asset "main.css" is not there; token=[hidden]
    app/views/layouts/_head.haml:12:in `head'
[2026-11-28T03:30:02] ERROR PID-1 TID-a Workers::ReceivePublic: [e-mail] could not be received
[2026-11-28T03:30:03] ActiveRecord::RecordNotUnique (PG::UniqueViolation: ERROR:  duplicate key value violates \
unique constraint "index"
    app/models/user.rb:5:in `save'
"""


def test_report_has_the_last_errors_of_the_application_without_what_they_quote(here: Pod) -> None:
    (here.data / "log").mkdir()
    (here.data / "log/production.log").write_text(LOG.format(nothing="  "))
    for day, text in (("26", "of two days before"), ("27", "of the day before")):
        (here.data / f"log/production.202611{day}.log").write_text(
            f"[2026-11-{day}T01:00:00] ERROR PID-1 TID-a Rails: {text}\n"
        )
    done = here.command("support-report")
    assert (done.returncode, done.stderr) == (0, "")
    assert ERRORS in done.stdout
    assert "alice" not in done.stdout
    assert "two days" not in done.stdout


def test_report_file_is_root_only_and_not_overwritten(here: Pod, tmp_path: Path) -> None:
    target = tmp_path / "report"
    done = here.command("support-report", str(target))
    assert (done.returncode, done.stdout) == (0, f"the report is in {target}; review it before you share it\n")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "== status" in target.read_text()
    done = here.command("support-report", str(target))
    assert (done.returncode, done.stderr) == (1, f"support-report: {target} already exists\n")


def test_report_works_on_an_incomplete_machine(here: Pod) -> None:
    shutil.rmtree(here.folder / "etc")
    for name in ("podman", "df"):
        (here.folder / "bin" / name).unlink()
    done = here.command("support-report")
    assert done.returncode == 0
    assert "== memory" in done.stdout


@given(before=st.text("ab =:\"'/@&.[]\\*?$", max_size=20), after=st.text("ab =:\"'/@&.[]\\*?$", max_size=20))
@settings(max_examples=15)
def test_secrets_are_hidden_in_any_context(tmp_path_factory: pytest.TempPathFactory, before: str, after: str) -> None:
    folder = tmp_path_factory.mktemp("hide")
    program = write_tree(FRAGMENT, folder / "tree") / LIBEXEC / "support-report"
    (folder / "data/secrets").mkdir(parents=True)
    secret = "p*ss[w]o?d \\ $(id) & 'x'"
    (folder / "data/secrets/one").write_text(secret)
    functions = program.read_text().replace("set +e\n", "hide; exit\n")
    done = subprocess.run(
        ["bash", "-c", functions],
        input=f"{before}{secret}{after}\n",
        env={"PATH": os.environ["PATH"], "DIASPORA_DATA": str(folder / "data"), "DIASPORA_GIVEN_SECRETS": "/nowhere"},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert secret not in done.stdout
    assert "[hidden]" in done.stdout


def test_shellcheck_reports_nothing(tmp_path: Path, require_program: RequireProgram) -> None:
    program = write_tree(FRAGMENT, tmp_path) / LIBEXEC / "support-report"
    done = subprocess.run(
        [require_program("shellcheck", "shellcheck"), program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
