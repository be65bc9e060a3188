"""A release server on 127.0.0.1: serves a made-up release, with byte ranges, and misbehaves on demand."""

import hashlib
import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from diaspora_infra.pxe.install import image_names

VERSION = "44.20260802.3.1"
OLDER = "43.20251001.3.0"
SIGNATURE = b"\x88a signature"


def names(version: str, architecture: str) -> dict[str, str]:
    return vars(image_names(version, architecture))


def image(role: str, version: str, architecture: str) -> bytes:
    """A small stand-in for an image, different for each."""
    return f"{role} of {version} for {architecture}. ".encode() * 40


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def stream_metadata(version: str, *architectures: str) -> Any:
    """Metadata of a stream with the fields that Fedora's has."""

    def artifact(role: str, architecture: str) -> dict[str, str]:
        name = names(version, architecture)[role]
        location = f"https://builds.example.org/prod/streams/stable/builds/{version}/{architecture}/{name}"
        checksum = sha256(image(role, version, architecture))
        return {"location": location, "signature": f"{location}.sig", "sha256": checksum}

    return {
        "stream": "stable",
        "architectures": {
            architecture: {
                "artifacts": {
                    "metal": {
                        "release": version,
                        "formats": {
                            "pxe": {role: artifact(role, architecture) for role in ("kernel", "initramfs", "rootfs")},
                            "raw.xz": {"disk": artifact("metal", architecture)},
                        },
                    }
                }
            }
            for architecture in architectures
        },
    }


def build_metadata(version: str, architecture: str) -> Any:
    """Metadata of a build with the fields that Fedora's has."""
    return {
        "buildid": version,
        "images": {
            "metal" if role == "metal" else f"live-{role}": {
                "path": name,
                "sha256": sha256(image(role, version, architecture)),
            }
            for role, name in names(version, architecture).items()
        },
    }


class Releases:
    """Files by path, the requests that came, and how to misbehave."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.ranges = "kept"  # or ignored, shifted, refused
        self.stops_after: int | None = None  # bytes of an answer that are sent
        self.slow: str | None = None  # the file whose answer stops in the middle until `go_on` is set
        self.go_on = threading.Event()
        self.length = True
        self.address = ""

    def put_stream(self, *architectures: str, version: str = VERSION) -> None:
        self.files["/streams/stable.json"] = json.dumps(stream_metadata(version, *architectures)).encode()
        for architecture in architectures:
            self.put_images(version, architecture)

    def put_build(self, version: str, architecture: str) -> None:
        self.files[f"{self.folder(version, architecture)}/meta.json"] = json.dumps(
            build_metadata(version, architecture)
        ).encode()
        self.put_images(version, architecture)

    def put_images(self, version: str, architecture: str) -> None:
        for role, name in names(version, architecture).items():
            path = f"{self.folder(version, architecture)}/{name}"
            self.files[path] = image(role, version, architecture)
            self.files[f"{path}.sig"] = SIGNATURE

    @staticmethod
    def folder(version: str, architecture: str) -> str:
        return f"/prod/streams/stable/builds/{version}/{architecture}"

    def asked(self) -> list[str]:
        """Names of the files asked for, without folders."""
        return [path.rpartition("/")[2] for path, _ in self.requests]


class _Handler(http.server.BaseHTTPRequestHandler):
    releases: Releases
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        releases, requested_range = self.releases, self.headers["Range"]
        releases.requests.append((self.path, requested_range))
        content = releases.files.get(self.path)
        self.close_connection = True
        if content is None:
            self.send_error(404)
            return
        start = int(requested_range.removeprefix("bytes=").removesuffix("-")) if requested_range else 0
        if releases.ranges == "ignored":
            start = 0
        if (releases.ranges == "refused" and requested_range) or start >= len(content) > 0:
            self.send_error(416)
            return
        partial = bool(requested_range) and releases.ranges != "ignored"
        if releases.ranges == "shifted" and partial:
            start = max(start - 1, 0)
        self.send_response(206 if partial else 200)
        if partial:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        body = content[start:]
        if releases.length:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if releases.slow == self.path:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            releases.go_on.wait(60)
            return
        self.wfile.write(body[: releases.stops_after])

    def log_message(self, *_: object) -> None:
        """Stays silent."""


@contextmanager
def serving() -> Iterator[Releases]:
    releases = Releases()
    handler = type("Handler", (_Handler,), {"releases": releases})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    releases.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield releases
    finally:
        releases.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Keys:
    """A signer whose key is in `keyring`; `other` holds another key."""

    def __init__(self, folder: Path, gpg: str) -> None:
        home = folder / "h"
        home.mkdir(mode=0o700)
        self.environment = {"PATH": os.environ["PATH"], "GNUPGHOME": str(home)}
        self._gpg = gpg
        self.keyring, self.other, self.text = (folder / name for name in ("keys.gpg", "other.gpg", "keys.asc"))
        for name, file in (("signer", self.keyring), ("other", self.other)):
            address = f"{name}@example.org"
            self._run("--passphrase", "", "--quick-gen-key", address, "ed25519", "sign", "never")
            file.write_bytes(self._run("--export", address))
        self.text.write_bytes(self._run("--armor", "--export", "signer@example.org"))

    def end(self) -> None:
        """End the agent that gpg started."""
        subprocess.run([Path(self._gpg).with_name("gpgconf"), "--kill", "all"], env=self.environment, check=True)

    def _run(self, *arguments: str, given: bytes = b"") -> bytes:
        line = [self._gpg, "--batch", "--quiet", *arguments]
        return subprocess.run(line, env=self.environment, input=given, capture_output=True, check=True).stdout

    def sign(self, content: bytes) -> bytes:
        return self._run("--local-user", "signer@example.org", "--detach-sign", given=content)

    def sign_all(self, server: Releases) -> None:
        for path in [path for path in server.files if f"{path}.sig" in server.files]:
            server.files[f"{path}.sig"] = self.sign(server.files[path])
