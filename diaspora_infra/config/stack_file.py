"""Plain stack files (`Pulumi.STACK.yaml`), read without an engine."""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from diaspora_infra.config.problems import ConfigError, Problem
from diaspora_infra.config.secrets import SECRET_KEYS

NAMESPACE = "diaspora-infra"


@dataclass(frozen=True)
class StackFile:
    """The project's keys of a stack file: plain values, and the names of the secrets that it sets."""

    values: dict[str, Any]
    secrets: frozenset[str]


class _Loader(yaml.SafeLoader):
    """Plain scalars as the engine reads them: 52:54:00:12:34:56 and 03:00 are texts, not numbers of base 60."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # the base class's way


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0x[0-9a-fA-F]+|[0-9]+)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def parse_stack_file(text: str) -> StackFile:
    """Take the project's namespace out of the text of a stack file. Raises ConfigError."""
    try:
        document = yaml.load(text, _Loader)  # noqa: S506  # a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        what = getattr(error, "problem", None) or "not readable"
        raise ConfigError([Problem("(file)", f"{where}{what}; allowed: YAML")]) from None
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise ConfigError([Problem("config", "missing; allowed: a table of keys such as diaspora-infra:pod")])
    values: dict[str, Any] = {}
    secrets: set[str] = set()
    problems: list[Problem] = []
    for full_key, value in config.items():
        namespace, _, key = str(full_key).partition(":")
        if namespace != NAMESPACE or not key:
            continue
        if key in SECRET_KEYS:
            if _is_secure(value):
                secrets.add(key)
            else:
                problems.append(
                    Problem(key, f"given as plain text; allowed: pulumi config set --secret {NAMESPACE}:{key}")
                )
        elif _is_secure(value):
            problems.append(Problem(key, "given as a secret, but it is not one; allowed: plain values"))
        else:
            values[key] = value
    if problems:
        raise ConfigError(problems)
    return StackFile(values, frozenset(secrets))


def _is_secure(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"} and isinstance(value["secure"], str)
