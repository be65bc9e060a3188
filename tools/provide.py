"""Provides tools: from PATH, else from the cache, else by download, else by build."""

import hashlib
import os
import platform
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tools import manifest as manifests
from tools.build import build
from tools.cache import cache_root, make_entry
from tools.download import DownloadError, fetch_verified, releases_address, take_programs
from tools.errors import ToolError
from tools.find import find, why_not
from tools.manifest import Manifest, Tool
from tools.progress import say, step

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def ensure(names: Iterable[str], manifest: Manifest | None = None) -> dict[str, Path]:
    """Makes sure that the named tools are there and returns the path of each of their programs, in that order.

    Raises ToolError with one message for the first tool that cannot be had.
    """
    manifest = manifest or manifests.load()
    paths: dict[str, Path] = {}
    for tool in [manifest.tool(name) for name in names]:
        paths |= _provide(manifest, tool)
    return paths


def tool_path(name: str) -> Path:
    """The path of one program, which is provided if it is not there yet."""
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


def _provide(manifest: Manifest, tool: Tool) -> dict[str, Path]:
    try:
        if found := find(tool):
            return found
        entry = cache_root() / "tools" / f"{tool.name}-{tool.version}-{cache_key(manifest, tool)}"
        make_entry(entry, tool.name, lambda into: _make(manifest, tool, into))
    except OSError as error:
        raise ToolError(f"{tool.name}: {error}") from error
    return {program: entry / "bin" / program for program in tool.programs}


def cache_key(manifest: Manifest, tool: Tool) -> str:
    """Changes with all that decides what the programs are: recipes, checksum, Go modules, platform."""
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


def _make(manifest: Manifest, tool: Tool, entry: Path) -> None:
    """Fills a new cache entry with the tool."""
    if reason := why_not(tool):
        say(reason)
    programs = entry / "bin"
    programs.mkdir()
    if _download(manifest, tool, programs):
        return
    if not tool.builds:
        raise ToolError(f"{tool.name}: not on PATH as {tool.on_path}, not to be downloaded, and has no build")
    for recipe in tool.builds:
        name = recipe.program
        with step(f"building {name} from source ({recipe.takes}, once)", f"building {name}", f"built {name}"):
            build(recipe, manifest.folder / name, programs)


def _download(manifest: Manifest, tool: Tool, programs: Path) -> bool:
    """Downloads the release asset and takes the programs out; says why and returns False if that cannot be done."""
    asset, address = _asset(manifest, tool), releases_address()
    if tool.release is None or asset is None or not address:
        return False
    path, checksum = asset
    members = {member.replace("{platform}", current_platform()): name for member, name in tool.release.members.items()}
    file = programs.with_name("asset")
    doing = f"downloading {tool.name}"
    try:
        with step(f"{doing} {tool.version}", doing, f"downloaded {tool.name}"):
            fetch_verified(f"{address}/{path}", checksum, file)
            take_programs(file, tool.name, members, programs)
    except DownloadError as error:
        say(f"{tool.name}: no download: {error}")
        return False
    finally:
        file.unlink(missing_ok=True)
    return True
