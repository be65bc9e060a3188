"""The version of this package."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PROJECT_FILE = Path(__file__).parents[2] / "pyproject.toml"


def package_version() -> str:
    """Return the version of the installed package; without one, the version in the checkout's pyproject.toml."""
    try:
        return version("butane-py")
    except PackageNotFoundError:
        project = tomllib.loads(PROJECT_FILE.read_text(encoding="utf-8"))["project"]
        return str(project["version"])
