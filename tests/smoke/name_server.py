"""A name server on this computer, for the resolver of the questions."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Records = Callable[[str, str], Sequence[str] | None]
"""The values of a record, by its name and type; None for a name that does not exist."""


def fixed(records: Mapping[tuple[str, str], Sequence[str]]) -> Records:
    """Records that stay the same."""

    def find(name: str, kind: str) -> Sequence[str] | None:
        if not any(name == known for known, _ in records):
            return None
        return records.get((name, kind), ())

    return find


@contextmanager
def name_server(records: Records) -> Iterator[int]:
    """Serve records on UDP; the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.1)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                with suppress(TimeoutError):
                    query, asker = server.recvfrom(4096)
                    server.sendto(answer(query, records), asker)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            thread.join(10)


def answer(query: bytes, records: Records) -> bytes:
    asked = dns.message.from_wire(query)
    (question,) = asked.question
    kind = dns.rdatatype.to_text(question.rdtype)
    reply = dns.message.make_response(asked, recursion_available=True)
    values = records(question.name.to_text(omit_final_dot=True), kind)
    if values is None:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    elif values == ["refused"]:
        reply.set_rcode(dns.rcode.SERVFAIL)
    elif values:
        texts = [f'"{value}"' for value in values] if kind == "TXT" else list(values)
        reply.answer.append(dns.rrset.from_text_list(question.name, 300, "IN", kind, texts))
    return reply.to_wire()
