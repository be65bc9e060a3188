"""A server on loopback that stands in for the metadata service, and forwards requests of a machine to the simulator."""

import hashlib
import hmac
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROLE = {"AccessKeyId": "ASIAROLE", "SecretAccessKey": "role/secret+key", "Token": "session==token"}
TOKEN = "imds-token"


def record_arguments(program: str, folder: Path) -> None:
    """Write the program `bin/NAME` of a machine, which notes its arguments in the file `arguments`."""
    target = folder / "bin" / Path(program).name
    target.write_text(f'#!/bin/bash\nprintf \'%s\\n\' "$*" >> {folder}/arguments\nexec {program} "$@"\n')
    target.chmod(0o755)


class Metadata(BaseHTTPRequestHandler):
    """The metadata service (version 2 only), and a proxy to the simulator."""

    server: "Door"

    def do_PUT(self) -> None:
        if self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"]:
            self.answer(200, TOKEN.encode())
        else:
            self.answer(400, b"")

    def do_GET(self) -> None:
        folder = "/latest/meta-data/iam/security-credentials/"
        if self.path == "/health":
            self.answer(200 if self.server.is_healthy() else 503, b"")
            return
        if not self.path.startswith("/latest/"):
            self.get_object()
            return
        if self.headers["X-aws-ec2-metadata-token"] != TOKEN:
            self.answer(401, b"")
        elif self.path.removeprefix("/latest/meta-data/") in self.server.metadata:
            self.answer(200, self.server.metadata[self.path.removeprefix("/latest/meta-data/")].encode())
        elif self.path == folder:
            self.answer(200, b"pod-role")
        elif self.path == f"{folder}pod-role":
            self.answer(200, json.dumps({"Code": "Success", **ROLE}).encode())
        else:
            self.answer(404, b"")

    def get_object(self) -> None:
        """Forward a request for an object of a bucket."""
        self.server.asked.append((dict(self.headers.items()), self.path.encode()))
        try:
            # the simulator asks for a signature, and does not check it
            headers = {key: self.headers[key] for key in ("Authorization", "X-Amz-Date")}
            request = urllib.request.Request(f"{self.server.simulator}{self.path}", headers=headers)
            with urllib.request.urlopen(request, timeout=20) as response:
                self.answer(response.status, response.read())
        except urllib.error.HTTPError as error:
            self.answer(error.code, error.read())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((dict(self.headers.items()), body))
        if self.server.refusals:
            self.server.refusals -= 1
            self.answer(400, b'{"__type":"AccessDeniedException","message":"no"}')
            return
        if "X-Amz-Target" not in self.headers:
            # the Query API of EC2 Auto Scaling
            action = dict(urllib.parse.parse_qsl(body.decode()))["Action"]
            found = self.server.query_answers.get(action, b"<Response/>")
            self.answer(400 if found.startswith(b"<Error") else 200, found)
            return
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        if operation in self.server.answers:
            self.answer(200, json.dumps(self.server.answers[operation]).encode())
            return
        headers = {key: self.headers[key] for key in ("Content-Type", "X-Amz-Target", "Authorization", "X-Amz-Date")}
        request = urllib.request.Request(self.server.simulator, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                self.answer(response.status, response.read())
        except urllib.error.HTTPError as error:
            self.answer(error.code, error.read())

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


class Door(ThreadingHTTPServer):
    """The stand-in and its requests."""

    def __init__(self, simulator: str) -> None:
        super().__init__(("127.0.0.1", 0), Metadata)
        self.simulator = simulator
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.refusals = 0
        # in place of the simulator's, by operation
        self.answers: dict[str, Any] = {}
        # what the metadata service says beside the credentials, by path below meta-data/
        self.metadata: dict[str, str] = {}
        self.query_answers: dict[str, bytes] = {}
        self.is_healthy: Callable[[], bool] = lambda: False


def signed(headers: dict[str, str], method: str, path: str, body: bytes, service: str) -> bool:
    """The signature is the one that AWS computes (Signature Version 4), over every header of AWS."""
    found = {key.lower(): value for key, value in headers.items()}
    match = re.fullmatch(
        "AWS4-HMAC-SHA256 Credential=ASIAROLE/([^,]*), SignedHeaders=([^,]*), Signature=([0-9a-f]{64})",
        found["authorization"],
    )
    assert match
    scope, names, signature = match.groups()
    assert scope == f"{found['x-amz-date'][:8]}/eu-west-1/{service}/aws4_request"
    assert {"host", *(name for name in found if name.startswith("x-amz-"))} <= set(names.split(";"))
    lines = [f"{name}:{found[name]}" for name in names.split(";")]
    request = "\n".join([method, path, "", *lines, "", names, hashlib.sha256(body).hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", found["x-amz-date"], scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{ROLE['SecretAccessKey']}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return found["x-amz-security-token"] == ROLE["Token"] and key.hex() == signature
