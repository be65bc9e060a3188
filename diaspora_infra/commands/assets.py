"""`diaspora-infra assets`: the files of a Fedora CoreOS release, for a matchbox server that serves them itself."""

import argparse
import os
import sys
import time
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from diaspora_infra.config import Architecture, ConfigError, Problem, Release, Stream, load_written
from diaspora_infra.config.loader.checks import check_release
from diaspora_infra.config.problems import problems_of
from diaspora_infra.config.types import HttpUrl
from diaspora_infra.stack_files import load_file, read_stack_file


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `assets download`."""
    text = "download the files of a Fedora CoreOS release, for `source: matchbox`"
    parser = commands.add_parser("assets", help=text, description=text)
    actions = parser.add_subparsers(required=True, metavar="COMMAND")
    text = "download and verify kernel, initramfs, rootfs and metal image of a release; run again to continue"
    download = actions.add_parser("download", help=text, description=text)
    download.add_argument(
        "stack_file",
        metavar="STACK_FILE",
        type=Path,
        nargs="?",
        help="stack file to read release and architectures from",
    )
    download.add_argument(
        "--output", metavar="FOLDER", type=Path, required=True, help="the assets folder of matchbox (-assets-path)"
    )
    download.add_argument("--stream", choices=[str(stream) for stream in Stream], help="update stream; default: stable")
    download.add_argument("--version", metavar="V", help="release; default: that of the stack file, else the newest")
    download.add_argument(
        "--architecture",
        action="append",
        choices=[str(architecture) for architecture in Architecture],
        help="CPU architecture; can be repeated; default: those of the stack file, else x86_64",
    )
    download.add_argument("--keyring", metavar="FILE", type=Path, help="keys to check signatures with (needs gpgv)")
    download.add_argument("--base-url", metavar="URL", help="a mirror of https://builds.coreos.fedoraproject.org")
    download.set_defaults(run=_download)


def _download(options: argparse.Namespace) -> int:
    from diaspora_infra.pxe.assets import FOLDER, SERVER, build_url
    from diaspora_infra.pxe.fetch import fetch_assets, find_release, open_keyring

    base_url = SERVER if options.base_url is None else _base_url(options.base_url)
    stream, version, architectures = _release_to_download(options)
    keyring = None if options.keyring is None else open_keyring(options.keyring)
    folder = options.output / FOLDER
    report = _Lines()
    try:
        version, assets = find_release(base_url, stream, version, architectures)
        report.say(f"Fedora CoreOS {version} ({stream}) for {', '.join(architectures)}, into {folder}")
        folder.mkdir(parents=True, exist_ok=True)
        problems: list[Problem] = []
        for architecture in architectures:
            address = build_url(base_url, stream, version, architecture)
            problems += fetch_assets(address, assets[architecture], folder, keyring, report)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; run the command again to continue") from None
    finally:
        report.clear()
    if problems:
        raise ConfigError(problems)
    if keyring is None:
        report.say("Signatures were not checked; use --keyring to check them.")
    return 0


def _release_to_download(options: argparse.Namespace) -> tuple[str, str | None, list[str]]:
    """Stream, release and architectures: from the options, else from the stack file. Raises ConfigError."""
    stream, version, architectures = options.stream, options.version, options.architecture
    if options.stack_file is not None:
        pxe = load_file(load_written, read_stack_file(options.stack_file)).pxe
        if pxe is None:
            raise ConfigError(
                [
                    Problem(
                        "pxe",
                        "required, because the release is read from this key; add it, or leave out the stack file",
                    )
                ]
            )
        architectures = architectures or [str(machine.architecture) for machine in pxe.machines]
        if stream is None:
            stream, version = str(pxe.release.stream), version or pxe.release.version
    stream = stream or str(Stream.STABLE)
    if version is not None:
        _check_release(stream, version)
    return stream, version, sorted(set(architectures or [str(Architecture.X86_64)]))


def _check_release(stream: str, version: str) -> None:
    try:
        problems = check_release("pxe", Release.model_validate({"stream": stream, "version": version}))
    except ValidationError as error:
        problems = problems_of(error, Release, "pxe.release")
    if problems:
        raise ConfigError(Problem(f"--{problem.path.rpartition('.')[2]}", problem.message) for problem in problems)


def _base_url(url: str) -> str:
    try:
        checked: str = TypeAdapter(HttpUrl).validate_python(url)
    except ValidationError as error:
        raise ConfigError([Problem("--base-url", str(error.errors()[0]["ctx"]["error"]))]) from None
    return checked.rstrip("/")


class _Lines:
    """Lines on standard output; on a terminal also a progress line."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = 0.0
        self._began: tuple[str, int, float] = ("", 0, 0.0)

    def say(self, line: str) -> None:
        """Print a line."""
        self.clear()
        print(line, flush=True)

    def clear(self) -> None:
        """Clear the progress line."""
        if self._terminal and self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._shown = 0.0

    def progress(self, name: str, done: int, total: int | None) -> None:
        """Show the progress of a file, ten times a second; without a terminal only its start."""
        now = time.monotonic()
        if self._began[0] != name:
            self._began = (name, done, now)
            if not self._terminal:
                print(f"{name}: fetching{'' if total is None else f' {_mib(total)} MiB'}", flush=True)
        if self._terminal and now - self._shown >= 0.1:
            self._shown = now
            speed = (done - self._began[1]) / max(now - self._began[2], 0.001)
            width = os.get_terminal_size(sys.stderr.fileno()).columns or 80  # a serial line does not know its width
            line = bar_line(name, done, total, speed, width)
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def bar_line(name: str, done: int, total: int | None, speed: float, width: int) -> str:
    """The progress line of a file, at most `width` - 1 characters; sizes in bytes, speed in bytes a second."""
    amount = f"{_mib(done)} MiB" if not total else f"{100 * done // total:3} % of {_mib(total)} MiB"
    numbers = f"  {amount}, {_mib(speed)} MiB/s"
    room = max(width - 1 - len(numbers), 0)
    shown = name if len(name) <= room else f"{name[: max(room - 1, 0)]}…"[:room]
    return f"{shown}{numbers}"[: max(width - 1, 0)]


def _mib(size: float) -> str:
    return f"{size / (1 << 20):.1f}"
