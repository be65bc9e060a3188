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
    """Reads a unit file from its beginning to its end, by the steps of the reference."""

    def __init__(self, contents: str) -> None:
        self.text = contents
        self.position = 0
        self.buffer = _Buffer(contents) if len(contents) >= LINE_MAX else None

    def options(self) -> Iterator[str]:
        """Yield the section of each option."""
        section: str | None = None
        while self.position < len(self.text):
            self.begin_step()
            character = self.text[self.position]
            if character == "[":
                self.read_characters(self.position + 1)
                section = self.section()
            elif character in "#;":
                self.read_characters(self.position + 1)
                self.pass_comment()
            elif section is None or character.isspace():
                self.read_characters(self.position + 1)
            else:
                if self.buffer is not None:
                    self.buffer.look_at_character(self.position)
                self.pass_option()
                yield section

    def section(self) -> str:
        self.begin_step()
        close = self.text.find("]", self.position)
        if close < 0:
            raise UnitError("a section name has no closing bracket")
        name = self.text[self.position : close]
        self.read_whole(close + 1)
        self.begin_step()
        rest = self.line().strip()
        if rest:
            raise UnitError(f"text after the section name [{_short(name)}]: {_short(rest)!r}")
        return name

    def pass_comment(self) -> None:
        """Pass over a comment, which goes on after a backslash at the end of a line."""
        self.begin_step()
        while self.line().removesuffix(" ").endswith("\\"):
            pass

    def pass_option(self) -> None:
        """Pass over name and value; a value goes on after a backslash at the end of a line."""
        self.begin_step()
        end = self.text.find("\n", self.position)
        line = self.text[self.position : end if end >= 0 else len(self.text)]
        name, equals, _ = line.partition("=")
        if not equals or "\r" in name:
            raise UnitError(f"an option needs an equals sign: {_short(line.strip())!r}")
        self.read_characters(self.position + len(name) + 1)
        while True:
            self.begin_step()
            value = self.line()
            if not value.strip() or not value.endswith("\\"):
                return

    def line(self) -> str:
        """Return the rest of the line and go to the next one."""
        start = self.position
        end = self.text.find("\n", start)
        self.read_whole(len(self.text) if end < 0 else end + 1)
        return self.text[start : self.position].removesuffix("\n")

    def begin_step(self) -> None:
        if self.buffer is not None:
            self.buffer.check()

    def read_characters(self, position: int) -> None:
        """Go to a position, character by character."""
        self.position = position
        if self.buffer is not None:
            self.buffer.read_characters(position)

    def read_whole(self, position: int) -> None:
        """Go to a position in one piece."""
        self.position = position
        if self.buffer is not None:
            self.buffer.read_whole(position)


class _Buffer:
    """Refuses lines that systemd would cut off.

    The reference looks at what its reader holds in a buffer of 4096 bytes, so a long line is only found when
    enough of it is there. That is followed here, so that both refuse the same units.
    """

    def __init__(self, contents: str) -> None:
        self.text = contents
        self.data = contents.encode("utf-8", "surrogateescape")
        self.character = 0
        self.start = 0
        self.end = 0

    def check(self) -> None:
        """Refuse when the buffer begins with a line that is too long."""
        if self.end - self.start >= LINE_MAX:
            ahead = self.data[self.start : self.start + LINE_MAX]
            if b"\n" not in ahead and b"\r" not in ahead:
                raise UnitError(f"a line is longer than {LINE_MAX} bytes, which systemd does not read")

    def offset(self, position: int) -> int:
        """Return where a character stands in the bytes; the last position that was read is remembered."""
        between = self.text[self.character : position]
        return self.start + len(between.encode("utf-8", "surrogateescape"))

    def fill(self) -> None:
        self.end = min(self.start + _BUFFER, len(self.data))

    def look_at_character(self, position: int) -> None:
        """Read a character and put it back."""
        start, character = self.start, self.character
        self.read_characters(position + 1)
        self.start, self.character = start, character

    def read_characters(self, position: int) -> None:
        target = self.offset(position)
        while self.end < target:
            self.start = self.end
            while self.data[self.start] & 0xC0 == 0x80:  # not in the middle of a character
                self.start -= 1
            self.fill()
        self.start, self.character = target, position

    def read_whole(self, position: int) -> None:
        target = self.offset(position)
        while self.end < target:
            if self.end - self.start >= _BUFFER:
                self.start = self.end
            self.fill()
        self.start, self.character = target, position
