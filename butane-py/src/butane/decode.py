"""Nodes to a document: plain dictionaries of checked values, keyed as in the text.

A key that is absent, null or (for values that cannot be absent in Ignition) zero is not in the dictionary.
Merge keys and aliases are followed. List elements that are null are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from butane import nodes
from butane.nodes import ALIAS, MAPPING, SCALAR, SEQUENCE, Node, YamlError
from butane.report import Entry, Key, Level, Path, Report
from butane.schema import Field, Struct

Document = dict[str, Any]

_BAD: Final = object()
_TRUE = frozenset(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"))
_FALSE = frozenset(("n", "N", "no", "No", "NO", "off", "Off", "OFF"))
_MAX_INT = 2**63 - 1
_MIN_INT = -(2**63)
_EXPECTED = {"str": "text", "int": "a whole number", "bool": "true or false"}
_FOUND = {MAPPING: "a mapping", SEQUENCE: "a list"}
_ALIAS_LIMIT = 100
_COUNT_LIMIT = 1000
_DEPTH_LIMIT = 100  # the deepest place of a document has a tenth of it, the rest is for aliases and merge keys


def decode(shape: Struct, root: Node, report: Report) -> Document:
    """Read a document of the given structure; what does not fit goes to the report as errors."""
    document: Document = {}
    decoder = _Decoder(report)
    try:
        decoder.struct_into(shape, root, (), document)
    except YamlError as error:
        report.add(Entry(Level.ERROR, (), error.message, error.line, error.column))
    return document


class _Decoder:
    def __init__(self, report: Report) -> None:
        self.report = report
        self.open_aliases: set[int] = set()
        self.depth = 0
        self.count = 0
        self.alias_count = 0

    def error(self, node: Node, path: Path, message: str) -> object:
        self.report.add(Entry(Level.ERROR, path, message, node.line, node.column))
        return _BAD

    def tick(self) -> None:
        self.count += 1
        if self.open_aliases:
            self.alias_count += 1
            if self.alias_count > _ALIAS_LIMIT and self.count > _COUNT_LIMIT:
                allowed = _allowed_alias_ratio(self.count)
                if self.alias_count / self.count > allowed:
                    raise YamlError("not valid YAML: document contains excessive aliasing")

    @contextmanager
    def inside(self, alias: Node) -> Iterator[Node]:
        """Give what an alias points to; an anchor whose value contains itself is refused."""
        if id(alias) in self.open_aliases:
            raise YamlError("not valid YAML: an anchor's value contains itself", alias.line, alias.column)
        self.open_aliases.add(id(alias))
        yield alias.value
        self.open_aliases.remove(id(alias))

    def struct_into(self, shape: Struct, node: Node, path: Path, into: Document, done: set[str] | None = None) -> Any:
        """Fill `into` from a mapping. `done` holds the keys that an outer mapping has already set."""
        self.tick()
        if self.depth == _DEPTH_LIMIT:
            message = f"not valid YAML: aliases or merge keys nested deeper than {_DEPTH_LIMIT}"
            raise YamlError(message, node.line, node.column)
        self.depth += 1
        value = self.mapping_of(shape, node, path, into, done)
        self.depth -= 1
        return value

    def mapping_of(self, shape: Struct, node: Node, path: Path, into: Document, done: set[str] | None) -> Any:
        if node.kind == ALIAS:
            with self.inside(node) as target:
                return self.struct_into(shape, target, path, into, done)
        if nodes.is_null(node):
            return _BAD
        if node.kind != MAPPING:
            return self.error(node, path, f"must be a mapping, not {describe(node)}")
        if not self.keys_are_unique(node.value, path):
            return _BAD
        self.mapping_into(shape, node.value, path, into, done)
        return into

    def mapping_into(self, shape: Struct, items: list[Node], path: Path, into: Document, done: set[str] | None) -> None:
        merged: Node | None = None
        names: set[str] = set()
        for index in range(0, len(items), 2):
            key, value = items[index], items[index + 1]
            if key.value == "<<" and nodes.is_merge(key):
                merged = value
                continue
            name = self.key_name(key, path)
            if name is None or (done is not None and name in done):
                continue
            if done is not None:
                done.add(name)
            field = shape.fields.get(name)
            if name in names:  # one of the two keys is an alias
                self.error(key, (*path, name), "already set in the same mapping")
            elif field is not None:
                names.add(name)
                self.field_into(shape, field, value, (*path, name), into)
        if merged is not None:
            self.merge_into(shape, items, merged, path, into, done)

    def merge_into(
        self, shape: Struct, items: list[Node], merged: Node, path: Path, into: Document, done: set[str] | None
    ) -> None:
        """Fill what a mapping leaves open from the mappings that its `<<` names."""
        if done is None:
            done = {key.value for key in items[::2] if key.kind == SCALAR}
        sources = merged.value if merged.kind == SEQUENCE else [merged]
        for source in sources:
            target = source.value if source.kind == ALIAS else source
            if target.kind != MAPPING:
                raise YamlError("not valid YAML: map merge requires map or sequence of maps as the value")
            self.struct_into(shape, source, path, into, done)

    def keys_are_unique(self, items: list[Node], path: Path) -> bool:
        seen: dict[tuple[int, str], Node] = {}
        unique = True
        for key in items[::2]:
            mark = (key.kind, nodes.key_text(key))
            first = seen.setdefault(mark, key)
            if first is not key:
                unique = False
                self.error(key, (*path, mark[1]), f"already set on line {first.line}")
        return unique

    def key_name(self, key: Node, path: Path) -> str | None:
        """Return the text of a key; null keys have none and are passed over."""
        target = key.value if key.kind == ALIAS else key
        if target.kind != SCALAR:
            self.error(target, path, f"keys must be text, not {_FOUND[target.kind]}")
            return None
        if nodes.is_null(target):
            return None
        name: str = target.value
        return name

    def field_into(self, shape: Struct, field: Field, node: Node, path: Path, into: Document) -> None:
        if field.many:
            value = self.sequence(shape, field, node, path)
        elif field.type in _EXPECTED:
            value = self.scalar(field, node, path)
            if field.plain and (value == "" or value == 0):
                into.pop(field.yaml, None)
                return
        else:
            value = self.struct_into(shape.of(field), node, path, {})
        if value is not _BAD:
            into[field.yaml] = value

    def sequence(self, shape: Struct, field: Field, node: Node, path: Path) -> Any:
        self.tick()
        if node.kind == ALIAS:
            with self.inside(node) as target:
                return self.sequence(shape, field, target, path)
        if nodes.is_null(node):
            return _BAD
        if node.kind != SEQUENCE:
            return self.error(node, path, f"must be a list, not {describe(node)}")
        values: list[Any] = []
        if field.type in _EXPECTED:
            for item in node.value:
                value = self.scalar(field, item, (*path, len(values)))
                if value is not _BAD:
                    values.append(value)
            return values
        child = shape.of(field)
        for item in node.value:
            value = self.struct_into(child, item, (*path, len(values)), {})
            if value is not _BAD:
                values.append(value)
        return values

    def scalar(self, field: Field, node: Node, path: Path) -> Any:
        self.tick()
        if node.kind == ALIAS:
            node = node.value
        if node.kind != SCALAR:
            return self.error(node, path, f"must be {_EXPECTED[field.type]}, not {_FOUND[node.kind]}")
        if field.type == "str" and node.tag is None and (not node.plain or node.value not in nodes.NULLS):
            return node.value
        value = nodes.resolve(node)
        if value is None:
            return _BAD
        if field.type == "str":
            return value if nodes.short_tag(node.tag) == "!!binary" else node.value
        converted = _to_int(value) if field.type == "int" else _to_bool(value)
        if converted is None:
            return self.error(node, path, f"must be {_EXPECTED[field.type]}, not {describe(node)}")
        return converted


def _allowed_alias_ratio(count: int) -> float:
    """Return the share of the work that may come from aliases, as go-yaml limits it."""
    low, high = 400_000, 4_000_000
    if count <= low:
        return 0.99
    if count >= high:
        return 0.10
    return 0.99 - 0.89 * (count - low) / (high - low)


def _to_int(value: bool | int | float | str) -> int | None:
    """Convert as go-yaml does: fractions are cut off, what 64 bits cannot hold is refused."""
    if isinstance(value, bool | str):
        return None
    if isinstance(value, int):
        return value if value <= _MAX_INT else None
    if math.isnan(value) or value > _MAX_INT:
        return None
    return int(value) if value > _MIN_INT else _MIN_INT


def _to_bool(value: bool | int | float | str) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return True if value in _TRUE else False if value in _FALSE else None
    return None


def describe(node: Node) -> str:
    """Name what the text has, for an error sentence; long values are cut."""
    if node.kind != SCALAR:
        return _FOUND[node.kind]
    text = node.value if len(node.value) <= 20 else node.value[:17] + "..."
    return f"{text!r}"


def check_unused_keys(shape: Struct, document: Document, node: Node | None, report: Report, path: Path = ()) -> None:
    """Warn of keys that the version does not know, and of places where text and document do not run in parallel.

    The walk goes by position, as the reference's does: under an alias nothing can be checked, which is said once.
    """
    if node is None:
        return
    if node.kind != MAPPING:
        report.warning(path, "unused keys below this place cannot be checked: it is an alias or empty")
        return
    items = node.value
    for index in range(0, len(items), 2):
        name = nodes.key_text(items[index])
        field = shape.fields.get(name)
        if field is None:
            report.warning((*path, Key(name)), f"unused key {name}")
        elif field.type not in _EXPECTED:
            _check_unused_below(shape.of(field), field, document.get(name), items[index + 1], report, (*path, name))


def _check_unused_below(child: Struct, field: Field, value: Any, node: Node, report: Report, path: Path) -> None:
    if field.many:
        for index, element in enumerate(value or ()):
            check_unused_keys(child, element, nodes.child_of(node, index), report, (*path, index))
    elif value is not None or not field.pointer:
        check_unused_keys(child, value or {}, node, report, path)
