"""The command `python3 -m tools`."""

import argparse
import subprocess
import sys

from tools.errors import ToolError
from tools.pin import pin
from tools.pin_images import pin_images
from tools.policy_linters import policy_linters_python
from tools.progress import say
from tools.provide import ensure, path_with, tool_names

DESCRIPTION = "Provide the programs that the project runs: from PATH, by download, or built from pinned Go modules."
EPILOG = (
    "`python3 -m tools pin [NAME...]` downloads the release assets for all platforms and writes checksums.txt. "
    "`python3 -m tools pin-images [NAME...]` asks the registries for the digests of the container images."
)


def main(arguments: list[str]) -> int:
    """Runs the command and returns the exit status."""
    try:
        if arguments[:1] == ["pin"]:
            return pin(arguments[1:])
        if arguments[:1] == ["pin-images"]:
            return pin_images(arguments[1:])
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
    parser.add_argument("names", metavar="NAME", nargs="*", help="tool of tools.toml")
    parser.add_argument("--set", metavar="SET", action="append", default=[], help="all tools of a set: up, aws, test")
    parser.add_argument("--linters", action="store_true", help="also provide the policy linters of the AWS stack")
    parser.add_argument(
        "--beside",
        metavar="COMMAND",
        nargs=argparse.REMAINDER,
        help="run COMMAND at the same time; print only its output",
    )
    parser.add_argument("--path", action="store_true", help="print a PATH that includes the tools")
    options = parser.parse_args(arguments)
    names = [*options.names, *(name for set_name in options.set for name in tool_names(set_name))]
    if not names:
        parser.error("name a tool or a set")
    if options.beside:
        return run_beside(options.beside, names, linters=options.linters)
    if options.path:
        print(path_with(names))
        return 0
    for name, path in ensure(names).items():
        print(name, path)
    if options.linters:
        print("linters", policy_linters_python())
    return 0


def run_beside(command: list[str], names: list[str], *, linters: bool) -> int:
    """Provides the tools while a command runs; returns the command's exit status, or raises ToolError."""
    with subprocess.Popen(command) as process:
        try:
            ensure(names)
            if linters:
                policy_linters_python()
        finally:
            status = process.wait()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
