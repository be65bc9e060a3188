"""The base of every settings model: camelCase in stack files, snake_case in Python, unknown keys refused."""

import ast
import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic.alias_generators import to_camel


@cache
def descriptions(model: type[BaseModel]) -> Mapping[str, str]:
    """The docstrings of a model's fields. Reading them from the source takes long: only where they are shown."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if owner is not BaseModel and issubclass(owner, BaseModel):
            found |= _docstrings(owner)
    return found


def _docstrings(owner: type[BaseModel]) -> dict[str, str]:
    definition = next(node for node in ast.walk(ast.parse(inspect.getsource(owner))) if isinstance(node, ast.ClassDef))
    found = {}
    for field, text in pairwise(definition.body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[ast.unparse(field.target)] = inspect.cleandoc(str(text.value.value))
    return found


def _complete(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Add to the JSON Schema the descriptions of the keys, and what `each_text_once` checks."""
    keys = {field.alias: name for name, field in model.model_fields.items()}
    for key, part in schema.get("properties", {}).items():
        name = keys.get(key, key)
        text = descriptions(model).get(name)
        if text and text != inspect.getdoc(model.model_fields[name].annotation):  # a table of its own says it there
            part["description"] = text
        for choice in (part, *part.get("anyOf", ())):
            if choice.get("type") == "array" and choice["items"].get("type") == "string":
                choice["uniqueItems"] = True


def _hashable(value: object) -> object:
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    return _hashable([*value.items()]) if isinstance(value, dict) else value


class InvalidValueError(Exception):
    """A value was read that is not valid, or that is required and missing: its message has been noted before."""


class Model(BaseModel):
    """One table of the stack config. Immutable, strict about types and about keys it does not know.

    A table inside it has the default `model_construct()`, and what checks a model is made when the first value is
    checked: a stack needs few of them, and making all takes longer than anything else at the start.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
        validate_default=True,
        hide_input_in_errors=True,
        json_schema_extra=_complete,
    )

    @field_validator("*")
    @classmethod
    def each_text_once(cls, value: Any) -> Any:
        """Refuse a list that contains a text twice: Butane and AWS do, and nobody means it."""
        first: dict[str, int] = {}
        for index, entry in enumerate(value if isinstance(value, list) else ()):
            if isinstance(entry, str) and first.setdefault(entry, index) != index:
                raise ValueError(f"[{index}] is the same as [{first[entry]}]; remove one of the two")
        return value

    def __hash__(self) -> int:
        """By value, lists and tables included."""
        return hash(_hashable([*self.__dict__.values()]))

    def with_derived(self, **values: Any) -> Self:
        """A copy with values that follow from other settings; they do not count as set (`model_fields_set`).

        What cannot be read (`without`) stays so.
        """
        copy = self.model_copy()
        copy.__dict__.update({name: value for name, value in values.items() if name in copy.__dict__})
        return copy

    def without(self, names: Iterable[str]) -> Self:
        """A copy of which these values cannot be read: InvalidValueError. What counts as set stays."""
        copy = self.model_copy()
        for name in names:
            copy.__dict__.pop(name, None)
        return copy

    if not TYPE_CHECKING:  # else every name would be an attribute

        def __getattr__(self, name: str) -> Any:
            """Refuse to read a value that is not there; a default in its place could lead to a false message."""
            if name in type(self).__pydantic_fields__:
                raise InvalidValueError(f"{type(self).__name__}.{name}")
            return super().__getattr__(name)
