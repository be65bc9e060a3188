"""What the account has in the zones and subnets of a pod, asked before anything is made.

These errors name keys of the stack config: the questions are those of AwsPod, and of no part of it.
"""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws


def check_zones(region: str, zones: list[str], parent: pulumi.Resource) -> None:
    """Look whether the zones are there. Raises RunError with those that are: letters differ by region and account."""
    try:
        names = aws.get_availability_zones(state="available", opts=pulumi.InvokeOptions(parent=parent)).names
    except Exception as error:
        raise pulumi.RunError(f"aws.network.zones: the zones of {region} cannot be asked for ({error})") from None
    missing = [zone for zone in zones if zone not in names]
    if missing:
        # local zones, such as us-west-2-lax-1a, hold no database
        letters = sorted(name[-1] for name in names if name[:-1] == region)
        raise pulumi.RunError(
            f"aws.network.zones: {', '.join(missing)} does not exist for this account; allowed: {', '.join(letters)}"
        )


def check_type(instance_type: str, zone: str, parent: pulumi.Resource) -> None:
    """Look whether a zone has an instance type. Raises RunError where only other zones have it."""
    try:
        found = aws.ec2.get_instance_type_offerings(
            location_type="availability-zone",
            filters=[{"name": "instance-type", "values": [instance_type]}],
            opts=pulumi.InvokeOptions(parent=parent),
        )
    except Exception as error:
        raise pulumi.RunError(f"aws.instance.type: the types of {zone} cannot be asked for ({error})") from None
    # the settings know what a region has at all
    if found.locations and zone not in found.locations:
        letters = sorted({location[-1] for location in found.locations if location[:-1] == zone[:-1]})
        raise pulumi.RunError(
            f"aws.instance.type: {instance_type} is not offered in {zone}; use another type, or put one of these zones "
            f"first: {', '.join(letters)}"
        )


def check_existing(vpc: str, zone: str, public: str, private: Sequence[str], parent: pulumi.Resource) -> None:
    """Look at subnets that are there already. Raises RunError where the machine or the VPC link does not fit in."""
    options = pulumi.InvokeOptions(parent=parent)
    zones = {}
    for subnet in (public, *private):
        try:
            found = aws.ec2.get_subnet(id=subnet, opts=options)
        except Exception as error:
            raise pulumi.RunError(f"aws.network.existing: no subnet {subnet} in this region ({error})") from None
        if found.vpc_id != vpc:
            raise pulumi.RunError(f"aws.network.existing: {subnet} is in {found.vpc_id}; name a subnet of vpcId {vpc}")
        zones[subnet] = found.availability_zone
    if zones[public] != zone:
        raise pulumi.RunError(
            f"aws.network.existing.publicSubnetId: {public} is in {zones[public]}; allowed: a subnet in {zone}, "
            "the first of aws.network.zones"
        )
    if len({zones[subnet] for subnet in private}) == 1:
        raise pulumi.RunError(
            f"aws.network.existing.privateSubnetIds: all are in {zones[private[0]]}; allowed: two zones or more"
        )
