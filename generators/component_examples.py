"""Examples of the components in each language, from the program `examples.yaml` beside this module."""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml

from diaspora_infra.plugin import component
from diaspora_infra.plugin.arguments import is_table, python_name
from generators.layout import WIDTH, Braces, Layout, Node

PROGRAM = Path(__file__).with_name("examples.yaml")

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Reference:
    """An output of a resource of the program, as `${network.vpcId}` is one."""

    resource: str
    output: str


@dataclass(frozen=True)
class Example:
    """A resource of the program. `yaml` is its text there."""

    name: str
    component: str
    properties: Mapping[str, Any]
    yaml: str

    @property
    def token(self) -> str:
        """The type of the resource."""
        return f"diaspora-infra:index:{self.component}"

    @property
    def references(self) -> list[Reference]:
        """The outputs that it takes, in the order of its text."""
        return list(_references(self.properties))


def examples() -> dict[str, Example]:
    """The examples by name. Each comes behind those that it refers to."""
    text = PROGRAM.read_text(encoding="utf-8")
    texts = re.split(r"^  (?=\w)", text.partition("\nresources:\n")[2], flags=re.MULTILINE)[1:]
    resources = yaml.safe_load(text)["resources"]
    return {
        name: Example(name, resource["type"].rpartition(":")[2], resource["properties"], f"  {own}")
        for (name, resource), own in zip(resources.items(), texts, strict=True)
    }


def _references(value: Any) -> Iterator[Reference]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _references(each)
    elif found := _referred(value):
        yield found


def _referred(value: Any) -> Reference | None:
    """The output that a value of the program stands for; None for any other value."""
    found = re.fullmatch(r"\$\{(\w+)\.(\w+)\}", value) if isinstance(value, str) else None
    return Reference(*found.groups()) if found else None


class Language:
    """A language that the examples are written in; this one is YAML."""

    title = "YAML"
    fence = "yaml"
    """What its blocks of code are marked with."""

    layout = Layout()
    quote = '"'
    """Stands around a text with double quotes in it."""

    def __init__(self, schema: Schema) -> None:
        self._resources, self._types = schema["resources"], schema["types"]
        self.examples = examples()

    def block(self, found: list[Example]) -> str:
        """The text of examples on a page."""
        return self._head(found) + "\n".join(map(self._statement, found))

    def program(self) -> str:
        """All examples as one program."""
        return self.block(list(self.examples.values()))

    def _head(self, found: list[Example]) -> str:  # noqa: ARG002 - other languages need them
        """What stands once at the top of a block."""
        return "resources:\n"

    def _statement(self, example: Example) -> str:
        """What makes a resource."""
        return example.yaml

    def _resource(self, name: str) -> Schema:
        """The schema of the component of an example."""
        found: Schema = self._resources[self.examples[name].token]
        return found

    def _is_optional(self, reference: Reference) -> bool:
        """Tell whether an output is not always there."""
        return reference.output not in self._resource(reference.resource).get("required", ())

    def _type(self, part: Schema) -> tuple[str, Schema]:
        """The name and the schema of the type that a value refers to; an empty name where it refers to none."""
        token = part.get("$ref", "").removeprefix("#/types/")
        return token.rpartition(":")[2], self._types.get(token, {})

    def _scalar(self, value: str | bool | float) -> str:
        if isinstance(value, str) and '"' in value and not set(value) & {self.quote, "\\", "\n"}:
            return f"{self.quote}{value}{self.quote}"
        return json.dumps(value, ensure_ascii=False)


