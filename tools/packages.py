"""`python3 -m tools.packages FILE`: installs the missing Debian packages that FILE names.

Each line of FILE names a program, or the absolute path of a file, and its package. Without apt or root the command
stops with the list.
"""

import os
import shutil
import sys
from pathlib import Path

from tools.apt import install_packages
from tools.errors import ToolError

# where Debian puts servers; not on every user's PATH
SERVER_FOLDERS = "/usr/sbin:/sbin"


def main(arguments: list[str]) -> int:
    """Installs what is missing; returns the exit code."""
    if len(arguments) != 1:
        print("usage: python3 -m tools.packages FILE", file=sys.stderr)
        return 2
    required = read_packages(Path(arguments[0]))
    missing = {name: package for name, package in required.items() if not is_installed(name)}
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


def is_installed(name: str) -> bool:
    """Whether the program is found, or, for an absolute path, whether the file exists."""
    if name.startswith("/"):
        return Path(name).is_file()
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SERVER_FOLDERS}") is not None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
