"""Problems of a config: one line each, `key: what is wrong; how to fix it`."""

import difflib
import errno
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from diaspora_infra.config.model import descriptions

Location = tuple[str | int, ...]
"""A place in a table, from its keys and from positions in lists."""

_MAX_QUOTE_LENGTH = 60
_MAX_NAMES = 8  # next to a hint


@dataclass(frozen=True)
class Problem:
    """One mistake: `path` is the key as the stack file spells it, such as `pxe.machines[0].mac`.

    The message has the form `what is wrong; how to fix it`. "allowed: " comes only before a set of values or a form.
    """

    path: str
    message: str

    def __post_init__(self) -> None:
        """Escape control characters, so that every message is one line."""
        object.__setattr__(self, "path", _one_line(self.path))
        object.__setattr__(self, "message", _one_line(self.message))

    def __str__(self) -> str:
        """One line."""
        return f"{self.path}: {self.message}"


class ConfigError(Exception):
    """The config is not valid; `problems` lists all mistakes."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems), key=_rank)
        super().__init__("\n".join(str(problem) for problem in self.problems))


_REMEDIES = {
    errno.ENOENT: "correct the path, or create the file",
    errno.ENOTDIR: "correct the path",
    errno.EISDIR: "name a file in this folder",
    errno.EACCES: "change the permissions, or run the command as the owner",
    errno.EROFS: "choose another folder",
    errno.ENOSPC: "remove files from this disk, or choose another one",
}


def file_problem(error: OSError, program: str) -> Problem:
    """The problem of a file that cannot be read or written; where the system names none, it is the program's."""
    what = error.strerror or str(error)
    remedy = _REMEDIES.get(error.errno or 0)
    return Problem(str(error.filename or program), f"{what}; {remedy}" if remedy else what)


def quoted(value: object) -> str:
    """Quote a value in a message: on one line, and shortened when it is long."""
    if isinstance(value, str):
        return _cut(repr(value[: 2 * _MAX_QUOTE_LENGTH]))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 10**18:
        return "a very large number"  # Python itself refuses to write the largest ones
    if isinstance(value, int | float):
        return str(value)
    return describe_type(value)


def refused(value: object, allowed: str) -> str:
    """The message about a value that is not allowed."""
    what = f"{quoted(value)} is not valid" if isinstance(value, str | int | float) else f"{describe_type(value)} given"
    return f"{what}; allowed: {allowed}"


