"""Writes checksums.txt, for maintainers: downloads the assets of the manifest and records their SHA-256."""

import tempfile
from pathlib import Path

from tools import manifest as manifests
from tools.download import DownloadError, fetch, releases_address
from tools.manifest import Manifest
from tools.progress import say


def pin(names: list[str], manifest: Manifest | None = None) -> int:
    """Records the checksums of the named tools' assets (all tools if none is named) for every platform.

    Lines of assets that the manifest no longer names are dropped. Returns 1 if a download failed.
    """
    manifest = manifest or manifests.load()
    known = {path for tool in manifest.tools.values() for path in _asset_paths(manifest, tool.name)}
    checksums = {path: checksum for path, checksum in manifest.checksums.items() if path in known}
    failed = False
    for path in sorted({path for name in names or manifest.tools for path in _asset_paths(manifest, name)}):
        say(f"downloading {path}")
        try:
            with tempfile.TemporaryDirectory() as folder:
                checksums[path] = fetch(f"{releases_address()}/{path}", Path(folder) / "asset")
        except DownloadError as error:
            say(f"error: {error}")
            failed = True
    _write(manifest.folder / "checksums.txt", checksums)
    return int(failed)


def _asset_paths(manifest: Manifest, name: str) -> list[str]:
    release = manifest.tool(name).release
    paths = [release.asset_path(platform) for platform in release.assets] if release else []
    return [path for path in paths if path]


def _write(file: Path, checksums: dict[str, str]) -> None:
    """Keeps the comment lines at the top and writes all checksums in order."""
    comments = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    lines = comments + [f"{checksum}  {path}" for path, checksum in sorted(checksums.items())]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
