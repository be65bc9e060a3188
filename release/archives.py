"""Archives of a release: the plugin, the SDKs, the schema and the checksums. Equal content gives equal bytes."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from diaspora_infra.plugin import SCHEMA
from generators.sdks import NODE, NPM, generate, node_sdk
from release.packages import PROJECT, run

PLUGIN = "pulumi-resource-diaspora-infra"
PLATFORMS = ("linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64", "windows-amd64")
"""The plugin is Python, the same everywhere; the engine asks for an archive of its own platform."""


def write_plugin(folder: Path, version: str) -> None:
    """Write the plugin's archives. `pulumi plugin install` makes an environment from the requirements in them."""
    files = {
        "PulumiPlugin.yaml": (PROJECT / "plugin/PulumiPlugin.yaml").read_bytes(),
        "__main__.py": (PROJECT / "plugin/__main__.py").read_bytes(),
        "requirements.txt": f"diaspora-infra=={version}\n".encode(),
    }
    for platform in PLATFORMS:
        _write_archive(folder / f"{PLUGIN}-v{version}-{platform}.tar.gz", files)


def write_sdks(folder: Path, version: str) -> None:
    """Write the SDK for TypeScript as npm packs it, and that for Go as its module's files."""
    with tempfile.TemporaryDirectory() as name:
        package = Path(name) / "node"
        _copy_compiled(node_sdk(), package)
        command: list[str | Path] = [NODE / "node", NPM, "pack", "--ignore-scripts", "--silent"]
        run([*command, "--pack-destination", folder], cwd=package)
        (folder / f"diaspora-infra-{version}.tgz").rename(folder / f"diaspora-infra-sdk-nodejs-{version}.tgz")
        module = Path(name) / "go"
        generate("go", module)
        files = {str(file.relative_to(module)): file.read_bytes() for file in module.rglob("*") if file.is_file()}
        _write_archive(folder / f"diaspora-infra-sdk-go-{version}.tar.gz", files)


def _copy_compiled(sdk: Path, folder: Path) -> None:
    """Copy what a program needs. As generated, an SDK compiles itself where it is installed; this one is compiled."""
    shutil.copytree(sdk / "bin", folder / "bin")
    shutil.copy(PROJECT / "LICENSE", folder)
    package = json.loads((sdk / "package.json").read_text(encoding="utf-8"))
    del package["scripts"], package["dependencies"]["typescript"]
    (folder / "package.json").write_text(json.dumps(package, indent=4) + "\n", encoding="utf-8")


def write_schema(folder: Path) -> None:
    """Write the schema of the Pulumi package."""
    shutil.copy(SCHEMA, folder / "schema.json")


def write_checksums(folder: Path) -> None:
    """Write SHA256SUMS, which `sha256sum --check` reads."""
    files = sorted(file for file in folder.iterdir() if file.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="ascii")


def _write_archive(file: Path, files: Mapping[str, bytes]) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)  # no time, no owner
            entry.size, entry.mode = len(files[name]), 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    file.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
