"""The settings as tables, each with its keys and their types: what types of programming languages are written from.

The walk starts at the JSON Schema of the settings. It reduces each value to the few types that every language has, so
`typed_tables` (Python) and later the schema of a Pulumi package can take its result.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from generators.config_schema import Schema, settings_schema


class Plain(StrEnum):
    """Types without parts. The values are those of JSON Schema; `ANY` is a choice of several."""

    TEXT = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ANY = "any"


@dataclass(frozen=True)
class ListOf:
    """A list of values of one type."""

    item: "Type"


@dataclass(frozen=True)
class MapOf:
    """A table whose keys the user chooses, with values of one type."""

    value: "Type"


@dataclass(frozen=True)
class Reference:
    """A table of `Table.name`."""

    table: str


Type = Plain | ListOf | MapOf | Reference


@dataclass(frozen=True)
class Key:
    """One key of a table. `words` are the only values that it takes; empty when there is no such list."""

    name: str
    type: Type
    required: bool
    nullable: bool
    description: str
    words: tuple[str | int, ...]
    default: str
    """As the stack file writes it; empty for a key without a default, or with a table as its default."""


@dataclass(frozen=True)
class Table:
    """One table of keys; `name` is that of its model, such as `Pod`."""

    name: str
    description: str
    keys: tuple[Key, ...]


ROOTS = ("Pod", "Host", "Machine", "Pxe", "Aws", "Provisioning")
"""The tables that a program gives as a whole; those inside them follow."""

_NAMED_AFTER_THE_COMPONENT = frozenset({("Machine", "name"), ("Provisioning", "name")})
"""Required in a stack file; the components that take these tables have a name of their own."""


def settings_tables() -> list[Table]:
    """All tables of the settings; each stands behind those that it contains."""
    definitions: dict[str, Schema] = settings_schema()["$defs"]
    found: dict[str, Table] = {}
    for name in ROOTS:
        _collect(name, definitions, found)
    return list(found.values())


def _collect(name: str, definitions: dict[str, Schema], found: dict[str, Table]) -> None:
    """Add a table to those that were found, behind the tables inside it."""
    if name in found:
        return
    table = _table(name, definitions)
    for key in table.keys:
        for inner in _references(key.type):
            _collect(inner, definitions, found)
    found[name] = table


def _references(kind: Type) -> Iterator[str]:
    if isinstance(kind, Reference):
        yield kind.table
    elif isinstance(kind, ListOf):
        yield from _references(kind.item)
    elif isinstance(kind, MapOf):
        yield from _references(kind.value)


def _table(name: str, definitions: dict[str, Schema]) -> Table:
    definition = definitions[name]
    required = set(definition.get("required", ()))
    keys = tuple(
        _key(name, key, part, definitions, required=key in required) for key, part in definition["properties"].items()
    )
    return Table(name, definition["description"], keys)


def _key(table: str, name: str, part: Schema, definitions: dict[str, Schema], *, required: bool) -> Key:
    choices = part.get("anyOf", [part])
    (value,) = (choice for choice in choices if choice.get("type") != "null")
    resolved = _resolved(value, definitions)
    of_items = _resolved(resolved.get("items", {}), definitions)
    words = resolved.get("enum") or of_items.get("enum") or ()
    description = part.get("description") or resolved["description"]
    if (table, name) in _NAMED_AFTER_THE_COMPONENT:
        required, description = False, f"{description} The component's name when not set."
    default = part.get("default")
    return Key(
        name=name,
        type=_type(value, definitions),
        required=required,
        nullable=len(choices) > 1 or "null" in part.get("type", ()),
        description=description,
        words=tuple(word for word in words if word is not None),
        default=default if isinstance(default, str) else json.dumps(default) if _is_plain(default) else "",
    )


def _is_plain(default: object) -> bool:
    return isinstance(default, bool | int | float)


def _resolved(part: Schema, definitions: dict[str, Schema]) -> Schema:
    """Follow the reference of a part."""
    return definitions[_referred(part)] if "$ref" in part else part


def _referred(part: Schema) -> str:
    return str(part["$ref"]).rpartition("/")[2]


def _type(part: Schema, definitions: dict[str, Schema]) -> Type:
    resolved = _resolved(part, definitions)
    kinds = [kind for kind in _as_list(resolved["type"]) if kind != "null"]
    if kinds == ["number", "string"]:
        return Plain.NUMBER  # as text only `pulumi config set --path` writes it
    if len(kinds) > 1:
        return Plain.ANY
    if kinds == ["array"]:
        return ListOf(_type(resolved["items"], definitions))
    if kinds != ["object"]:
        return Plain(kinds[0])
    if _is_keyfile(resolved):
        return MapOf(MapOf(Plain.ANY))
    if "properties" in resolved:
        return Reference(_referred(part))
    patterns = resolved.get("patternProperties")
    return MapOf(_type(next(iter(patterns.values())) if patterns else resolved["additionalProperties"], definitions))


def _is_keyfile(part: Schema) -> bool:
    """Tell whether a table is a NetworkManager connection: its keys have hyphens and numbers, which no type names."""
    return any("-" in key for key in part.get("properties", ()))


def _as_list(kind: str | list[str]) -> list[str]:
    return [kind] if isinstance(kind, str) else kind
