"""The Go program as the reference: run it, read its report, and compare with ours."""

import base64
import json
import re
import subprocess
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from butane import ButaneError, Translation, translate

ENTRY = re.compile(r"(error|warning)(?: at (?:(\$.*?))?(?:(?:, |(?<=at ))line (\d+) col (\d+))?)?: (.*)")
YAML_LINE = re.compile(r"line (\d+): ")
NEAR = 64
"""Deflate sizes of Go and zlib differ; within so many bytes either program may leave contents uncompressed."""

Finding = tuple[str, str, int | None, int | None]
"""Level, path, line and column of a report's entry."""


@dataclass
class Outcome:
    """The result of a program for a document."""

    accepted: bool
    compact: str = ""
    pretty: str = ""
    findings: set[Finding] = field(default_factory=set)
    lines: set[int] = field(default_factory=set)
    """Lines of a text that is no YAML, or whose values have the wrong type: the reference names no path there."""
    report: str = ""


def reference(binary: Path, text: str, files: Path | None = None) -> Outcome:
    """Run the Go program on a document."""
    arguments = [str(binary), "--raw-errors", *(["--files-dir", str(files)] if files else [])]
    compact = _run(arguments, text)
    if compact.returncode:
        return _refused(compact.stderr)
    pretty = _run([*arguments, "--pretty"], text)
    outcome = Outcome(True, compact.stdout, pretty.stdout, report=compact.stderr)
    outcome.findings = _findings(compact.stderr)
    return outcome


def _run(arguments: list[str], text: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        arguments, input=text, capture_output=True, encoding="utf-8", errors="surrogateescape", check=False, timeout=60
    )


def _refused(report: str) -> Outcome:
    outcome = Outcome(False, report=report, findings=_findings(report))
    failure = report.rpartition("Error translating config: ")[2]
    if "yaml: " in failure:
        outcome.lines = {int(line) for line in YAML_LINE.findall(failure)}
    return outcome


def _findings(report: str) -> set[Finding]:
    found = set()
    for line in report.splitlines():
        match = ENTRY.fullmatch(line)
        if match:
            level, path, row, column, _ = match.groups()
            found.add((level, path or "$", int(row) if row else None, int(column) if column else None))
    return found


def ours(text: str, files: Path | None = None) -> Outcome:
    """Translate with the Python package."""
    try:
        translation = translate(text, files=files)
    except ButaneError as error:
        entries = error.report.entries
        findings = {(str(entry.level), _path(entry.path), entry.line, entry.column) for entry in entries}
        lines = {entry.line for entry in entries if entry.line is not None}
        return Outcome(False, findings=findings, lines=lines, report=str(error))
    return _accepted(translation)


def _accepted(translation: Translation) -> Outcome:
    findings = {(str(entry.level), _path(entry.path), entry.line, entry.column) for entry in translation.report}
    return Outcome(
        True,
        translation.text() + "\n",
        translation.text(pretty=True) + "\n",
        findings,
        report=str(translation.report),
    )


def _path(path: tuple[str | int, ...]) -> str:
    return ".".join(["$", *(str(step) for step in path)])


def differences(binary: Path, text: str, files: Path | None = None) -> list[str]:
    """Compare both programs on a document; every difference is a line."""
    return compare(reference(binary, text, files), ours(text, files))


def compare(go: Outcome, python: Outcome) -> list[str]:
    if go.accepted != python.accepted:
        return [f"verdict: Go {go.accepted}, Python {python.accepted}\n{go.report}\n---\n{python.report}"]
    if not go.accepted and not go.findings:
        if go.lines and go.lines != python.lines:
            return [f"lines: Go {go.lines}, Python {python.lines}\n{go.report}\n---\n{python.report}"]
        return []
    found = []
    if go.findings != python.findings:
        found.append(
            f"only Go: {sorted(map(str, go.findings - python.findings))}\n"
            f"only Python: {sorted(map(str, python.findings - go.findings))}\n{go.report}\n---\n{python.report}"
        )
    if go.accepted:
        found += _compare_output(go, python)
    return found


def _compare_output(go: Outcome, python: Outcome) -> list[str]:
    theirs, mine = json.loads(go.compact), json.loads(python.compact)
    if json.loads(python.pretty) != mine:
        return ["our compact and pretty texts differ"]
    if "gzip" not in go.compact and "gzip" not in python.compact:
        return [
            f"{kind} text:\n{left}\n{right}"
            for kind, left, right in (("compact", go.compact, python.compact), ("pretty", go.pretty, python.pretty))
            if left != right
        ]
    found: list[str] = []
    theirs, mine = _decoded(theirs, mine, found)
    if theirs != mine:
        found.append(f"document:\n{json.dumps(theirs)}\n{json.dumps(mine)}")
    return found


def _decoded(theirs: Any, mine: Any, found: list[str]) -> tuple[Any, Any]:
    """Replace compressed sources by their contents, so that only real differences remain."""
    if isinstance(theirs, dict) and isinstance(mine, dict):
        pair: tuple[dict[str, Any], dict[str, Any]] = {}, {}
        for key in theirs.keys() | mine.keys():
            values = _decoded(theirs.get(key), mine.get(key), found)
            for document, source, value in zip(pair, (theirs, mine), values, strict=True):
                if key in source:
                    document[key] = value
        left, right = theirs.get("source"), mine.get("source")
        if isinstance(left, str) and isinstance(right, str) and left != right:
            if theirs.get("compression") != mine.get("compression") and abs(len(left) - len(right)) > NEAR:
                found.append(f"compression: Go {len(left)} bytes, Python {len(right)} bytes")
            for document, source in zip(pair, (theirs, mine), strict=True):
                document["source"] = contents(source)
                document.pop("compression", None)
        return pair
    if isinstance(theirs, list) and isinstance(mine, list) and len(theirs) == len(mine):
        pairs = [_decoded(left, right, found) for left, right in zip(theirs, mine, strict=True)]
        return [left for left, _ in pairs], [right for _, right in pairs]
    return theirs, mine


def contents(resource: dict[str, Any]) -> str:
    """The bytes behind a data URL, as text of one character a byte."""
    header, _, data = resource["source"].partition(",")
    raw = base64.b64decode(data) if header.endswith(";base64") else unquote_to_bytes(data)
    if resource.get("compression") == "gzip":
        raw = zlib.decompress(raw, wbits=31)
    return raw.decode("latin-1")


def ignition_findings(binary: Path, text: str) -> tuple[bool, set[tuple[str, str]]]:
    """Run ignition-validate: whether it accepts the document, and level and path of its entries."""
    done = _run([str(binary), "-"], text)
    return done.returncode == 0, {(level, path) for level, path, _, _ in _findings(done.stdout)}
