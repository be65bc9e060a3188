"""The floor: the resources of a stack's state, with the same inputs, made one after the other."""

import importlib
import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import _types

config = pulumi.Config("bare-aws")
options = pulumi.ResourceOptions(provider=aws.Provider("aws", region=config.require("region")))
made: dict[str, pulumi.CustomResource] = {}


def unknown_until(needed: list[str], value: Any) -> pulumi.Output[Any]:
    """The value, as soon as the resources that it comes from are there: not yet in a preview, as in any program."""
    return pulumi.Output.all(*[made[urn].id for urn in needed]).apply(lambda _: value)


for entry in json.loads(Path(config.require("resources")).read_text(encoding="utf-8")):
    _, module, name = entry["type"].split(":")
    service = importlib.import_module(f"pulumi_aws.{module.split('/')[0]}")
    # where the name of the arguments is taken by an input type of another resource, they are called InitArgs
    arguments = getattr(service, f"{name}InitArgs", None) or getattr(service, f"{name}Args")
    names = {ours: own for own, ours in _types.input_type_py_to_pulumi_names(arguments).items()}
    inputs = {
        names.get(key, key): unknown_until(entry["needs"][key], value) if key in entry["needs"] else value
        for key, value in entry["inputs"].items()
    }
    after = [made[urn] for urn in entry["after"]]
    opts = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=after))
    made[entry["urn"]] = getattr(service, name)(entry["name"], opts=opts, **inputs)
