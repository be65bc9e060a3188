"""Reads tools.toml and checksums.txt: which tools there are, their versions, releases and build flags."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.errors import ToolError

FOLDER = Path(__file__).resolve().parent
"""Holds tools.toml, checksums.txt and a folder with a Go module for each tool that can be built."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """Where a project publishes its programs."""

    repository: str
    tag: str
    assets: dict[str, str]
    """Asset name by platform, such as `linux-amd64`."""
    members: dict[str, str] = field(default_factory=dict)
    """File name to write by archive member; empty if the asset is the program itself."""

    def asset_path(self, platform: str) -> str | None:
        """Path of the asset below the release server's address, or None where there is no asset."""
        asset = self.assets.get(platform)
        return asset and f"{self.repository}/releases/download/{self.tag}/{asset}"


@dataclass(frozen=True, kw_only=True)
class Build:
    """How a program is built."""

    program: str
    """Its file name, and the name of the folder with its Go module."""
    package: str
    takes: str
    """For the line that is printed before a build."""
    ldflags: str = ""
    tags: list[str] = field(default_factory=list)
    cgo: bool = False
    """Whether it needs C libraries, and so a C compiler and headers of the system."""
    services: list[str] = field(default_factory=list, repr=False)
    """Services that are kept of the Terraform AWS provider (trim.py)."""
    copy_from: str = ""
    """Module path of the files in `copy`."""
    copy: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One entry of tools.toml."""

    name: str
    version: str
    sets: list[str]
    on_path: str
    version_args: list[str]
    release: Release | None = None
    builds: list[Build] = field(default_factory=list)

    @property
    def programs(self) -> list[str]:
        """What the tool consists of; the first program has the tool's name and tells its version."""
        return [build.program for build in self.builds] or [self.name]


@dataclass(frozen=True)
class Manifest:
    """All tools, and the checksums of their release assets."""

    folder: Path
    tools: dict[str, Tool]
    checksums: dict[str, str]
    """SHA-256 in hex by asset path."""

    def tool(self, name: str) -> Tool:
        """The tool that has the program of that name; a ToolError lists the allowed names."""
        by_program = {program: tool for tool in self.tools.values() for program in tool.programs}
        if name not in by_program:
            raise ToolError(f"{name}: no such tool; allowed: {', '.join(sorted(by_program))}")
        return by_program[name]

    def names_in(self, set_name: str) -> list[str]:
        """Names of the tools in a set, in the manifest's order."""
        names = [tool.name for tool in self.tools.values() if set_name in tool.sets]
        if not names:
            known = sorted({name for tool in self.tools.values() for name in tool.sets})
            raise ToolError(f"{set_name}: no such set of tools; allowed: {', '.join(known)}")
        return names


def load(folder: Path = FOLDER) -> Manifest:
    """Reads the manifest and the checksums in `folder`."""
    entries = tomllib.loads((folder / "tools.toml").read_text(encoding="utf-8"))
    tools = {name: _tool(name, entry) for name, entry in entries.items()}
    return Manifest(folder, tools, read_checksums(folder / "checksums.txt"))


def _tool(name: str, entry: dict[str, Any]) -> Tool:
    version = entry["version"]
    entry = _filled(entry, version)
    release = entry.pop("release", None)
    builds = [Build(**{"program": name} | build) for build in entry.pop("build", [])]
    return Tool(name=name, release=release and Release(**{"tag": f"v{version}"} | release), builds=builds, **entry)


def _filled(value: Any, version: str) -> Any:
    """The same TOML value with `{version}` filled in wherever it stands."""
    if isinstance(value, str):
        return value.replace("{version}", version)
    if isinstance(value, list):
        return [_filled(item, version) for item in value]
    if isinstance(value, bool):
        return value
    return {_filled(key, version): _filled(item, version) for key, item in value.items()}


def read_checksums(path: Path) -> dict[str, str]:
    """SHA-256 by asset path; each line is `HEX  PATH`, as sha256sum writes it, and `#` starts a comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    return {asset: checksum for checksum, asset in pairs}
