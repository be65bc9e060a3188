"""Installs pinned packages from PyPI into a folder, checked by hash."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.apt import install_packages
from tools.error_hints import cause
from tools.errors import ToolError
from tools.find import ask_version

PIP_OPTIONS = ["--disable-pip-version-check", "--no-compile"]
OPTIONS = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]


def install_from_pypi(problem: str, requirements: Path, into: Path) -> None:
    """Installs what the file names into the folder; raises ToolError with `problem` and the cause."""
    with tempfile.TemporaryDirectory(prefix=".pip-", dir=into) as scratch:
        command = [*_installer(Path(scratch)), *OPTIONS, "--target", str(into), "-r", str(requirements)]
        result = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    if result.returncode:
        raise ToolError(f"{problem}, and cannot be installed from PyPI: {cause(result.stderr or result.stdout)}")


def _installer(scratch: Path) -> list[str]:
    """`pip install` of this Python; else uv; else of a virtual environment made for it in `scratch`."""
    if python := next(filter(_has_pip, [sys.executable, f"{sys.base_prefix}/bin/python3"]), None):
        return [python, "-m", "pip", "install", *PIP_OPTIONS]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", sys.executable]
    if not _has_ensurepip():
        install_packages({"Python's module ensurepip": "python3-venv"})
    command = [sys.executable, "-m", "venv", str(scratch / "venv")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    if result.returncode:
        raise ToolError(f"python3 -m venv failed: {cause(result.stderr or result.stdout)}")
    return [str(scratch / "venv/bin/python"), "-m", "pip", "install", *PIP_OPTIONS]


def _has_pip(python: str) -> bool:
    return ask_version([python, "-m", "pip", "--version"]) is not None


def _has_ensurepip() -> bool:
    # Debian's Python without python3-venv has no such module
    return subprocess.run([sys.executable, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0
