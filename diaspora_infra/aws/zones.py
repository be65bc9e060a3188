"""What the account has in the zones and subnets of a pod, asked before anything is made.

These errors name keys of the stack config: the questions are those of AwsPod, and of no part of it.
"""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.arguments import last_line
from diaspora_infra.config.aws.availability import VPC_LINK_ZONES
from diaspora_infra.config.aws.aws import ExistingNetwork

ENDPOINT_INTERFACE = "ec2_instance_connect_endpoint"
"""What EC2 calls the network interface of an Instance Connect Endpoint."""
INTERNET = "0.0.0.0/0"


def choose_zones(
    region: str, letters: Sequence[str] | None, *, behind_gateway: bool, parent: pulumi.Resource, third: bool = False
) -> list[str]:
    """Names of the zones, the machine's first: those that are set, or the first two that take a VPC link.

    With `third` the next one of the account follows, if it has one.

    The choice depends on nothing that may change with the settings, since nothing can be moved to another zone. Raises
    RunError for zones that the account has not, or that API Gateway does not reach.
    """
    ids = _zones_of_account(region, parent)
    links = VPC_LINK_ZONES.get(region)
    linked = [zone for zone, zone_id in ids.items() if links is None or zone_id in links]
    allowed = linked if behind_gateway else [*ids]
    if letters is None:
        # also without the gateway, so that it can be taken later
        chosen = (linked if len(linked) > 1 else allowed)[:2]
        if len(chosen) < 2:
            raise pulumi.RunError(
                f"aws.network.zones: a VPC link of API Gateway takes {_letters(linked) or 'none'} of this account's "
                "zones, and two are needed; set aws.edge: direct"
            )
        further = [zone for zone in ids if zone not in chosen]
        return [*chosen, *further[:1]] if third else chosen
    named = [f"{region}{letter}" for letter in letters]
    if missing := [zone for zone in named if zone not in ids]:
        raise pulumi.RunError(
            f"aws.network.zones: {', '.join(missing)} does not exist for this account; allowed: {_letters(allowed)}"
        )
    if refused := [f"{zone} ({ids[zone]})" for zone in named if zone not in allowed]:
        raise pulumi.RunError(
            f"aws.network.zones: {', '.join(refused)} takes no VPC link of API Gateway; "
            f"use {_letters(allowed)}, or set aws.edge: direct"
        )
    return named


def _zones_of_account(region: str, parent: pulumi.Resource) -> Mapping[str, str]:
    """Ids of the region's zones by name, such as euw1-az3 by eu-west-1a: letters differ by account."""
    try:
        found = aws.get_availability_zones(opts=pulumi.InvokeOptions(parent=parent))
    except Exception as error:
        reason = last_line(error)
        raise pulumi.RunError(f"aws.network.zones: the zones of {region} cannot be asked for ({reason})") from None
    zones = zip(found.names, found.zone_ids, strict=True)
    # local zones, such as us-west-2-lax-1a, hold no database
    return {name: zone_id for name, zone_id in sorted(zones) if name[:-1] == region}


def _letters(zones: Sequence[str]) -> str:
    return ", ".join(zone[-1] for zone in zones)


def check_type(instance_type: str, zones: Sequence[str], parent: pulumi.Resource) -> None:
    """Look whether all these zones have an instance type. Raises RunError where only others have it."""
    try:
        found = aws.ec2.get_instance_type_offerings(
            location_type="availability-zone",
            filters=[{"name": "instance-type", "values": [instance_type]}],
            opts=pulumi.InvokeOptions(parent=parent),
        )
    except Exception as error:
        raise pulumi.RunError(f"aws.instance.type: the types of {zones[0]} cannot be asked for ({error})") from None
    # the settings know what a region has at all
    without = [zone for zone in zones if zone not in found.locations]
    if found.locations and without:
        letters = sorted({location[-1] for location in found.locations if location[:-1] == zones[0][:-1]})
        instead = "put one of these zones first" if len(zones) == 1 else "set aws.network.zones to some of these"
        raise pulumi.RunError(
            f"aws.instance.type: {instance_type} is not offered in {', '.join(without)}; use another type, or "
            f"{instead}: {', '.join(letters)}"
        )


