"""Provides tools: from PATH, else from the cache, else by download, else by build."""

import hashlib
import os
import platform
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tools import manifest as manifests
from tools.build import build
from tools.cache import cache_root, is_good, make_entry
from tools.download import DownloadError, fetch_verified, releases_address, take_programs
from tools.errors import ToolError
from tools.find import find, rejection_reason
from tools.manifest import Manifest, Tool
from tools.progress import heartbeat, say

PROGRAMS = "bin/*"
"""Files of a cache entry whose hashes are checked."""

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def ensure(names: Iterable[str], manifest: Manifest | None = None) -> dict[str, Path]:
    """Provides the named tools and returns the path of each of their programs, in that order.

    Prints nothing when all exist. Else one line names the missing tools and the time they take, and one line for each
    tool says where it was found or how it was created. Raises ToolError for the first tool that cannot be provided.
    """
    manifest = manifest or manifests.load()
    tools = [manifest.tool(name) for name in names]
    found = {tool.name: _find(manifest, tool) for tool in tools}
    missing = [tool for tool in tools if found[tool.name] is None]
    if missing:
        say(f"missing: {', '.join(f'{tool.name} ({_effort(manifest, tool)})' for tool in missing)}")
    paths: dict[str, Path] = {}
    for tool in tools:
        programs, origin = found[tool.name] or _make(manifest, tool)
        if missing:
            say(f"{tool.name} {tool.version}: {origin}")
        paths |= programs
    return paths


def tool_path(name: str) -> Path:
    """The path of one program, provided if necessary."""
    return ensure([name])[name]


def tool_names(set_name: str) -> list[str]:
    """Names of the tools in a set: `up` for a real stack, `test` for all that the tests run."""
    return manifests.load().names_in(set_name)


def path_with(names: Iterable[str]) -> str:
    """A value for PATH on which the tools are found: folders of our cache first, then PATH as it is."""
    folders = dict.fromkeys(path.parent for path in ensure(names).values())
    own = [str(folder) for folder in folders if folder.is_relative_to(cache_root())]
    rest = [entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if entry not in own]
    return os.pathsep.join(own + rest)


def current_platform() -> str:
    """Such as `linux-amd64`, in the words of Go."""
    machine = platform.machine()
    return f"{platform.system().lower()}-{MACHINES.get(machine, machine)}"


Provided = tuple[dict[str, Path], str]
"""The path of each program of a tool, and where it was found or how it was created."""


def _entry(manifest: Manifest, tool: Tool) -> Path:
    return cache_root() / "tools" / f"{tool.name}-{tool.version}-{cache_key(manifest, tool)}"


def _programs(tool: Tool, entry: Path) -> dict[str, Path]:
    return {program: entry / "bin" / program for program in tool.programs}


def _find(manifest: Manifest, tool: Tool) -> Provided | None:
    if on_path := find(tool):
        return on_path, f"found at {on_path[tool.name]}"
    entry = _entry(manifest, tool)
    return (_programs(tool, entry), "found in the cache") if is_good(entry, tool.name, PROGRAMS) else None


def _effort(manifest: Manifest, tool: Tool) -> str:
    """How a missing tool will be provided, and how long that takes."""
    if _asset(manifest, tool) and releases_address():
        return "download"
    return ", ".join(f"build, {recipe.takes}" for recipe in tool.builds) or "not available"


def _make(manifest: Manifest, tool: Tool) -> Provided:
    """Creates the tool in the cache."""
    begin = time.monotonic()
    origins: list[str] = []
    entry = _entry(manifest, tool)
    try:
        make_entry(entry, tool.name, lambda into: origins.append(_fill(manifest, tool, into)), PROGRAMS)
    except OSError as error:
        raise ToolError(f"{tool.name}: {error}") from error
    origin = f"{origins[0]} in {time.monotonic() - begin:.0f} s" if origins else "created by another run"
    return _programs(tool, entry), origin


def cache_key(manifest: Manifest, tool: Tool) -> str:
    """Changes with every input of the programs: recipes, checksum, Go modules, platform."""
    members = tool.release and tool.release.members
    recipes = [replace(recipe, takes="") for recipe in tool.builds]
    pins = (tool.version, current_platform(), _asset(manifest, tool), members, recipes)
    digest = hashlib.sha256(repr(pins).encode())
    for recipe in recipes:
        if recipe.services:
            digest.update(repr(recipe.services).encode() + (manifests.FOLDER / "trim.py").read_bytes())
        for file in sorted((manifest.folder / recipe.program).glob("*")):
            if file.suffix in {".go", ".mod", ".sum"}:
                digest.update(f"{file.name} {file.stat().st_size} ".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _asset(manifest: Manifest, tool: Tool) -> tuple[str, str] | None:
    """Path and checksum of the release asset for this platform, if its checksum is known."""
    path = tool.release and tool.release.asset_path(current_platform())
    return (path, manifest.checksums[path]) if path and path in manifest.checksums else None


def _fill(manifest: Manifest, tool: Tool, entry: Path) -> str:
    """Fills a new cache entry with the tool; returns how."""
    if reason := rejection_reason(tool):
        say(reason)
    programs = entry / "bin"
    programs.mkdir()
    if _download(manifest, tool, programs):
        return "downloaded (SHA-256 checked)"
    if not tool.builds:
        raise ToolError(f"{tool.name}: not on PATH as {tool.on_path}, without a download and without a build")
    for recipe in tool.builds:
        with heartbeat(f"building {recipe.program}"):
            build(recipe, manifest.folder / recipe.program, programs)
    return "built from source"


def _download(manifest: Manifest, tool: Tool, programs: Path) -> bool:
    """Downloads the release asset and takes the programs out; says why and returns False if that cannot be done."""
    asset, address = _asset(manifest, tool), releases_address()
    if tool.release is None or asset is None or not address:
        return False
    path, checksum = asset
    members = {member.replace("{platform}", current_platform()): name for member, name in tool.release.members.items()}
    file = programs.with_name("asset")
    try:
        with heartbeat(f"downloading {tool.name} {tool.version}"):
            fetch_verified(f"{address}/{path}", checksum, file)
            take_programs(file, tool.name, members, programs)
    except DownloadError as error:
        say(f"{tool.name}: cannot be downloaded: {error}")
        return False
    finally:
        file.unlink(missing_ok=True)
    return True
