"""Fetching a file: resumed at any byte, verified, one line for whatever goes wrong."""

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


class Quiet:
    """Keeps what is said."""

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
def well_behaved(server: Releases) -> None:
    reset(server)


def reset(server: Releases) -> None:
    server.files = {"/image": CONTENT, "/image.sig": SIGNATURE}
    server.ranges, server.stops_after, server.length = "kept", None, True
    server.requests.clear()


def fetch(server: Releases, folder: Path) -> tuple[list[str], list[str]]:
    """Fetch the image; returns what was said and what went wrong."""
    report = Quiet()
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
def test_a_file_is_completed_from_any_byte(server: Releases, start: int, ranges: str, length: bool) -> None:
    reset(server)
    server.ranges, server.length = ranges, length
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "image.part").write_bytes(CONTENT[:start])
        assert fetch(server, folder) == (["image: fetched, checksum good"], [])
        assert files(folder) == WHOLE
    asked = [wanted for path, wanted in server.requests if path == "/image"]
    if start == len(CONTENT):
        assert asked == []
    elif start == 0:
        assert asked == [None]
    else:
        first = f"bytes={start}-"
        assert asked == ([first] if ranges in {"kept", "ignored"} else [first, None])


@PROPERTY
@given(cut=st.integers(1, len(CONTENT)))
def test_a_server_that_always_stops_early_is_got_the_better_of(server: Releases, cut: int) -> None:
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
def test_a_damaged_part_never_becomes_the_file(server: Releases, part: bytes) -> None:
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


def test_a_good_file_is_not_fetched_again(server: Releases, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    server.requests.clear()
    assert fetch(server, tmp_path) == (["image: already there, checksum good"], [])
    assert server.requests == []


def test_a_changed_file_is_fetched_anew(server: Releases, tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(CONTENT[:-1] + b"x")
    said = ["image: differs from the release; downloading it again", "image: fetched, checksum good"]
    assert fetch(server, tmp_path) == (said, [])
    assert files(tmp_path) == WHOLE


def test_another_content_is_removed(server: Releases, tmp_path: Path) -> None:
    server.files["/image"] = CONTENT[::-1]
    assert fetch(server, tmp_path)[1] == ["image: wrong checksum, so the download was removed; run the command again"]
    assert files(tmp_path) == {"image.sig": SIGNATURE}


def test_what_is_missing_is_named_and_the_others_come(server: Releases, tmp_path: Path) -> None:
    server.files |= {"/b": b"b", "/b.sig": SIGNATURE, "/c": b"c"}
    assets = [Asset("a", sha256(b"a")), Asset("b", sha256(b"b")), Asset("c", sha256(b"c"))]
    problems = fetch_assets(server.address, assets, tmp_path, None, Quiet())
    assert [str(problem) for problem in problems] == [
        f"{server.address}/{name}.sig: the server answers 404 (not found); check version, stream and address"
        for name in ("a", "c")
    ]
    assert files(tmp_path) == {"b": b"b", "b.sig": SIGNATURE}


@pytest.mark.parametrize("content", [b"", b"<html>please log in</html>"])
def test_a_signature_that_is_none(server: Releases, tmp_path: Path, content: bytes) -> None:
    server.files["/image.sig"] = content
    assert fetch(server, tmp_path) == (
        [],
        [f"image.sig: {server.address}/image.sig is not a signature; check --base-url"],
    )
    assert files(tmp_path) == {}


def test_a_signature_without_an_end(server: Releases, tmp_path: Path) -> None:
    server.files["/image.sig"] = b"\x88" * (65 << 10)
    what = "the answer is too long or incomplete; run the command again"
    assert fetch(server, tmp_path)[1] == [f"{server.address}/image.sig: {what}"]


def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(StopError) as caught:
        fetch_assets("http://127.0.0.1:9", [ASSET, ASSET], tmp_path, None, Quiet())
    what = "not reachable (Connection refused); run the command again to continue"
    assert str(caught.value) == f"http://127.0.0.1:9/image.sig: {what}"


def test_two_runs_do_not_write_one_file(server: Releases, tmp_path: Path) -> None:
    with (tmp_path / "image.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert fetch(server, tmp_path)[1] == [
            "image.part: another run is downloading this file; wait until that run ends"
        ]
    assert fetch(server, tmp_path)[1] == []


def test_no_room(server: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        f_bavail, f_frsize = 1, 512

    monkeypatch.setattr("os.fstatvfs", lambda _: Full)
    what = "No space left on device; make room, and run the command again to continue"
    assert fetch(server, tmp_path)[1] == [f"{tmp_path}/image.part: {what}"]


def test_a_folder_in_the_place_of_a_file(server: Releases, tmp_path: Path) -> None:
    (tmp_path / "image.part").mkdir()
    assert fetch(server, tmp_path)[1] == [f"{tmp_path}/image.part: Is a directory"]
