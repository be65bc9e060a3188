"""systemd's own formats: unit files and the escaping of paths in unit names.

Facts: github.com/coreos/go-systemd v22 (unit/deserialize.go, unit/escape.go), which the reference uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

LINE_MAX: Final = 2048
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
    return {section for section, _ in _options(contents)}


def _options(contents: str) -> Iterator[tuple[str, str]]:
    """Yield section and name of each option."""
    section: str | None = None
    position, end = 0, len(contents)
    while position < end:
        character = contents[position]
        if character == "[":
            section, position = _section(contents, position + 1)
        elif character in "#;":
            position = _after_comment(contents, position + 1)
        elif section is None or character.isspace():
            position += 1
        else:
            name, position = _option_name(contents, position)
            position = _after_value(contents, position)
            yield section, name


def _section(contents: str, position: int) -> tuple[str, int]:
    close = contents.find("]", position)
    if close < 0:
        raise UnitError("a section name has no closing bracket")
    rest, following = _line(contents, close + 1)
    if rest.strip():
        raise UnitError(f"text after the section name [{contents[position:close]}]: {rest.strip()!r}")
    return contents[position:close], following


def _line(contents: str, position: int) -> tuple[str, int]:
    """Return the rest of a line and where the next one begins."""
    end = contents.find("\n", position)
    if end < 0:
        return contents[position:], len(contents)
    return contents[position:end], end + 1


def _after_comment(contents: str, position: int) -> int:
    """Pass over a comment, which goes on after a backslash at the end of a line."""
    while True:
        line, position = _line(contents, position)
        if not line.removesuffix(" ").endswith("\\"):
            return position


def _option_name(contents: str, position: int) -> tuple[str, int]:
    line, _ = _line(contents, position)
    name, equals, _ = line.partition("=")
    if not equals or "\r" in name:
        raise UnitError(f"an option needs an equals sign: {line.strip()!r}")
    return name.strip(), position + len(name) + 1


def _after_value(contents: str, position: int) -> int:
    """Pass over a value, which goes on after a backslash at the end of a line."""
    while True:
        line, position = _line(contents, position)
        if not line.strip() or not line.endswith("\\"):
            return position
