"""`diaspora-infra assets download`: a made-up release, a server that fails, and signatures of a key of our own."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diaspora_infra.cli import main
from diaspora_infra.commands.assets import bar_line
from diaspora_infra.pxe.install import install_boot
from lab.matchbox import MatchboxServer
from tests.cli.test_check import stack_file
from tests.pxe.releases import (
    OLDER,
    SIGNATURE,
    VERSION,
    Keys,
    Releases,
    image,
    names,
    serving,
    sha256,
    stream_metadata,
)
from tests.support import configs
from tests.support.processes import interruptible

PROGRAM = Path(sys.executable).parent / "diaspora-infra"

# exit code, lines of standard output, lines of standard error
Run = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as releases:
        yield releases


@pytest.fixture
def run(server: Releases, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `diaspora-infra assets download` into the folder `assets`."""

    def call(*arguments: object) -> tuple[int, list[str], list[str]]:
        code = main([str(argument) for argument in command(server, tmp_path, *arguments)])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return call


def command(server: Releases, folder: Path, *arguments: object) -> list[object]:
    return ["assets", "download", "--output", folder / "assets", "--base-url", server.address, *arguments]


def release(version: str, *architectures: str) -> dict[str, bytes]:
    """The files of a complete download."""
    images = {
        name: image(role, version, architecture)
        for architecture in architectures
        for role, name in names(version, architecture).items()
    }
    return images | {f"{name}.sig": SIGNATURE for name in images}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "assets/fedora-coreos").iterdir()}


def test_newest_release_is_downloaded_without_stack_file(run: Run, server: Releases, tmp_path: Path) -> None:
    server.put_stream("x86_64", "aarch64")
    code, out, err = run()
    assert (code, err) == (0, [])
    assert out[0] == f"Fedora CoreOS {VERSION} (stable) for x86_64, into {tmp_path}/assets/fedora-coreos"
    kernel = names(VERSION, "x86_64")["kernel"]
    assert out[1:3] == [f"{kernel}: fetching 0.0 MiB", f"{kernel}: fetched, checksum good"]
    assert out[-1] == "Signatures were not checked; use --keyring to check them."
    assert files(tmp_path) == release(VERSION, "x86_64")


def test_second_run_downloads_no_image(run: Run, server: Releases) -> None:
    server.put_stream("x86_64")
    run()
    server.requests.clear()
    code, out, _ = run()
    assert (code, server.asked()) == (0, ["stable.json"])
    assert out[1:-1] == [f"{name}: already there, checksum good" for name in names(VERSION, "x86_64").values()]


def test_stack_file_sets_release_and_architectures(run: Run, server: Releases, tmp_path: Path) -> None:
    server.put_stream("x86_64", "aarch64", version="44.20260817.3.2")
    server.put_build(OLDER, "x86_64")
    server.put_build(OLDER, "aarch64")
    machines = [configs.machine(1), configs.machine(2, architecture="aarch64"), configs.machine(3)]
    values = configs.pxe_config(pxe=configs.pxe(*machines, release={"version": OLDER, "source": "matchbox"}))
    assert run(stack_file(tmp_path, values))[0] == 0
    assert files(tmp_path) == release(OLDER, "x86_64", "aarch64")
    assert server.asked().count("meta.json") == 2


def test_options_override_the_stack_file(run: Run, server: Releases, tmp_path: Path) -> None:
    server.put_build(OLDER, "aarch64")  # a mirror without the metadata of streams
    stack = stack_file(tmp_path, configs.pxe_config())
    assert run(stack, "--version", OLDER, "--architecture", "aarch64")[0] == 0
    assert files(tmp_path) == release(OLDER, "aarch64")


def test_pinned_release_equal_to_newest_needs_no_build_metadata(run: Run, server: Releases, tmp_path: Path) -> None:
    server.put_stream("x86_64")
    assert run("--version", VERSION)[0] == 0
    assert "meta.json" not in server.asked()
    assert files(tmp_path) == release(VERSION, "x86_64")