class Python(Language):
    """The library. Names of arguments are those of Python; words of arguments are members of enumerations."""

    title, fence, quote = "Python", "python", "'"

    def _head(self, found: list[Example]) -> str:
        names: dict[str, set[str]] = {}
        for example in found:
            module = component(example.token).__module__.split(".")[1]
            names.setdefault(module, set()).add(example.component)
            for name in re.findall(r"\b([A-Z]\w+)\.[A-Z]", self._statement(example)):
                names.setdefault("aws", set()).add(name)
        return (
            "".join(self._import(f"diaspora_infra.{module}", sorted(names[module])) for module in sorted(names)) + "\n"
        )

    def _import(self, module: str, names: list[str]) -> str:
        line = f"from {module} import {', '.join(names)}\n"
        lines = "".join(f"    {name},\n" for name in names)
        return line if len(line) <= WIDTH else f"from {module} import (\n{lines})\n"

    def _statement(self, example: Example) -> str:
        resource = self._resource(example.name)
        # an input that may be left out takes None as well
        strict = {k: v for k, v in example.properties.items() if k in resource["requiredInputs"] or not _referred(v)}
        outputs = dict.fromkeys(self._output(each) for each in _references(strict) if self._may_be_none(each))
        checks = "".join(f"assert {each} is not None\n" for each in outputs)
        args = self._table(example.properties, resource["inputProperties"], in_table=False)
        call = Braces(f"{example.name} = {example.component}(", [("", f'"{example.name}"'), ("", args)], ")")
        return f"{checks}{self.layout.text(call)}\n"

    def _may_be_none(self, reference: Reference) -> bool:
        made = component(self.examples[reference.resource].token)
        return type(None) in get_args(made.__annotations__[python_name(reference.output)])

    def _output(self, reference: Reference) -> str:
        return f"{reference.resource}.{python_name(reference.output)}"

    def _table(self, values: Mapping[str, Any], keys: Schema, *, in_table: bool) -> Node:
        name = str if in_table else python_name
        items = [(f'"{name(key)}": ', self._value(value, keys[key], in_table)) for key, value in values.items()]
        return Braces("{", items, "}")

    def _value(self, value: Any, part: Schema, in_table: bool) -> Node:
        name, kind = self._type(part)
        if reference := _referred(value):
            return self._output(reference)
        if "enum" in kind and not in_table:
            return f"{name}.{self._member(name, value)}"
        if "properties" in kind:
            return self._table(value, kind["properties"], in_table=is_table(name))
        if isinstance(value, Mapping):
            inner = part["additionalProperties"]
            items = [(f"{self._scalar(key)}: ", self._value(each, inner, in_table)) for key, each in value.items()]
            return Braces("{", items, "}")
        if isinstance(value, list):
            return Braces("[", [("", self._value(each, part["items"], in_table)) for each in value], "]")
        return repr(value) if isinstance(value, bool) else self._scalar(value)

    def _member(self, name: str, value: str) -> str:
        import diaspora_infra.aws  # takes seconds, and only this language needs it

        member: str = getattr(diaspora_infra.aws, name)(value).name
        return member


class TypeScript(Language):
    """The SDK for TypeScript."""

    title, fence, quote = "TypeScript", "typescript", "'"

    def _head(self, found: list[Example]) -> str:  # noqa: ARG002
        return 'import * as infra from "diaspora-infra";\n\n'

    def _statement(self, example: Example) -> str:
        start = f'const {example.name} = new infra.{example.component}("{example.name}", '
        return f"{start}{self.layout.text(self._value(example.properties), start)});\n"

    def _value(self, value: Any) -> Node:
        if reference := _referred(value):
            output = f"{reference.resource}.{reference.output}"
            return f"{output}.apply(known => known!)" if self._is_optional(reference) else output
        if isinstance(value, Mapping):
            items = [(f"{self._key(key)}: ", self._value(each)) for key, each in value.items()]
            return Braces("{", items, "}", padding=" ")
        if isinstance(value, list):
            return Braces("[", [("", self._value(each)) for each in value], "]")
        return self._scalar(value)

    def _key(self, key: str) -> str:
        return key if key.isidentifier() else self._scalar(key)


_GO_HEAD = """\
package components

import (
	infra "example.com/pulumi-diaspora-infra/sdk/go/diasporainfra"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func program(ctx *pulumi.Context) error {
"""
_GO_TYPES = {"string": "string", "boolean": "bool", "integer": "int", "number": "float64"}
_GO_INPUTS = {"string": "String", "boolean": "Bool", "integer": "Int", "number": "Float64"}


