"""Fetching the files of a release: resumed where a run stopped, and never under their name before they are verified."""

import errno
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from diaspora_infra.config import ConfigError, Problem
from diaspora_infra.pxe.assets import (
    Asset,
    MetadataError,
    build_assets,
    build_url,
    newest_release,
    range_start,
    stream_assets,
    stream_url,
)

_TIMEOUT_SECONDS = 30
_CHUNK = 1 << 18
_MAX_METADATA_BYTES = 16 << 20
_MAX_SIGNATURE_BYTES = 64 << 10
_CONTINUE = "run the command again to continue"


class StopError(ConfigError):
    """No more files can be downloaded: the server is unreachable, or the disk is full."""


class Report(Protocol):
    """Reports progress to the user."""

    def say(self, line: str) -> None:
        """Print a line."""

    def progress(self, name: str, done: int, total: int | None) -> None:
        """Show the progress of a file in bytes; called often."""


@dataclass(frozen=True)
class Keyring:
    """The keys that signatures are checked with, and the program gpgv that does so."""

    path: Path
    gpgv: str


def open_keyring(path: Path) -> Keyring:
    """Look for gpgv and at the keyring. Raises ConfigError and OSError."""
    with path.open("rb") as file:
        start = file.read(10)
    if start.startswith(b"-----BEGIN"):
        what = f"{path} is ASCII-armored, which gpgv does not read; convert it with: gpg --dearmor {path}"
        raise ConfigError([Problem("--keyring", what)])
    gpgv = shutil.which("gpgv")
    if gpgv is None:
        what = "gpgv, which checks signatures, is not installed; install it (Debian: gpgv, Fedora: gnupg2)"
        raise ConfigError([Problem("--keyring", what)])
    return Keyring(path.absolute(), gpgv)


def find_release(
    base_url: str, stream: str, version: str | None, architectures: Sequence[str]
) -> tuple[str, dict[str, list[Asset]]]:
    """Find a release (the newest of the stream when not given) and its files by architecture. Raises ConfigError."""
    url = stream_url(base_url, stream)
    newest = _json(url, missing_is_fine=version is not None)
    try:
        if version is None:
            version = _common_release(newest, architectures)
        found = {}
        for architecture in architectures:
            if _newest_or_none(newest, architecture) == version:
                found[architecture] = stream_assets(newest, version, architecture)
            else:
                url = f"{build_url(base_url, stream, version, architecture)}/meta.json"
                found[architecture] = build_assets(_json(url), version, architecture)
    except MetadataError as error:
        raise ConfigError([Problem(url, str(error))]) from None
    return version, found


def _common_release(newest: object, architectures: Sequence[str]) -> str:
    versions = {architecture: newest_release(newest, architecture) for architecture in architectures}
    if len(set(versions.values())) > 1:
        releases = ", ".join(f"{version} for {architecture}" for architecture, version in versions.items())
        raise ConfigError(
            [Problem("--version", f"required, because the newest releases differ ({releases}); choose one of them")]
        )
    return next(iter(versions.values()))


def _newest_or_none(newest: object, architecture: str) -> str | None:
    try:
        return newest_release(newest, architecture)
    except MetadataError:
        return None


def fetch_assets(
    address: str, assets: Sequence[Asset], folder: Path, keyring: Keyring | None, report: Report
) -> list[Problem]:
    """Bring a folder the files that lie at an address, each with its signature, and verify them.

    Files that are there with the right checksum are kept. Returns what went wrong with single files; raises
    StopError when going on makes no sense, and OSError.
    """
    problems: list[Problem] = []
    for asset in assets:
        try:
            _provide(address, asset, folder, keyring, report)
        except StopError as error:
            raise StopError([*problems, *error.problems]) from None
        except ConfigError as error:
            problems += error.problems
    return problems


def _provide(address: str, asset: Asset, folder: Path, keyring: Keyring | None, report: Report) -> None:
    target, signature = folder / asset.name, folder / f"{asset.name}.sig"
    part = _part_of(target)
    there = target.exists()
    kept = there and _sha256(target) == asset.sha256
    if there and not kept:
        report.say(f"{asset.name}: differs from the release; downloading it again")
    _provide_signature(f"{address}/{signature.name}", signature)
    if not kept:
        _fetch(f"{address}/{asset.name}", part, asset, report)
    checked = "checksum good"
    if keyring:
        fault = _signature_fault(keyring, signature, target if kept else part)
        if fault and fault.bad:
            signature.unlink()
            if kept:
                target.replace(part)  # not to be served
        if fault:
            raise ConfigError([Problem(asset.name, fault.text)])
        checked += ", signature good"
    if not kept:
        part.replace(target)
    report.say(f"{asset.name}: {'already there' if kept else 'fetched'}, {checked}")


def _part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _provide_signature(url: str, signature: Path) -> None:
    """Fetch a signature that is not there yet. It has no checksum: whether it is good, a keyring tells."""
    if signature.exists():
        return
    content = _small(url, _MAX_SIGNATURE_BYTES)
    if not (content[:1] >= b"\x80" or content.startswith(b"-----BEGIN PGP SIGNATURE")):
        raise ConfigError([Problem(signature.name, f"{url} is not a signature; check --base-url")])
    draft = _part_of(signature)
    try:
        draft.write_bytes(content)
        draft.replace(signature)
    except OSError as error:
        raise _disk(signature, error) from None


