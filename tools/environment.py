"""`python3 -m tools.environment`: creates the virtual environment `.venv` that uv.lock describes.

uv is installed from PyPI into the cache, checked by hash. `--simulator` adds the packages of `make up-aws`, `--dev`
those of the tests, `--aws` those of `diaspora-infra smoke`.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tools.cache import cache_root, make_entry
from tools.error_hints import cause
from tools.errors import ToolError
from tools.manifest import FOLDER
from tools.progress import step
from tools.pypi import install_from_pypi

PROJECT = FOLDER.parent
REQUIREMENTS = FOLDER / "uv-requirements.txt"


def main() -> int:
    """Creates the environment; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.environment", description=__doc__)
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--dev", action="store_true", help="include the packages of the tests")
    kinds.add_argument("--simulator", action="store_true", help="include the simulated AWS account")
    kinds.add_argument("--aws", action="store_true", help="include the packages that ask AWS")
    options = parser.parse_args()
    try:
        make_environment(dev=options.dev, simulator=options.simulator, aws=options.aws)
    except (ToolError, OSError) as error:
        print(f".venv: {error}" if isinstance(error, OSError) else error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def make_environment(*, dev: bool, simulator: bool = False, aws: bool = False) -> None:
    """Updates `.venv` to uv.lock; without `dev`, other packages stay installed."""
    # scripts in .venv contain its path, so a checkout that was moved needs a new .venv
    inputs = f"{sys.version} {PROJECT}".encode()
    # pyproject.toml names the scripts, which the lock file does not
    inputs += (PROJECT / "uv.lock").read_bytes() + (PROJECT / "pyproject.toml").read_bytes()
    locked = hashlib.sha256(inputs).hexdigest()
    kind = "dev" if dev else "simulator" if simulator else "aws" if aws else "base"
    stamp = PROJECT / ".venv" / f".made-{kind}"
    if _content(stamp) == locked and (PROJECT / ".venv/bin/python").exists():
        return
    if _is_foreign(PROJECT / ".venv"):
        raise ToolError(".venv is not a virtual environment; remove it (`make clean` does), then try again")
    groups = {
        "dev": ["--all-groups", "--all-extras"],
        "simulator": ["--inexact", "--extra", "policy", "--group", "simulator"],
        "aws": ["--inexact", "--extra", "aws"],
        "base": ["--inexact", "--extra", "policy"],
    }[kind]
    # the user's own settings must not change what is installed
    environment = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "UV_INDEX"}}
    environment["UV_CACHE_DIR"] = os.environ.get("UV_CACHE_DIR", str(cache_root() / "uv"))
    command = [str(uv()), "sync", "--locked", "--quiet", "--python", sys.executable, *groups]
    with step("creating .venv (about 20 s the first time)", "creating .venv", "created .venv"):
        result = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
        if result.returncode:
            raise ToolError(f".venv: uv sync failed: {cause(result.stderr)}")
    stamp.write_text(locked, encoding="ascii")


def uv() -> Path:
    """The path of uv, installed into the cache if necessary."""
    pins = REQUIREMENTS.read_bytes()
    entry = cache_root() / "tools" / f"uv-{hashlib.sha256(pins).hexdigest()[:12]}"
    make_entry(entry, "uv", lambda into: install_from_pypi("uv is missing", REQUIREMENTS, into), "bin/uv")
    return entry / "bin" / "uv"


def _is_foreign(venv: Path) -> bool:
    """Whether the path holds something that is not a virtual environment, and that we must not remove."""
    if venv.is_dir():
        return any(venv.iterdir()) and not (venv / "pyvenv.cfg").exists()
    return os.path.lexists(venv)


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
