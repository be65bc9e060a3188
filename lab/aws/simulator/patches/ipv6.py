"""IPv6 of subnets."""

from typing import Any

from moto.ec2.models.subnets import Subnet

_ASSOCIATION = "ipv6-cidr-block-association.association-id"
_filter_value = Subnet.get_filter_value


def apply() -> None:
    """Without: a subnet cannot be found by its IPv6 network, for which the provider waits, and shows a wrong state."""
    Subnet.get_filter_value = _get_filter_value
    Subnet.ipv6_cidr_block_association_set = property(_associations)


def _get_filter_value(subnet: Any, filter_name: str, method_name: str | None = None) -> Any:
    if filter_name == _ASSOCIATION:
        return list(subnet.ipv6_cidr_block_associations)
    return _filter_value(subnet, filter_name, method_name)


def _associations(subnet: Any) -> list[dict[str, Any]]:
    return [
        {
            "ipv6CidrBlock": association["ipv6CidrBlock"],
            "associationId": association["associationId"],
            "ipv6CidrBlockState": {"state": association["ipv6CidrBlockState"]["State"]},
        }
        for association in subnet.ipv6_cidr_block_associations.values()
        if association["ipv6CidrBlockState"]["State"] == "associated"
    ]
