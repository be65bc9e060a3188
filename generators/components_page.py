"""The page of the package's components: `docs/components.md`, from the schema of the package."""

import re
from collections.abc import Iterator
from typing import Any

from diaspora_infra.plugin.arguments import is_table

HEAD = """\
# Components

Every component of the package `diaspora-infra`, with the names that YAML, TypeScript and Go know; Python writes
`matchbox_url` for `matchboxUrl`. `make golden` writes this page from the code. How to add the package and to call a
component: [use it from your language](languages.md).

A required input is marked with an asterisk. Only an input that is marked as plain takes no output of a resource. Where
a description says "none", the output is not set in that case.
"""

_PLACES = {
    "AwsTable": "aws",
    "HostTable": "host",
    "MachineTable": "ignitionmachines",
    "PodTable": "pod",
    "ProvisioningTable": "provisioning",
}
"""Where docs/config.md describes a table."""

Schema = dict[str, Any]


def components_text(schema: Schema) -> str:
    """The text of `docs/components.md`."""
    parts = [HEAD]
    for token, resource in sorted(schema["resources"].items()):
        parts.append("\n".join(_component(token.rpartition(":")[2], resource, schema["types"])))
    return "\n".join(parts)


def _component(name: str, resource: Schema, types: Schema) -> Iterator[str]:
    yield from (f"## {name}", "", resource["description"], "")
    yield from _properties("Input", resource["inputProperties"], resource["requiredInputs"])
    for own in dict.fromkeys(_own_types(resource["inputProperties"], types)):
        part = types[own]
        yield from (f"**{own.rpartition(':')[2]}.** {part['description']}", "")
        yield from _properties("Key", part["properties"], part.get("required", ()))
    yield from _properties("Output", resource["properties"], ())


def _properties(kind: str, properties: Schema, required: Any) -> Iterator[str]:
    yield from (f"| {kind} | Type | |", "|---|---|---|")
    # what a program must give comes first
    for key in sorted(properties, key=lambda key: key not in required):
        part = properties[key]
        name = f"`{key}`{' *' if key in required else ''}"
        plain = ", plain" if part.get("plain") and kind == "Input" else ""
        yield f"| {name} | {_type(part)}{plain} | {_cell(part['description'])} |"
    yield ""


def _own_types(properties: Schema, types: Schema) -> Iterator[str]:
    """Tokens of the types of inputs that docs/config.md does not describe."""
    for part in properties.values():
        token = _referred(part) or _referred(part.get("additionalProperties", {}))
        if token in types and "properties" in types[token] and not is_table(token):
            yield token


def _referred(part: Schema) -> str:
    reference: str = part.get("$ref", "")
    return reference.removeprefix("#/types/")


def _type(part: Schema) -> str:
    """A type in words."""
    name = _referred(part).rpartition(":")[2]
    if name in _PLACES:
        return f"[table](config.md#{_PLACES[name]})"
    if name:
        return "any" if name.endswith("Any") else f"`{name}`"
    if part["type"] == "array":
        return f"list of {_type(part['items'])}"
    if part["type"] == "object":
        return f"map of {_type(part.get('additionalProperties', {'type': 'string'}))}"
    return str(part["type"])


def _cell(text: str) -> str:
    """A description on one line of a table."""
    return re.sub(r"\s+", " ", text.replace("|", "\\|"))
