"""`python3 -m tools.packages FILE`: installs the Debian packages of what FILE names and is not there.

Each line of FILE names a program, or a file by its absolute path, and its package. Without apt or without root it
stops with the list.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.causes import cause
from tools.errors import ToolError
from tools.progress import step

# where Debian puts servers; not on every user's PATH
SERVER_FOLDERS = "/usr/sbin:/sbin"


def main(arguments: list[str]) -> int:
    """Installs what is missing; returns the exit code."""
    if len(arguments) != 1:
        print("usage: python3 -m tools.packages FILE", file=sys.stderr)
        return 2
    wanted = read_packages(Path(arguments[0]))
    missing = {name: package for name, package in wanted.items() if not is_there(name)}
    try:
        if missing:
            install_packages(missing)
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def read_packages(file: Path) -> dict[str, str]:
    """Reads lines of `program package` or `/path/of/a/file package`; # starts a comment."""
    lines = (line.partition("#")[0].split() for line in file.read_text(encoding="utf-8").splitlines())
    return {line[0]: line[1] for line in lines if len(line) == 2}


def is_there(name: str) -> bool:
    """Whether the program is found, or, for an absolute path, whether the file exists."""
    if name.startswith("/"):
        return Path(name).is_file()
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SERVER_FOLDERS}") is not None


def install_packages(missing: Mapping[str, str]) -> None:
    """Installs the packages of what is missing with apt. Raises ToolError that names it."""
    packages = sorted(set(missing.values()))
    command = f"apt-get install {' '.join(packages)}"
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise ToolError(f"missing: {', '.join(sorted(missing))}; as root: {command} (or what your system has for it)")
    # RUNLEVEL=1 keeps the packages from starting their services
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with step(f"installing system packages: {' '.join(packages)}", "installing packages", "installed packages"):
        said = ""  # an update that cannot reach its servers only warns, and the install then knows no such package
        for step_command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        ):
            result = subprocess.run(step_command, env=environment, capture_output=True, text=True, check=False)
            said += result.stderr
            if result.returncode:
                raise ToolError(f"{command} failed: {cause(said)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
