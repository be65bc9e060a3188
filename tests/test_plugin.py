"""The plugin of the package: what arrives from the engine becomes a component's arguments, and errors go back."""

import asyncio
import json
import subprocess
import sys
from typing import Any

import pulumi
import pytest
from pulumi.provider.server import ProviderServicer

from diaspora_infra.aws.arguments import ArgumentError
from diaspora_infra.config.problems import Problem
from diaspora_infra.plugin import SCHEMA
from diaspora_infra.plugin.arguments import property_errors, python_arguments
from diaspora_infra.pulumi_config import InputError

PACKAGE = json.loads(SCHEMA.read_text(encoding="utf-8"))


def arguments(component: str, **inputs: Any) -> dict[str, Any]:
    return python_arguments(inputs, PACKAGE["resources"][f"diaspora-infra:index:{component}"], PACKAGE["types"])


def mistakes(component: str, **inputs: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        arguments(component, **inputs)
    return [str(problem) for problem in caught.value.problems]


TABLES = {"pod": {"domain": "x"}, "host": {}, "machine": {}}


def output(make: Any) -> Any:
    """Run a function that makes an output, which needs a loop."""

    async def run() -> Any:
        return await make().future()

    return asyncio.run(run())


def test_names_become_those_of_python_but_not_in_tables() -> None:
    assert arguments("PxePod", mac="a", ignition="b", matchboxUrl="c", version="d", disk="e", serve=False) == {
        "mac": "a",
        "ignition": "b",
        "matchbox_url": "c",
        "version": "d",
        "disk": "e",
        "serve": False,
    }
    image = {"architecture": "aarch64", "version": "44.20260802.3.1"}
    machine = arguments("Machine", **MACHINE, image=image, shellEndpoint={"subnetId": "s", "securityGroupId": "g"})
    assert machine["shell_endpoint"] == {"subnet_id": "s", "security_group_id": "g"}
    assert machine["image"] == image
    tables = arguments("Ignition", pod={"domain": "x", "bundledImages": True}, host={}, machine={})
    assert tables["pod"] == {"domain": "x", "bundledImages": True}, "the component checks the keys"


MACHINE = {"zone": "z", "subnetId": "s", "securityGroupIds": [], "instanceType": "t", "ignition": "{}"}


def test_whole_numbers_are_made_whole() -> None:
    tables = arguments("Ignition", **{**TABLES, "host": {"storage": {"rootGib": 12.0}, "list": [1.0, 1.5]}})
    assert str(tables["host"]) == "{'storage': {'rootGib': 12}, 'list': [1, 1.5]}"
    assert str(arguments("Backups", snapshotsOf="x", objectLockDays=30.0)["object_lock_days"]) == "30"
    assert (
        output(lambda: arguments("Budget", email="e", monthlyUsd=pulumi.Output.from_input(20.0))["monthly_usd"]) == 20
    )


def test_all_mistakes_are_found_at_once() -> None:
    assert mistakes("Ignition", pod={}, secret={}, machine=None) == [
        "secret: unknown key (did you mean secrets?); allowed: host, machine, pod, secrets",
        "host: required; add this input (Settings of every machine)",
        "machine: required; add this input (This machine)",
    ]
    assert mistakes("Machine", **MACHINE, image={"versoin": "x"}) == [
        "image.versoin: unknown key (did you mean version?); allowed: architecture, id, stream, version"
    ]


def test_an_output_where_none_can_be_is_refused() -> None:
    async def program() -> list[list[str]]:
        given = pulumi.Output.from_input("x")
        return [
            mistakes("PxePod", mac="a", ignition="b", matchboxUrl="c", version="d", disk="e", revision=given),
            mistakes("AwsPod", pod={"admin": {"email": given}}, secrets={"smtpPassword": given}),
            mistakes("Machine", **MACHINE, image={"version": given}),
        ]

    what = "an output given; allowed: a value that the program knows itself"
    assert asyncio.run(program()) == [[f"revision: {what}"], [f"pod.admin.email: {what}"], [f"image.version: {what}"]]


def test_errors_name_the_input_but_never_so_that_the_engine_adds_its_value() -> None:
    message, errors = property_errors(InputError("x", [Problem("matchbox_url", "m"), Problem("pod.ca_file", "n")]))
    assert message == "the inputs cannot be used:"
    assert errors == [
        {"property_path": "inputs.matchboxUrl", "reason": "m"},
        {"property_path": "inputs.pod.ca_file", "reason": "n"},
    ]
    _, errors = property_errors(ArgumentError("db", "min_acu", "too much", "lower it"))
    assert errors == [{"property_path": "inputs.minAcu", "reason": "too much; lower it"}]
    assert property_errors(pulumi.RunError("the zone is missing")) == ("the zone is missing", [])


def test_start_of_the_plugin_imports_no_component() -> None:
    code = (
        "import sys, diaspora_infra.plugin as plugin; plugin.Package();"
        "print([name for name in sys.modules if name.startswith(('pulumi_', 'pulumiverse', 'pydantic', 'jinja2'))])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_servicer_has_what_the_plugin_builds_on() -> None:
    """Not all of it is documented."""
    assert callable(ProviderServicer.Construct)
    assert callable(ProviderServicer.create_grpc_invalid_properties_status)
