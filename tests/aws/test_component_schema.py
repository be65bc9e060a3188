"""Programs in other languages could use the components: the engine's analyzer of Python components takes them all."""

import json
from collections.abc import Iterator
from typing import Any, Literal, TypedDict

import pulumi
import pytest
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.provider.experimental.schema import generate_schema

import diaspora_infra.aws as components

PACKAGE = "diaspora-infra"
COMPONENTS: list[type[pulumi.ComponentResource]] = [
    exported
    for exported in (getattr(components, name) for name in components.__all__)
    if issubclass(exported, pulumi.ComponentResource)
]
OF_ANY_TYPE = {
    "AwsPod.monthlyCost",
    "Backups.statements",
    "Bundle.statements",
    "ImageBuild.statements",
    "Machine.statements",
    "MachineGroup.statements",
    "Parameters.statements",
    "Uploads.statements",
}
"""Properties in which anything may stand: the sums of the cost, and statements of IAM policies."""


class WrongArgs(TypedDict):
    """Arguments with a type that no other language knows."""

    edge: Literal["gateway", "direct"]
    """One of two words."""


class Wrong(pulumi.ComponentResource):
    """A component that the analyzer refuses."""

    def __init__(self, name: str, args: WrongArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:index:Wrong", name, {}, opts)


def schema(found: list[type[pulumi.ComponentResource]]) -> dict[str, Any]:
    """The schema of a package with these components."""
    result = Analyzer(PACKAGE).analyze(found)
    definitions = result["component_definitions"], result["type_definitions"]
    document: dict[str, Any] = json.loads(
        json.dumps(generate_schema(PACKAGE, "0.1.0", None, *definitions, []).to_json())
    )
    return document


@pytest.fixture(scope="module")
def package() -> dict[str, Any]:
    return schema(COMPONENTS)


def properties(package: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All inputs and outputs, and the properties of types, by owner and name."""
    for token, owner in [*package["resources"].items(), *package["types"].items()]:
        for key in ("inputProperties", "properties"):
            for name, entry in owner.get(key, {}).items():
                yield f"{token.rpartition(':')[2]}.{name}", entry


def test_every_component_is_in_the_schema(package: dict[str, Any]) -> None:
    assert set(package["resources"]) == {f"{PACKAGE}:index:{component.__name__}" for component in COMPONENTS}
    names = {token.rpartition(":")[2] for token in package["types"]}
    assert {name for name in names if not name.endswith("Table")} == {
        "Architecture",
        "BuiltImageArgs",
        "DatabaseEngine",
        "DnsRecord",
        "Edge",
        "ImageArgs",
        "MailRecord",
        "ShellAccess",
        "ShellEndpointArgs",
        "Stream",
    }


def test_everything_has_a_description(package: dict[str, Any]) -> None:
    # a keyword of Python: the description of its table has it
    assert [name for name, entry in properties(package) if not entry.get("description")] == ["OpenPortTable.from"]


def test_types_say_what_they_hold(package: dict[str, Any]) -> None:
    anything = {name for name, entry in properties(package) if "pulumi.json#/Any" in json.dumps(entry)}
    assert anything == OF_ANY_TYPE


def test_what_takes_no_output_says_so(package: dict[str, Any]) -> None:
    """A property is plain when a program must know its value before it makes anything."""
    silent = {
        f"{token.rpartition(':')[2]}.{name}"
        for token, component in package["resources"].items()
        for name, entry in component["inputProperties"].items()
        if entry.get("plain") and "plain" not in entry["description"].lower()
    }
    # their parts say it themselves
    assert silent == {"Machine.image", "Machine.shellEndpoint", "MachineGroup.image"}


def test_what_other_parts_of_aws_call_for_takes_an_output(package: dict[str, Any]) -> None:
    """Ids and addresses, which are only known when something has been made."""
    for name, entry in properties(package):
        if "Table." not in name and name.endswith(("Id", "Ids", "Arn", "tags", "Tags")):
            assert not entry.get("plain"), name


def test_a_literal_is_refused() -> None:
    with pytest.raises(TypeError, match="issubclass"):
        schema([*COMPONENTS, Wrong])
