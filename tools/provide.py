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
    """Makes sure that the named tools are there and returns the path of each program, in the order asked for."""
    manifest = manifest or manifests.load()
    tools = [manifest.tool(name) for name in names]
    return {tool.name: _provide(manifest, tool) for tool in tools}


def tool_path(name: str) -> Path:
    """The path of one tool's program, which is provided if it is not there yet."""
    return ensure([name])[name]


def tool_names(set_name: str) -> list[str]:
    """Names of the tools in a set: `up` for a real stack, `test` for all that the tests run."""
    return manifests.load().names_in(set_name)


def path_with(names: Iterable[str]) -> str:
    """A value for PATH on which the tools are found: folders of our cache first, then PATH as it is."""
    own = [str(path.parent) for path in ensure(names).values() if path.is_relative_to(cache_root())]
    rest = [entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if entry not in own]
    return os.pathsep.join(own + rest)


def current_platform() -> str:
    """Such as `linux-amd64`, in the words of Go."""
    machine = platform.machine()
    return f"{platform.system().lower()}-{MACHINES.get(machine, machine)}"


def _provide(manifest: Manifest, tool: Tool) -> Path:
    try:
        if found := find(manifest, tool):
            return found
        entry = cache_root() / "tools" / f"{tool.name}-{tool.version}-{cache_key(manifest, tool)}"
        make_entry(entry, tool.name, lambda into: _make(manifest, tool, into))
    except OSError as error:
        raise ToolError(f"{tool.name}: {error}") from error
    return entry / "bin" / tool.name


def cache_key(manifest: Manifest, tool: Tool) -> str:
    """Changes with all that decides what the program is: manifest entry, checksum, Go module, platform."""
    members = tool.release and tool.release.members
    recipe = tool.build and replace(tool.build, takes="")
    pins = (tool.version, current_platform(), _asset(manifest, tool), members, recipe)
    digest = hashlib.sha256(repr(pins).encode())
    for file in sorted((manifest.folder / tool.name).glob("*")):
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
    if tool.build is None:
        raise ToolError(f"{tool.name}: not on PATH as {tool.on_path}, not to be downloaded, and has no build")
    starting = f"building {tool.name} {tool.version} from source ({tool.build.takes}, once)"
    with step(starting, f"building {tool.name}", f"built {tool.name}"):
        build(tool, tool.build, manifest.folder / tool.name, programs)


def _download(manifest: Manifest, tool: Tool, programs: Path) -> bool:
    """Downloads and unpacks the release asset; says why and returns False if that cannot be done."""
    asset, address = _asset(manifest, tool), releases_address()
    if tool.release is None or asset is None or not address:
        return False
    path, checksum = asset
    members = {member.replace("{platform}", current_platform()): name for member, name in tool.release.members.items()}
    try:
        with step(f"downloading {tool.name} {tool.version}", f"downloading {tool.name}", f"downloaded {tool.name}"):
            file = fetch_verified(f"{address}/{path}", checksum, cache_root() / "downloads")
            take_programs(file, tool.name, members, programs)
    except DownloadError as error:
        say(f"{tool.name}: no download: {error}")
        return False
    return True
