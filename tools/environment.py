"""`python3 -m tools.environment`: makes the virtual environment `.venv` that uv.lock describes.

uv comes from PyPI into the cache, checked by hash. `--simulator` adds what `make up-aws` needs, `--dev` all that the
tests need.
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
    """Makes the environment; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.environment", description=__doc__)
    parser.add_argument("--dev", action="store_true", help="with what the tests need")
    parser.add_argument("--simulator", action="store_true", help="with the AWS account on this computer")
    options = parser.parse_args()
    try:
        make_environment(dev=options.dev, simulator=options.simulator)
    except (ToolError, OSError) as error:
        print(f".venv: {error}" if isinstance(error, OSError) else error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def make_environment(*, dev: bool, simulator: bool = False) -> None:
    """Brings `.venv` to what uv.lock says; without `dev`, what else is installed there stays."""
    # scripts in .venv hold its path, so that it is made anew in a checkout that was moved
    inputs = f"{sys.version} {PROJECT}".encode() + (PROJECT / "uv.lock").read_bytes()
    locked = hashlib.sha256(inputs).hexdigest()
    kind = "dev" if dev else "simulator" if simulator else "base"
    stamp = PROJECT / ".venv" / f".made-{kind}"
    if _content(stamp) == locked and (PROJECT / ".venv/bin/python").exists():
        return
    if _is_foreign(PROJECT / ".venv"):
        raise ToolError(".venv is there, but is no virtual environment; remove it (`make clean` does), then try again")
    groups = {"dev": ["--all-groups"], "simulator": ["--inexact", "--group", "simulator"], "base": ["--inexact"]}[kind]
    # the build machine's own settings must not decide what is installed
    environment = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "UV_INDEX"}}
    environment["UV_CACHE_DIR"] = os.environ.get("UV_CACHE_DIR", str(cache_root() / "uv"))
    command = [str(uv()), "sync", "--locked", "--quiet", "--python", sys.executable, *groups]
    with step("making .venv (about 20 s the first time)", "making .venv", "made .venv"):
        result = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
        if result.returncode:
            raise ToolError(f".venv: uv sync failed: {cause(result.stderr)}")
    stamp.write_text(locked, encoding="ascii")


def uv() -> Path:
    """uv, which is installed into the cache if it is not there yet."""
    pins = REQUIREMENTS.read_bytes()
    entry = cache_root() / "tools" / f"uv-{hashlib.sha256(pins).hexdigest()[:12]}"
    make_entry(entry, "uv", lambda into: install_from_pypi("uv is missing", REQUIREMENTS, into))
    return entry / "bin" / "uv"


def _is_foreign(venv: Path) -> bool:
    """Whether something lies there that uv would not make an environment of, and that we must not remove."""
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
