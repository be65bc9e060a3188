"""The Pulumi package `diaspora-infra`: the plugin that the engine starts for programs in any language.

The package's schema is a file, and modules are imported when a program makes a component: the engine starts the plugin
several times in a run, and pulumi_aws alone takes seconds to import.
"""

import argparse
import asyncio
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc.aio
import pulumi
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2_grpc

SCHEMA = Path(__file__).with_name("schema.json")
"""What the package consists of; `make golden` writes it (generators/package_schema.py)."""

_MODULES = {"Ignition": "ignition", "PxePod": "pxe", "ProvisioningServer": "pxe"}
_NO_LIMITS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def main() -> None:
    """Serve the package until the engine ends the process. The first line of the output is the port."""
    parser = argparse.ArgumentParser(description="Serves the Pulumi package diaspora-infra; the engine starts it.")
    parser.add_argument("engine", help="address of the engine")
    options, _ = parser.parse_known_args()
    try:
        asyncio.run(_serve(options.engine))
    except KeyboardInterrupt:  # the engine interrupts its plugins too
        return


async def _serve(engine: str) -> None:
    server = grpc.aio.server(options=_NO_LIMITS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(_Servicer(Package(), sys.argv[1:], engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


class _Servicer(ProviderServicer):
    """Tells the engine what is wrong with a component's inputs, also where that is found out late."""

    async def Construct(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Make a component."""
        try:
            return await super().Construct(request, context)
        except pulumi.RunError as error:
            from diaspora_infra.plugin.arguments import property_errors

            await context.abort_with_status(self.create_grpc_invalid_properties_status(*property_errors(error)))


class Package(Provider):
    """Makes the components of the schema."""

    def __init__(self) -> None:
        text = SCHEMA.read_text(encoding="utf-8")
        self._schema = json.loads(text)
        super().__init__(self._schema["version"], text)

    def construct(
        self, name: str, resource_type: str, inputs: pulumi.Inputs, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Make a component; returns its URN and outputs. Raises RunError for inputs that cannot be used."""
        from diaspora_infra.plugin.arguments import python_arguments, python_name

        resource = self._schema["resources"][resource_type]
        args = python_arguments(inputs, resource, self._schema["types"])
        made = component(resource_type)(name, args, options)
        outputs = {key: getattr(made, python_name(key)) for key in resource["properties"]}
        return ConstructResult(made.urn, {key: value for key, value in outputs.items() if value is not None})


def component(resource_type: str) -> Any:
    """The class of a component; `resource_type` is its token, such as `diaspora-infra:index:PxePod`."""
    name = resource_type.rpartition(":")[2]
    return getattr(import_module(f"diaspora_infra.{_MODULES.get(name, 'aws')}"), name)