def test_stack_file_without_network_boot_is_refused(run: Run, tmp_path: Path) -> None:
    line = "pxe: required, because the release is read from this key; add it, or leave out the stack file"
    assert run(stack_file(tmp_path, configs.ignition_config())) == (1, [], [line])


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["--version", "44"], "--version: '44' is not valid; allowed: a release such as "),
        (["--version", "../../x"], "--version: '../../x' is not valid; allowed: a release such as "),
        (["--version", VERSION, "--stream", "next"], f"--version: {VERSION} is not of stream next; choose a version "),
        (["--base-url", "ftp://x"], "--base-url: 'ftp://x' is not valid; allowed: "),
        (["--keyring", "/nowhere/keys"], "/nowhere/keys: No such file or directory"),
    ],
)
def test_invalid_option_values_are_reported_in_one_line(run: Run, arguments: list[str], start: str) -> None:
    code, out, (line,) = run(*arguments)
    assert (code, out) == (1, [])
    assert line.startswith(start)


def test_wrong_usage_exits_with_2(run: Run) -> None:
    for arguments in (["--stream", "stabel"], ["--architecture", "x86"], ["a", "b"]):
        with pytest.raises(SystemExit) as caught:
            run(*arguments)
        assert caught.value.code == 2


def test_unknown_release_reports_404(run: Run, server: Releases) -> None:
    server.put_stream("x86_64")
    address = f"{server.address}/prod/streams/stable/builds/{OLDER}/x86_64/meta.json"
    assert run("--version", OLDER) == (
        1,
        [],
        [f"{address}: the server answers 404 (not found); check version, stream and address"],
    )


def test_unknown_stream_reports_404(run: Run, server: Releases) -> None:
    assert run() == (
        1,
        [],
        [
            f"{server.address}/streams/stable.json: the server answers 404 (not found); check "
            "version, stream and address"
        ],
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<html>", "not JSON; check --base-url"),
        (b"[" * 100000, "not JSON; check --base-url"),
        (b"[]", "no release for x86_64; choose another stream or architecture"),
        (b"\xff", "not JSON; check --base-url"),
    ],
)
def test_unusable_metadata_is_reported_in_one_line(run: Run, server: Releases, content: bytes, what: str) -> None:
    server.files["/streams/stable.json"] = content
    assert run() == (1, [], [f"{server.address}/streams/stable.json: {what}"])


def test_differing_newest_releases_of_architectures_are_refused(run: Run, server: Releases) -> None:
    metadata = stream_metadata(VERSION, "x86_64")
    metadata["architectures"] |= stream_metadata(OLDER, "aarch64")["architectures"]
    server.files["/streams/stable.json"] = json.dumps(metadata).encode()
    line = (
        f"--version: required, because the newest releases differ ({OLDER} for aarch64, {VERSION} for x86_64); "
        "choose one of them"
    )
    assert run("--architecture", "x86_64", "--architecture", "aarch64") == (1, [], [line])


def test_unreachable_server_is_reported_in_one_line(run: Run) -> None:
    code, out, (line,) = run("--base-url", "http://127.0.0.1:9")
    assert (code, out) == (1, [])
    what = "not reachable (Connection refused); run the command again to continue"
    assert line == f"http://127.0.0.1:9/streams/stable.json: {what}"


def test_every_missing_file_is_reported(run: Run, server: Releases) -> None:
    server.put_stream("x86_64", "aarch64")
    gone = [
        f"{Releases.folder(VERSION, architecture)}/{names(VERSION, architecture)['rootfs']}"
        for architecture in ("aarch64", "x86_64")
    ]
    for path in gone:
        del server.files[path]
    code, out, err = run("--architecture", "x86_64", "--architecture", "aarch64")
    assert (code, err) == (
        1,
        [
            (f"{server.address}{path}: the server answers 404 (not found); check version, stream and address")
            for path in gone
        ],
    )
    assert sum("checksum good" in line for line in out) == 6


def test_file_in_place_of_output_folder_is_reported(run: Run, server: Releases, tmp_path: Path) -> None:
    server.put_stream("x86_64")
    (tmp_path / "assets").touch()
    assert run()[2] == [f"{tmp_path}/assets/fedora-coreos: Not a directory; correct the path"]


