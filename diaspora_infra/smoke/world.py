"""What a question may ask: the account, the pod's web server, and DNS."""

import datetime
import http.client
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from diaspora_infra.smoke.answer import UnansweredError
from diaspora_infra.smoke.stack_state import PodStack

_LONGEST_ANSWER = 1 << 20
_USER_AGENT = "diaspora-infra-smoke"

CUT_OFF = (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError)
"""The other side has ended a connection."""

Connect = Callable[[str, float], http.client.HTTPConnection]
"""A connection to a host that gives up after some seconds."""


class Page(NamedTuple):
    """An answer of the web server."""

    status: int
    headers: Mapping[str, str]
    """By name in small letters."""
    body: bytes
    seconds: float
    """From the connection to the end of the answer."""


class Names(Protocol):
    """Asks DNS."""

    def __call__(self, name: str, kind: str) -> list[str]:
        """The values of a record; none where there is no such record. Raises UnansweredError."""


def https(host: str, seconds: float) -> http.client.HTTPConnection:
    """A connection whose certificate is checked."""
    return http.client.HTTPSConnection(host, timeout=seconds, context=ssl.create_default_context())


@dataclass(frozen=True)
class World:
    """Everything around a stack that a question may ask."""

    stack: PodStack
    client: Callable[..., Any]
    """The boto3 client of a service; another region by the argument `region`."""
    names: Names
    connect: Connect = https
    now: Callable[[], datetime.datetime] = field(default=lambda: datetime.datetime.now(datetime.UTC))
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def page(self, path: str, method: str = "GET", body: bytes | None = None, seconds: float = 40) -> Page:
        """Ask the pod's web server; follows no redirect. Raises OSError, HTTPException."""
        started = time.monotonic()
        connection = self.connect(self.stack.domain, seconds)
        try:
            connection.request(method, path, body=body, headers={"User-Agent": _USER_AGENT})
        except CUT_OFF:
            # it may have answered before it had read everything
            if body is None or connection.sock is None:
                raise
        try:
            response = connection.getresponse()
            text = response.read(_LONGEST_ANSWER)
        finally:
            connection.close()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Page(response.status, headers, text, time.monotonic() - started)

    def age(self, moment: datetime.datetime) -> datetime.timedelta:
        """The time since then."""
        return self.now() - moment


def days(age: datetime.timedelta) -> str:
    """An age for people: in hours up to two days."""
    hours = int(age.total_seconds() // 3600)
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"


def resolver_names(nameservers: list[str] | None = None, port: int = 53) -> Names:
    """Ask the resolver of this computer, or these name servers."""
    import dns.exception
    import dns.rdatatype
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=nameservers is None)
    if nameservers is not None:
        resolver.nameservers, resolver.port = nameservers, port
    resolver.lifetime = 10

    def ask(name: str, kind: str) -> list[str]:
        try:
            answer = resolver.resolve(name, kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise UnansweredError(
                f"DNS: no answer for {kind} {name} ({type(error).__name__})",
                "ask again, or on a computer with another resolver",
            ) from None
        if answer.rrset is None:
            return []
        if answer.rdtype == dns.rdatatype.TXT:
            return [b"".join(record.strings).decode(errors="replace") for record in answer.rrset]
        return [record.to_text() for record in answer.rrset]

    return ask
