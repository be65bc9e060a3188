"""Shapes of Terraform values, with the names that Pulumi programs use for them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lab.aws.bridge.sdk import SdkShape


@dataclass(frozen=True)
class Scalar:
    """One value."""

    kind: Literal["string", "number", "bool", "dynamic"]


@dataclass(frozen=True)
class Many:
    """A list or a set."""

    element: "Shape"
    is_set: bool = False


@dataclass(frozen=True)
class Table:
    """A map with strings as keys."""

    element: "Shape"


@dataclass(frozen=True)
class Record:
    """An object: its fields by Terraform's names."""

    fields: dict[str, "Field"]


Shape = Scalar | Many | Table | Record


@dataclass(frozen=True)
class Field:
    """One attribute or block."""

    terraform: str
    pulumi: str
    shape: Shape
    flat: bool = False
    """A list of at most one element, which Pulumi programs see as that element."""
    block: bool = False
    required: bool = False
    optional: bool = False
    computed: bool = False
    write_only: bool = False

    @property
    def timeouts(self) -> bool:
        """Whether this is the block `timeouts`, which Pulumi has as a resource option."""
        return self.terraform == "timeouts" and self.block


_NESTING_LIST, _NESTING_SET, _NESTING_MAP = 2, 3, 4  # Schema.NestedBlock.NestingMode; the others are one object


def record_of(block: Any, sdk: Mapping[str, SdkShape] | None, renamed: Mapping[str, str] | None = None) -> Record:
    """Read the schema of a block, with what the SDK says of its fields, if it knows them."""
    renamed = renamed or {}
    fields = [_attribute(attribute, sdk, renamed) for attribute in block.attributes]
    fields += [_nested(nested, sdk, renamed) for nested in block.block_types]
    return Record({field.terraform: field for field in fields})


def _attribute(attribute: Any, sdk: Mapping[str, SdkShape] | None, renamed: Mapping[str, str]) -> Field:
    kind = json.loads(attribute.type)
    several = isinstance(kind, list) and kind[0] in {"list", "set"}
    name, shape = _name(attribute.name, sdk, several=several, single=False, renamed=renamed)
    flat = several and shape is not None and shape.kind != "list"
    return Field(
        attribute.name,
        name,
        _shape(kind, SdkShape("list", element=shape) if flat else shape),
        flat,
        required=attribute.required,
        optional=attribute.optional,
        computed=attribute.computed,
        write_only=attribute.write_only,
    )


def _nested(nested: Any, sdk: Mapping[str, SdkShape] | None, renamed: Mapping[str, str]) -> Field:
    several = nested.nesting in {_NESTING_LIST, _NESTING_SET}
    single = nested.max_items == 1
    known = None if nested.type_name == "timeouts" else sdk
    name, shape = _name(nested.type_name, known, several=several, single=single, renamed=renamed)
    inner: Shape = record_of(nested.block, shape.fields() if shape else None)
    flat = several and (single if shape is None else shape.kind != "list")
    if several:
        inner = Many(inner, is_set=nested.nesting == _NESTING_SET)
    elif nested.nesting == _NESTING_MAP:
        inner = Table(inner)
    return Field(nested.type_name, name, inner, flat, block=True, optional=True)


def _shape(kind: Any, sdk: SdkShape | None) -> Shape:
    """Shape of an attribute's type, which Terraform writes as JSON, such as ["list", "string"]."""
    if isinstance(kind, str):
        return Scalar(kind)  # type: ignore[arg-type]
    outer, inner = kind[0], kind[1]
    element = sdk.element if sdk else None
    if outer in {"list", "set"}:
        return Many(_shape(inner, element), is_set=outer == "set")
    if outer == "map":
        return Table(_shape(inner, element))
    if outer == "object":
        known = sdk.fields() if sdk else None
        return Record({name: _member(name, member, known) for name, member in inner.items()})
    return Many(Scalar("dynamic"))


def _member(name: str, kind: Any, sdk: Mapping[str, SdkShape] | None) -> Field:
    several = isinstance(kind, list) and kind[0] in {"list", "set"}
    pulumi, shape = _name(name, sdk, several=several, single=False, renamed={})
    flat = several and shape is not None and shape.kind != "list"
    inner = _shape(kind, SdkShape("list", element=shape) if flat else shape)
    return Field(name, pulumi, inner, flat, optional=True, computed=True)


def _name(
    name: str, sdk: Mapping[str, SdkShape] | None, *, several: bool, single: bool, renamed: Mapping[str, str]
) -> tuple[str, SdkShape | None]:
    """The name that Pulumi programs use, and the shape that the SDK gives it."""
    plain = camel(name)
    candidates = [renamed[name]] if name in renamed else [plain, *(_plurals(plain) if several else [])]
    if sdk is not None:
        for candidate in candidates:
            if candidate in sdk:
                return candidate, sdk[candidate]
        letters = re.sub("[^a-z0-9]", "", name.lower())
        for known, shape in sdk.items():  # the same letters in another case, such as ipv6CidrBlock
            if known.lower() in {letters, f"{letters}s", f"{letters}es"}:
                return known, shape
    if several and not single and not plain.endswith("s"):
        return _plurals(plain)[0], None
    return candidates[0], None


def _plurals(word: str) -> list[str]:
    return [f"{word}s", f"{word}es", *([f"{word[:-1]}ies"] if word.endswith("y") else [])]


def camel(name: str) -> str:
    """Write cidr_block as cidrBlock."""
    return re.sub("_(.)", lambda found: found[1].upper(), name)
