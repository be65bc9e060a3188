"""Reading Ignition documents: from JSON text to the same plain dictionaries that translation makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from butane import ignition_rules
from butane.ignition import Ignition, from_text, root
from butane.report import Key, Path, Report
from butane.schema import SCALARS, Field, Struct

_TYPES: dict[str, type] = {"str": str, "int": int, "bool": bool}
_NAMES = {"str": "text", "int": "a whole number", "bool": "true or false"}
_INT_BITS = 64


class JsonError(Exception):
    """A text is not JSON or does not fit the specification; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document in two forms: by the specification, and as the JSON text has it."""

    document: Ignition
    raw: Any


def parse(text: str, minor: int) -> Parsed:
    """Read a JSON text as an Ignition 3.`minor` document. Keys are matched without regard to case, as Go does.

    Raises:
        JsonError: It is none.

    """
    raw = _load(text)
    document = {} if raw is None else _struct(root(minor), raw, ())
    document.setdefault("ignition", {})  # its version is checked even when it is not there
    return Parsed(document, raw)


def version_of(text: str) -> str:
    """Return the version that a JSON text names, empty when it names none.

    Raises:
        JsonError: It is not JSON, or has something else in that place.

    """
    found = _load(text)
    for place, step in (("$", "ignition"), ("$.ignition", "version")):
        if found is None:
            return ""
        if not isinstance(found, dict):
            raise JsonError(f"{place} must be a mapping")
        found = found.get(step)
    if not isinstance(found, str | None):
        raise JsonError("$.ignition.version must be text")
    return found or ""


def _load(text: str) -> Any:
    try:
        return from_text(text)
    except ValueError as error:
        raise JsonError(f"not JSON: {error}") from None


def _struct(shape: Struct, raw: Any, path: Path) -> Ignition:
    if not isinstance(raw, dict):
        raise JsonError(f"{_text(path)} must be a mapping")
    folded = {name.casefold(): field for name, field in shape.by_json.items()}
    result: Ignition = {}
    for name, value in raw.items():
        field = shape.by_json.get(name) or folded.get(name.casefold())
        if field is None or value is None:
            continue
        converted = _value(shape, field, value, (*path, name))
        if not (field.plain and converted in ("", 0)):
            result[field.json] = converted
    return result


def _value(shape: Struct, field: Field, value: Any, path: Path) -> Any:
    if not field.many:
        return _single(shape, field, value, path)
    if not isinstance(value, list):
        raise JsonError(f"{_text(path)} must be a list")
    empty: Any = {} if field.type not in SCALARS else _TYPES[field.type]()
    return [empty if item is None else _single(shape, field, item, (*path, index)) for index, item in enumerate(value)]


def _single(shape: Struct, field: Field, value: Any, path: Path) -> Any:
    if field.type not in SCALARS:
        return _struct(shape.of(field), value, path)
    fits = type(value) is _TYPES[field.type]
    if not fits or (field.type == "int" and not -(2 ** (_INT_BITS - 1)) <= value < 2 ** (_INT_BITS - 1)):
        raise JsonError(f"{_text(path)} must be {_NAMES[field.type]}")
    return value


def _text(path: Path) -> str:
    return ".".join(["$", *(str(step) for step in path)])


def check(parsed: Parsed, minor: int, report: Report) -> None:
    """Apply Ignition's rules, and warn of keys that the specification does not know."""
    ignition_rules.check(parsed.document, minor, report)
    _unused(root(minor), parsed.raw, (), report)


def _unused(shape: Struct, raw: Any, path: Path, report: Report) -> None:
    if not isinstance(raw, dict):
        report.warning(path, "unused keys below this place cannot be checked: it is empty")
        return
    for name, value in raw.items():
        field = shape.by_json.get(name)
        if field is None:
            report.warning((*path, Key(name)), f"unused key {name}")
        elif field.type not in SCALARS and not (value is None and (field.many or field.pointer)):
            child = shape.of(field)
            if not field.many:
                _unused(child, value, (*path, name), report)
            else:
                for index, element in enumerate(value):
                    _unused(child, element, (*path, name, index), report)
