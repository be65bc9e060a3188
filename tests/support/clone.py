"""A clean clone of the project, in which `make` runs as for a new user."""

import os
import shutil
import subprocess
from pathlib import Path

from lab.engine import PROJECT
from tests.support.bytecode import kept_bytecode

# what hatchling puts into the wheels of the two packages
PACKAGED = (".gitignore", "LICENSE", "README.md", "butane-py", "containers", "diaspora_infra", "templates")
# what a clone needs for `make up`, `make up-aws` and `make down`
LAB = (*PACKAGED, "Makefile", "Pulumi.dev.yaml", "Pulumi.yaml", "__main__.py", "lab", "plugin", "policy", "tools")

Result = subprocess.CompletedProcess[str]


def make_clone(folder: Path) -> Path:
    """Copy the files that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0"):
        if name and (PROJECT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            # with the times of the files, from which Python tells whether there is bytecode
            shutil.copy2(PROJECT / name, target)
    return folder


def make(clone: Path, *arguments: str) -> Result:
    """Run `make`; the caller checks the result."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "VIRTUAL_ENV"))}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=clone,
        env={**environment, **kept_bytecode(clone)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
