"""The schema that Pulumi's host of components makes of Ignition, PxePod and ProvisioningServer, for other languages."""

from collections.abc import Iterator
from typing import Any, Literal, TypedDict

import pulumi
import pytest
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.provider.experimental.schema import generate_schema

from diaspora_infra.ignition import Ignition
from diaspora_infra.pxe import ProvisioningServer, PxePod

NAME = "diaspora-infra"
COMPONENTS: list[type[pulumi.ComponentResource]] = [Ignition, PxePod, ProvisioningServer]
REQUIRED = {
    "Ignition": ["host", "machine", "pod"],
    "PxePod": ["disk", "ignition", "mac", "matchboxUrl", "version"],
    "ProvisioningServer": ["host", "provisioning"],
}
OUTPUTS = {
    "Ignition": {"ignition"},
    "PxePod": {"config", "group", "ignitionUrl", "ipxeUrl", "profile"},
    "ProvisioningServer": {"httpUrl", "ignition", "nextSteps", "rpcEndpoint"},
}
# they decide which resources there are, and how the engine names them
PLAIN = {"serve", "revision"}


def package_schema(components: list[type[pulumi.ComponentResource]]) -> dict[str, Any]:
    result = Analyzer(NAME).analyze(components)
    definitions = result["component_definitions"]
    return generate_schema(NAME, "0.1.0", None, definitions, result["type_definitions"], []).to_json()


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return package_schema(COMPONENTS)


def token(name: str) -> str:
    return f"{NAME}:index:{name}"


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every input, output and key of a table."""
    for name, resource in schema["resources"].items():
        for kind in ("inputProperties", "properties"):
            yield from ((f"{name}.{key}", value) for key, value in resource[kind].items())
    for name, table in schema["types"].items():
        yield from ((f"{name}.{key}", value) for key, value in table["properties"].items())


def test_the_components_have_the_tokens_of_the_package(schema: dict[str, Any]) -> None:
    assert schema["resources"].keys() == {token(component.__name__) for component in COMPONENTS}


@pytest.mark.parametrize("name", REQUIRED)
def test_inputs_and_outputs(schema: dict[str, Any], name: str) -> None:
    resource = schema["resources"][token(name)]
    assert sorted(resource["requiredInputs"]) == REQUIRED[name]
    assert resource["properties"].keys() == OUTPUTS[name]
    plain = {key for key, value in resource["inputProperties"].items() if value.get("plain")}
    assert plain <= PLAIN, "outputs can be given for all others"


def test_the_tables_are_types_of_the_package(schema: dict[str, Any]) -> None:
    inputs = schema["resources"][token("Ignition")]["inputProperties"]
    assert {key: inputs[key].get("$ref") for key in ("pod", "host", "machine")} == {
        "pod": f"#/types/{token('PodTable')}",
        "host": f"#/types/{token('HostTable')}",
        "machine": f"#/types/{token('MachineTable')}",
    }
    users = schema["types"][token("HostTable")]["properties"]["users"]
    assert users["items"]["$ref"] == f"#/types/{token('UserTable')}"
    storage = schema["types"][token("StorageTable")]["properties"]
    assert {key: value["type"] for key, value in storage.items()} == {
        "disk": "string",
        "rootGib": "integer",
        "dataGib": "integer",
        "dataDisk": "string",
    }


def test_everything_is_described_on_one_line(schema: dict[str, Any]) -> None:
    # a key that is a word of Python takes no docstring; its table describes it
    in_the_table = {f"{token('OpenPortTable')}.from"}
    for name, value in properties(schema):
        if name not in in_the_table:
            assert value.get("description"), name
            assert "\n" not in value["description"], name
    for name, part in {**schema["types"], **schema["resources"]}.items():
        assert part["description"], name
    assert "`from`: " in schema["types"][token("OpenPortTable")]["description"]


def test_a_type_that_the_host_does_not_take_is_found() -> None:
    class Args(TypedDict):
        word: Literal["a", "b"]

    class Component(pulumi.ComponentResource):
        def __init__(self, name: str, args: Args, opts: pulumi.ResourceOptions | None = None) -> None:
            super().__init__(token("Component"), name, {}, opts)

    with pytest.raises(TypeError):
        package_schema([Component])
