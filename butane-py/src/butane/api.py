"""From text to Ignition: the steps in their order."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from butane import ignition_json, ignition_rules, nodes, source_rules
from butane.boot_device import add_boot_device
from butane.convert import convert
from butane.decode import check_unused_keys, decode
from butane.files import MemoryFiles, files_of
from butane.grub import add_grub
from butane.ignition import Ignition, complete, to_text
from butane.merging import merge as merge_documents
from butane.mount_unit import add_mount_units
from butane.nodes import Composed, YamlError
from butane.origins import Origins
from butane.partitions import check_partitions
from butane.report import ButaneError, Entry, Level, Path, Report
from butane.schema import (
    IGNITION_MINORS,
    LATEST,
    LATEST_IGNITION,
    VARIANT,
    VERSIONS,
    Field,
    Struct,
    struct,
)
from butane.translation import TranslationState
from butane.trees import add_trees
from butane.upgrade import upgrade

Source = str | bytes | Mapping[str, Any]
FileTree = str | os.PathLike[str] | MemoryFiles | None

_VERSION = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})\.([0-9]{1,18})-?\+?")
_IGNITION_VERSION = re.compile(r"3\.([0-9]{1,18})\.0")
_HEADER = Struct(
    "header",
    LATEST,
    {key: Field(key, "str", "", plain=True) for key in ("version", "variant")},
    {},
    (),
)


_BEHIND = "only the first document of a text is read, and this is another one; remove it, or the marker before it"


@dataclass(frozen=True, slots=True)
class Translation:
    """An Ignition document and what was remarked on the way (warnings only).

    `version` is that of the Butane document, as in 1.5.0; of several, the newest.
    """

    ignition: Ignition
    report: Report
    version: str

    def text(self, *, pretty: bool = False) -> str:
        """Return the Ignition document as JSON, without a line end."""
        return to_text(self.ignition, pretty=pretty)


@dataclass(frozen=True, slots=True)
class Merged:
    """Several documents as one, before Ignition's rules are applied to the result.

    `parts` are the Ignition documents that were merged, in their order. Nothing in here may be changed.
    """

    ignition: Ignition
    parts: tuple[Ignition, ...]
    _inputs: tuple[_Input, ...]
    _origins: Origins

    def error(self, path: Path, message: str) -> Entry:
        """Return an error about a place of the merged Ignition document: it names the document that has the place."""
        return self.located(Entry(Level.ERROR, path, message))

    def located(self, entry: Entry) -> Entry:
        """Return an entry about a place of the merged document with its document and its place there."""
        path, source = self._origins.find(entry.path)
        return self._inputs[source or 0].locate(replace(entry, path=path))


Check = Callable[[Merged], Iterable[Entry]]


def translate(
    source: Source,
    *,
    name: str = "config.bu",
    files: FileTree = None,
    strict: bool = False,
    max_version: str | None = None,
    compress: bool = True,
) -> Translation:
    """Translate a Butane document of the variant fcos to Ignition.

    Args:
        source: The text, or the document already parsed (its problems then have no line).
        name: What error lines call the document.
        files: Where local files are read from: a directory, or a mapping from relative paths to contents.
        strict: Treat warnings as errors.
        max_version: The newest version of the variant to accept, as in 1.5.0.
        compress: Compress contents where that makes the result shorter, as the Go program does by default.

    Raises:
        ButaneError: The document is refused; its report has every reason.

    """
    translated = _Input(source, name).translate(files, max_version, compress=compress)
    _stop_if_strict(translated.report, strict)
    return Translation(
        complete(translated.state.shape, translated.state.ignition), translated.report, VERSIONS[translated.state.minor]
    )


def merge(
    sources: Mapping[str, Source] | Iterable[tuple[str, Source]],
    *,
    files: FileTree = None,
    strict: bool = False,
    max_version: str | None = None,
    check: Check | None = None,
) -> Translation:
    """Translate several documents and merge them by Ignition's rules; the later one wins.

    Documents of older versions are raised to the newest version among them.

    Args:
        sources: Documents by name, in the order in which they are merged.
        files: Where local files are read from, for all of them.
        strict: Treat warnings as errors.
        max_version: The newest version of the variant to accept, as in 1.5.0.
        check: Rules of your own for the merged document. What it returns is reported instead of Ignition's rules.

    Raises:
        ButaneError: A document or their union is refused; the report names the document of each problem.

    """
    pairs = list(sources.items() if isinstance(sources, Mapping) else sources)
    if not pairs:
        raise ValueError("there is nothing to merge")
    parts, report = _translate_all(pairs, files, max_version)
    if report.is_fatal:
        raise ButaneError(report)
    minor = max(part.state.minor for part in parts)
    shape = struct("config", minor)
    merged = _merge_all(parts, shape)
    if check is not None:
        report.extend(check(merged))
        if report.is_fatal:
            raise ButaneError(report)
    remarks = Report()
    ignition_rules.check(merged.ignition, IGNITION_MINORS[minor], remarks)
    report.extend(merged.located(entry) for entry in remarks)
    if report.is_fatal:
        raise ButaneError(report)
    _stop_if_strict(report, strict)
    return Translation(complete(shape, merged.ignition), report, VERSIONS[minor])


def check_ignition(text: str | bytes, *, name: str = "config.ign") -> Report:
    """Check an Ignition document of any version from 3.0.0 to 3.6.0, as ignition-validate does.

    Positions are not known; the path of every entry is that of the Ignition document.
    """
    report = Report()
    try:
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        version = ignition_json.version_of(text)
        match = _IGNITION_VERSION.fullmatch(version)
        if not match or int(match[1]) > LATEST_IGNITION:
            report.error(("ignition", "version"), f"the version must be between 3.0.0 and 3.{LATEST_IGNITION}.0")
        else:
            minor = int(match[1])
            ignition_json.check(ignition_json.parse(text, minor), minor, report)
    except ignition_json.JsonError as problem:
        report.error((), str(problem))
    return Report([replace(entry, source=name) for entry in report])


@dataclass(frozen=True, slots=True)
class _Translated:
    """A translated document before its keys are put in order."""

    source: _Input
    state: TranslationState
    report: Report


class _Input:
    """One source on its way: its nodes give every problem its place."""

    def __init__(self, source: Source, name: str) -> None:
        self.name = name
        self.has_lines = not isinstance(source, Mapping)
        self.root, self.behind = self._parse(source)

    def _parse(self, source: Source) -> Composed:
        if isinstance(source, Mapping):
            source = json.dumps(source, ensure_ascii=False)
        try:
            return nodes.compose_first(_decoded(source) if isinstance(source, bytes) else source)
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            entry = Entry(Level.ERROR, (), f"not a {error.encoding.upper()} text", line)
        except YamlError as error:
            entry = Entry(Level.ERROR, (), error.message, error.line, error.column)
        raise ButaneError(Report([replace(entry, source=self.name)]))

    def locate(self, entry: Entry) -> Entry:
        """Return an entry with source and position."""
        line, column = entry.line, entry.column
        if not self.has_lines:
            line, column = None, None
        elif line is None:
            line, column = nodes.locate(self.root, entry.path) or (None, None)
        return replace(entry, line=line, column=column, source=self.name)

    def located(self, report: Report) -> Report:
        located = Report()
        located.extend(self.locate(entry) for entry in report)
        return located

    def stop_on_errors(self, report: Report) -> None:
        if report.is_fatal:
            raise ButaneError(self.located(report))

    def translate(self, files: FileTree, max_version: str | None, *, compress: bool = True) -> _Translated:
        minor = self.minor_version(max_version)
        assert self.root is not None  # noqa: S101 - a text without a document has no version
        shape = struct("config", minor)
        report = Report()
        document = decode(shape, self.root, report)
        self.stop_on_errors(report)
        check_unused_keys(shape, document, self.root, report)
        if self.behind is not None:
            report.add(Entry(Level.WARNING, (), _BEHIND, self.behind))
        source_rules.check(shape, document, report)
        self.stop_on_errors(report)
        state = TranslationState(document, minor, files_of(files), report, compress)
        self.build(state)
        return _Translated(self, state, self.located(report))

    def minor_version(self, max_version: str | None) -> int:
        """Return the minor version, after the checks that only concern what kind of document it is."""
        report = Report()
        known = self.root is not None and not nodes.is_null(self.root)
        header = decode(_HEADER, self.root, report) if known and self.root else {}
        self.stop_on_errors(report)
        variant, version = header.get("variant", ""), header.get("version", "")
        newest = VERSIONS[-1] if max_version is None else max_version
        if newest not in VERSIONS:
            raise ValueError(f"max_version must be one of {', '.join(VERSIONS)}, not {newest}")
        match = _VERSION.fullmatch(version)
        if variant != VARIANT:
            report.error(("variant",), f"the variant must be {VARIANT}" + (f", not {variant!r}" if variant else ""))
        elif not match:
            found = f", not {version!r}" if version else ""
            report.error(("version",), f"the version must have the form {newest}{found}")
        elif ".".join(str(int(part)) for part in match.groups()) not in VERSIONS:
            report.error(("version",), f"the version must be between {VERSIONS[0]} and {newest}, not {version}")
        elif int(match[2]) > VERSIONS.index(newest):
            report.error(("version",), f"version {version} is above {newest}, the newest that is accepted here")
        self.stop_on_errors(report)
        return int(match[2]) if match else 0

    def build(self, state: TranslationState) -> None:
        """Make the Ignition document; problems that concern it are reported where they come from."""
        convert(state)
        add_mount_units(state)
        add_trees(state)
        self.stop_on_errors(state.report)
        add_boot_device(state)
        remarks = Report()
        check_partitions(state.ignition, state.minor, remarks)
        add_grub(state)
        ignition_rules.check(state.ignition, IGNITION_MINORS[state.minor], remarks)
        for entry in remarks:
            state.report.add(replace(entry, path=state.origins.of(state.ignition, entry.path)))
        self.stop_on_errors(state.report)


def _decoded(source: bytes) -> str:
    """Decode a text as go-yaml does: UTF-8, unless it begins with the byte-order mark of UTF-16."""
    return source.decode("utf-16" if source.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8")


def _translate_all(
    pairs: list[tuple[str, Source]], files: FileTree, max_version: str | None
) -> tuple[list[_Translated], Report]:
    """Translate every document that can be; the report has what is said of all of them."""
    parts: list[_Translated] = []
    report = Report()
    for name, source in pairs:
        try:
            part = _Input(source, name).translate(files, max_version)
        except ButaneError as error:
            report.extend(error.report)
        else:
            report.extend(part.report)
            parts.append(part)
    return parts, report


def _merge_all(parts: list[_Translated], shape: Struct) -> Merged:
    newest = IGNITION_MINORS[shape.minor]
    merged, origins = None, Origins()
    for index, part in enumerate(parts):
        child = upgrade(part.state.ignition, IGNITION_MINORS[part.state.minor], newest)
        part.state.origins.source = index
        if merged is None:
            merged, origins = child, part.state.origins
        else:
            merged, origins = merge_documents(shape, merged, child, origins, part.state.origins)
    documents = tuple(part.state.ignition for part in parts)
    return Merged(merged or {}, documents, tuple(part.source for part in parts), origins)


def _stop_if_strict(report: Report, strict: bool) -> None:
    if strict and report.entries:
        raise ButaneError(report.strict())
