"""Ignition: the config of one machine as a component, for programs that place it themselves."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi

from diaspora_infra.config import ConfigError, Settings
from diaspora_infra.config.problems import Problem
from diaspora_infra.host import render
from diaspora_infra.pulumi_config import Secrets, check_inputs, config_run_error, load_tables, render_machine
from diaspora_infra.tables import HostTable, MachineTable, PodTable


class IgnitionArgs(TypedDict):
    """What an Ignition needs. The tables are those of the stack config, with its camelCase keys."""

    pod: pulumi.Input[PodTable]
    """The diaspora* pod."""
    host: pulumi.Input[HostTable]
    """Settings of every machine."""
    machine: pulumi.Input[MachineTable]
    """This machine; `name` is the component's name when not set."""
    secrets: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Secret keys of the stack config, such as smtpPassword, and their values."""


class Ignition(pulumi.ComponentResource):
    """The Ignition config of one machine: version 3.4.0, or later where a snippet is of a later version of Butane."""

    ignition: pulumi.Output[str]
    """The config; secret when it holds something that was given as a secret."""

    def __init__(self, name: str, args: IgnitionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_inputs(name, args, {"pod": "a table", "host": "a table", "machine": "a table, {} too"})
        super().__init__("diaspora-infra:index:Ignition", name, {}, opts)
        self.ignition = pulumi.Output.all(
            pod=args["pod"],
            host=args["host"],
            machine=args["machine"],
            secrets=pulumi.Output.secret(args["secrets"]) if "secrets" in args else {},
        ).apply(lambda tables: _render(name, tables))
        self.register_outputs({})


def _render(name: str, given: Mapping[str, Any]) -> str:
    machine = {"name": name, **given["machine"]}
    tables = {
        "target": "ignition",
        "pod": given["pod"],
        "host": given["host"],
        "ignition": {"machines": [machine]},
    }
    secrets = given["secrets"]
    try:
        settings = load_tables(tables, secrets)
        return render(settings, settings.machines[0], secrets).ignition
    except ConfigError as error:
        raise config_run_error(_in_arguments(error), name) from None


def _in_arguments(error: ConfigError) -> ConfigError:
    """Name the component's argument where the problem is that of a machine in a stack file."""
    place = "ignition.machines[0]"
    return ConfigError(
        Problem(f"machine{each.path.removeprefix(place)}" if each.path.startswith(place) else each.path, each.message)
        for each in error.problems
    )


def ignition_stack(settings: Settings, secrets: Secrets) -> dict[str, Any]:
    """Export the Ignition config of every machine; returns the stack outputs."""
    return {"ignition": {machine.name: render_machine(settings, machine, secrets) for machine in settings.machines}}
