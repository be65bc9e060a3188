"""Merging Ignition documents by Ignition's own rules: the child wins, lists are joined by their elements' keys.

Facts: github.com/coreos/ignition v2.26.0, config/merge/merge.go and the Key, IgnoreDuplicates and MergedKeys
methods under config/*/types.
"""

from __future__ import annotations

from typing import Any, Final

from butane.ignition import Ignition
from butane.origins import Origins
from butane.report import Path
from butane.schema import SCALARS, Field, Struct

_KEYS: Final = {
    "directory": "path",
    "file": "path",
    "link": "path",
    "disk": "device",
    "filesystem": "device",
    "tang": "url",
    "resource": "source",
    "config_reference": "source",
    "ca_reference": "source",
}
SHARED_KEYS: Final = {
    "storage": ("directories", "files", "links"),
    "kernel_arguments": ("shouldExist", "shouldNotExist"),
}
"""Lists whose elements share one set of keys: a path is a file or a link, not both."""


def key_of(field: Field, element: Any) -> str:
    """Return what makes a list's element the same as another."""
    if field.type in SCALARS:
        return str(element)
    if field.type == "partition":
        if element.get("number"):
            return f"number:{element['number']}"
        return f"label:{element['label']}" if "label" in element else ""
    return element.get(_KEYS.get(field.type, "name")) or ""


def merge(
    shape: Struct, parent: Ignition, child: Ignition, parent_origins: Origins, child_origins: Origins
) -> tuple[Ignition, Origins]:
    """Merge two documents of one version; the child wins. Neither is changed, their parts are shared."""
    merger = _Merger(parent_origins, child_origins)
    result = merger.structs(shape, parent, child, (), (), ())
    return result, merger.origins


class _Merger:
    def __init__(self, parent_origins: Origins, child_origins: Origins) -> None:
        self.parent_origins = parent_origins
        self.child_origins = child_origins
        self.origins = Origins(moved={(): (child_origins, ())})

    def from_parent(self, result: Path, source: Path) -> None:
        self.origins.moved[result] = (self.parent_origins, source)

    def from_child(self, result: Path, source: Path) -> None:
        self.origins.moved[result] = (self.child_origins, source)

    def structs(
        self, shape: Struct, parent: Ignition, child: Ignition, at: Path, parent_at: Path, child_at: Path
    ) -> Ignition:
        result: Ignition = {}
        owners = _owners(shape, child)
        for name, field in shape.by_json.items():
            old, new = parent.get(name), child.get(name)
            if old is None and new is None:
                continue
            paths = ((*at, name), (*parent_at, name), (*child_at, name))
            if field.many:
                value = self.lists(shape, field, old or [], new or [], owners, paths)
            elif field.type in SCALARS:
                value = self.scalar(shape, field, old, new, child, paths)
            else:
                value = self.nested(shape.of(field), field, old, new, paths)
            if value is not None:
                result[name] = value
        return result

    def scalar(
        self, shape: Struct, field: Field, old: Any, new: Any, child: Ignition, paths: tuple[Path, Path, Path]
    ) -> Any:
        if field.plain and not _keeps_parent(shape, field, child):
            return new
        if new is None:
            self.from_parent(paths[0], paths[1])
            return old
        return new

    def nested(self, shape: Struct, field: Field, old: Any, new: Any, paths: tuple[Path, Path, Path]) -> Any:
        if new is None or (not field.pointer and is_zero(new)):
            self.from_parent(paths[0], paths[1])
            return old
        if old is None or (not field.pointer and is_zero(old)):
            return new
        return self.structs(shape, old, new, *paths)

    def lists(
        self,
        shape: Struct,
        field: Field,
        old: list[Any],
        new: list[Any],
        owners: dict[str, Field],
        paths: tuple[Path, Path, Path],
    ) -> list[Any] | None:
        at, parent_at, child_at = paths
        if not old:
            return new or None
        result: list[Any] = []
        if field.duplicates:
            merged_child = bool(new)
            self.keep(old, parent_at, at, result, self.parent_origins)
            self.keep(new, child_at, at, result, self.child_origins)
        else:
            merged_child = self.keyed(shape, field, old, new, owners, paths, result)
        if not merged_child:
            self.from_parent(at, parent_at)
        return result or None

    def keep(self, elements: list[Any], source: Path, at: Path, result: list[Any], origins: Origins) -> None:
        for index, element in enumerate(elements):
            self.origins.moved[(*at, len(result))] = (origins, (*source, index))
            result.append(element)

    def keyed(
        self,
        shape: Struct,
        field: Field,
        old: list[Any],
        new: list[Any],
        owners: dict[str, Field],
        paths: tuple[Path, Path, Path],
        result: list[Any],
    ) -> bool:
        """Join two lists by key; return whether the child had a part in the result."""
        at, parent_at, child_at = paths
        by_key = {key_of(field, element): index for index, element in enumerate(new)}
        shared = field.json in SHARED_KEYS.get(shape.name, ())
        old_keys = set()
        merged_child = False
        for index, element in enumerate(old):
            key = key_of(field, element)
            old_keys.add(key)
            source, target = (*parent_at, index), (*at, len(result))
            if shared and owners.get(key, field) is not field:
                continue  # the child has the same path as something else
            here = by_key.get(key)
            if here is None:
                self.from_parent(target, source)
                result.append(element)
                continue
            merged_child = True
            self.from_child(target, (*child_at, here))
            if field.type in SCALARS:
                result.append(new[here])
            elif not (field.type == "http_header" and "value" not in new[here]):
                child = shape.of(field)
                result.append(self.structs(child, element, new[here], target, source, (*child_at, here)))
            else:  # a header without a value removes the parent's
                del self.origins.moved[target]
        for index, element in enumerate(new):
            if key_of(field, element) not in old_keys:
                merged_child = True
                self.from_child((*at, len(result)), (*child_at, index))
                result.append(element)
        return merged_child


def _owners(shape: Struct, child: Ignition) -> dict[str, Field]:
    """Return which of the lists that share their keys has an element of each key; the last one counts."""
    return {
        key_of(shape.by_json[name], element): shape.by_json[name]
        for name in SHARED_KEYS.get(shape.name, ())
        if name in shape.by_json
        for element in child.get(name) or ()
    }


def _keeps_parent(shape: Struct, field: Field, child: Ignition) -> bool:
    """Whether nothing set in a child leaves the parent's value.

    Values that cannot be absent always come from the child, except a link's target before Ignition 3.3,
    which is one part with `hard`: only a child that has either of them replaces it.
    """
    return shape.name == "link" and field.json == "target" and "hard" not in child


def is_zero(value: Any) -> bool:
    """Whether a structure holds nothing at all."""
    return value is None or (isinstance(value, dict) and all(is_zero(item) for item in value.values()))
