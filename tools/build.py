"""Builds a program from its pinned Go module."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.cache import cache_root
from tools.errors import ToolError
from tools.golang import go_for
from tools.manifest import Build
from tools.trim import trimmed_module

CAUSE_LINES = 6
CGO_HINT = "it needs a C compiler and headers; tests/packages.txt names the system's packages"


def build(recipe: Build, module: Path, into: Path) -> None:
    """Builds the module in the folder `module` and writes the program, and what belongs beside it, into `into`."""
    go = go_for(recipe.program, module)
    if not recipe.services:
        _build(recipe, go, module, into)
        return
    with tempfile.TemporaryDirectory(dir=into.parent) as work:
        trimmed = trimmed_module(str(go), module, recipe.services, Path(work), _environment(cgo=recipe.cgo))
        _build(recipe, go, trimmed, into)


def _build(recipe: Build, go: Path, module: Path, into: Path) -> None:
    command = [str(go), "build", "-trimpath", "-ldflags", f"-s -w {recipe.ldflags}".strip()]
    if recipe.tags:
        command += ["-tags", ",".join(recipe.tags)]
    _run(recipe, [*command, "-o", str(into / recipe.program), recipe.package], module)
    if recipe.copy:
        source = _run(recipe, [str(go), "list", "-m", "-f", "{{.Dir}}", recipe.copy_from], module).strip()
        for path in recipe.copy:
            copied = into / Path(path).name
            shutil.copyfile(Path(source) / path, copied)
            copied.chmod(0o755)


def _run(recipe: Build, command: list[str], module: Path) -> str:
    """Runs go in the module's folder and returns what it prints."""
    environment = _environment(cgo=recipe.cgo)
    result = subprocess.run(
        command, cwd=module, env=environment, capture_output=True, text=True, check=False, errors="replace"
    )
    if result.returncode:
        lines = [line.strip() for line in result.stderr.splitlines() if not line.startswith("go: downloading")]
        hint = [CGO_HINT] if recipe.cgo else []
        cause = "\n  ".join(["", *lines[-CAUSE_LINES:], *hint])
        raise ToolError(f"{recipe.program}: go {command[1]} failed with status {result.returncode}:{cause}")
    return result.stdout


def _environment(*, cgo: bool) -> dict[str, str]:
    """The user's environment (proxy, caches), less what would make the same pins give another program."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"GOOS", "GOARCH", "GOEXPERIMENT"}}
    return inherited | {
        **_go_folders(),
        "CGO_ENABLED": str(int(cgo)),
        "GOFLAGS": "-buildvcs=false -mod=readonly -modcacherw",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _go_folders() -> dict[str, str]:
    """Go keeps its own caches in the user's home; in our cache where there is no home, or none to write to."""
    home = os.environ.get("HOME")
    if home and os.access(home, os.W_OK):
        return {}
    ours = {"GOPATH": "go/path", "GOCACHE": "go/build"}
    return {name: os.environ.get(name) or str(cache_root() / folder) for name, folder in ours.items()}
