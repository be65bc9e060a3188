"""Downloads release assets and extracts programs; nothing unverified is kept or run."""

import hashlib
import http.client
import os
import shutil
import tarfile
import urllib.error
import urllib.request
from pathlib import Path, PurePosixPath

RELEASES = "https://github.com"
SILENCE_SECONDS = 15
"""Timeout for the connection and for each read."""


class DownloadError(Exception):
    """A release asset cannot be downloaded; the text is the cause."""


def releases_address() -> str:
    """`$DIASPORA_INFRA_RELEASES`, a mirror with GitHub's paths, else GitHub; empty means never to download."""
    return os.environ.get("DIASPORA_INFRA_RELEASES", RELEASES).rstrip("/")


def fetch(url: str, target: Path) -> str:
    """Downloads a URL into a file and returns the SHA-256 in hex."""
    if not url.startswith(("https://", "http://")):
        raise DownloadError(f"{url}: not an http address")
    digest = hashlib.sha256()
    size = 0
    try:
        with urllib.request.urlopen(url, timeout=SILENCE_SECONDS) as response, target.open("wb") as file:  # noqa: S310
            expected = response.headers.get("Content-Length")
            while chunk := response.read(1 << 20):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadError(f"{url}: HTTP status {error.code}") from None
    except urllib.error.URLError as error:
        raise DownloadError(f"{url}: {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(f"{url}: {error}") from None
    if expected is not None and size != int(expected):
        raise DownloadError(f"{url}: ended after {size} of {expected} bytes")
    return digest.hexdigest()


def fetch_verified(url: str, sha256: str, target: Path) -> None:
    """Downloads a URL into a file. Removes the file and raises DownloadError if the checksum differs."""
    got = fetch(url, target)
    if got != sha256:
        target.unlink()
        raise DownloadError(f"{url}: SHA-256 is {got}, expected {sha256}")


def take_programs(asset: Path, name: str, members: dict[str, str], into: Path) -> None:
    """Writes the programs of an asset: the asset itself under `name`, or the wanted members of the archive it is."""
    if members:
        unpack(asset, members, into)
        return
    shutil.copyfile(asset, into / name)
    (into / name).chmod(0o755)


def unpack(asset: Path, members: dict[str, str], into: Path) -> None:
    """Writes the wanted members of a tar archive as executable files; `members` maps member to file name.

    An archive with a member that points outside is refused as a whole.
    """
    try:
        with tarfile.open(asset) as archive:
            for name in archive.getnames():
                path = PurePosixPath(name)
                if path.is_absolute() or ".." in path.parts:
                    raise DownloadError(f"the archive has an unsafe member: {name}")
            by_name = {member.name.removeprefix("./"): member for member in archive.getmembers()}
            for name, file_name in members.items():
                member = by_name.get(name)
                content = archive.extractfile(member) if member and member.isreg() else None
                if content is None:
                    raise DownloadError(f"the archive has no file {name}")
                with content, (into / file_name).open("wb") as file:
                    shutil.copyfileobj(content, file)
                (into / file_name).chmod(0o755)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DownloadError(f"the archive cannot be read: {error}") from None
