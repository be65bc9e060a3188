"""The JSON Schema of a stack file, for editors: `docs/config.schema.json`.

It says all that a JSON Schema can say. What only the program knows (a MAC address used twice, say) it lets pass; it
accepts everything that the program accepts, except `false` for the word `off`.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from diaspora_infra.config.host.keyfile import SECTIONS, Kind
from diaspora_infra.config.loader.load import KEYS, PROVISIONING_KEYS
from diaspora_infra.config.secrets import NAMESPACE, SECRETS
from diaspora_infra.config.settings import WrittenSettings

Schema = dict[str, Any]


def stack_schema() -> Schema:
    """Describe a whole stack file; keys of other namespaces are left alone."""
    settings = settings_schema()
    pxe = settings["$defs"]["Pxe"]
    pxe["required"].remove("machines")
    pxe["anyOf"] = [{"required": ["machines"]}, {"required": ["machineFiles"]}]  # all of them may be in files
    properties = {f"{NAMESPACE}:{key}": settings["properties"][key] for key in KEYS}
    for secret in SECRETS:
        properties[f"{NAMESPACE}:{secret.key}"] = {
            "description": f"{secret.description} Set it with: {secret.command}",
            "type": "object",
            "properties": {"secure": {"type": "string", "description": "The encrypted value, as the engine wrote it."}},
            "required": ["secure"],
            "additionalProperties": False,
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{NAMESPACE} stack file",
        "type": "object",
        "properties": {
            "config": {
                "description": "The settings of the stack.",
                "type": "object",
                "properties": properties,
                "required": [f"{NAMESPACE}:{key}" for key in settings["required"] if key != "pod"],
                "patternProperties": {f"^(?!{NAMESPACE}:)": {}},
                "additionalProperties": False,
                "allOf": [
                    {"if": _target_is("pxe"), "then": {"required": [f"{NAMESPACE}:pxe"]}},
                    {
                        "if": _target_is("provisioning"),
                        "then": {
                            "required": [f"{NAMESPACE}:provisioning"],
                            "properties": {f"{NAMESPACE}:{key}": False for key in KEYS if key not in PROVISIONING_KEYS},
                        },
                        "else": {"required": [f"{NAMESPACE}:pod"]},
                    },
                ],
            }
        },
        "patternProperties": {f"^{NAMESPACE}:": False},  # they belong under config
        "required": ["config"],
        "$defs": settings["$defs"],
    }


def _target_is(target: str) -> Schema:
    return {"required": [f"{NAMESPACE}:target"], "properties": {f"{NAMESPACE}:target": {"const": target}}}


def settings_schema() -> Schema:
    """Describe the keys without their namespace."""
    schema = WrittenSettings.model_json_schema(by_alias=True, schema_generator=_Generator)
    definitions = {name: _tidy(definition) for name, definition in schema["$defs"].items()}
    for name in ("Machine", "PxeMachine", "Provisioning"):
        (networks,) = definitions[name]["properties"]["networks"]["patternProperties"].values()
        networks.clear()
        networks["$ref"] = "#/$defs/Keyfile"
    settings = _tidy(schema)
    for key in ("pxe", "provisioning"):
        part = settings["properties"][key]
        settings["properties"][key] = part.pop("anyOf")[0] | part  # a key that is there without a value is a mistake
    definitions["Keyfile"] = _keyfile()
    definitions["KeyfileValue"] = {"type": ["string", "integer", "boolean"]}
    return settings | {"$defs": definitions}


def stack_schema_text() -> str:
    """The text of `docs/config.schema.json`."""
    return json.dumps(stack_schema(), indent=2, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # the base class's signature
        """No titles: they only repeat the names of the keys."""
        return False


_MAPS = ("properties", "patternProperties")
_PARTS = ("items", "additionalProperties")


def _tidy(schema: Schema) -> Schema:
    """Remove noise for editors, and shorten the rest."""
    tidy = {key: value for key, value in schema.items() if key not in {"title", "propertyNames", "$defs"}}
    for key in _MAPS:
        if key in tidy:
            tidy[key] = {name: _tidy(part) for name, part in tidy[key].items()}
    for key in _PARTS:
        if isinstance(tidy.get(key), dict):
            tidy[key] = _tidy(tidy[key])
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False
    if "description" in tidy:
        tidy["description"] = " ".join(tidy["description"].split())
    if ("$ref" in tidy and isinstance(tidy.get("default"), dict)) or tidy.get("default", "") is None:
        del tidy["default"]  # the table's own keys say it; null means that the key is not set
    if "default" in tidy:
        tidy["default"] = _short(tidy["default"])
    return _or_null(tidy)


def _short(default: Any) -> Any:
    """Leave the empty values out of the tables in a default."""
    if isinstance(default, list):
        return [_short(item) for item in default]
    if isinstance(default, dict):
        return {key: value for key, value in default.items() if value not in (None, [], {})}
    return default


def _or_null(schema: Schema) -> Schema:
    """Write a choice of one type and null as that type; a choice of plain types as a list of types."""
    choices = [_tidy(choice) for choice in schema.get("anyOf", ())]
    types = [choice.get("type") for choice in choices]
    details = [choice for choice in choices if choice.keys() > {"type"}]
    if not choices or len(details) > 1 or None in types:
        return schema | ({"anyOf": choices} if choices else {})
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if details and "enum" in details[0]:
        details = [details[0] | {"enum": [*details[0]["enum"], None]}]
    return (details[0] if details else {}) | rest | {"type": types}


def _keyfile() -> Schema:
    """Describe the sections and keys of a NetworkManager connection."""
    return {
        "description": "A connection as NetworkManager's keyfiles have it: sections and their keys.",
        "type": "object",
        "properties": {section: _keyfile_section(keys) for section, keys in SECTIONS.items()},
        "additionalProperties": False,
    }


def _keyfile_section(keys: Mapping[str, Kind]) -> Schema:
    plain: Schema = {}
    numbered: Schema = {}
    for key, kind in keys.items():
        described = {"$ref": "#/$defs/KeyfileValue", "description": f"Allowed: {kind.allowed}"}
        if re.search(r"[a-z]1(_|$)", key) and key.startswith(("address", "route", "routing-rule")):
            numbered[f"^{re.sub('1', '[0-9]+', key)}$"] = described
        else:
            plain[key] = described
    schema: Schema = {"type": "object", "properties": plain, "additionalProperties": False}
    return schema | ({"patternProperties": numbered} if numbered else {})