class Go(Language):
    """The SDK for Go, in which inputs, plain values, and both where they may be left out, have types of their own."""

    title, fence, quote = "Go", "go", "`"
    layout = Layout(tab="\t", aligned=True)

    def program(self) -> str:
        """All examples as a package, which a compiler checks; it has no `main`."""
        used = "".join(f"_ = {name}\n" for name in self.examples)
        body = f"{super().program()}\n{used}return nil\n"
        return _GO_HEAD + textwrap.indent(body, "\t") + "}\n"

    def _head(self, found: list[Example]) -> str:  # noqa: ARG002
        return ""

    def _statement(self, example: Example) -> str:
        schema = self._resource(example.name)
        constants: dict[str, str] = {}
        start = f'{example.name}, err := infra.New{example.component}(ctx, "{example.name}", '
        table = f"&infra.{example.component}Args{{"
        keys, required = schema["inputProperties"], schema["requiredInputs"]
        args = self._table(table, example.properties, keys, required, constants)
        lines = "".join(f"{name} := {value}\n" for name, value in constants.items())
        return f"{lines}{start}{self.layout.text(args, start)})\nif err != nil {{\n\treturn err\n}}\n"

    def _table(
        self, start: str, values: Mapping[str, Any], keys: Schema, required: Any, constants: dict[str, str]
    ) -> Node:
        items = [
            (f"{_capital(key)}: ", self._value(key, value, keys[key], key not in required, constants))
            for key, value in values.items()
        ]
        return Braces(start, items, "}")

    def _value(self, key: str, value: Any, part: Schema, optional: bool, constants: dict[str, str]) -> Node:
        """Write a value. To `constants` it adds those that the program has to take the address of."""
        name, kind = self._type(part)
        pointer = optional and part.get("plain")
        if reference := _referred(value):
            output = f"{reference.resource}.{_capital(reference.output)}"
            return f"{output}.Elem()" if self._is_optional(reference) and not optional else output
        if "enum" in kind:
            constants |= {key: self._constant(name, kind, value)} if pointer else {}
            return f"&{key}" if pointer else self._constant(name, kind, value)
        if "properties" in kind:
            start = f"{'&' if pointer else ''}infra.{name}Args{{"
            return self._table(start, value, kind["properties"], kind.get("required", ()), constants)
        if isinstance(value, list):
            start = f"{self._several(part, part['items'], '[]', 'Array')}{{"
            return Braces(start, [("", self._value(key, each, part["items"], False, constants)) for each in value], "}")
        if isinstance(value, Mapping):
            inner = part["additionalProperties"]
            items = [(f"{self._scalar(k)}: ", self._value(k, v, inner, False, constants)) for k, v in value.items()]
            return Braces(f"{self._several(part, inner, 'map[string]', 'Map')}{{", items, "}")
        text = self._scalar(value)
        if part.get("plain") and not optional:
            return text
        return f"pulumi.{_GO_INPUTS[part['type']]}{'Ref' if pointer else ''}({text})"

    def _several(self, part: Schema, inner: Schema, plain: str, ending: str) -> str:
        """The type of a list or map."""
        name, _ = self._type(inner)
        wrapped = f"infra.{name}" if name else f"pulumi.{_GO_INPUTS[inner['type']]}"
        if not part.get("plain"):
            return wrapped + ending
        if inner.get("plain"):
            return plain + (wrapped if name else _GO_TYPES[inner["type"]])
        return f"{plain}{wrapped}Input"

    def _constant(self, name: str, kind: Schema, value: str) -> str:
        (word,) = (each["name"] for each in kind["enum"] if each["value"] == value)
        return f"infra.{name}{'_' if '_' in word else ''}{word}"


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


LANGUAGES = (Python, TypeScript, Go, Language)
