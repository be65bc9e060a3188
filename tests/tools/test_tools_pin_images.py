"""`python3 -m tools pin-images`, against a small server that speaks the protocol of the OCI distribution."""

import hashlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tools import pin_images as module
from tools.__main__ import main
from tools.pin_images import RegistryError, image_digests, pin_images

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
PATH = "library/postgres"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Registry:
    """The manifests of a registry on this computer, by tag and digest, and what it was asked."""

    def __init__(self) -> None:
        self.manifests: dict[str, bytes] = {}
        self.token: str | None = None
        self.challenge = 'Bearer realm="{address}/token",service="registry.test",scope="repository:other:pull"'
        self.requests: list[str] = []
        self.headers: dict[str, str] = {}
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.requests.append(self.path)
                self.answer(*registry.answer(self.path, dict(self.headers)))

            def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Stays silent."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"

    @property
    def repository(self) -> str:
        return f"{self.host}/{PATH}"

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if path.startswith("/token?"):
            asked = parse_qs(urlsplit(path).query)
            assert asked == {"scope": [f"repository:{PATH}:pull"], "service": ["registry.test"]}
            return 200, {}, json.dumps({"token": self.token}).encode()
        if self.token is not None and headers.get("Authorization") != f"Bearer {self.token}":
            challenge = self.challenge.format(address=f"http://{self.host}")
            return 401, {"WWW-Authenticate": challenge}, b"{}"
        content = self.manifests.get(path.removeprefix(f"/v2/{PATH}/manifests/"))
        if content is None:
            return 404, {}, b"{}"
        kind = json.loads(content).get("mediaType", "text/plain") if content.startswith(b"{") else "text/html"
        assert MANIFEST in headers["Accept"] and INDEX in headers["Accept"]
        return 200, {"Content-Type": kind, "Docker-Content-Digest": digest_of(content), **self.headers}, content

    def put(self, content: dict[str, Any], *tags: str) -> str:
        """Store a manifest under its digest and tags."""
        body = json.dumps(content).encode()
        self.manifests |= dict.fromkeys([digest_of(body), *tags], body)
        return digest_of(body)

    def put_image(self, tag: str, *platforms: dict[str, str]) -> list[str]:
        """Store an image with an index; returns the digests of its manifests."""
        found = [self.put({"schemaVersion": 2, "mediaType": MANIFEST, "config": platform}) for platform in platforms]
        entries = [
            {"mediaType": MANIFEST, "digest": digest, "platform": platform}
            for digest, platform in zip(found, platforms, strict=True)
        ]
        self.put({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, tag)
        return found


AMD64 = {"os": "linux", "architecture": "amd64"}
ARM64 = {"os": "linux", "architecture": "arm64", "variant": "v8"}
OTHERS = (
    {"os": "windows", "architecture": "amd64"},
    {"os": "linux", "architecture": "arm", "variant": "v7"},
    # what builders add: it describes an image and is none
    {"os": "unknown", "architecture": "unknown"},
)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Registry()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def table(folder: Path, registry: Registry, **changes: Any) -> Path:
    file = folder / "images.json"
    entry = {"repository": registry.repository, "tag": "{version}-bookworm", "version": "17.9", "digests": {}}
    file.write_text(json.dumps({"postgresql": entry | changes}))
    return file


@pytest.mark.parametrize("token", [None, "anybodys"])
def test_digests_of_both_architectures_are_written(token: str | None, registry: Registry, tmp_path: Path) -> None:
    registry.token = token
    *_, amd64, arm64 = registry.put_image("17.9-bookworm", *OTHERS, AMD64, ARM64)
    file = table(tmp_path, registry, digests={"17.8-bookworm": {"x86_64": "sha256:0"}})
    assert pin_images([], file) == 0
    found = json.loads(file.read_text())["postgresql"]
    assert found["digests"] == {"17.9-bookworm": {"aarch64": arm64, "x86_64": amd64}}
    # one token for all requests
    assert len([path for path in registry.requests if path.startswith("/token?")]) == (token is not None)


def test_tag_that_moves_gets_no_digest(registry: Registry, tmp_path: Path) -> None:
    file = table(tmp_path, registry, version="7.4", floating=True, digests={"7.4-bookworm": {"x86_64": "sha256:0"}})
    assert pin_images(["postgresql"], file) == 0
    assert registry.requests == []
    assert json.loads(file.read_text())["postgresql"]["digests"] == {}


def test_failed_registry_leaves_the_digests(registry: Registry, tmp_path: Path, capsys: Any) -> None:
    file = table(tmp_path, registry, digests={"17.9-bookworm": {"x86_64": "sha256:0"}})
    before = json.loads(file.read_text())
    assert pin_images([], file) == 1
    assert json.loads(file.read_text()) == before
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    url = f"http://{registry.host}/v2/{PATH}/manifests/17.9-bookworm"
    assert line == f"tools: error: postgresql: {url}: HTTP status 404"


def test_unknown_name_is_an_error(registry: Registry, tmp_path: Path) -> None:
    assert pin_images(["mysql"], table(tmp_path, registry)) == 1


def set_manifests(registry: Registry, **changes: Any) -> None:
    index = json.loads(registry.manifests["1"])
    for entry in index["manifests"]:
        entry |= changes
    registry.put(index, "1")


def other_bytes(registry: Registry) -> None:
    digest = json.loads(registry.manifests["1"])["manifests"][0]["digest"]
    registry.manifests[digest] += b" "


WRONG: list[tuple[Callable[[Registry], object], str]] = [
    (lambda it: it.put({"mediaType": MANIFEST}, "1"), "is an image for one architecture, not an index"),
    (lambda it: it.put({"mediaType": INDEX, "manifests": "x"}, "1"), "has no image for aarch64, x86_64"),
    (lambda it: it.put_image("1", AMD64, *OTHERS), "has no image for aarch64"),
    (other_bytes, "the content has digest sha256:"),
    (lambda it: it.headers.update({"Docker-Content-Digest": "sha256:1"}), "expected 'sha256:1'"),
    (lambda it: set_manifests(it, digest="1"), "the index names '1', not a digest"),
    (lambda it: set_manifests(it, digest=["\x1b"]), "not a digest"),
    (
        lambda it: set_manifests(it, digest=it.put({"mediaType": INDEX})),
        "not the manifest of an image",
    ),
    (lambda it: it.manifests.update({"1": b"<html>"}), "the answer is not a JSON object"),
    (lambda it: it.manifests.update({"1": b"[" * 100_000}), "the answer is not a JSON object"),
    (lambda it: it.manifests.update({"1": b'{"a": "' + b"x" * (5 << 20) + b'"}'}), "more than 4194304 bytes"),
    (lambda it: vars(it).update(token="a b\r\n"), "the answer has no token"),
    (lambda it: vars(it).update(token="t", challenge="Basic realm=x"), "HTTP status 401"),
    (lambda it: vars(it).update(token="t", challenge='Bearer realm="file:///etc/passwd"'), "not an https address"),
    (lambda it: vars(it).update(token="t", challenge='Bearer realm="http://192.0.2.1/token"'), "not an https address"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_wrong_answer_is_one_line(change: Callable[[Registry], object], message: str, registry: Registry) -> None:
    registry.put_image("1", AMD64, ARM64)
    assert len(image_digests(registry.repository, "1")) == 2
    change(registry)
    with pytest.raises(RegistryError) as caught:
        image_digests(registry.repository, "1")
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


def test_registries_of_the_internet_are_asked_by_https() -> None:
    assert module._Registry("docker.io/library/postgres").address == "https://registry-1.docker.io"
    assert module._Registry("quay.io/a/b").address == "https://quay.io"


def test_command_takes_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr("tools.__main__.pin_images", lambda names: asked.append(names) or 3)
    assert main(["pin-images", "redis"]) == 3
    assert asked == [["redis"]]
