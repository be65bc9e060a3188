"""The schema of the Pulumi package: `diaspora_infra/plugin/schema.json`.

Pulumi's own analyzer reads the components. The tables of a stack file come from the settings (generators/tables.py), so
that editors complete the words that a key allows.
"""

import inspect
import json
import re
from typing import Any, assert_never

import pulumi
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.provider.experimental.schema import generate_schema
from pulumi.provider.experimental.util import camel_case

import diaspora_infra.aws
from diaspora_infra.ignition import Ignition
from diaspora_infra.plugin.arguments import is_table
from diaspora_infra.pxe import ProvisioningServer, PxePod
from diaspora_infra.version import package_version
from generators.tables import ListOf, MapOf, Plain, Reference, Table, Type, settings_tables
from generators.typed_tables import class_name, described

PACKAGE = "diaspora-infra"
Schema = dict[str, Any]


def components() -> list[type[pulumi.ComponentResource]]:
    """The components of the package.

    A `PxeFleet` is not among them: it takes what `host.render` gives, which is known in Python only.
    """
    exported = [getattr(diaspora_infra.aws, name) for name in diaspora_infra.aws.__all__]
    of_aws = sorted(
        (each for each in exported if issubclass(each, pulumi.ComponentResource)), key=lambda each: each.__name__
    )
    return [Ignition, PxePod, ProvisioningServer, *of_aws]


def package_schema() -> Schema:
    """The schema of the package."""
    found = Analyzer(PACKAGE).analyze(components())
    definitions = found["component_definitions"], found["type_definitions"]
    analyzed = generate_schema(PACKAGE, package_version(), None, *definitions, []).to_json()
    resources, types = (_cleaned(_without_args(analyzed[part])) for part in ("resources", "types"))
    for resource in resources.values():
        _fit_to_languages(resource)
    return {
        "name": PACKAGE,
        "version": analyzed["version"],
        "displayName": "diaspora-infra",
        "description": "A diaspora* pod on Fedora CoreOS: over the network with matchbox, on AWS, or plain Ignition.",
        "keywords": ["pulumi", "category/infrastructure", "kind/component"],
        "license": "Apache-2.0",
        "language": {**analyzed["language"], "nodejs": {"packageName": PACKAGE, "respectSchemaVersion": True}},
        "resources": resources,
        "types": _types(types),
    }


def schema_text() -> str:
    """The text of `diaspora_infra/plugin/schema.json`."""
    return json.dumps(package_schema(), indent=1, ensure_ascii=False) + "\n"


def token(name: str) -> str:
    """The token of a type or component."""
    return f"{PACKAGE}:index:{name}"


def _without_args(part: Schema) -> Schema:
    """Name types without the `Args` at their end, which the SDKs add themselves."""
    renamed: Schema = json.loads(re.sub(rf"({PACKAGE}:index:\w+)Args\"", r'\1"', json.dumps(part)))
    return renamed


def _types(analyzed: Schema) -> Schema:
    """The types that components name, with the tables from the settings and the words that their keys allow."""
    types = {name: _with_named_words(each) for name, each in analyzed.items() if not is_table(name)}
    words = {tuple(value["value"] for value in each["enum"]): name for name, each in types.items() if "enum" in each}
    for table in settings_tables():
        if token(class_name(table.name)) in analyzed:
            types |= _table_types(table, words)
    return dict(sorted(types.items()))


def _with_named_words(part: Schema) -> Schema:
    """Name the words of an enumeration as those of tables are named, whatever Python calls its members."""
    if "enum" not in part:
        return part
    return {**part, "enum": [{**each, "name": _enum_name(each["value"])} for each in part["enum"]]}


def _table_types(table: Table, words: dict[tuple[Any, ...], str]) -> Schema:
    """The type of a table, and those of the words that its keys allow; equal words are one type."""
    made: Schema = {}
    properties = {}
    for key in table.keys:
        named = key.words and all(isinstance(word, str) for word in key.words)
        if named and key.words not in words:
            name = token(f"{table.name}{key.name[:1].upper()}{key.name[1:]}")
            words[key.words] = name
            values = [{"name": _enum_name(str(word)), "value": word} for word in key.words]
            made[name] = {"type": "string", "description": key.description, "enum": values}
        properties[key.name] = {
            **_schema_of(key.type, f"#/types/{words[key.words]}" if named else ""),
            "description": described(key),
        }
    made[token(class_name(table.name))] = {
        "type": "object",
        "description": table.description,
        "properties": properties,
        "required": sorted(key.name for key in table.keys if key.required),
    }
    return made


def _schema_of(kind: Type, words: str) -> Schema:
    """The schema of a value; `words` refers to the type of the words that it takes, where there is a list of them."""
    match kind:
        case Plain.ANY:
            return {"$ref": "pulumi.json#/Any"}
        case Plain():
            return {"$ref": words} if words else {"type": str(kind)}
        case ListOf():
            return {"type": "array", "items": _schema_of(kind.item, words)}
        case MapOf(MapOf(Plain.ANY)):
            return _schema_of(MapOf(Plain.ANY), "")  # Go has no type of a map in a map in a map
        case MapOf():
            return {"type": "object", "additionalProperties": _schema_of(kind.value, words)}
        case Reference():
            return {"$ref": f"#/types/{token(class_name(kind.table))}"}
    assert_never(kind)


def _enum_name(word: str) -> str:
    """The name of a word in programs: `CramMd5` of `cram_md5`, but `X86_64`."""
    parts = re.split(r"[^A-Za-z0-9](?!\d)", word)
    return "".join(part[:1].upper() + part[1:] for part in parts)


def _cleaned(value: Any) -> Any:
    """Without what is not set, and with docstrings as Markdown."""
    if isinstance(value, dict):
        return {
            key: _markdown(each) if key == "description" and isinstance(each, str) else _cleaned(each)
            for key, each in value.items()
            if each is not None
        }
    return [_cleaned(each) for each in value] if isinstance(value, list) else value


def _markdown(docstring: str) -> str:
    """A docstring without its indentation and without what is about Python: paragraphs, and the forms of names."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    kept = "\n\n".join(" ".join(each.split()) for each in paragraphs if not each.startswith("In Python,"))
    names = re.sub(r"`[a-z]+(?:_[a-z]+)+`", lambda found: camel_case(found[0]), kept)
    return re.sub(r"(?<!\. )\bNone\b", "none", names)


def _fit_to_languages(resource: Schema) -> None:
    """Change what Go's SDK cannot write: in a plain map, it would name a type that it does not write.

    The plugin refuses an output there.
    """
    for kind in ("inputProperties", "properties"):
        for each in resource[kind].values():
            if "$ref" in each.get("additionalProperties", {}):
                each["additionalProperties"].pop("plain", None)
