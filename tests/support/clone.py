"""A clean clone of the project, in which `make` runs as for a new user."""

import os
import subprocess
from pathlib import Path

from lab.engine import PROJECT

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
            target.write_bytes((PROJECT / name).read_bytes())
    return folder


def make(clone: Path, *arguments: str) -> Result:
    """Run `make`; the caller checks the result."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "VIRTUAL_ENV"))}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
