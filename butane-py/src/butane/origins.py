"""Where the parts of an Ignition document come from in the Butane text, so that errors point there.

Nearly every part comes from the key of the same name, so only exceptions are kept: what sugar generated, and
what changed its place when documents were merged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from butane.report import Path
from butane.schema import camel

_CAPITAL = re.compile("(MiB|[A-Z])")


def snake(name: str) -> str:
    """Return the Butane spelling of an Ignition key."""
    return _CAPITAL.sub(r"_\1", name).lower()


def snake_path(path: Path) -> Path:
    """Return the path of the Butane keys that are called like the Ignition keys of a path."""
    return tuple(snake(step) if isinstance(step, str) else step for step in path)


def camel_path(path: Path) -> Path:
    """Return the path of the Ignition keys that are called like the Butane keys of a path."""
    return tuple(camel(step) if isinstance(step, str) else step for step in path)


@dataclass(slots=True)
class Origins:
    """The exceptions of one document.

    `generated` maps an Ignition path to a Butane path, `whole` a path whose every part comes from one place, and
    `only` a path whose parts have their own origins. `moved` maps a path of a merged document to a path in one
    of the two that were merged. `source` tells documents apart once several are merged.
    """

    source: int | None = None
    generated: dict[Path, Path] = field(default_factory=dict)
    whole: dict[Path, Path] = field(default_factory=dict)
    only: dict[Path, Path] = field(default_factory=dict)
    moved: dict[Path, tuple[Origins, Path]] = field(default_factory=dict)

    def find(self, path: Path) -> tuple[Path, int | None]:
        """Return the Butane path of an Ignition path, and the document that has it."""
        if path in self.only:
            return self.only[path], self.source
        for length in range(len(path), -1, -1):
            prefix, rest = path[:length], path[length:]
            if prefix in self.whole:
                return self.whole[prefix], self.source
            if prefix in self.generated:
                return self.generated[prefix] + snake_path(rest), self.source
            if prefix in self.moved:
                origins, place = self.moved[prefix]
                found, source = origins.find(place + rest)
                return found, self.source if source is None else source
        return snake_path(path), self.source

    def of(self, document: dict[str, Any], path: Path) -> Path:
        """Return the Butane path to report for an Ignition path; what the document lacks has no origin."""
        return self.find(path)[0] if _is_set(document, path) else snake_path(path)


def _is_set(document: Any, path: Path) -> bool:
    value = document
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
        if value is None:
            return False
    return _says_something(value) if isinstance(value, dict | list) else not (value == "" and isinstance(path[-1], int))


def _says_something(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_says_something(item) if isinstance(item, dict | list) else True for item in value.values())
    return any(_says_something(item) if isinstance(item, dict | list) else item != "" for item in value)
