"""The command `python3 -m tools`."""

import argparse
import sys

from tools.errors import ToolError
from tools.pin import pin
from tools.progress import say
from tools.provide import ensure, path_with, tool_names

DESCRIPTION = "Provides the programs that the project runs: from PATH, by download, or built from pinned Go modules."
EPILOG = "`python3 -m tools pin [NAME...]` downloads the release assets for all platforms and writes checksums.txt."


def main(arguments: list[str]) -> int:
    """Runs the command and returns the exit status."""
    try:
        if arguments[:1] == ["pin"]:
            return pin(arguments[1:])
        return provide(arguments)
    except ToolError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130


def provide(arguments: list[str]) -> int:
    """Provides the tools and prints a line `NAME PATH` for each, or one value for PATH."""
    parser = argparse.ArgumentParser(prog="python3 -m tools", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("names", metavar="NAME", nargs="*", help="a tool of tools.toml")
    parser.add_argument("--set", metavar="SET", action="append", default=[], help="all tools of a set: up, test")
    parser.add_argument("--path", action="store_true", help="print a value for PATH that has the tools on it")
    options = parser.parse_args(arguments)
    names = [*options.names, *(name for set_name in options.set for name in tool_names(set_name))]
    if not names:
        parser.error("name a tool or a set")
    if options.path:
        print(path_with(names))
        return 0
    for name, path in ensure(names).items():
        print(name, path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
