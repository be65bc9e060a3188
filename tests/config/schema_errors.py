"""What the JSON Schema of stack files says about a config."""

import functools
from typing import Any

import jsonschema

from diaspora_infra.config import NAMESPACE
from generators.config_schema import stack_schema


@functools.cache
def validator() -> jsonschema.Draft202012Validator:
    """The schema, ready to validate a stack file."""
    return jsonschema.Draft202012Validator(stack_schema())


def schema_errors(values: dict[str, Any]) -> list[str]:
    """The errors of a stack file with these keys of the project."""
    config = {f"{NAMESPACE}:{key}": value for key, value in values.items()}
    return [error.message for error in validator().iter_errors({"config": config})]
