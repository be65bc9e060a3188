"""Problems of a config: one line each, with the path of the key, what is wrong and what is allowed."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong: `path` is the key as the stack file spells it, such as `pxe.machines[0].mac`."""

    path: str
    message: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.path}: {self.message}"


class ConfigError(Exception):
    """The config cannot be used; `problems` says all that is wrong."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def join_path(*parts: str | int) -> str:
    """Write a location as the stack file would: names joined by dots, list positions in brackets."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else (f".{part}" if path else part)
    return path


_TYPE_WORDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table of keys",
    "model_type": "a table of keys",
    "model_attributes_type": "a table of keys",
}


def problems_of(error: ValidationError, model: type[BaseModel], prefix: str) -> list[Problem]:
    """Say what pydantic found, in one line per key."""
    found: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_input=True):
        location = tuple(part for part in detail["loc"] if part not in _UNION_MEMBERS)
        path = join_path(prefix, *location) if prefix else join_path(*location)
        found.setdefault(path, []).append(_sentence(detail, model, location))
    return [Problem(path, "; or ".join(dict.fromkeys(sentences))) for path, sentences in found.items()]


# pydantic names the members of a union in the location of an error
_UNION_MEMBERS = frozenset({"str", "int", "bool"})


def _sentence(detail: ErrorDetails, model: type[BaseModel], location: tuple[str | int, ...]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    value = detail["input"]
    if kind == "missing":
        return f"missing; {_about(model, location)}"
    if kind == "extra_forbidden":
        return _unknown(str(location[-1]), _keys(_model_at(model, location[:-1])))
    if kind == "value_error":
        return str(context["error"])
    if kind in _TYPE_WORDS:
        return f"{_kind_of(value)} given; allowed: {_TYPE_WORDS[kind]}"
    if kind == "literal_error":
        return f"{value!r} is not valid; allowed: {context['expected']}".replace("'", "")
    if kind in {"too_short", "string_too_short"}:
        return f"empty; allowed: at least {context.get('min_length')} {'entry' if kind == 'too_short' else 'character'}"
    if kind == "string_pattern_mismatch":
        return f"{value!r} is not valid; allowed: text that matches {context['pattern']}"
    bounds = {
        "greater_than_equal": ("ge", "at least"),
        "less_than_equal": ("le", "at most"),
    }
    if kind in bounds:
        key, word = bounds[kind]
        return f"{value!r} is out of range; allowed: {word} {context[key]}"
    return f"{detail['msg']}"


def _kind_of(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"{str(value).lower()}"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "a table"


def _unknown(key: str, allowed: Iterable[str]) -> str:
    names = sorted(allowed)
    close = difflib.get_close_matches(key, names, n=1, cutoff=0.6)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"unknown key{hint}; allowed: {', '.join(names)}"


def unknown_key(path: str, key: str, allowed: Iterable[str]) -> Problem:
    """The problem of a key that nobody reads."""
    return Problem(path, _unknown(key, allowed))


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _about(model: type[BaseModel], location: tuple[str | int, ...]) -> str:
    owner = _model_at(model, location[:-1])
    fields = {field.alias or name: field for name, field in owner.model_fields.items()} if owner else {}
    field = fields.get(str(location[-1]))
    text = " ".join((field.description or "").split()) if field else ""
    return f"it is required: {text}" if text else "it is required"


def _model_at(model: type[BaseModel], location: tuple[str | int, ...]) -> type[BaseModel] | None:
    """Follow a location through nested models."""
    current: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, int):
            continue
        fields: Mapping[str, Any] = (
            {field.alias or name: field for name, field in current.model_fields.items()} if current else {}
        )
        current = _model_in(fields[part].annotation) if part in fields else None
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (model := _model_in(argument)) is not None:
            return model
    return None
