"""ProvisioningServer: the machine that other machines boot from, as a component, and the stack of its target."""

from collections.abc import Mapping
from typing import Any, TypedDict, cast

import pulumi

from diaspora_infra.config import ConfigError, ProvisioningSettings, load_stack
from diaspora_infra.config.provisioning.server import host_of
from diaspora_infra.host import render
from diaspora_infra.host.features.provisioning import ON_DATA
from diaspora_infra.pulumi_config import check_inputs, config_run_error, plain_tables
from diaspora_infra.tables import HostTable, ProvisioningTable


class ProvisioningServerArgs(TypedDict):
    """What a ProvisioningServer needs. The tables are those of the stack config, with its camelCase keys."""

    host: pulumi.Input[HostTable]
    """What the machine has: users, disk, updates and so on."""
    provisioning: pulumi.Input[ProvisioningTable]
    """The provisioning server; `name` is the component's name when not set."""


class ProvisioningServer(pulumi.ComponentResource):
    """A Fedora CoreOS machine that runs matchbox, and dnsmasq for DHCP and TFTP.

    It makes the machine's Ignition config, which holds no secret: the server's certificates are put on the machine
    afterwards, as the next steps say. Its version is 3.4.0, or later where a snippet is of a later version of Butane.
    """

    ignition: pulumi.Output[str]
    """The config to install the machine with."""
    http_url: pulumi.Output[str]
    """Address that machines boot from."""
    rpc_endpoint: pulumi.Output[str]
    """Address of the gRPC API, for a matchbox provider."""
    next_steps: pulumi.Output[list[str]]
    """What is left to do when the machine is installed: commands for the podmin's computer."""

    def __init__(self, name: str, args: ProvisioningServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_inputs(name, args, {"host": "a table", "provisioning": "a table"})
        super().__init__("diaspora-infra:index:ProvisioningServer", name, {}, opts)
        tables = pulumi.Output.all(host=args["host"], provisioning=args["provisioning"])
        outputs = tables.apply(lambda values: _outputs(name, values))
        self.ignition = outputs["ignition"]
        self.http_url = outputs["http_url"]
        self.rpc_endpoint = outputs["rpc_endpoint"]
        self.next_steps = outputs["next_steps"]
        self.register_outputs({})


def provisioning_stack(settings: ProvisioningSettings) -> dict[str, Any]:
    """Make the server; returns the stack outputs."""
    host, provisioning = (
        table.model_dump(mode="json", by_alias=True, exclude_unset=True)
        for table in (settings.host, settings.provisioning)
    )
    name = settings.provisioning.name
    server = ProvisioningServer(
        name, {"host": cast(HostTable, host), "provisioning": cast(ProvisioningTable, {**provisioning, "name": name})}
    )
    return {
        "ignition": {name: server.ignition},
        "httpUrl": server.http_url,
        "rpcEndpoint": server.rpc_endpoint,
        "nextSteps": server.next_steps,
    }


def _outputs(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    provisioning = {"name": name, **given["provisioning"]}
    tables = {"target": "provisioning", "host": given["host"], "provisioning": provisioning}
    try:
        settings = load_stack(plain_tables(tables))
        if not isinstance(settings, ProvisioningSettings):
            raise TypeError("settings of another target")
        ignition = render(settings, settings.provisioning, {}).ignition
    except ConfigError as error:
        raise config_run_error(error, name) from None
    host = host_of(settings.provisioning.http_url)
    return {
        "ignition": ignition,
        "http_url": settings.provisioning.http_url,
        "rpc_endpoint": f"{host}:{settings.provisioning.rpc_port}",
        "next_steps": next_steps(settings, host),
    }


def next_steps(settings: ProvisioningSettings, host: str) -> list[str]:
    """What is left to do when the machine is installed, as commands for the podmin's computer."""
    users = [user.name for user in settings.host.users if user.name == "core" or {"sudo", "wheel"} & set(user.groups)]
    login = f"{users[0]}@{host.strip('[]')}"
    folder = "~/matchbox-pki"
    return [
        f"diaspora-infra pki init {folder} --server {host.strip('[]')}",
        f"ssh {login} mkdir -p -m 0700 pki",
        f"scp {folder}/ca.crt {folder}/server.crt {folder}/server.key {login}:pki/",
        f"ssh {login} 'sudo matchbox-certificates pki && rm -r pki'",
        f"mkdir -p ~/.matchbox && cp {folder}/ca.crt {folder}/client.crt {folder}/client.key ~/.matchbox/",
        f"# images for `pxe.release.source: matchbox` belong into {ON_DATA.matchbox}/assets",
    ]
