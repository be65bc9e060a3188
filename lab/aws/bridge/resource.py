"""One type of resource: translation of its values, and how a difference is shown to the engine."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.aws.bridge import autonames, sdk
from lab.aws.bridge.shapes import Many, Record, Shape, Table, record_of
from lab.aws.bridge.types import RENAMED, RESOURCES
from lab.aws.bridge.values import UNKNOWN, record_to_terraform, same, sorted_sets, to_pulumi

META = "__meta"
"""The property in which the engine keeps what the Terraform provider wants back."""


@dataclass(frozen=True)
class Difference:
    """What would change: kind (add, delete, update) by property path, and the paths that demand a replacement."""

    changes: dict[str, str] = field(default_factory=dict)
    replaces: list[str] = field(default_factory=list)

    def is_replaced(self, path: str) -> bool:
        """Whether a change at this path demands a replacement."""
        return any(_overlap(path, replaced) for replaced in self.replaces)


@dataclass(frozen=True)
class Resource:
    """A type of resource."""

    terraform: str
    version: int
    record: Record
    inputs: frozenset[str]
    """Names of the properties that a program may give."""
    required: frozenset[str]
    """Those of them that it must give."""
    naming: autonames.Rule

    @classmethod
    def of(cls, token: str, schemas: Mapping[str, Any]) -> "Resource":
        """Make it from the SDK's class and the provider's schema. Raises KeyError for a type that is not listed."""
        terraform = RESOURCES[token]
        sdk_type = sdk.resource(token)
        schema = schemas[terraform]
        renamed = {argument: name for (kind, argument), name in RENAMED.items() if kind == terraform}
        record = record_of(schema.block, sdk_type.properties, renamed)
        return cls(terraform, schema.version, record, sdk_type.inputs, sdk_type.required, autonames.rule_for(terraform))

    def with_name(self, news: Mapping[str, Any], olds: Mapping[str, Any], urn: str, seed: bytes) -> dict[str, Any]:
        """The inputs with a name of our making, where the program gives none and the type wants one."""
        properties = {entry.pulumi: entry for entry in self.record.fields.values()}
        entry = properties.get(self.naming.property)
        given = {name for name in news if news[name] is not None}
        prefix = entry is not None and f"{entry.pulumi}Prefix" in given
        optional = self.naming.property in self.inputs and self.naming.property not in self.required
        if entry is None or entry.pulumi in given or prefix or not optional or not (entry.optional or entry.required):
            return dict(news)
        return autonames.name_it(self.naming, news, olds, urn, seed)

    def config(self, inputs: Mapping[str, Any]) -> Any:
        """The Terraform configuration that a program's inputs mean. Raises BadValueError."""
        return record_to_terraform(self.record, _visible(inputs))

    def state(self, outputs: Mapping[str, Any], identifier: str) -> tuple[Any, bytes]:
        """The Terraform state, and the provider's private data, that the engine keeps as outputs."""
        meta = json.loads(outputs.get(META) or "{}")
        state = record_to_terraform(self.record, _visible(outputs), strict=False)
        if "id" in self.record.fields:
            state["id"] = identifier
        return state, base64.b64decode(meta.get("private", ""))

    def outputs(self, state: Any, private: bytes) -> dict[str, Any]:
        """What the engine keeps of a Terraform state."""
        meta = {"schema_version": self.version, "private": base64.b64encode(private).decode()}
        return {**self.properties(state), META: json.dumps(meta)}

    def properties(self, state: Any) -> dict[str, Any]:
        """A Terraform state by Pulumi's names."""
        properties: dict[str, Any] = to_pulumi(self.record, state)
        return properties

    def identifier(self, state: Mapping[str, Any]) -> str:
        """The id of a resource; newer types have none, but an ARN or another attribute that stands for it."""
        names = ["id", "arn", *sorted(name for name in state if name.endswith(("_id", "_arn", "name")))]
        return next((str(state[name]) for name in names if isinstance(state.get(name), str) and state[name]), "none")

    def keep(self, ignored: Iterable[str], prior: Mapping[str, Any], config: dict[str, Any]) -> None:
        """Put the old values in the place of those that the program asks to ignore."""
        for path in ignored:
            top = _top(path)
            for name, entry in self.record.fields.items():
                if entry.pulumi == top:
                    config[name] = prior.get(name)

    def difference(self, prior: Any, planned: Any, requires_replace: Iterable[Any]) -> Difference:
        """Compare two Terraform states."""
        before, after = sorted_sets(self.record, prior), sorted_sets(self.record, planned)
        replaces: list[str] = []
        for attribute in requires_replace:
            path, steps = self.path(attribute)
            if path not in replaces and not same(_at(before, steps), _at(after, steps)):
                replaces.append(path)
        changes: dict[str, str] = {}
        _collect(self.properties(before), self.properties(after), "", changes)
        for path in replaces:
            if not any(_overlap(path, changed) for changed in changes):
                changes[path] = "update"
        return Difference(changes, replaces)

    def path(self, attribute: Any) -> tuple[str, list[str | int]]:
        """Pulumi's path of a Terraform attribute path, and its steps up to the first set."""
        shape: Shape = self.record
        path, steps, flat = "", list[str | int](), False
        for step in attribute.steps:
            selector = step.WhichOneof("selector")
            if selector == "attribute_name":
                if not isinstance(shape, Record) or step.attribute_name not in shape.fields:
                    return f"{path}.{step.attribute_name}".lstrip("."), steps
                entry = shape.fields[step.attribute_name]
                path, shape, flat = f"{path}.{entry.pulumi}", entry.shape, entry.flat
                steps.append(entry.terraform)
                if isinstance(shape, Many) and shape.is_set:
                    break
            else:
                key = step.element_key_int if selector == "element_key_int" else step.element_key_string
                steps.append(key)
                if not flat:
                    path += f"[{key}]" if selector == "element_key_int" else f".{key}"
                shape = shape.element if isinstance(shape, (Many, Table)) else shape
        return path.lstrip("."), steps

    def deleted_first(self, news: Mapping[str, Any], olds: Mapping[str, Any]) -> bool:
        """Whether a replacement must delete first: the program itself names the resource, and keeps the name."""
        name = self.naming.property
        generated = name in (news.get(autonames.DEFAULTS) or [])
        return name in self.inputs and not generated and news.get(name) is not None and news[name] == olds.get(name)


def _visible(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if not name.startswith("__")}


def _top(path: str) -> str:
    return re.split(r"[.\[]", path)[0]


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith((f"{other}.", f"{other}[")) or other.startswith((f"{one}.", f"{one}["))


def _at(value: Any, steps: Iterable[str | int]) -> Any:
    for step in steps:
        if value is UNKNOWN:
            return UNKNOWN
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _collect(old: Any, new: Any, path: str, changes: dict[str, str]) -> None:
    """Note the paths at which two Pulumi values differ."""
    if same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            inner = f"{path}.{name}".lstrip(".") if re.fullmatch(r"[A-Za-z_]\w*", name) else f'{path}["{name}"]'
            _collect(old.get(name), new.get(name), inner, changes)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            one = old[index] if index < len(old) else None
            other = new[index] if index < len(new) else None
            _collect(one, other, f"{path}[{index}]", changes)
    elif old is None:
        changes[path] = "add"
    else:
        changes[path] = "delete" if new is None else "update"
