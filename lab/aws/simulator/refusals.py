"""Refusals on demand: an account at its quota, for the tests of what a failed `pulumi up` leaves behind."""

import io
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

PATH = "/lab/refusals"
"""Where they are put: a table of codes by action of EC2 or RDS, such as RunInstances; after a colon the message, in
place of one about quotas. A reset of the account takes them away."""


class Refusals:
    """A WSGI application around the simulator."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        """Wrap `application`."""
        self.application = application
        self.codes: dict[str, str] = {}

    def __call__(self, environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        path = environment.get("PATH_INFO", "")
        if path == "/moto-api/reset":
            self.codes = {}
        if path != PATH and not self.codes:
            return self.application(environment, start)
        body = environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
        if path == PATH:
            self.codes = json.loads(body)
            start("200 OK", [])
            return []
        environment["wsgi.input"] = io.BytesIO(body)
        action = _action(environment, body)
        if action not in self.codes:
            return self.application(environment, start)
        start("400 Bad Request", [("Content-Type", "text/xml")])
        return [_answer(self.codes[action], action, rds=b"Version=2014-10-31" in body)]


def _action(environment: dict[str, Any], body: bytes) -> str:
    """The action of a request in the protocol of EC2 and RDS; empty for others."""
    if not environment.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return ""
    return parse_qs(body.decode()).get("Action", [""])[0]


def _answer(answer: str, action: str, *, rds: bool) -> bytes:
    code, _, message = answer.partition(": ")
    message = message or f"{action}: the quota of this account is used up"
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    if rds:
        return f"<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>".encode()
    return f"<Response><Errors>{error}</Errors><RequestID>0</RequestID></Response>".encode()
