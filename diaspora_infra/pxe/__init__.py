"""Machines that boot over the network from matchbox."""

from diaspora_infra.pxe.pxe_pod import PxePod, PxePodArgs

__all__ = ["PxePod", "PxePodArgs"]
