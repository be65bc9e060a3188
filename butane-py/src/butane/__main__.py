"""The command `butane-py`, also `python -m butane`, with the options of the Go program."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from butane.api import translate
from butane.report import ButaneError, Report


def main(arguments: list[str] | None = None) -> int:
    """Translate a file or the standard input; return 0, or 1 when the document is refused."""
    options = _parser().parse_args(arguments)
    if options.version:
        # what reads it takes longer to import than most documents take to translate
        from butane.version import package_version

        print(f"butane-py {package_version()}")
        return 0
    name = options.input or "<stdin>"
    try:
        text = Path(options.input).read_bytes() if options.input else sys.stdin.buffer.read()
    except OSError as error:
        return _fail(f"cannot read {name}: {error.strerror}")
    try:
        translation = translate(text, name=name, files=options.files_dir, strict=options.strict)
    except ButaneError as error:
        _print_report(error.report)
        return _fail("the document is refused")
    _print_report(translation.report)
    if options.check:
        return 0
    result = translation.text(pretty=options.pretty).encode() + b"\n"
    if not options.output:
        sys.stdout.buffer.write(result)
        return 0
    try:
        Path(options.output).write_bytes(result)
    except OSError as error:
        return _fail(f"cannot write {options.output}: {error.strerror}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="butane-py",
        description="Translate a Butane document to an Ignition document.",
        allow_abbrev=False,
    )
    parser.add_argument("input", nargs="?", metavar="input-file", help="the document (default: standard input)")
    parser.add_argument("-c", "--check", action="store_true", help="only check the document")
    parser.add_argument("-d", "--files-dir", default="", metavar="DIR", help="embed local files from this directory")
    parser.add_argument("-o", "--output", default="", metavar="FILE", help="write to a file")
    parser.add_argument("-p", "--pretty", action="store_true", help="indent the output")
    parser.add_argument("-r", "--raw", action="store_true", help="ignored; the output is always plain Ignition")
    parser.add_argument("-s", "--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument("-V", "--version", action="store_true", help="print the version and exit")
    return parser


def _print_report(report: Report) -> None:
    for entry in report:
        print(entry, file=sys.stderr)


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
