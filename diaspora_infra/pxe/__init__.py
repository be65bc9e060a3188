"""Machines that boot over the network from matchbox."""

from diaspora_infra.pxe.pxe_pod import PxePod, PxePodArgs, revision_of

__all__ = ["PxePod", "PxePodArgs", "revision_of"]
