"""Downloading a file: resumed at any byte, verified, one line for each error."""

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diaspora_infra.pxe.assets import Asset
from diaspora_infra.pxe.fetch import StopError, fetch_assets
from tests.pxe.releases import SIGNATURE, Releases, serving, sha256

CONTENT = bytes(range(256)) * 3
ASSET = Asset("image", sha256(CONTENT))


class CollectedReport:
    """Collects the lines of the report."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def progress(self, name: str, done: int, total: int | None) -> None:
        assert 0 < done <= (total or done)


@pytest.fixture(scope="module")
def server() -> Iterator[Releases]:
    with serving() as releases, pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        yield releases


@pytest.fixture(autouse=True)
def reset_server(server: Releases) -> None:
    reset(server)


def reset(server: Releases) -> None:
    server.files = {"/image": CONTENT, "/image.sig": SIGNATURE}
    server.ranges, server.stops_after, server.length = "kept", None, True
    server.requests.clear()


def fetch(server: Releases, folder: Path) -> tuple[list[str], list[str]]:
    """Fetch the image; returns the reported lines and the problems."""
    report = CollectedReport()
    try:
        problems = fetch_assets(server.address, [ASSET], folder, None, report)
    except StopError as error:
        problems = error.problems
    return report.lines, [str(problem) for problem in problems]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


WHOLE = {"image": CONTENT, "image.sig": SIGNATURE}
PROPERTY = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@PROPERTY
@given(
    start=st.integers(0, len(CONTENT)),
    ranges=st.sampled_from(["kept", "ignored", "shifted", "refused"]),
    length=st.booleans(),
)
def test_download_resumes_from_any_byte(server: Releases, start: int, ranges: str, length: bool) -> None:
    reset(server)
    server.ranges, server.length = ranges, length
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "image.part").write_bytes(CONTENT[:start])
        assert fetch(server, folder) == (["image: fetched, checksum good"], [])
        assert files(folder) == WHOLE
    asked = [requested_range for path, requested_range in server.requests if path == "/image"]
    if start == len(CONTENT):
        assert asked == []
    elif start == 0:
        assert asked == [None]
    else:
        first = f"bytes={start}-"
        assert asked == ([first] if ranges in {"kept", "ignored"} else [first, None])


@PROPERTY
@given(cut=st.integers(1, len(CONTENT)))
def test_download_resumes_after_every_cut(server: Releases, cut: int) -> None:
    reset(server)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "image.sig").write_bytes(SIGNATURE)
        server.stops_after = cut
        for got in range(cut, len(CONTENT), cut):
            line = f"image: the server stopped after {got} of {len(CONTENT)} bytes; run the command again to continue"
            assert fetch(server, folder) == ([], [line])
            assert files(folder) == {"image.part": CONTENT[:got], "image.sig": SIGNATURE}
            if got > 20 * cut:
                server.stops_after = None
                break
        assert fetch(server, folder)[1] == []
        assert files(folder) == WHOLE


@PROPERTY
@given(part=st.binary(min_size=1, max_size=2 * len(CONTENT)))
def test_damaged_partial_file_never_becomes_the_asset(server: Releases, part: bytes) -> None:
    reset(server)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "image.part").write_bytes(part)
        problems = fetch(server, folder)[1]
        if problems:
            assert problems == ["image: wrong checksum, so the download was removed; run the command again"]
            assert files(folder) == {"image.sig": SIGNATURE}
            assert fetch(server, folder)[1] == []
        assert files(folder) == WHOLE


def test_valid_file_is_not_downloaded_again(server: Releases, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    server.requests.clear()
    assert fetch(server, tmp_path) == (["image: already there, checksum good"], [])
    assert server.requests == []


def test_changed_file_is_downloaded_again(server: Releases, tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(CONTENT[:-1] + b"x")
    lines = ["image: differs from the release; downloading it again", "image: fetched, checksum good"]
    assert fetch(server, tmp_path) == (lines, [])
    assert files(tmp_path) == WHOLE


def test_download_with_wrong_checksum_is_removed(server: Releases, tmp_path: Path) -> None:
    server.files["/image"] = CONTENT[::-1]
    assert fetch(server, tmp_path)[1] == ["image: wrong checksum, so the download was removed; run the command again"]
    assert files(tmp_path) == {"image.sig": SIGNATURE}


def test_missing_assets_are_reported_and_others_are_downloaded(server: Releases, tmp_path: Path) -> None:
    server.files |= {"/b": b"b", "/b.sig": SIGNATURE, "/c": b"c"}
    assets = [Asset("a", sha256(b"a")), Asset("b", sha256(b"b")), Asset("c", sha256(b"c"))]
    problems = fetch_assets(server.address, assets, tmp_path, None, CollectedReport())
    assert [str(problem) for problem in problems] == [
        f"{server.address}/{name}.sig: the server answers 404 (not found); check version, stream and address"
        for name in ("a", "c")
    ]
    assert files(tmp_path) == {"b": b"b", "b.sig": SIGNATURE}


@pytest.mark.parametrize("content", [b"", b"<html>please log in</html>"])
def test_invalid_signature_is_refused(server: Releases, tmp_path: Path, content: bytes) -> None:
    server.files["/image.sig"] = content
    assert fetch(server, tmp_path) == (
        [],
        [f"image.sig: {server.address}/image.sig is not a signature; check --base-url"],
    )
    assert files(tmp_path) == {}


def test_oversized_signature_is_refused(server: Releases, tmp_path: Path) -> None:
    server.files["/image.sig"] = b"\x88" * (65 << 10)
    what = "the answer is too long or incomplete; run the command again"
    assert fetch(server, tmp_path)[1] == [f"{server.address}/image.sig: {what}"]


def test_unreachable_server_is_reported_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StopError) as caught:
        fetch_assets("http://127.0.0.1:9", [ASSET, ASSET], tmp_path, None, CollectedReport())
    what = "not reachable (Connection refused); run the command again to continue"
    assert str(caught.value) == f"http://127.0.0.1:9/image.sig: {what}"


def test_concurrent_runs_do_not_write_the_same_file(server: Releases, tmp_path: Path) -> None:
    with (tmp_path / "image.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert fetch(server, tmp_path)[1] == [
            "image.part: another run is downloading this file; wait until that run ends"
        ]
    assert fetch(server, tmp_path)[1] == []


def test_full_disk_is_reported_in_one_line(server: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        f_bavail, f_frsize = 1, 512

    monkeypatch.setattr("os.fstatvfs", lambda _: Full)
    what = "No space left on device; make room, and run the command again to continue"
    assert fetch(server, tmp_path)[1] == [f"{tmp_path}/image.part: {what}"]


def test_folder_in_place_of_partial_file_is_reported(server: Releases, tmp_path: Path) -> None:
    (tmp_path / "image.part").mkdir()
    assert fetch(server, tmp_path)[1] == [f"{tmp_path}/image.part: Is a directory"]
