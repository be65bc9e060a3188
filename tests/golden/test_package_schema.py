"""The schema of the Pulumi package: fresh, and what every language needs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.provider.experimental.util import camel_case

from diaspora_infra.plugin import SCHEMA, component
from diaspora_infra.plugin.arguments import is_table, python_name
from generators.components_page import component_pages
from generators.package_schema import schema_text, token
from lab.engine import PROJECT
from tests.support.golden import Golden

DOCS = PROJECT / "docs"

# those of pulumi_aws, when it is imported
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return document


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every input, output and key."""
    for name, part in [*schema["resources"].items(), *schema["types"].items()]:
        for kind in ("inputProperties", "properties"):
            yield from ((f"{name}.{key}", value) for key, value in part.get(kind, {}).items())


def test_the_schema_and_its_pages_are_fresh(golden: Golden) -> None:
    golden.check(SCHEMA, schema_text())
    pages = component_pages(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for name, text in pages.items():
        golden.check(DOCS / name, text)
    assert {f"components/{page.name}" for page in (DOCS / "components").iterdir()} == pages.keys() - {"components.md"}


def test_every_component_is_found_and_has_its_token_and_outputs(schema: dict[str, Any]) -> None:
    for name, resource in schema["resources"].items():
        made = component(name)
        assert token(made.__name__) == name
        assert Path(made.__init__.__code__.co_filename).is_relative_to(PROJECT)
        assert f'"{name}"' in Path(made.__init__.__code__.co_filename).read_text(encoding="utf-8"), "its own token"
        for key in resource["properties"]:
            assert key == camel_case(python_name(key))
            assert python_name(key) in made.__annotations__


def test_names_of_arguments_are_those_of_python(schema: dict[str, Any]) -> None:
    for name, resource in schema["resources"].items():
        args = component(name).__init__.__annotations__["args"]
        assert {python_name(key) for key in resource["inputProperties"]} == {
            key for key in args.__annotations__ if not key.startswith("_")
        }


def test_everything_is_described_in_clean_markdown(schema: dict[str, Any]) -> None:
    described = [*properties(schema), *schema["resources"].items(), *schema["types"].items()]
    for name, part in described:
        assert part["description"], name
        assert "\n " not in part["description"], name
        assert "In Python" not in part["description"], name
        assert not re.search(r"`[a-z]+_[a-z_]+`", part["description"]), name


def test_switches_and_numbers_that_may_be_left_out_name_their_default(schema: dict[str, Any]) -> None:
    for name, resource in schema["resources"].items():
        for key in resource["inputProperties"].keys() - set(resource["requiredInputs"]):
            part = resource["inputProperties"][key]
            if part.get("type") in {"boolean", "integer", "number"}:
                assert re.search("[Ww]hen not set|[Ww]ithout it", part["description"]), f"{name}.{key}"


def test_nothing_internal_is_shown(schema: dict[str, Any]) -> None:
    assert not {name for name, _ in properties(schema) if "settings" in name.rpartition(".")[2].lower()} - {
        token("PodTable.settings")
    }


def test_keys_of_tables_offer_their_words(schema: dict[str, Any]) -> None:
    types = schema["types"]

    def words(of: dict[str, Any]) -> list[str]:
        return [each["value"] for each in types[of["$ref"].removeprefix("#/types/")]["enum"]]

    assert words(types[token("TlsTable")]["properties"]["mode"]) == ["acme", "own", "behindProxy"]
    assert words(types[token("UpdateWindowTable")]["properties"]["days"]["items"])[:2] == ["Mon", "Tue"]
    machine = types[token("MachineTable")]["properties"]
    assert machine["architecture"]["$ref"] == f"#/types/{token('Architecture')}", "one type of the same words"
    assert machine["networks"]["additionalProperties"] == {
        "type": "object",
        "additionalProperties": {"$ref": "pulumi.json#/Any"},
    }
    assert types[token("PodTable")]["required"] == ["admin", "domain"]


def test_values_inside_tables_may_be_outputs(schema: dict[str, Any]) -> None:
    for name, part in properties(schema):
        if is_table(name.rpartition(".")[0]):
            assert '"plain": ' not in json.dumps(part), name


def test_every_reference_leads_to_a_type(schema: dict[str, Any]) -> None:
    named = {f"#/types/{name}" for name in schema["types"]}
    text = json.dumps(schema)
    referred = {part.split('"')[0] for part in text.split('"$ref": "')[1:]}
    assert referred - named == {"pulumi.json#/Any"}
    assert named <= referred
