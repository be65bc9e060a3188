"""The page about older stacks names keys that exist."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from lab.engine import PROJECT

PAGE = (PROJECT / "docs/replace-older-stack.md").read_text(encoding="utf-8")
SCHEMA = json.loads((PROJECT / "docs/config.schema.json").read_text(encoding="utf-8"))


def keys() -> list[str]:
    """The keys in the tables: what begins with the name of a table of the stack file."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    return sorted({key for row in rows for key in re.findall(r"`((?:pod|host|pxe|aws)\.[\w.]+)`", row)})


def tables(schema: Any) -> Iterator[Any]:
    """The tables that a value may be, and those in a list."""
    if "$ref" in schema:
        yield from tables(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    for other in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from tables(other)
    if "items" in schema:
        yield from tables(schema["items"])
    if "properties" in schema:
        yield schema["properties"]


def exists(key: str) -> bool:
    found = [
        each for name, each in SCHEMA["properties"]["config"]["properties"].items() if name.endswith(key.split(".")[0])
    ]
    for name in key.split(".")[1:]:
        found = [table[name] for schema in found for table in tables(schema) if name in table]
    return bool(found)


def test_tables_have_keys() -> None:
    assert len(keys()) > 40


@pytest.mark.parametrize("key", keys())
def test_key_exists(key: str) -> None:
    assert exists(key)


def test_a_key_that_does_not_exist_is_found() -> None:
    assert not exists("pod.settings.nothing")
