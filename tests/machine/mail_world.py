"""The rest of the internet for a relay under test: a name server, and the mail server of world.test.

Run inside a network namespace: mail_world.py ADDRESS FOLDER [CERTIFICATE KEY PASSWORD]. With the latter there is also a
smarthost on port 587, smart.test, which wants STARTTLS and a login as `pod`. Every mail becomes a file in FOLDER; while
there is a file `closed` in it, mail is refused for now.
"""

import socket
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session

RECORDS = {
    ("world.test.", "MX"): "10 mx.world.test.",
    ("mx.world.test.", "A"): "{address}",
    ("smart.test.", "A"): "{address}",
}


class Sink:
    """Stores the mails that it receives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if (self.folder / "closed").exists():
            return "451 come back later"
        assert isinstance(envelope.content, bytes)
        assert session.peer is not None
        name = f"{time.monotonic_ns()}"
        head = f"{envelope.mail_from} {','.join(envelope.rcpt_tos)} {session.host_name}\n".encode()
        (self.folder / f"{name}.new").write_bytes(head + envelope.content)
        (self.folder / f"{name}.new").rename(self.folder / f"{name}.mail")
        return "250 taken"


def answer_names(address: str) -> None:
    """Answer queries for world.test; all other names do not exist."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        data, client = server.recvfrom(4096)
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        (question,) = query.question
        kind = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text().lower()
        if (name, kind) in RECORDS:
            text = RECORDS[name, kind].format(address=address)
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, text))
        elif not any(name == known for known, _ in RECORDS):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        server.sendto(answer.to_wire(), client)


def start_smarthost(address: str, folder: Path, certificate: str, key: str, password: str) -> None:
    def login(server: Any, session: Session, envelope: Envelope, way: str, data: Any) -> AuthResult:
        right = (data.login, data.password) == (b"pod", password.encode())
        (folder / "logins").open("a").write(f"{right}\n")
        return AuthResult(success=right, handled=False)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    Controller(
        Sink(folder), hostname=address, port=587, tls_context=context, require_starttls=True, auth_required=True,
        authenticator=login,
    ).start()  # fmt: skip


def main() -> None:
    address, folder, smarthost = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    threading.Thread(target=answer_names, args=(address,), daemon=True).start()
    controller = Controller(Sink(folder), hostname=address, port=25)
    controller.start()
    if smarthost:
        start_smarthost(address, folder, *smarthost)
    (folder / "ready").touch()
    sys.stdin.read()
    controller.stop()


if __name__ == "__main__":
    main()
