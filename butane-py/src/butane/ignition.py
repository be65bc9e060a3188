"""Ignition documents: versions, conversion to later ones, and the JSON text as Go writes it."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from butane.schema import SCALARS, Struct, fcos_minor, struct

Ignition = dict[str, Any]

_SHORT_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\([bf])")
_SURROGATE = re.compile("[\ud800-\udfff]")


def version_text(minor: int) -> str:
    """Return the version as it stands in a document."""
    return f"3.{minor}.0"


def root(minor: int) -> Struct:
    """Return the structure of an Ignition 3.`minor` document."""
    return struct("config", fcos_minor(minor))


def complete(shape: Struct, value: Ignition) -> Ignition:
    """Put the keys in Ignition's order, add those that are always written, leave out what is empty."""
    result: Ignition = {}
    for name, field in shape.by_json.items():
        item = value.get(name)
        if field.type not in SCALARS and item is not None:
            child = shape.of(field)
            if field.many:
                item = [complete(child, element) for element in item]
            else:
                item = complete(child, item)
                if is_empty(child, item) and not field.always and not field.pointer:
                    continue
        if field.always:
            result[name] = _zero(field.many, field.plain, field.type) if item is None else item
        elif item is None or (field.many and not item) or (field.plain and item in (0, "")):
            continue
        else:
            result[name] = item
    return result


def _zero(many: bool, plain: bool, type_: str) -> Any:
    if many or not plain:
        return None if type_ in SCALARS else {}
    return "" if type_ == "str" else 0


def is_empty(shape: Struct, value: Ignition) -> bool:
    """Whether a structure says nothing: Go leaves such out of the JSON."""
    for name, item in value.items():
        field = shape.by_json[name]
        if item is None or (field.many and not item) or (field.plain and item in (0, "")):
            continue
        if field.type not in SCALARS and not field.many and not field.pointer and is_empty(shape.of(field), item):
            continue
        return False
    return True


def to_text(document: Ignition, *, pretty: bool = False) -> str:
    """Return the JSON text: compact, or indented by two blanks. Text is escaped as Go's encoder does it."""
    if pretty:
        text = json.dumps(document, ensure_ascii=False, indent=2)
    else:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, escape)
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    if "\\b" in text or "\\f" in text:
        text = _SHORT_ESCAPE.sub(_long_escape, text)
    return _SURROGATE.sub(r"\\ufffd", text) if not text.isascii() else text


def from_text(text: str) -> Any:
    """Read JSON as strictly as Go: NaN and Infinity are no values.

    Raises:
        ValueError: It is not JSON.

    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _long_escape(match: re.Match[str]) -> str:
    return match[1] + ("\\u0008" if match[2] == "b" else "\\u000c")
