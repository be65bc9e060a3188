"""Machines that boot over the network from matchbox, and the server that they boot from."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diaspora_infra.pxe.provisioning_server import ProvisioningServer, ProvisioningServerArgs
    from diaspora_infra.pxe.pxe_fleet import FleetMachine, PxeFleet, PxeFleetArgs
    from diaspora_infra.pxe.pxe_pod import PxePod, PxePodArgs
    from diaspora_infra.pxe.served import revision_of

__all__ = [
    "FleetMachine",
    "ProvisioningServer",
    "ProvisioningServerArgs",
    "PxeFleet",
    "PxeFleetArgs",
    "PxePod",
    "PxePodArgs",
    "revision_of",
]

_MODULES = {
    "FleetMachine": "pxe_fleet",
    "ProvisioningServer": "provisioning_server",
    "ProvisioningServerArgs": "provisioning_server",
    "PxeFleet": "pxe_fleet",
    "PxeFleetArgs": "pxe_fleet",
    "PxePod": "pxe_pod",
    "PxePodArgs": "pxe_pod",
    "revision_of": "served",
}


if not TYPE_CHECKING:  # a type checker that sees it takes every name

    def __getattr__(name: str) -> Any:
        """Import what is asked for: a provisioning server needs no provider's package, a command no engine."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
