"""Programs in Python that stand in for podman and systemctl. They start often, so that a start must cost little.

Compiling such a program and importing json, re and pathlib takes twice as long as Python's own start. So a program is
compiled once, and takes from here what imports nothing.
"""

import marshal
import sys
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

LATER = '''
import os, sys


class Later:
    """A module that is imported when it is used: most calls need few of them."""

    def __init__(self, name):
        self.__dict__["name"] = name

    def __getattr__(self, attribute):
        return getattr(__import__(self.name), attribute)


def read(file):
    with open(file, encoding="utf-8") as opened:
        return opened.read()


def write(file, text, mode="w"):
    with open(file, mode, encoding="utf-8") as opened:
        opened.write(text)


def leave(status):
    """End this program without taking Python apart, which takes a tenth of its time."""
    sys.stdout.flush()
    os._exit(status)


def spawn(command, environment=None, *, text=None, quiet=False, account=None, folder=None):
    """Run a program to its end, like subprocess.call; returns its status, below 0 for a signal.

    `text` is its standard input, `quiet` hides its output, and `account` is an entry of the table of users.
    """
    environment = os.environ if environment is None else environment
    places = [os.path.join(place, command[0]) for place in environment["PATH"].split(":")]
    program = next(filter(os.path.exists, places))
    if text is not None:
        source, target = os.pipe()
        # what fits into a pipe
        assert os.write(target, text.encode()) == len(text.encode())
        os.close(target)
    child = os.fork()
    if child == 0:
        try:
            if text is not None:
                os.dup2(source, 0)
            if quiet:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            # locks of the caller among them
            os.closerange(3, 1024)
            if account:
                os.setgroups([])
                os.setgid(account.pw_gid)
                os.setuid(account.pw_uid)
            if folder:
                os.chdir(folder)
            os.execve(program, command, environment)
        finally:
            os._exit(127)
    if text is not None:
        os.close(source)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
'''


@cache
def _compiled(text: str) -> CodeType:
    return compile(text, "<stand-in>", "exec")


def write_program(file: Path, text: str, settings: dict[str, Any]) -> None:
    """Write a program that finds `settings` (texts, numbers, lists and dictionaries) in the variable of this name.

    Python reads neither its environment nor its folder of packages.
    """
    code = file.with_name(f".{file.name}.code")
    code.write_bytes(marshal.dumps((settings, _compiled(text))))
    load = f"import marshal\nwith open({str(code)!r}, 'rb') as file:\n    settings, code = marshal.load(file)\n"
    # not by way of .venv, which Python would look for
    file.write_text(f"#!{Path(sys.executable).resolve()} -IS\n{load}exec(code)\n")
    file.chmod(0o755)
