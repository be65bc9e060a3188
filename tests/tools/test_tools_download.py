import functools
import hashlib
import http.server
import io
import socket
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools import ToolError, ensure
from tools.download import DownloadError, fetch, unpack
from tools.manifest import load
from tools.pin import pin
from tools.provide import current_platform

ASSET = "example/demo/releases/download/v1.2.3/demo-1.2.3.tar.gz"
PROGRAM = b"#!/bin/sh\necho demo 1.2.3\n"
MANIFEST = f"""
[demo]
version = "1.2.3"
sets = ["test"]
on_path = "==1.2.3"
version_args = ["version"]

[demo.release]
repository = "example/demo"
members = {{ "demo-v{{version}}-{{platform}}/demo" = "demo" }}

[demo.release.assets]
{current_platform()} = "demo-{{version}}.tar.gz"
"""

TWO_BUILDS = """
[[demo.build]]
package = "."
takes = "1 s"

[[demo.build]]
program = "other"
package = "."
takes = "1 s"
"""


def archive(*members: tuple[str, bytes]) -> bytes:
    """A tar.gz with those files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


GOOD = archive(("LICENSE", b"text"), (f"demo-v1.2.3-{current_platform()}/demo", PROGRAM))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Releases(http.server.SimpleHTTPRequestHandler):
    """Serves files; where a file `truncate` lies beside one, it is announced longer than it is."""

    requests: list[str]

    def do_GET(self) -> None:
        self.requests.append(self.path)
        super().do_GET()

    def send_header(self, keyword: str, value: str) -> None:
        if keyword == "Content-Length" and Path(self.translate_path(self.path)).with_name("truncate").exists():
            value = str(int(value) + 100)
        super().send_header(keyword, value)

    def log_message(self, *_: object) -> None:
        """Stays silent."""


class Server:
    """A release server on loopback: its files and its requests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[str] = []
        handler = type("Handler", (Releases,), {"requests": self.requests})
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(handler, directory=str(folder))
        )
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def put(self, path: str, content: bytes) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(content)

    def truncate(self, path: str) -> None:
        (self.folder / path).parent.joinpath("truncate").touch()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    releases = Server(tmp_path / "releases")
    thread = threading.Thread(target=releases.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("DIASPORA_INFRA_RELEASES", releases.address)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield releases
    releases.server.shutdown()
    thread.join()
    releases.server.server_close()


def test_valid_download_is_cached(server, write_manifest, cache):
    server.put(ASSET, GOOD)
    manifest = write_manifest(MANIFEST, {ASSET: sha256(GOOD)})
    program = ensure(["demo"], manifest)["demo"]
    assert program.is_relative_to(cache / "tools")
    assert program.read_bytes() == PROGRAM
    assert program.stat().st_mode & 0o777 == 0o755
    assert ensure(["demo"], manifest)["demo"] == program
    assert server.requests == ["/" + ASSET]


def test_asset_may_be_the_program_itself(server, write_manifest):
    toml = MANIFEST.replace('members = { "demo-v{version}-{platform}/demo" = "demo" }', "")
    assert "members" not in toml
    server.put(ASSET, PROGRAM)
    program = ensure(["demo"], write_manifest(toml, {ASSET: sha256(PROGRAM)}))["demo"]
    assert program.read_bytes() == PROGRAM
    assert program.stat().st_mode & 0o111


def test_two_programs_of_a_tool_come_from_one_archive(server, write_manifest):
    packed = archive((f"demo-v1.2.3-{current_platform()}/demo", PROGRAM), ("other", b"other"))
    two = MANIFEST.replace(' = "demo" }', ' = "demo", other = "other" }') + TWO_BUILDS
    server.put(ASSET, packed)
    paths = ensure(["demo"], write_manifest(two, {ASSET: sha256(packed)}))
    assert {name: path.read_bytes() for name, path in paths.items()} == {"demo": PROGRAM, "other": b"other"}
    assert paths["demo"].parent == paths["other"].parent
    assert server.requests == ["/" + ASSET]


def test_asset_without_checksum_is_not_requested(server, write_manifest):
    server.put(ASSET, GOOD)
    with pytest.raises(ToolError, match=r"^demo: "):
        ensure(["demo"], write_manifest(MANIFEST))
    assert server.requests == []


def test_empty_release_address_disables_downloads(server, write_manifest, monkeypatch):
    server.put(ASSET, GOOD)
    monkeypatch.setenv("DIASPORA_INFRA_RELEASES", "")
    with pytest.raises(ToolError, match=r"^demo: "):
        ensure(["demo"], write_manifest(MANIFEST, {ASSET: sha256(GOOD)}))
    assert server.requests == []


def with_build(tmp_path: Path) -> str:
    """The manifest with a module that needs no other module."""
    module = tmp_path / "manifest" / "demo"
    module.mkdir(parents=True)
    (module / "go.mod").write_text("module tools/demo\n\ngo 1.21\n")
    (module / "main.go").write_text("package main\n\nfunc main() { println(`built`) }\n")
    return MANIFEST + '\n[[demo.build]]\npackage = "."\ntakes = "1 s"\n'


def unreachable_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize("fault", ["checksum", "status", "truncated", "unreachable", "member"])
def test_failed_download_is_reported_in_one_line_and_built_instead(
    fault, server, write_manifest, tmp_path, go_on_path, monkeypatch, capsys
):
    served = archive(("something-else", b"")) if fault == "member" else GOOD
    checksum = sha256(b"another") if fault == "checksum" else sha256(served)
    if fault != "status":
        server.put(ASSET, served)
    if fault == "truncated":
        server.truncate(ASSET)
    if fault == "unreachable":
        monkeypatch.setenv("DIASPORA_INFRA_RELEASES", unreachable_address())
    causes = {
        "checksum": f"SHA-256 is {sha256(GOOD)}, expected {checksum}",
        "status": "HTTP status 404",
        "truncated": f"ended after {len(GOOD)} of {len(GOOD) + 100} bytes",
        "unreachable": "refused",
        "member": f"the archive has no file demo-v1.2.3-{current_platform()}/demo",
    }
    program = ensure(["demo"], write_manifest(with_build(tmp_path), {ASSET: checksum}))["demo"]
    assert program.read_bytes()[:4] == b"\x7fELF" or program.stat().st_size > 500_000
    notes = [line for line in capsys.readouterr().err.splitlines() if "cannot be downloaded" in line]
    assert len(notes) == 1
    assert notes[0].startswith("tools: demo: cannot be downloaded: ")
    assert causes[fault] in notes[0]
    assert {file.name for file in program.parent.parent.rglob("*") if file.is_file()} == {"demo", "SHA256SUMS"}


def test_non_http_addresses_are_refused(tmp_path):
    (tmp_path / "secret").write_text("text")
    with pytest.raises(DownloadError, match="not an http address"):
        fetch((tmp_path / "secret").as_uri(), tmp_path / "copy")


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_archive_member_outside_the_folder_is_refused(tmp_path, name):
    packed = tmp_path / "packed"
    packed.write_bytes(archive(("demo", PROGRAM), (name, b"evil")))
    into = tmp_path / "in" / "to"
    into.mkdir(parents=True)
    with pytest.raises(DownloadError, match="unsafe member"):
        unpack(packed, {"demo": "demo"}, into)
    assert list(into.iterdir()) == []
    assert not list(tmp_path.rglob("evil"))


def test_link_is_not_accepted_as_program(tmp_path):
    link = tarfile.TarInfo("demo")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "packed", "w:gz") as tar:
        tar.addfile(link)
    with pytest.raises(DownloadError, match="has no file demo"):
        unpack(tmp_path / "packed", {"demo": "demo"}, tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>", GOOD[: len(GOOD) // 2]], ids=["empty", "page", "half"])
def test_invalid_archive_is_refused(tmp_path, content):
    (tmp_path / "packed").write_bytes(content)
    with pytest.raises(DownloadError, match=r"cannot be read|has no file"):
        unpack(tmp_path / "packed", {"demo": "demo"}, tmp_path)


@settings(max_examples=100, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(st.sampled_from("ab./"), min_size=1, max_size=8), max_size=4))
def test_archives_write_only_the_wanted_files(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("unpack")
    into = folder / "a" / "b"
    into.mkdir(parents=True)
    (folder / "packed").write_bytes(archive(("wanted", PROGRAM), *((name, b"evil") for name in names)))
    before = set(folder.rglob("*"))
    try:
        unpack(folder / "packed", {"wanted": "program"}, into)
    except DownloadError:
        assert any(name.startswith("/") or ".." in name.split("/") for name in names)
    assert set(folder.rglob("*")) - before <= {into / "program"}


def test_pin_writes_checksums_that_downloads_accept(server, write_manifest):
    server.put(ASSET, GOOD)
    manifest = write_manifest(MANIFEST, {"example/demo/releases/download/v1.0.0/old": "0" * 64})
    assert pin(["demo"], manifest) == 0
    file = manifest.folder / "checksums.txt"
    assert file.read_text() == f"# a comment\n{sha256(GOOD)}  {ASSET}\n"
    assert ensure(["demo"], load(manifest.folder))["demo"].read_bytes() == PROGRAM


def test_pin_keeps_the_rest_when_an_asset_is_missing(server, write_manifest, capsys):
    toml = MANIFEST + 'plan9-mips = "demo-{version}-plan9.tar.gz"\n'
    server.put(ASSET, GOOD)
    manifest = write_manifest(toml)
    assert pin([], manifest) == 1
    assert load(manifest.folder).checksums == {ASSET: sha256(GOOD)}
    assert "demo-1.2.3-plan9.tar.gz: HTTP status 404" in capsys.readouterr().err
