"""Reports: what is wrong with a document, and where in its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

_MESSAGE_LENGTH = 400
_STEP_LENGTH = 100
_SIMPLE_NAME = re.compile(r"[\w<*?/@:+-][\w .<*?/@:+-]*")


class Key(str):
    """A path step that points at a mapping's key itself, not at its value."""

    __slots__ = ()


Path = tuple[str | int, ...]
"""A place in a document: mapping keys and list indexes, from the root."""


class Level(StrEnum):
    """How bad an entry is. Errors refuse the document; warnings do so only when checks are strict."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding. `line` and `column` count from 1 and are None when the text has no such place."""

    level: Level
    path: Path
    message: str
    line: int | None = None
    column: int | None = None
    source: str = ""

    def __post_init__(self) -> None:
        """Cut the message: parts of the document in it may be as long as the document."""
        object.__setattr__(self, "message", cut(self.message, _MESSAGE_LENGTH))

    @property
    def path_text(self) -> str:
        """The path as users read it, as in `$.storage.files.0.path`."""
        return ".".join(["$", *(_printable(str(step)) for step in self.path)])

    def __str__(self) -> str:
        """One line: source, position, level unless it is an error, path and sentence."""
        where = ":".join(str(part) for part in (self.source, self.line, self.column) if part not in ("", None))
        level = "" if self.level is Level.ERROR else f"{self.level}: "
        return (
            f"{where}: {level}{self.path_text}: {self.message}" if where else f"{level}{self.path_text}: {self.message}"
        )


def cut(text: str, length: int) -> str:
    """Leave the middle out of what is longer."""
    half = length // 2
    return text if len(text) <= length else f"{text[:half]} ... {text[-half:]}"


def _printable(text: str) -> str:
    """Keep a step of a path short and on one line, whatever the key is."""
    text = cut(text, _STEP_LENGTH)
    return text if _SIMPLE_NAME.fullmatch(text) else repr(text)


@dataclass(slots=True)
class Report:
    """The findings of one translation, in the order in which they were found, each once."""

    entries: list[Entry] = field(default_factory=list)
    _seen: set[Entry] = field(default_factory=set, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._seen.update(self.entries)

    def error(self, path: Path, message: str) -> None:
        """Add an error."""
        self.add(Entry(Level.ERROR, path, message))

    def warning(self, path: Path, message: str) -> None:
        """Add a warning."""
        self.add(Entry(Level.WARNING, path, message))

    def add(self, entry: Entry) -> None:
        """Add an entry unless the same was said before."""
        if entry not in self._seen:
            self._seen.add(entry)
            self.entries.append(entry)

    def extend(self, entries: Iterable[Entry]) -> None:
        """Add several entries."""
        for entry in entries:
            self.add(entry)

    @property
    def errors(self) -> list[Entry]:
        """The entries that refuse the document."""
        return [entry for entry in self.entries if entry.level is Level.ERROR]

    @property
    def warnings(self) -> list[Entry]:
        """The entries that refuse the document only when checks are strict."""
        return [entry for entry in self.entries if entry.level is Level.WARNING]

    @property
    def is_fatal(self) -> bool:
        """Whether the document is refused."""
        return any(entry.level is Level.ERROR for entry in self.entries)

    def strict(self) -> Report:
        """Return the same report with every warning made an error."""
        return Report([replace(entry, level=Level.ERROR) for entry in self.entries])

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __str__(self) -> str:
        return "\n".join(str(entry) for entry in self.entries)


class ButaneError(ValueError):
    """A document is refused. `report` says why; the text is the same, one line an entry."""

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report