def test_matchbox_serves_the_addresses_of_the_boot_config(
    run: Run, server: Releases, tmp_path: Path, matchbox_server: MatchboxServer
) -> None:
    server.put_stream("x86_64")
    assert run()[0] == 0
    shutil.copytree(tmp_path / "assets", matchbox_server.data / "assets", dirs_exist_ok=True)
    boot = install_boot(matchbox_url=matchbox_server.http_url, version=VERSION, disk="/dev/sda")
    addresses = re.findall(r"http://\S+/assets/\S+", " ".join([boot.kernel, *boot.initrds, *boot.args]))
    assert len(addresses) == 4
    for address in [*addresses, f"{addresses[-1]}.sig"]:
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.read() == release(VERSION, "x86_64")[address.rpartition("/")[2]]


# Signatures


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory, require_program: Callable[[str, str], str]) -> Iterator[Keys]:
    require_program("gpgv", "gpgv")
    made = Keys(tmp_path_factory.mktemp("gpg"), require_program("gpg", "gnupg"))
    yield made
    made.end()


METAL = names(VERSION, "x86_64")["metal"]
METAL_SIGNATURE = f"{Releases.folder(VERSION, 'x86_64')}/{METAL}.sig"


def test_valid_signatures_are_reported(run: Run, server: Releases, tmp_path: Path, keys: Keys) -> None:
    server.put_stream("x86_64")
    keys.sign_all(server)
    code, out, err = run("--keyring", keys.keyring)
    assert (code, err) == (0, [])
    assert out[-1] == f"{METAL}: fetched, checksum good, signature good"
    assert run("--keyring", keys.keyring)[1][-1] == f"{METAL}: already there, checksum good, signature good"


def test_file_with_bad_signature_is_not_saved(run: Run, server: Releases, tmp_path: Path, keys: Keys) -> None:
    server.put_stream("x86_64")
    keys.sign_all(server)
    server.files[METAL_SIGNATURE] = keys.sign(b"something else")
    bad = f"{METAL}: bad signature, so {METAL}.sig was removed; run the command again"
    code, out, err = run("--keyring", keys.keyring)
    assert (code, err) == (1, [bad])
    assert sum("signature good" in line for line in out) == 3
    assert {METAL, f"{METAL}.sig"}.isdisjoint(files(tmp_path))
    keys.sign_all(server)
    server.requests.clear()
    assert run("--keyring", keys.keyring)[0] == 0
    assert server.asked() == ["stable.json", f"{METAL}.sig"]  # the image itself was there
    assert METAL in files(tmp_path)


def test_bad_signature_removes_a_file_of_an_earlier_run(run: Run, server: Releases, tmp_path: Path, keys: Keys) -> None:
    server.put_stream("x86_64")
    keys.sign_all(server)
    server.files[METAL_SIGNATURE] = b"\x88nonsense"
    assert run()[0] == 0
    assert run("--keyring", keys.keyring)[0] == 1
    assert {METAL, f"{METAL}.sig"}.isdisjoint(files(tmp_path))


def test_signatures_of_unknown_keys_are_refused(run: Run, server: Releases, tmp_path: Path, keys: Keys) -> None:
    server.put_stream("x86_64")
    keys.sign_all(server)
    code, _, err = run("--keyring", keys.other)
    assert (code, len(err)) == (1, 4)
    assert all("signed with key" in line and f"is not in {keys.other}; use another" in line for line in err)
    assert not set(names(VERSION, "x86_64").values()) & set(files(tmp_path))
    assert run("--keyring", keys.keyring)[0] == 0


def test_keyring_in_text_form_is_refused(run: Run, server: Releases, keys: Keys) -> None:
    what = f"{keys.text} is ASCII-armored, which gpgv does not read; convert it with: gpg --dearmor {keys.text}"
    assert run("--keyring", keys.text) == (1, [], [f"--keyring: {what}"])
    assert server.requests == []