def check_existing(
    existing: ExistingNetwork, zone: str | None, *, behind_gateway: bool, parent: pulumi.Resource
) -> str:
    """Look at subnets that are there already; returns the zone of the machine.

    Raises RunError where the machine or the VPC link does not fit in.
    """
    options, vpc, public = pulumi.InvokeOptions(parent=parent), existing.vpc_id, existing.public_subnet_id
    zones, ids = {}, {}
    for subnet in (public, *existing.private_subnet_ids):
        try:
            found = aws.ec2.get_subnet(id=subnet, opts=options)
        except Exception as error:
            reason = last_line(error)
            raise pulumi.RunError(f"aws.network.existing: no subnet {subnet} in this region ({reason})") from None
        if found.vpc_id != vpc:
            raise pulumi.RunError(f"aws.network.existing: {subnet} is in {found.vpc_id}; name a subnet of vpcId {vpc}")
        zones[subnet], ids[subnet] = found.availability_zone, found.availability_zone_id
    if zone is not None and zones[public] != zone:
        raise pulumi.RunError(
            f"aws.network.existing.publicSubnetId: {public} is in {zones[public]}; allowed: a subnet in {zone}, "
            "the first of aws.network.zones"
        )
    private = existing.private_subnet_ids
    if len({zones[subnet] for subnet in private}) == 1:
        raise pulumi.RunError(
            f"aws.network.existing.privateSubnetIds: all are in {zones[private[0]]}; allowed: two zones or more"
        )
    links = VPC_LINK_ZONES.get(zones[public][:-1], ())
    for subnet in private if behind_gateway else ():
        if ids[subnet] not in links:
            raise pulumi.RunError(
                f"aws.network.existing.privateSubnetIds: {subnet} is in {zones[subnet]} ({ids[subnet]}), which takes "
                f"no VPC link of API Gateway; use subnets in {', '.join(links)}, or set aws.edge: direct"
            )
    _check_internet(existing, options)
    return zones[public]


def _check_internet(existing: ExistingNetwork, options: pulumi.InvokeOptions) -> None:
    """Look for a route to the internet: without it the machine gets no image, and its boot never ends."""
    public = existing.public_subnet_id
    try:
        table = aws.ec2.get_route_table(subnet_id=public, opts=options)
    except Exception:  # a subnet that names no table uses the main one of its VPC
        table = aws.ec2.get_route_table(
            vpc_id=existing.vpc_id, filters=[{"name": "association.main", "values": ["true"]}], opts=options
        )
    routes = [route for route in table.routes if route.cidr_block == INTERNET]
    if not any((route.gateway_id or "").startswith("igw-") for route in routes):
        raise pulumi.RunError(
            f"aws.network.existing.publicSubnetId: {public} has no route to the internet; add one for {INTERNET} to an "
            f"internet gateway, in the route table {table.route_table_id}"
        )


def check_shell_endpoint(vpc: str, own_group: str, parent: pulumi.Resource) -> None:
    """Look for an Instance Connect Endpoint in an existing VPC: AWS allows one. Raises RunError with the way out.

    `own_group` is the form of the names of the security group that the stack's own endpoint has.
    """
    options = pulumi.InvokeOptions(parent=parent)
    endpoints = [{"name": "vpc-id", "values": [vpc]}, {"name": "interface-type", "values": [ENDPOINT_INTERFACE]}]
    own = [*endpoints, {"name": "group-name", "values": [own_group]}]
    others = set(_interfaces(endpoints, options))
    others -= set(_interfaces(own, options)) if others else set()
    if others:
        address = aws.ec2.get_network_interface(id=min(others), opts=options).private_ip
        raise pulumi.RunError(
            f"aws.instance.shellAccess: {vpc} already has an EC2 Instance Connect Endpoint, and AWS allows one; set "
            f"shellAccess: ssh and sshFrom: [{address}/32], which is that endpoint, or shellAccess: none"
        )


def _interfaces(filters: Sequence[Mapping[str, object]], options: pulumi.InvokeOptions) -> Sequence[str]:
    return aws.ec2.get_network_interfaces(filters=filters, opts=options).ids  # type: ignore[arg-type]
