"""What a preview on the recorded states may replace or delete, each with the reason.

A change that needs an entry in `EXPECTED` is one that replaces resources of every user: CHANGES.md must say so.
"""

from fnmatch import fnmatchcase
from typing import NamedTuple

from tests.states.recorded import Change


class Expected(NamedTuple):
    """An operation that is no fault."""

    stack: str
    """The stack, or a pattern such as `aws-*`."""
    resource: str
    """TYPE::NAME, or a pattern."""
    operation: str
    """`replace`, `delete`, or `delete and create`."""
    reason: str

    def fits(self, stack: str, change: Change) -> bool:
        """Tell whether it is this operation."""
        resource, operation = change
        return operation == self.operation and fnmatchcase(stack, self.stack) and fnmatchcase(resource, self.resource)


_NAMED = "the name carries a hash of the config: a change makes a new one before the old one goes"
_KEPT = "its key follows from the config, and the former one is kept for machines that start until all are replaced"
_BOOTED = "a machine reads its own part of a config at its first boot: another one is another machine"
FOLLOWS_CONFIG = [
    Expected("pxe", "matchbox:index/profile:Profile::*-*", "delete", _NAMED),
    Expected("pxe", "matchbox:index/group:Group::pod?-*", "delete", _NAMED),
    Expected("aws-*", "aws:s3/bucketObjectv2:BucketObjectv2::pod-bundle", "replace", _NAMED),
    Expected("aws-ha", "aws:s3/bucketObjectv2:BucketObjectv2::pod-*-ignition", "replace", _KEPT),
    Expected("aws-*", "aws:ec2/instance:Instance::pod-machine", "replace", _BOOTED),
    Expected("aws-*", "aws:ec2/volumeAttachment:VolumeAttachment::pod-data", "replace", _BOOTED),
    Expected("aws-direct", "aws:ec2/eipAssociation:EipAssociation::pod-address", "replace", _BOOTED),
]
"""By design: these happen when the content of a machine's config changes; on AWS that of its own part."""

EXPECTED: list[Expected] = []
"""What else happens, until the states are recorded again (`make states`); an entry that fits nothing is a fault."""

REMOVED: dict[str, str] = {}
"""Types of components that no stack has any more and that have no alias, such as `diaspora-infra:index:Pod`, each with
the reason; CHANGES.md names them."""
