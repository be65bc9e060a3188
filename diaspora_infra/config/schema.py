"""The JSON Schema of a stack file, for editors: `docs/config.schema.json`."""

import json
from typing import Any

from diaspora_infra.config.load import KEYS
from diaspora_infra.config.secrets import NAMESPACE, SECRETS
from diaspora_infra.config.settings import Settings


def stack_schema() -> dict[str, Any]:
    """Describe a whole stack file; keys of other namespaces are left alone."""
    settings = Settings.model_json_schema(by_alias=True)
    properties = {f"{NAMESPACE}:{key}": settings["properties"][key] for key in KEYS}
    for secret in SECRETS:
        properties[f"{NAMESPACE}:{secret.key}"] = {
            "description": secret.description,
            "type": "object",
            "properties": {"secure": {"type": "string"}},
            "required": ["secure"],
            "additionalProperties": False,
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "diaspora-infra stack file",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": properties,
                "required": [f"{NAMESPACE}:{key}" for key in settings["required"]],
                "patternProperties": {f"^(?!{NAMESPACE}:)": {}},
                "additionalProperties": False,
            }
        },
        "required": ["config"],
        "$defs": settings["$defs"],
    }


def stack_schema_text() -> str:
    """The text of `docs/config.schema.json`."""
    return json.dumps(stack_schema(), indent=2, ensure_ascii=False) + "\n"
