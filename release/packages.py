"""The Python packages: wheels of diaspora-infra and butane-py."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import tools.environment
from release.errors import ReleaseError
from tools.cache import cache_root

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = (PROJECT, PROJECT / "butane-py")


def version() -> str:
    """The version of diaspora-infra in this checkout."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def build_wheels(folder: Path) -> list[Path]:
    """Build the wheels of both packages by the hatchling that uv.lock pins by hash; returns them by name."""
    for package in PACKAGES:
        uv("build", "--wheel", "--no-build-isolation", "--out-dir", folder, "--python", sys.executable, package)
    (folder / ".gitignore").unlink(missing_ok=True)  # uv's own
    return sorted(folder.glob("*.whl"))


def uv(*arguments: str | Path) -> None:
    """Run uv with the cache of the tools. Raises ReleaseError with what it says."""
    cached = {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(cache_root() / "uv"))}
    run([tools.environment.uv(), *arguments, "--quiet"], variables=cached)


def run(command: list[str | Path], cwd: Path = PROJECT, variables: Mapping[str, str] | None = None) -> str:
    """Run a program; returns its standard output. Raises ReleaseError with all that it says."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env={**environment, **(variables or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseError(f"{Path(command[0]).name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
