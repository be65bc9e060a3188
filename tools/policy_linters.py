"""`python3 -m tools.policy_linters`: the policy linters of the AWS stack, in an environment of their own in the cache.

checkov pins old releases of packages that the project needs in new ones, so it cannot live in `.venv`. Prints the
Python that imports checkov, parliament and cfn-lint.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tools.cache import cache_root, make_entry
from tools.environment import uv
from tools.error_hints import cause
from tools.errors import ToolError
from tools.manifest import FOLDER
from tools.progress import step

REQUIREMENTS = FOLDER / "policy-linters-requirements.txt"


def main() -> int:
    """Creates the environment; returns the exit code."""
    try:
        print(policy_linters_python())
    except (ToolError, OSError) as error:
        print(f"policy linters: {error}" if isinstance(error, OSError) else error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def policy_linters_python() -> Path:
    """The Python of the environment, created if necessary. Raises ToolError."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode() + sys.base_prefix.encode())
    entry = cache_root() / "tools" / f"policy-linters-{pins.hexdigest()[:12]}"
    make_entry(entry, "policy_linters", _make)
    return entry / "bin" / "python"


def _make(entry: Path) -> None:
    doing = "installing the policy linters of the AWS stack"
    python = str(entry / "bin" / "python")
    with step(f"{doing} (about 30 s, once)", doing, "installed the policy linters"):
        _run("venv", "--quiet", "--allow-existing", "--python", sys.executable, str(entry))
        _run("pip", "sync", "--quiet", "--python", python, "--require-hashes", str(REQUIREMENTS))


def _run(*arguments: str) -> None:
    # the user's own settings must not change what is installed
    environment = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "UV_INDEX"}}
    environment["UV_CACHE_DIR"] = os.environ.get("UV_CACHE_DIR", str(cache_root() / "uv"))
    result = subprocess.run([str(uv()), *arguments], env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise ToolError(f"policy linters: uv {arguments[0]} failed: {cause(result.stderr)}")


if __name__ == "__main__":
    sys.exit(main())
