"""The local files that a document may embed: a directory, or a mapping held in memory."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

OUTSIDE: Final = "the path leads out of the files directory"


class FileError(Exception):
    """A local file cannot be used; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file in memory, where bytes alone do not say enough."""

    contents: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class LocalLink:
    """A symbolic link in memory."""

    target: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a walk meets: `path` is relative to where the walk began, empty for that place itself.

    `link` is the target of a symbolic link; `kind` is one of directory, file, link, other.
    """

    path: str
    kind: str
    executable: bool = False
    link: str = ""
    contents: bytes = b""


class Files(Protocol):
    """A tree of files with relative paths."""

    def read(self, path: str) -> bytes:
        """Return the contents of a file."""
        ...

    def walk(self, path: str) -> Iterator[Found | FileError]:
        """Yield a directory and everything below it, sorted by name, directories before what they hold."""
        ...


MemoryFiles = Mapping[str, bytes | LocalFile | LocalLink]


def files_of(files: str | os.PathLike[str] | MemoryFiles | None) -> Files | None:
    """Return the tree for what a caller gave: a directory, a mapping of paths, or nothing."""
    if files is None or files == "":
        return None
    return _Memory(files) if isinstance(files, Mapping) else _Directory(Path(files))


def _inside(path: str) -> str:
    """Return a path relative to the files directory, without `.` and `..`; a leading slash means nothing."""
    clean = posixpath.normpath("./" + path)
    if clean == ".." or clean.startswith("../"):
        raise FileError(OUTSIDE)
    return "" if clean == "." else clean


class _Directory:
    """Files on disk. Symbolic links are followed when a file is read, and kept as links in a tree."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes:
        relative = _inside(path)
        try:
            return (self.root / relative).read_bytes()
        except (OSError, ValueError) as error:
            raise FileError(_sentence(path, error)) from None

    def walk(self, path: str) -> Iterator[Found | FileError]:
        start = self.root / _inside(path)
        try:
            if not start.is_dir():
                start.stat()
                raise FileError("the root of a tree must be a directory")
        except (OSError, ValueError) as error:
            raise FileError(_sentence(path, error)) from None
        yield from self._walk(start, "")

    def _walk(self, start: Path, relative: str) -> Iterator[Found | FileError]:
        place = start / relative
        try:
            mode = place.lstat().st_mode
            if stat.S_ISDIR(mode):
                yield Found(relative, "directory")
                for name in sorted(os.listdir(place), key=os.fsencode):  # noqa: PTH208
                    yield from self._walk(start, posixpath.join(relative, name))
            elif stat.S_ISREG(mode):
                yield Found(relative, "file", executable=bool(mode & 0o111), contents=place.read_bytes())
            elif stat.S_ISLNK(mode):
                yield Found(relative, "link", link=str(place.readlink()))
            else:
                yield Found(relative, "other")
        except OSError as error:
            yield FileError(_sentence(relative, error))


def _sentence(path: str, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot read {path!r} in the files directory: {reason[:1].lower()}{reason[1:]}"


class _Memory:
    """Files in a mapping from relative paths, with slashes, to contents."""

    def __init__(self, files: MemoryFiles) -> None:
        self.files = {_inside(path): _entry(value) for path, value in files.items()}

    def read(self, path: str) -> bytes:
        entry = self.files.get(_inside(path))
        hops = 0
        place = _inside(path)
        while isinstance(entry, LocalLink) and hops < 40:
            place = _inside(posixpath.join(posixpath.dirname(place), entry.target))
            entry = self.files.get(place)
            hops += 1
        if not isinstance(entry, LocalFile):
            raise FileError(f"cannot read {path!r} in the files directory: no such file")
        return entry.contents

    def walk(self, path: str) -> Iterator[Found | FileError]:
        start = _inside(path)
        if start in self.files:
            raise FileError("the root of a tree must be a directory")
        inside = {}
        for name, entry in self.files.items():
            if not start or name.startswith(start + "/"):
                inside[name.removeprefix(start).removeprefix("/")] = entry
        if not inside:
            raise FileError(f"cannot read {path!r} in the files directory: no such directory")
        nodes = set(inside)
        for name in inside:
            nodes.update(parent.as_posix() for parent in Path(name).parents)
        for name in sorted(nodes, key=lambda name: [] if name == "." else name.encode().split(b"/")):
            if name in inside:
                yield _found(name, inside[name])
            else:
                yield Found("" if name == "." else name, "directory")


def _entry(value: bytes | LocalFile | LocalLink) -> LocalFile | LocalLink:
    return LocalFile(value) if isinstance(value, bytes) else value


def _found(name: str, entry: LocalFile | LocalLink) -> Found:
    if isinstance(entry, LocalLink):
        return Found(name, "link", link=entry.target)
    return Found(name, "file", executable=entry.executable, contents=entry.contents)