def _fetch(url: str, part: Path, asset: Asset, report: Report) -> None:
    """Complete a file, from where it stopped. Raises ConfigError; a file with a wrong checksum is removed."""
    try:
        with part.open("r+b" if part.exists() else "x+b") as file:
            _lock(file, part)
            digest = hashlib.file_digest(file, "sha256")
            if digest.hexdigest() != asset.sha256:
                digest = _receive(url, file, asset.name, report, digest)
            os.fsync(file.fileno())
            if digest.hexdigest() != asset.sha256:
                part.unlink()
                raise ConfigError(
                    [Problem(asset.name, "wrong checksum, so the download was removed; run the command again")]
                )
    except OSError as error:
        raise _disk(part, error) from None


def _lock(file: BinaryIO, part: Path) -> None:
    """Keep other runs from writing the same file; the lock goes with the process."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = part.exists() and os.path.samestat(part.stat(), os.fstat(file.fileno()))
    except BlockingIOError:
        ours = False
    if not ours:
        raise ConfigError([Problem(part.name, "another run is downloading this file; wait until that run ends")])


def _receive(url: str, file: BinaryIO, name: str, report: Report, digest: "hashlib._Hash") -> "hashlib._Hash":
    """Write what is missing at the end of a file; returns the digest of all of it. Raises ConfigError and OSError."""
    response = _open_at(url, file.tell())
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            file.seek(0)
            file.truncate()
            digest = hashlib.sha256()
        done, total = file.tell(), None
        if response.length is not None:
            total = done + response.length
            _check_room(file, response.length)
        while chunk := _read(response, url, _CHUNK):
            file.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            report.progress(name, done, total)
        file.flush()
    if total is not None and done < total:
        raise ConfigError([Problem(name, f"the server stopped after {done} of {total} bytes; {_CONTINUE}")])
    return digest


def _open_at(url: str, start: int) -> http.client.HTTPResponse:
    """Ask for the rest of a file; the answer is the whole when the server gives no such part. Raises ConfigError."""
    if start:
        try:
            response = _open(url, {"Range": f"bytes={start}-"})
        except _StatusError as error:
            if error.status != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
        else:
            part = response.status == http.HTTPStatus.PARTIAL_CONTENT
            if not part or range_start(response.headers["Content-Range"]) == start:
                return response
            response.close()
    return _open(url, {})


def _check_room(file: BinaryIO, needed: int) -> None:
    room = os.fstatvfs(file.fileno())
    if room.f_bavail * room.f_frsize < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _disk(path: Path, error: OSError) -> StopError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    remedy = f"; make room, and {_CONTINUE}" if full else ""
    return StopError([Problem(str(path), f"{error.strerror or error}{remedy}")])


class _StatusError(ConfigError):
    """The server answers, but not with the file."""

    def __init__(self, url: str, status: int) -> None:
        self.status = status
        super().__init__(
            [Problem(url, f"the server answers {status}{_REASONS.get(status, '')}; check version, stream and address")]
        )


_REASONS = {404: " (not found)", 403: " (forbidden, or not found)"}


def _open(url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
    try:
        response: http.client.HTTPResponse = urllib.request.build_opener().open(
            urllib.request.Request(url, headers=dict(headers)),  # noqa: S310 - the caller lets only http and https in
            timeout=_TIMEOUT_SECONDS,
        )
    except urllib.error.HTTPError as error:
        error.close()
        raise _StatusError(url, error.code) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreachable(url, error) from None
    return response


def _read(response: http.client.HTTPResponse, url: str, maximum: int) -> bytes:
    """Read at most `maximum` bytes; empty at the end, also where the server stopped early."""
    try:
        return response.read(maximum)
    except http.client.IncompleteRead as error:
        return error.partial
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreachable(url, error) from None


def _unreachable(url: str, error: Exception) -> StopError:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        text = f"no answer for {_TIMEOUT_SECONDS} s"
    elif isinstance(reason, OSError):
        text = f"not reachable ({reason.strerror or reason})"
    else:
        text = "not an HTTP server"
    return StopError([Problem(url, f"{text}; {_CONTINUE}")])


def _small(url: str, maximum: int) -> bytes:
    """Fetch a small file. Raises ConfigError."""
    content = b""
    with _open(url, {}) as response:
        length = response.length
        while len(content) <= maximum and (chunk := _read(response, url, _CHUNK)):
            content += chunk
    if len(content) > maximum or (length is not None and len(content) < length):
        raise ConfigError([Problem(url, "the answer is too long or incomplete; run the command again")])
    return content


def _json(url: str, *, missing_is_fine: bool = False) -> object:
    try:
        document: object = json.loads(_small(url, _MAX_METADATA_BYTES))
    except _StatusError as error:
        if missing_is_fine and error.status in {403, 404}:
            return None
        raise
    except (ValueError, RecursionError):
        raise ConfigError([Problem(url, "not JSON; check --base-url")]) from None
    return document


@dataclass(frozen=True)
class _Fault:
    """What is wrong with a signature; `bad` when it does not belong to the file."""

    text: str
    bad: bool


def _signature_fault(keyring: Keyring, signature: Path, file: Path) -> _Fault | None:
    command = [keyring.gpgv, "--status-fd", "1", "--keyring", str(keyring.path), str(signature), str(file)]
    result = subprocess.run(command, capture_output=True, check=False, text=True, errors="replace")
    statuses = [line.split()[1:] for line in result.stdout.splitlines() if line.startswith("[GNUPG:] ")]
    words = {line[0]: line[1:] for line in statuses if line}
    if result.returncode == 0 and "VALIDSIG" in words:
        return None
    if "NO_PUBKEY" in words:
        return _Fault(
            f"signed with key {words['NO_PUBKEY'][0]}, which is not in {keyring.path}; use another --keyring", bad=False
        )
    if words.keys() & {"BADSIG", "NODATA", "UNEXPECTED"}:
        return _Fault(f"bad signature, so {signature.name} was removed; run the command again", bad=True)
    reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
    return _Fault(f"the signature cannot be checked ({reason}); check --keyring", bad=False)