def describe_type(value: object) -> str:
    """Describe the type of a value."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return quoted(value)
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        number = quoted(value)
        return number if number.startswith("a ") else f"the number {number}"
    return "a list" if isinstance(value, list | tuple) else "a table"


def join_path(*parts: str | int) -> str:
    """Write a location as the engine's `--path` takes it: `pxe.machines[0].networks["eno1.100"].ipv4`.

    The first part may be a path itself.
    """
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not path:
            path = part
        elif re.fullmatch("[A-Za-z0-9_:-]+", part) and len(part) <= _MAX_QUOTE_LENGTH:
            path += f".{part}"
        else:
            path += f"[{_cut(json.dumps(part[: 2 * _MAX_QUOTE_LENGTH], ensure_ascii=False))}]"
    return path


def key_path(*parts: str | int) -> str:
    """Write a location whose first part is a key that the user has written."""
    return join_path("config", *parts).removeprefix("config").removeprefix(".")


def unknown_key(path: str, key: str, allowed: Iterable[str], secrets: Iterable[str] = ()) -> Problem:
    """The problem of an unknown key. `secrets` are allowed too, but too many to list."""
    names = sorted(allowed)
    close = close_names(key, [*names, *sorted(secrets)], 1)
    if not close:
        return Problem(path, f"unknown key; allowed: {', '.join(names)}")
    shown = names if len(names) <= _MAX_NAMES else [*names[:_MAX_NAMES], "..."]
    return Problem(path, f"unknown key (did you mean {close[0]}?); allowed: {', '.join(shown)}")


def close_names(key: str, names: Collection[str], most: int) -> list[str]:
    """The names that are similar to an unknown key, the closest one first."""
    return difflib.get_close_matches(key[:_MAX_QUOTE_LENGTH], names, n=max(most, 1), cutoff=0.6)


def problems_of(error: ValidationError, model: type[BaseModel], prefix: str) -> list[Problem]:
    """Translate the errors of pydantic."""
    return [problem for _, problem in located_problems(error, model, prefix)]


def located_problems(error: ValidationError, model: type[BaseModel], prefix: str) -> list[tuple[Location, Problem]]:
    """Translate the errors of pydantic, each with its place below the prefix."""
    return [(detail["loc"], _problem(detail, model, prefix)) for detail in error.errors(include_url=False)]


def _problem(detail: ErrorDetails, model: type[BaseModel], prefix: str) -> Problem:
    location = detail["loc"]
    if location[-2:] == (detail["input"], "[key]"):
        location = location[:-1]  # pydantic's mark for the key of a table instead of its value
    path = join_path(prefix, *location)
    if detail["type"] == "extra_forbidden":
        return unknown_key(path, str(location[-1]), fields_of(_model_at(model, location[:-1])))
    if detail["type"] == "missing":
        owner = _model_at(model, location[:-1])
        return missing_key(path, owner or model, str(location[-1]))
    return Problem(path, _sentence(detail, _range_at(model, location)))


_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table of keys",
    "model_type": "a table of keys",
}

_BOUNDS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of"}

_LENGTHS = {
    "too_short": ("min_length", "at least", "item"),
    "too_long": ("max_length", "at most", "item"),
    "string_too_short": ("min_length", "at least", "character"),
    "string_too_long": ("max_length", "at most", "character"),
}


def _sentence(detail: ErrorDetails, numbers: str) -> str:
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "value_error":
        return str(context["error"])
    if kind in _KINDS:
        return _wrong_kind(value, _KINDS[kind], numbers)
    if kind == "literal_error":
        words = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        return refused(value, words)
    if kind in _BOUNDS:
        what = "is not valid" if kind == "multiple_of" else "is out of range"
        return f"{quoted(value)} {what}; allowed: {numbers}"
    if kind in _LENGTHS:
        key, word, unit = _LENGTHS[kind]
        given = _count(len(value), unit) if value else "empty"
        return f"{given}; allowed: {word} {_count(context[key], unit)}"
    return refused(value, "what docs/config.md says")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _wrong_kind(value: object, expected: str, numbers: str) -> str:
    """The message about a value of another type. Text instead of a list or a table is not shown: it may be a key."""
    if expected == "text":
        quotes = " (write it in quotes)" if isinstance(value, int | float) else ""
        return f"{describe_type(value)} given; allowed: text{quotes}"
    is_number = expected in {"a whole number", "a number"}
    if is_number and numbers:
        expected += f" from {numbers}" if " to " in numbers else f", {numbers}"
    if isinstance(value, str) and is_number:
        return f"{quoted(value)} is text; allowed: {expected}, without quotes or unit"
    if isinstance(value, str) and expected == "true or false":
        return f"{quoted(value)} is text; allowed: true or false, without quotes"
    return f"{describe_type(value)} given; allowed: {expected}"


def range_words(minimum: object, maximum: object, step: object = None) -> str:
    """The allowed range of numbers in words; empty when all are allowed."""
    if step is not None:
        return f"{range_words(minimum, maximum)} in steps of {step}"
    if minimum is not None and maximum is not None:
        return f"{minimum} to {maximum}"
    return f"at least {minimum}" if minimum is not None else f"at most {maximum}" if maximum is not None else ""


def _range_at(model: type[BaseModel], location: tuple[str | int, ...]) -> str:
    """The allowed range of a setting in words."""
    field = fields_of(_model_at(model, location[:-1])).get(str(location[-1])) if location else None
    bounds = field.metadata if field else []
    minimum = next((bound.ge for bound in bounds if hasattr(bound, "ge")), None)
    maximum = next((bound.le for bound in bounds if hasattr(bound, "le")), None)
    step = next((bound.multiple_of for bound in bounds if hasattr(bound, "multiple_of")), None)
    return range_words(minimum, maximum, step)


def fields_of(model: type[BaseModel] | None) -> dict[str, FieldInfo]:
    """The fields of a model by the name that stack files use."""
    return {field.alias or name: field for name, field in model.model_fields.items()} if model else {}


def missing_key(path: str, model: type[BaseModel], key: str) -> Problem:
    """The problem of a key that is missing from a model's table, with the first sentence of its description."""
    (name,) = (name for name, field in model.model_fields.items() if key == field.alias)
    sentence = re.split(r"[.](?: |$)", " ".join(descriptions(model)[name].split()))[0]
    return Problem(path, f"required; add this key ({sentence.partition('; required ')[0]})")


def _model_at(model: type[BaseModel], location: tuple[str | int, ...]) -> type[BaseModel] | None:
    """Follow a location through nested models."""
    current: type[BaseModel] | None = model
    for part in location:
        if not isinstance(part, int):
            field = fields_of(current).get(part)
            current = model_in(field.annotation) if field else None
    return current


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as `list[User]` or `Mail | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (model := model_in(argument)) is not None:
            return model
    return None


def _cut(literal: str) -> str:
    """Shorten a literal, and keep its closing quote."""
    return literal if len(literal) <= _MAX_QUOTE_LENGTH else f"{literal[: _MAX_QUOTE_LENGTH - 4]}...{literal[0]}"


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _rank(problem: Problem) -> tuple[list[str | int], str]:
    """Sort by path, with `machines[2]` before `machines[10]`."""
    parts: list[str | int] = list(re.split(r"([0-9]{1,9})", problem.path))
    parts[1::2] = [int(part) for part in parts[1::2]]
    return parts, problem.message
