"""A machine whose podman runs the real Ruby with the options it is given, and a real SMTP server to talk to.

What the stand-in cannot show is what containers add: other users, labels, capabilities.
"""

import datetime
import email
import ipaddress
import shutil
import ssl
import subprocess
import sys
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.host.pod import LIBEXEC
from tests.machine.pod_programs import link_programs

PASSWORD = "correct horse=battery/staple"
PROGRAMS = ("bash", "cat", "chmod", "date", "df", "grep", "mkdir", "mv", "od", "rm", "sync", "tail", "tr")

PODMAN = """#!{python} -I
import os, pathlib, subprocess, sys

record = pathlib.Path({record!r})
words = sys.argv[1:]
with (record / "calls").open("a") as calls:
    calls.write(" ".join(words).replace("\\n", " ") + "\\n")
if words[:2] == ["secret", "create"]:
    source = "/dev/stdin" if words[-1] == "-" else words[-1]
    (record / f"secret-{{words[-2]}}").write_bytes(pathlib.Path(source).read_bytes())
    sys.exit(0)
if words[0] != "run":
    sys.exit(int((record / "answer").read_text()) if (record / "answer").exists() else 125)
words.pop(0)
places = {{}}
while words[0].startswith("-"):
    option, _, value = words.pop(0).partition("=")
    if option == "--user" and not value:
        words.pop(0)
    if option == "--volume":
        outside, inside, *_ = value.split(":")
        assert pathlib.Path(outside).exists(), value
        places[inside] = outside
    if option == "--secret":
        name = value.split(",")[0]
        places[f"/run/secrets/{{name}}"] = str(record / f"secret-{{name}}")
image = words.pop(0)
for inside, outside in places.items():
    words = [word.replace(inside, outside) for word in words]
environment = {{"PATH": "/usr/bin:/bin"}}
sys.exit(subprocess.run(words, env=environment).returncode)
"""

JOURNALCTL = """#!/usr/bin/env bash
printf '%s\\n' "$*" >> "{record}/journal-calls"
printf '%s' "$(< "{record}/journal")"
"""


@dataclass
class Machine:
    """A machine with the rendered programs of a tree."""

    folder: Path
    tree: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def record(self) -> Path:
        return self.folder / "record"

    def prepare(self, **secrets: str) -> None:
        """Make its folders; `secrets` are those of the user, by the name of their file."""
        for name in ("data/state", "data/secrets", "given", "record", "bin", "alerts"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for key, value in secrets.items():
            (self.folder / "given" / key).write_text(value)
        link_programs(self.folder / "bin", PROGRAMS)
        (self.record / "journal").write_text("2026-01-01T03:30:00 backup failed: no room\n")
        self.put("podman", PODMAN.format(python=sys.executable, record=str(self.record)))
        self.put("journalctl", JOURNALCTL.format(record=self.record))
        self.succeed("make-secrets")

    def put(self, name: str, text: str) -> None:
        (self.folder / "bin" / name).write_text(text)
        (self.folder / "bin" / name).chmod(0o755)

    def run(
        self, program: str, *arguments: str, text: str = "", prefix: str = LIBEXEC
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program of the machine to its end; no output holds the password."""
        bash = shutil.which("bash")
        assert bash
        done = subprocess.run(
            [bash, str(self.tree / prefix / program), *arguments],
            env={
                "PATH": f"{self.folder / 'bin'}:/usr/local/bin",
                "LC_ALL": "C",
                "DIASPORA_DATA": str(self.folder / "data"),
                "DIASPORA_GIVEN_SECRETS": str(self.folder / "given"),
                "DIASPORA_CONFIGURATION": str(self.tree / "etc/diaspora"),
                "DIASPORA_PROGRAMS": str(self.tree / LIBEXEC),
                "STATE_DIRECTORY": str(self.folder / "alerts"),
                **self.variables,
            },
            input=text, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert PASSWORD not in done.stdout + done.stderr
        return done

    def succeed(self, program: str, *arguments: str, text: str = "", prefix: str = LIBEXEC) -> str:
        done = self.run(program, *arguments, text=text, prefix=prefix)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def calls(self) -> list[str]:
        file = self.record / "calls"
        return file.read_text().splitlines() if file.exists() else []


@dataclass
class Mailbox:
    """Mails that the SMTP server received: envelopes, encryption and login."""

    envelopes: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    accounts: list[Any] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None)
        return "250 taken"

    def login(self, server: Any, session: Session, envelope: Envelope, way: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.accounts.append((data.login, way))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    def message(self) -> Message:
        """The only mail that was received."""
        (envelope,) = self.envelopes
        assert isinstance(envelope.content, bytes)
        return email.message_from_bytes(envelope.content)


def text_of(message: Message) -> str:
    content = message.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode()


def smtp_server(box: Mailbox, port: int, tls: ssl.SSLContext | None = None) -> Controller:
    """A server on 127.0.0.1; with `tls` it requires STARTTLS and a login."""
    if tls is None:
        return Controller(box, hostname="127.0.0.1", port=port)
    return Controller(
        box, hostname="127.0.0.1", port=port, tls_context=tls, require_starttls=True,
        auth_required=True, authenticator=box.login,
    )  # fmt: skip


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for this name, and the file of the authority that signed it."""
    folder.mkdir(parents=True)
    now = datetime.datetime.now(datetime.UTC)

    def signed(
        subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey, ca: bool
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([_name(subject)]), critical=False)
            .sign(by, hashes.SHA256())
        )

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    files = {"ca.pem": signed("authority", authority, "authority", authority, True)}
    files["server.pem"] = signed(name, own, "authority", authority, False)
    for file, made in files.items():
        (folder / file).write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "server.key").write_bytes(
        own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context, folder / "ca.pem"


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
