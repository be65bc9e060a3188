"""From text to Ignition: the steps in their order."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from diaspora_infra.butane import ignition_rules, nodes, source_rules
from diaspora_infra.butane.boot_device import add_boot_device
from diaspora_infra.butane.convert import convert
from diaspora_infra.butane.decode import Document, check_unused_keys, decode
from diaspora_infra.butane.files import MemoryFiles, files_of
from diaspora_infra.butane.grub import add_grub
from diaspora_infra.butane.ignition import Ignition, complete, to_text
from diaspora_infra.butane.mount_unit import add_mount_units
from diaspora_infra.butane.nodes import Node, YamlError
from diaspora_infra.butane.origins import Origins
from diaspora_infra.butane.partitions import check_partitions
from diaspora_infra.butane.report import ButaneError, Entry, Level, Report
from diaspora_infra.butane.schema import (
    IGNITION_MINORS,
    LATEST,
    VARIANT,
    VERSIONS,
    Field,
    Struct,
    struct,
)
from diaspora_infra.butane.translation import Work
from diaspora_infra.butane.trees import add_trees

Source = str | bytes | Mapping[str, Any]
FileTree = str | os.PathLike[str] | MemoryFiles | None

_VERSION = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})\.([0-9]{1,18})")
_HEADER = Struct(
    "header",
    LATEST,
    {key: Field(key, "str", "", plain=True) for key in ("version", "variant")},
    {},
    (),
)


@dataclass(frozen=True, slots=True)
class Translation:
    """An Ignition document and what was remarked on the way (warnings only).

    `version` is that of the Butane document, as in 1.5.0.
    """

    ignition: Ignition
    report: Report
    version: str

    def text(self, *, pretty: bool = False) -> str:
        """Return the Ignition document as JSON, without a line end."""
        return to_text(self.ignition, pretty=pretty)


def translate(
    source: Source,
    *,
    name: str = "config.bu",
    files: FileTree = None,
    strict: bool = False,
    max_version: str | None = None,
) -> Translation:
    """Translate a Butane document of the variant fcos to Ignition.

    Args:
        source: The text, or the document already parsed (positions are then those of its JSON text).
        name: What error lines call the document.
        files: Where local files are read from: a directory, or a mapping from relative paths to contents.
        strict: Refuse what would only be warned of.
        max_version: The newest version of the variant to accept, as in 1.5.0.

    Raises:
        ButaneError: The document is refused; its report has every reason.

    """
    root = _parse(source, name)
    translation, _ = _translate(root, name, files, max_version)
    if strict and translation.report.entries:
        raise ButaneError(translation.report.strict())
    return translation


def _translate(root: Node | None, name: str, files: FileTree, max_version: str | None) -> tuple[Translation, Origins]:
    minor = _minor_version(root, name, max_version)
    assert root is not None  # noqa: S101 - a text without a document has no version
    shape = struct("config", minor)
    decoded = Report()
    document = decode(shape, root, decoded)
    _stop_on_errors(decoded, root, name)
    report = Report()
    check_unused_keys(shape, document, root, report)
    source_rules.check(shape, document, report)
    _stop_on_errors(report, root, name)
    work = Work(document, minor, files_of(files), report)
    _build(work, root, name)
    translation = Translation(complete(shape, work.ignition), _located(report, root, name), VERSIONS[minor])
    return translation, work.origins


def _build(work: Work, root: Node, name: str) -> None:
    """Make the Ignition document; problems that concern it are reported where they come from."""
    convert(work)
    add_mount_units(work)
    add_trees(work)
    _stop_on_errors(work.report, root, name)
    add_boot_device(work)
    remarks = Report()
    check_partitions(work.ignition, work.minor, remarks)
    paths = [(entry, work.origins.of(work.ignition, entry.path)) for entry in remarks]
    add_grub(work)
    checked = Report()
    ignition_rules.check(work.ignition, IGNITION_MINORS[work.minor], checked)
    paths += [(entry, work.origins.of(work.ignition, entry.path)) for entry in checked]
    work.report.extend(replace(entry, path=path) for entry, path in paths)
    _stop_on_errors(work.report, root, name)


def _parse(source: Source, name: str) -> Node | None:
    if isinstance(source, Mapping):
        source = json.dumps(source, ensure_ascii=False, indent=1)
    try:
        return nodes.compose(source.decode("utf-8") if isinstance(source, bytes) else source)
    except UnicodeDecodeError as error:
        raise _refusal(name, "not a UTF-8 text", error.object[: error.start].count(b"\n") + 1) from None
    except YamlError as error:
        raise _refusal(name, error.message, error.line, error.column) from None


def _refusal(name: str, message: str, line: int | None = None, column: int | None = None) -> ButaneError:
    return ButaneError(Report([Entry(Level.ERROR, (), message, line, column, name)]))


def _minor_version(root: Node | None, name: str, max_version: str | None) -> int:
    """Return the minor version of the document, after checks that only concern what kind of document it is."""
    report = Report()
    header: Document = decode(_HEADER, root, report) if root is not None and not nodes.is_null(root) else {}
    _stop_on_errors(report, root, name)
    variant, version = header.get("variant", ""), header.get("version", "")
    match = _VERSION.fullmatch(version)
    if variant != VARIANT:
        report.error(("variant",), f"the variant must be {VARIANT}" + (f", not {variant!r}" if variant else ""))
    elif not match:
        report.error(
            ("version",),
            f"the version must have the form 1.5.0, not {version!r}" if version else "a version is required",
        )
    elif ".".join(str(int(part)) for part in match.groups()) not in VERSIONS:
        report.error(("version",), f"the version must be between {VERSIONS[0]} and {VERSIONS[-1]}, not {version}")
    elif max_version is not None and int(match[2]) > VERSIONS.index(max_version):
        report.error(("version",), f"version {version} is above {max_version}, the newest that is accepted here")
    _stop_on_errors(report, root, name)
    assert match is not None  # noqa: S101 - checked above
    return int(match[2])


def _stop_on_errors(report: Report, root: Node | None, name: str) -> None:
    if report.is_fatal:
        raise ButaneError(_located(report, root, name))


def _located(report: Report, root: Node | None, name: str) -> Report:
    """Return the report with source and position in every entry."""
    located = Report()
    for entry in report:
        line, column = entry.line, entry.column
        if line is None:
            line, column = nodes.locate(root, entry.path) or (None, None)
        located.add(replace(entry, line=line, column=column, source=name))
    return located