def test_keyring_option_requires_gpgv(
    run: Run, server: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys.gpg").write_bytes(b"\x99")
    monkeypatch.setenv("PATH", str(tmp_path))
    what = "gpgv, which checks signatures, is not installed; install it (Debian: gpgv, Fedora: gnupg2)"
    assert run("--keyring", tmp_path / "keys.gpg") == (1, [], [f"--keyring: {what}"])
    assert server.requests == []


# The program itself


def start(server: Releases, folder: Path) -> subprocess.Popen[str]:
    line = [PROGRAM, *map(str, command(server, folder))]
    with interruptible():
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_interrupted_download_resumes(
    run: Run, server: Releases, tmp_path: Path, sign: signal.Signals, code: int
) -> None:
    server.put_stream("x86_64")
    kernel = names(VERSION, "x86_64")["kernel"]
    address = f"{Releases.folder(VERSION, 'x86_64')}/{kernel}"
    server.files[address] *= 1 + (3 << 20) // len(server.files[address])  # more than is read at once
    metadata = stream_metadata(VERSION, "x86_64")
    pxe = metadata["architectures"]["x86_64"]["artifacts"]["metal"]["formats"]["pxe"]
    pxe["kernel"]["sha256"] = sha256(server.files[address])
    server.files["/streams/stable.json"] = json.dumps(metadata).encode()
    server.slow = address
    process = start(server, tmp_path)
    part = tmp_path / f"assets/fedora-coreos/{kernel}.part"
    try:
        deadline = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(sign)
        err = process.communicate(timeout=60)[1]
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == code
    assert err == ("stopped; run the command again to continue\n" if sign is signal.SIGINT else "")
    got = part.stat().st_size
    assert 0 < got < len(server.files[address])
    server.slow = None
    server.go_on.set()
    server.requests.clear()
    assert run()[0] == 0
    assert (address, f"bytes={got}-") in server.requests
    assert files(tmp_path)[kernel] == server.files[address]


def test_full_disk_is_reported_in_one_line(server: Releases, tmp_path: Path) -> None:
    server.put_stream("x86_64")
    limited = 'ulimit -f 1; exec "$@"'  # files of at most 1024 bytes
    line = ["bash", "-c", limited, "bash", PROGRAM, *map(str, command(server, tmp_path))]
    result = subprocess.run(line, capture_output=True, text=True, check=False)
    part = tmp_path / f"assets/fedora-coreos/{names(VERSION, 'x86_64')['kernel']}.part"
    assert result.stderr == f"{part}: File too large; make room, and run the command again to continue\n"
    assert result.returncode == 1


def read(terminal: int) -> bytes:
    """Read more output; empty when all writers have closed."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_terminal_shows_a_progress_bar(server: Releases, tmp_path: Path) -> None:
    server.put_stream("x86_64")
    ours, theirs = pty.openpty()
    line = [PROGRAM, *map(str, command(server, tmp_path))]
    try:
        result = subprocess.run(line, stdout=subprocess.PIPE, stderr=theirs, text=True, check=True)
    finally:
        os.close(theirs)
        shown = b"".join(iter(lambda: read(ours), b"")).decode()
        os.close(ours)
    assert "100 % of 0.0 MiB" in shown
    assert shown.endswith("\r\x1b[K")
    assert "fetching" not in result.stdout


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=80),
    st.integers(0, 10**10),
    st.none() | st.integers(0, 10**10),
    st.floats(0, 1e10),
    st.integers(0, 200),
)
def test_progress_bar_fits_in_one_line(name: str, done: int, total: int | None, speed: float, width: int) -> None:
    line = bar_line(name, done, total, speed, width)
    assert len(line) <= max(width - 1, 0)
    assert "\n" not in line


def test_progress_bar_shows_name_percentage_size_and_speed() -> None:
    shown = bar_line("metal.raw.xz", 300 << 20, 600 << 20, 11.5 * (1 << 20), 80)
    assert shown == "metal.raw.xz   50 % of 600.0 MiB, 11.5 MiB/s"
    assert bar_line("metal.raw.xz", 1 << 20, None, 0, 30) == "metal.ra…  1.0 MiB, 0.0 MiB/s"
