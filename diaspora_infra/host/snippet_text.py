"""Refuse control characters in snippets: the first boot stops at a path with NUL, and no name has a line break.

Contents of files are not looked at: they are data.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import butane

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NUL = re.compile(r"\x00")
_SEVERAL_LINES = frozenset({"contents", "sshAuthorizedKeys", "config"})
"""Keys with text of several lines: units and drop-ins, keys, and the JSON text of clevis."""


def check_text(merged: butane.Merged) -> list[butane.Entry]:
    """Find control characters in a merged document, each with its place in a snippet."""
    found = _texts(merged.ignition, ())
    return [merged.error(path, message) for path, text in found if (message := _problem(path, text))]


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, Sequence):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))


def _problem(path: tuple[str | int, ...], text: str) -> str | None:
    key = next(step for step in reversed(path) if isinstance(step, str))
    if key in _SEVERAL_LINES:
        return "holds the character NUL; remove it" if _NUL.search(text) else None
    if found := _CONTROL.search(text):
        return f"holds a control character ({found[0]!r}); allowed: one line of text (no `|` or `>` before it in YAML)"
    return None
