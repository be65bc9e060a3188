"""What files a Fedora CoreOS release has, and their checksums: read from the metadata that Fedora publishes.

Two documents say so. The stream metadata (`streams/STREAM.json`) describes the newest release of a stream, all
architectures: `artifacts.metal.formats.pxe` and `.raw.xz`, each file with `location` and `sha256`. The metadata of a
build (`prod/streams/STREAM/builds/VERSION/ARCHITECTURE/meta.json`) describes any release: `images`, each with `path`
and `sha256` (schema v1 of coreos-assembler). Nothing here does I/O.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from diaspora_infra.pxe.install import ASSETS, RELEASES, image_names

SERVER = RELEASES.removesuffix("/prod/streams")
# Folder of a release below the folder that matchbox serves as /assets.
FOLDER = ASSETS.removeprefix("assets/")

# where each document keeps the kernel, the initramfs, the rootfs and the metal image
_IN_STREAM = {
    "kernel": ("pxe", "kernel"),
    "initramfs": ("pxe", "initramfs"),
    "rootfs": ("pxe", "rootfs"),
    "metal": ("raw.xz", "disk"),
}
_IN_BUILD = {
    "kernel": "live-kernel",
    "initramfs": "live-initramfs",
    "rootfs": "live-rootfs",
    "metal": "metal",
}


class MetadataError(ValueError):
    """The metadata lacks something; the text names what."""


@dataclass(frozen=True)
class Asset:
    """A file of a release; its detached signature has the same name and `.sig`."""

    name: str
    sha256: str


def stream_url(base_url: str, stream: str) -> str:
    """Address of the metadata of a stream's newest release."""
    return f"{base_url}/streams/{stream}.json"


def build_url(base_url: str, stream: str, version: str, architecture: str) -> str:
    """Address of the folder of a release's files; `meta.json` in it is their metadata."""
    return f"{base_url}/prod/streams/{stream}/builds/{version}/{architecture}"


def newest_release(stream: object, architecture: str) -> str:
    """The newest release in a stream's metadata. Raises MetadataError."""
    version = _at(stream, "architectures", architecture, "artifacts", "metal", "release")
    if not isinstance(version, str) or not re.fullmatch(r"\d{2,3}([.]\d+){3}", version, re.ASCII):
        raise MetadataError(f"no release for {architecture}; choose another stream or architecture")
    return version


def stream_assets(stream: object, version: str, architecture: str) -> list[Asset]:
    """The files of a stream's newest release. Raises MetadataError."""
    formats = _at(stream, "architectures", architecture, "artifacts", "metal", "formats")
    found = {role: _at(formats, *place) for role, place in _IN_STREAM.items()}
    return list(_assets(found, "location", version, architecture))


def build_assets(build: object, version: str, architecture: str) -> list[Asset]:
    """The files of a release from its build's metadata. Raises MetadataError."""
    found = {role: _at(build, "images", place) for role, place in _IN_BUILD.items()}
    return list(_assets(found, "path", version, architecture))


def _assets(found: Mapping[str, object], place: str, version: str, architecture: str) -> Iterator[Asset]:
    for role, expected in vars(image_names(version, architecture)).items():
        name, sha256 = _at(found[role], place), _at(found[role], "sha256")
        if not isinstance(name, str) or not isinstance(sha256, str):
            raise MetadataError(f"no {role} of {version} for {architecture}; choose another version")
        # machines ask for the names of pxe/install.py, so that another name would never be found
        if name.rpartition("/")[2] != expected:
            raise MetadataError(f"the name of the {role} is not {expected}; choose another version")
        if not re.fullmatch("[0-9a-f]{64}", sha256):
            raise MetadataError(f"no SHA-256 of {expected}; choose another version")
        yield Asset(expected, sha256)


def _at(document: object, *keys: str) -> object:
    """Follow keys into a document, which may be anything."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def range_start(content_range: str | None) -> int | None:
    """Where the part begins that a server sends: 100 for `bytes 100-199/200`. Nothing when it does not say so."""
    match = re.fullmatch(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15}|[*])", content_range or "", re.ASCII)
    return int(match[1]) if match else None
