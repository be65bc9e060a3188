"""Alerts to the podmin: the rendered programs, the real Ruby, and a real SMTP server with STARTTLS and a login."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.matchbox import free_ports
from tests.host.aws_pod import aws_context
from tests.host.pod import LIBEXEC, containers, pod_context, pod_fragment, values, write_tree
from tests.machine.pod_mail import PASSWORD, Machine, Mailbox, certificate, smtp_server, text_of
from tests.machine.pod_programs import RequireProgram

OLD = 72000


@pytest.fixture(autouse=True)
def _ruby(require_program: RequireProgram) -> None:
    require_program("ruby", "ruby")


def machine(folder: Path, port: int, ca: Path | None = None, **smtp: Any) -> Machine:
    """A machine whose relay is 127.0.0.1 on this port; with `ca` it logs in."""
    login = {"username": "pod"} if ca else {}
    mail = {
        "senderAddress": "no-reply@pod.example.org",
        "smtp": {"host": "relay.example.org", "port": port, **login, **smtp},
    }
    layout = {"certificateAuthorities": str(ca)} if ca else {}
    context = pod_context(mail=mail, imageLayout=layout, secrets={"smtpPassword": PASSWORD} if ca else {})
    made = Machine(folder / "machine", write_tree(pod_fragment(context), folder / "tree"))
    # a domain name is all that the settings take; the server is on this computer
    settings = made.tree / "etc/diaspora/mail.json"
    settings.write_text(settings.read_text().replace("relay.example.org", "127.0.0.1"))
    made.prepare(**({"smtp_password": PASSWORD} if ca else {}))
    return made


@contextmanager
def relay(folder: Path, name: str = "127.0.0.1", **smtp: Any) -> Iterator[tuple[Machine, Mailbox]]:
    """A machine and its relay, whose certificate is for `name`."""
    tls, ca = certificate(folder / "pki", name)
    box = Mailbox()
    (port,) = free_ports(1)
    server = smtp_server(box, port, tls)
    server.start()
    try:
        yield machine(folder, port, ca, **smtp), box
    finally:
        server.stop()


@pytest.mark.parametrize("way", [None, "plain", "login"])
def test_alert_is_sent_encrypted_with_login(tmp_path: Path, way: str | None) -> None:
    with relay(tmp_path, **({"authentication": way} if way else {})) as (here, box):
        here.succeed("send-alert", "it is full", text="Größe: 95 %\n" * 40)
    mail = box.message()
    assert (mail["From"], mail["To"]) == ("no-reply@pod.example.org", "podmin@example.org")
    assert mail["Subject"] == "[pod.example.org] it is full"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert text_of(mail) == "Größe: 95 %\n" * 40
    assert box.encrypted == [True]
    assert box.accounts == [(b"pod", (way or "plain").upper())]


def test_alert_comes_from_the_base_image_until_the_image_is_built(tmp_path: Path) -> None:
    context = pod_context(image=None, with_mail=True)
    here = Machine(tmp_path / "machine", write_tree(pod_fragment(context), tmp_path / "tree"))
    here.prepare(smtp_password=PASSWORD)
    (here.record / "answer").write_text("1")
    # nothing listens for mail here
    here.run("send-alert", "diaspora-build has failed", text="x")
    (command,) = [call for call in here.calls() if call.startswith("run ")]
    assert " -- docker.io/library/ruby:3.3.10-slim-bookworm bash -c " in command


def test_alert_uses_the_fetched_ses_account(tmp_path: Path) -> None:
    tls, ca = certificate(tmp_path / "pki", "127.0.0.1")
    context = aws_context(pod_changes={"imageLayout": {"certificateAuthorities": str(ca)}})
    here = Machine(tmp_path / "machine", write_tree(pod_fragment(context), tmp_path / "tree"))
    given = here.folder / "data/secrets/provided"
    given.mkdir(parents=True)
    # what diaspora-parameters.service has read
    (given / "smtp_username").write_text("AKIAEXAMPLE")
    (given / "smtp_password").write_text(PASSWORD)
    here.prepare()
    box = Mailbox()
    (port,) = free_ports(1)
    settings = here.tree / "etc/diaspora/mail.json"
    mail = json.loads(settings.read_text())
    assert (mail["smtp"]["host"], mail["smtp"]["port"]) == ("email-smtp.eu-west-1.amazonaws.com", 587)
    mail["smtp"] |= {"host": "127.0.0.1", "port": port}
    settings.write_text(json.dumps(mail))
    server = smtp_server(box, port, tls)
    server.start()
    try:
        here.succeed("alert-failure", "diaspora-backup")
        assert "Amazon SES" in here.succeed("mail")
    finally:
        server.stop()
    assert box.accounts == [(b"AKIAEXAMPLE", "PLAIN")]
    assert (box.encrypted, box.message()["From"]) == ([True], "no-reply@pod.example.org")
    (call,) = [call for call in here.calls() if call.startswith("run ")]
    assert "--secret=diaspora-smtp-username,uid=1000,gid=1000,mode=0400" in call


def test_password_is_not_in_arguments(tmp_path: Path) -> None:
    with relay(tmp_path) as (here, _box):
        here.succeed("send-alert", "x", text="y")
    (call,) = [call for call in here.calls() if call.startswith("run ")]
    assert PASSWORD not in call
    assert "--secret=diaspora-smtp-password,uid=1000,gid=1000,mode=0400" in call
    assert "--read-only" in call
    assert PASSWORD not in (here.tree / "etc/diaspora/mail.json").read_text()


def test_wrong_password_is_reported_in_one_line(tmp_path: Path) -> None:
    with relay(tmp_path) as (here, box):
        (here.record / "secret-diaspora-smtp-password").write_text("another")
        done = here.run("send-alert", "x", text="y")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("the mail to 127.0.0.1:")
    assert "535" in line
    assert box.envelopes == []


def test_wrong_certificate_is_refused_before_the_password_is_sent(tmp_path: Path) -> None:
    with relay(tmp_path, name="127.0.0.2") as (here, box):
        other_name = here.run("send-alert", "x", text="y")
    (tmp_path / "pki").rename(tmp_path / "elsewhere")
    with relay(tmp_path / "second") as (here, other):
        _, ca = certificate(tmp_path / "third", "127.0.0.1")
        settings = json.loads((here.tree / "etc/diaspora/mail.json").read_text())
        settings["certificate_authorities"] = str(ca)
        (here.tree / "etc/diaspora/mail.json").write_text(json.dumps(settings))
        other_authority = here.run("send-alert", "x", text="y")
    for done in (other_name, other_authority):
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert "certificate" in line or "does not match" in line
    assert box.accounts == other.accounts == []


def test_verification_of_the_certificate_can_be_disabled(tmp_path: Path) -> None:
    with relay(tmp_path, name="127.0.0.2", opensslVerifyMode="none") as (here, box):
        here.succeed("send-alert", "x", text="y")
    assert box.encrypted == [True]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ('{password: "x", enable_starttls_auto: true}', "true"),
        ("{enable_starttls_auto: false}", "nil"),
        ("nil", "nil"),
    ],
)
def test_diaspora_requires_starttls_where_it_sends_a_password(tmp_path: Path, settings: str, expected: str) -> None:
    tree = write_tree(pod_fragment(pod_context(with_mail=True)), tmp_path)
    program = f"""
        require "ostruct"
        mailer = OpenStruct.new(smtp_settings: {settings})
        Rails = OpenStruct.new(application: OpenStruct.new(config: OpenStruct.new(action_mailer: mailer)))
        load ARGV[0]
        print mailer.smtp_settings&.fetch(:enable_starttls, nil).inspect
    """
    done = subprocess.run(
        ["ruby", "-e", program, tree / "etc/diaspora/require_starttls.rb"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")


def test_initializer_comes_after_that_of_diaspora() -> None:
    for name in ("diaspora-web", "diaspora-sidekiq", "diaspora-task"):
        volumes = values(containers(pod_fragment(pod_context(with_mail=True)))[name]["Container"], "Volume")
        (initializer,) = [Path(volume.split(":")[1]) for volume in volumes if "require_starttls" in volume]
        assert initializer.parent == Path("/srv/diaspora/config/initializers")
        assert initializer.name > "mailer_config.rb"


def test_server_without_starttls_gets_no_password(tmp_path: Path) -> None:
    _, ca = certificate(tmp_path / "pki", "127.0.0.1")
    (port,) = free_ports(1)
    box = Mailbox()
    server = smtp_server(box, port)
    server.start()
    try:
        done = machine(tmp_path, port, ca).run("send-alert", "x", text="y")
    finally:
        server.stop()
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "STARTTLS" in done.stderr
    assert box.envelopes == []


def test_alert_without_account_is_sent_unencrypted(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    box = Mailbox()
    server = smtp_server(box, port)
    server.start()
    try:
        machine(tmp_path, port).succeed("send-alert", "x", text="y")
    finally:
        server.stop()
    assert (len(box.envelopes), box.encrypted) == (1, [False])


def test_unreachable_server_is_reported_in_one_line(tmp_path: Path) -> None:
    here = machine(tmp_path, free_ports(1)[0])
    done = here.run("send-alert", "x", text="y")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "refused" in done.stderr


def test_failure_is_reported_once_with_journal_and_remedy(tmp_path: Path) -> None:
    with relay(tmp_path) as (here, box):
        (here.record / "journal").write_text(f"03:30 backup failed\n03:31 never {PASSWORD} this\n")
        here.succeed("alert-failure", "diaspora-backup")
        again = here.succeed("alert-failure", "diaspora-backup")
        mail = box.message()
        here.succeed("alert-failure", "something-else")
    assert "already sent" in again
    assert mail["Subject"] == "[pod.example.org] diaspora-backup has failed"
    text = text_of(mail)
    assert "sudo diaspora-pod backup" in text
    assert "03:30 backup failed\n03:31 never (secret) this" in text
    assert PASSWORD not in text
    assert "UNIT=diaspora-backup.service" in (here.record / "journal-calls").read_text()
    assert len(box.envelopes) == 2


def test_failure_is_reported_again_after_a_day(tmp_path: Path) -> None:
    with relay(tmp_path) as (here, box):
        here.succeed("alert-failure", "diaspora-backup")
        state = here.folder / "alerts/diaspora-backup"
        state.write_text(str(int(state.read_text()) - OLD))
        here.succeed("alert-failure", "diaspora-backup")
    assert len(box.envelopes) == 2


def test_unsent_alert_is_retried(tmp_path: Path) -> None:
    with relay(tmp_path) as (here, box):
        right = (here.record / "secret-diaspora-smtp-password").read_text()
        (here.record / "secret-diaspora-smtp-password").write_text("another")
        assert here.run("alert-failure", "diaspora-backup").returncode == 1
        (here.record / "secret-diaspora-smtp-password").write_text(right)
        here.succeed("alert-failure", "diaspora-backup")
    assert len(box.envelopes) == 1


def test_podmin_can_send_a_test_mail(tmp_path: Path) -> None:
    with relay(tmp_path) as (here, box):
        assert "podmin@example.org" in here.succeed("mail", "test")
        (here.record / "secret-diaspora-smtp-password").write_text("another")
        failed = here.run("mail", "test")
    assert box.message()["Subject"] == "[pod.example.org] test"
    assert (failed.returncode, len(failed.stderr.splitlines())) == (1, 1)


def test_alert_without_mail_goes_to_the_journal(tmp_path: Path) -> None:
    here = Machine(tmp_path / "machine", write_tree(pod_fragment(pod_context()), tmp_path / "tree"))
    here.prepare()
    out = here.succeed("alert-failure", "diaspora-backup")
    assert out.splitlines()[0] == "alert for the podmin: diaspora-backup has failed"
    assert "    2026-01-01T03:30:00 backup failed: no room" in out.splitlines()
    assert not [call for call in here.calls() if call.startswith("run ")]
    done = here.run("mail", "test")
    assert (done.returncode, done.stderr) == (2, "diaspora-pod: pod.mail is not set for this pod\n")


@pytest.mark.parametrize("with_mail", [True, False])
def test_shellcheck_reports_nothing(with_mail: bool, tmp_path: Path, require_program: RequireProgram) -> None:
    root = write_tree(pod_fragment(pod_context(with_mail=with_mail)), tmp_path)
    shellcheck = require_program("shellcheck", "shellcheck")
    programs = [root / LIBEXEC / name for name in ("alert-failure", "send-alert", "mail")]
    assert subprocess.run([shellcheck, *programs], capture_output=True, text=True, check=False).stdout == ""
