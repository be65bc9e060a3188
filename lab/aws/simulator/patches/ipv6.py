"""EC2: the IPv6 networks of a subnet.

moto 5.2.5: the filter `ipv6-cidr-block-association.association-id` is unknown, and the state of a network is a table
where text belongs.
AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SubnetCidrBlockState.html.
Changes moto/ec2/models/subnets.py.
"""

from typing import Any

from moto.ec2.models.subnets import Subnet

_original_get_filter_value = Subnet.get_filter_value


def get_filter_value(self: Subnet, filter_name: str, method_name: str | None = None) -> Any:
    """Know the filter by an association."""
    if filter_name == "ipv6-cidr-block-association.association-id":
        return list(self.ipv6_cidr_block_associations)
    return _original_get_filter_value(self, filter_name, method_name)


def ipv6_cidr_block_association_set(self: Subnet) -> list[dict[str, Any]]:
    """The networks of the subnet."""
    return [
        {
            "ipv6CidrBlock": association["ipv6CidrBlock"],
            "associationId": association["associationId"],
            "ipv6CidrBlockState": {"state": association["ipv6CidrBlockState"]["State"]},
        }
        for association in self.ipv6_cidr_block_associations.values()
        if association["ipv6CidrBlockState"]["State"] == "associated"
    ]


PATCHES = [
    (Subnet, "get_filter_value", get_filter_value),
    (Subnet, "ipv6_cidr_block_association_set", property(ipv6_cidr_block_association_set)),
]
