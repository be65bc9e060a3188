"""The pages of the components: `docs/components.md` and those in `docs/components`, from the schema of the package."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from diaspora_infra.plugin.arguments import is_table
from generators.component_examples import LANGUAGES, Example, Language

HEAD = """\
# Components

Every component of the package `diaspora-infra`, each with its inputs, its outputs and an example in four languages. How
to add the package to a program: [use it from your language](languages.md).

Names are those that YAML, TypeScript and Go know; Python writes `matchbox_url` for `matchboxUrl`. A required input is
marked with an asterisk. Only an input that is marked as plain takes no output of a resource. Where a description says
"none", the output is not set in that case.

A component of AWS uses the default provider (`aws:region` in the stack's config), and so does a `PxePod`
(`matchbox:endpoint`, `matchbox:ca`, `matchbox:clientCert` and `matchbox:clientKey`), unless the option `providers`
names another one.

All examples together are one program; the tests preview it (YAML), run it on a mock of the engine (Python) and compile
it (TypeScript and Go). In Go, `infra` is `example.com/pulumi-diaspora-infra/sdk/go/diasporainfra`, and an example
stands in a function that returns an error.

| Component | |
|---|---|
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


def component_pages(schema: Schema) -> dict[str, str]:
    """The texts of the pages, by their paths below `docs`."""
    languages = [each(schema) for each in LANGUAGES]
    resources = {token.rpartition(":")[2]: resource for token, resource in sorted(schema["resources"].items())}
    rows = (
        f"| [`{name}`](components/{name}.md) | {_first(part['description'])} |\n" for name, part in resources.items()
    )
    pages = {
        f"components/{name}.md": "\n".join(_page(name, resource, schema["types"], languages))
        for name, resource in resources.items()
    }
    return {"components.md": f"{HEAD}{''.join(rows)}", **pages}


def _first(description: str) -> str:
    """The first paragraph of a description."""
    return _cell(description.partition("\n\n")[0])


def _page(name: str, resource: Schema, types: Schema, languages: list[Language]) -> Iterator[str]:
    yield from (f"# {name}", "", resource["description"], "", "## Example", "")
    found = [each for each in languages[0].examples.values() if each.component == name]
    if not found:
        raise ValueError(f"{name}: no example; add one to generators/examples.yaml")
    yield from _referred_examples(found, languages[0].examples)
    for language in languages:
        yield from (f"**{language.title}**", "", f"```{language.fence}", language.block(found).rstrip("\n"), "```", "")
    yield from ("## Inputs", "")
    yield from _properties("Input", resource["inputProperties"], types, resource["requiredInputs"])
    yield from _own_types("Input", resource["inputProperties"], types)
    yield from ("## Outputs", "")
    yield from _properties("Output", resource["properties"], types)
    yield from _own_types("Output", resource["properties"], types)


def _referred_examples(found: list[Example], known: dict[str, Example]) -> Iterator[str]:
    """Say where the other resources come from."""
    names = dict.fromkeys(reference.resource for each in found for reference in each.references)
    parts = [f"`{name}` of [{known[name].component}]({known[name].component}.md)" for name in names]
    if parts:
        yield from (f"It uses these examples: {', '.join(parts)}.", "")


def _properties(kind: str, properties: Schema, types: Schema, required: Sequence[str] = ()) -> Iterator[str]:
    yield from (f"| {kind} | Type | |", "|---|---|---|")
    # what a program must give comes first
    for key in sorted(properties, key=lambda key: key not in required):
        part = properties[key]
        name = f"`{key}`{' *' if key in required else ''}"
        plain = ", plain" if part.get("plain") and kind == "Input" else ""
        yield f"| {name} | {_type(part, types)}{plain} | {_cell(part['description'])} |"
    yield ""


def _own_types(kind: str, properties: Schema, types: Schema) -> Iterator[str]:
    """The keys of the types that docs/config.md does not describe."""
    for token in dict.fromkeys(map(_referred, properties.values())):
        if "properties" in types.get(token, {}) and not is_table(token):
            part = types[token]
            yield from (f"**{token.rpartition(':')[2]}.** {part['description']}", "")
            required = part.get("required", ()) if kind == "Input" else ()
            yield from _properties("Key", part["properties"], types, required)


def _referred(part: Schema) -> str:
    """The token of the type that a value, or each value in it, has; empty where it is of no type of the package."""
    inner = part.get("items") or part.get("additionalProperties")
    reference: str = part.get("$ref", "")
    return _referred(inner) if inner else reference.removeprefix("#/types/")


def _type(part: Schema, types: Schema) -> str:
    """A type in words; the words that it allows, where there are only some."""
    if "$ref" in part:
        token = _referred(part)
        name = token.rpartition(":")[2]
        if "enum" in types.get(token, {}):
            return " or ".join(f"`{word['value']}`" for word in types[token]["enum"])
        if name in _PLACES:
            return f"[table](../config.md#{_PLACES[name]})"
        return "any" if name.endswith("Any") else f"`{name}`"
    if part["type"] == "array":
        return f"list of {_type(part['items'], types)}"
    if part["type"] == "object":
        return f"map of {_type(part.get('additionalProperties', {'type': 'string'}), types)}"
    return str(part["type"])


def _cell(text: str) -> str:
    """A description on one line of a table."""
    return re.sub(r"\s+", " ", text.replace("|", "\\|"))
