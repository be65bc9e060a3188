"""systemd's own formats: unit files and the escaping of paths in unit names.

Facts: github.com/coreos/go-systemd v22 (unit/deserialize.go, unit/escape.go), which the reference uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

LINE_MAX: Final = 2048
_BUFFER: Final = 4096
_SHOWN: Final = 30
_PLAIN: Final = frozenset(b":_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


class UnitError(Exception):
    """A text is not a unit file; the text is a sentence for the user."""


def escape_path(path: str) -> str:
    r"""Escape a path as `systemd-escape --path` does: `/var/lib/my data` becomes `var-lib-my\x20data`."""
    parts = [part for part in path.encode("utf-8", "surrogateescape").split(b"/") if part]
    if not parts:
        return "-"
    text = "-".join("".join(_escape(byte) for byte in part) for part in parts)
    return "\\x2e" + text[1:] if text.startswith(".") else text


def _escape(byte: int) -> str:
    return chr(byte) if byte in _PLAIN else f"\\x{byte:x}"


def sections_with_options(contents: str) -> set[str]:
    """Return the names of the sections that hold at least one option.

    Raises:
        UnitError: The text is not a unit file.

    """
    return set(_Reader(contents).options())


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


class _Reader:
    """Reads a unit file from its beginning to its end."""

    def __init__(self, contents: str) -> None:
        self.text = contents
        self.position = 0
        self.long_lines = _LongLines(contents) if len(contents) >= LINE_MAX else None

    def options(self) -> Iterator[str]:
        """Yield the section of each option."""
        section: str | None = None
        while self.position < len(self.text):
            self.check_line()
            character = self.text[self.position]
            if character == "[":
                section = self.section()
            elif character in "#;":
                self.position += 1
                self.pass_comment()
            elif section is None or character.isspace():
                self.position += 1
            else:
                self.pass_option()
                yield section

    def section(self) -> str:
        self.position += 1
        self.check_line()
        close = self.text.find("]", self.position)
        if close < 0:
            raise UnitError("a section name has no closing bracket")
        name, self.position = self.text[self.position : close], close + 1
        self.check_line()
        rest = self.line().strip()
        if rest:
            raise UnitError(f"text after the section name [{_short(name)}]: {_short(rest)!r}")
        return name

    def line(self) -> str:
        """Return the rest of the line and go to the next one."""
        start = self.position
        end = self.text.find("\n", start)
        self.position = len(self.text) if end < 0 else end + 1
        return self.text[start : self.position].removesuffix("\n")

    def pass_comment(self) -> None:
        """Pass over a comment, which goes on after a backslash at the end of a line."""
        self.check_line()
        while self.line().removesuffix(" ").endswith("\\"):
            pass

    def pass_option(self) -> None:
        """Pass over name and value; a value goes on after a backslash at the end of a line."""
        self.check_line()
        start = self.position
        name, equals, _ = self.line().partition("=")
        if not equals or "\r" in name:
            raise UnitError(f"an option needs an equals sign: {_short((name + equals).strip())!r}")
        self.position = start + len(name) + 1
        while True:
            self.check_line()
            value = self.line()
            if not value.strip() or not value.endswith("\\"):
                return

    def check_line(self) -> None:
        if self.long_lines is not None:
            self.long_lines.check(self.position)


class _LongLines:
    """Refuses lines that systemd would cut off.

    The reference looks at what its reader holds in a buffer of 4096 bytes, so a long line is only found when
    enough of it is there. That is followed here, so that both refuse the same units.
    """

    def __init__(self, contents: str) -> None:
        self.text = contents
        self.data = contents.encode("utf-8", "surrogateescape")
        self.same_length = len(self.data) == len(contents)
        self.start = 0
        self.filled = 0

    def check(self, position: int) -> None:
        """Look at the text from here on, after reading up to here."""
        offset = position if self.same_length else len(self.text[:position].encode("utf-8", "surrogateescape"))
        while self.filled < offset:
            if self.filled - self.start >= _BUFFER:
                self.start = self.filled
            self.filled = min(self.start + _BUFFER, len(self.data))
        self.start = offset
        if self.filled - offset >= LINE_MAX:
            ahead = self.data[offset : offset + LINE_MAX]
            if b"\n" not in ahead and b"\r" not in ahead:
                raise UnitError(f"a line is longer than {LINE_MAX} bytes, which systemd does not read")
