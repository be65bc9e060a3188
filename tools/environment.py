"""`python3 -m tools.environment`: makes the virtual environment `.venv` that uv.lock describes.

uv comes from PyPI into the cache, checked by hash. `--dev` adds what the tests need.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tools.cache import cache_root, make_entry
from tools.errors import ToolError
from tools.manifest import FOLDER
from tools.packages import install_packages
from tools.progress import step

PROJECT = FOLDER.parent
REQUIREMENTS = FOLDER / "uv-requirements.txt"


def main() -> int:
    """Makes the environment; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.environment", description=__doc__)
    parser.add_argument("--dev", action="store_true", help="with what the tests need")
    options = parser.parse_args()
    try:
        make_environment(dev=options.dev)
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def make_environment(*, dev: bool) -> None:
    """Brings `.venv` to what uv.lock says; without `dev`, what else is installed there stays."""
    locked = hashlib.sha256((PROJECT / "uv.lock").read_bytes() + sys.version.encode()).hexdigest()
    stamp = PROJECT / ".venv" / f".made-{'dev' if dev else 'base'}"
    if _content(stamp) == locked:
        return
    groups = ["--all-groups"] if dev else ["--inexact"]
    # the build machine's own settings must not decide what is installed
    environment = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "UV_INDEX"}}
    environment["UV_CACHE_DIR"] = os.environ.get("UV_CACHE_DIR", str(cache_root() / "uv"))
    command = [str(_uv()), "sync", "--locked", "--quiet", "--python", sys.executable, *groups]
    with step("making .venv (about 20 s the first time)", "making .venv", "made .venv"):
        result = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise ToolError(f".venv: uv sync failed: {_last_line(result.stderr)}")
    stamp.write_text(locked, encoding="ascii")


def _uv() -> Path:
    pins = REQUIREMENTS.read_bytes()
    entry = cache_root() / "tools" / f"uv-{hashlib.sha256(pins + sys.version.encode()).hexdigest()[:12]}"

    def install(into: Path) -> None:
        if not _has("ensurepip"):
            install_packages({"ensurepip": "python3-venv"})
        for command in (
            [sys.executable, "-m", "venv", str(into / "venv")],
            [str(into / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--require-hashes", "--only-binary=:all:", "-r", str(REQUIREMENTS)],
        ):  # fmt: skip
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if result.returncode:
                raise ToolError(f"uv: cannot be installed from PyPI: {_last_line(result.stderr or result.stdout)}")

    make_entry(entry, "uv", install)
    return next((entry / "venv").rglob("bin/uv"))


def _has(module: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


def _last_line(text: str) -> str:
    return ([line.strip() for line in text.splitlines() if line.strip()] or ["no cause given"])[-1]


if __name__ == "__main__":
    sys.exit(main())
