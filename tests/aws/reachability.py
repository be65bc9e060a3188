"""Who can reach whom in the account: through the rules of the groups, the routes and the subnets, read with boto3.

Network ACLs are not looked at: the stack makes none, and the one that AWS makes lets everything pass.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.aws.account_client import INTERNET, Reach, instances
from tests.support.aws_stack import AwsStack

S3 = "S3"
WORLD = ("0.0.0.0/0", "::/0")
Ports = tuple[str, int, int]
"""Protocol (-1: all of them), first and last port."""
HTTPS: Ports = ("tcp", 443, 443)


@dataclass(frozen=True)
class Thing:
    """Something with an address in the VPC."""

    name: str
    subnets: frozenset[str]
    groups: frozenset[str]
    public: bool = False
    """It has an address on the internet."""


@dataclass(frozen=True)
class Net:
    """What decides who reaches whom."""

    things: tuple[Thing, ...]
    rules: tuple[Any, ...]
    """Of all groups, as EC2 describes them."""
    blocks: dict[str, list[str]]
    """Networks of the VPC's subnets, by id."""
    routes: dict[str, list[Any]]
    """Routes of the subnets, by id."""
    to_s3: frozenset[str]
    """Subnets with a route to an endpoint of S3."""

    def routed(self, thing: Thing) -> set[str]:
        """The destinations that go to an internet gateway from a subnet of this thing."""
        found = [route for subnet in thing.subnets for route in self.routes[subnet]]
        return {
            route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"]
            for route in found
            if route.get("GatewayId", "").startswith("igw-") or "NatGatewayId" in route
        }

    def allowed(self, thing: Thing, *, out: bool) -> Iterator[tuple[str, Ports]]:
        """Whom the groups of a thing let in or out: the other group or network, and the ports."""
        for rule in self.rules:
            if rule["GroupId"] in thing.groups and rule["IsEgress"] is out:
                other = rule.get("ReferencedGroupInfo", {}).get("GroupId")
                peer = other or rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule["PrefixListId"]
                yield peer, _ports(rule)

    def means(self, peer: str, thing: Thing) -> bool:
        """Whether a rule's other side is (or may be) this thing."""
        if peer.startswith("sg-"):
            return peer in thing.groups
        own = [block for subnet in thing.subnets for block in self.blocks[subnet]]
        return not peer.startswith("pl-") and any(_overlap(peer, block) for block in own)

    def is_outside(self, peer: str) -> bool:
        """Whether a rule's other side is a network that is not all in the VPC."""
        if peer.startswith(("sg-", "pl-")):
            return False
        inside = [block for blocks in self.blocks.values() for block in blocks]
        return not any(_within(peer, block) for block in inside)


def reaches(stack: AwsStack) -> set[Reach]:
    """Every connection that can be made: (who, whom, port)."""
    net = network(stack)
    return {*_inside(net), *_from_outside(net), *_to_outside(net)}


def on_the_internet(stack: AwsStack) -> set[str]:
    """Names of the things in subnets with a route to an internet gateway."""
    net = network(stack)
    return {thing.name for thing in net.things if net.routed(thing)}


def network(stack: AwsStack) -> Net:
    """Read the account."""
    ec2 = stack.client("ec2")
    subnets = [each for each in ec2.describe_subnets()["Subnets"] if not each["DefaultForAz"]]
    tables = ec2.describe_route_tables()["RouteTables"]
    routes, to_s3 = {}, set()
    endpoints = [
        table
        for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]
        if endpoint["ServiceName"].endswith(".s3") and endpoint["State"] == "available"
        for table in endpoint["RouteTableIds"]
    ]
    for subnet in subnets:
        table = _table(tables, subnet)
        routes[subnet["SubnetId"]] = table["Routes"]
        if table["RouteTableId"] in endpoints:
            to_s3.add(subnet["SubnetId"])
    return Net(
        tuple(_things(stack)),
        tuple(ec2.describe_security_group_rules()["SecurityGroupRules"]),
        {subnet["SubnetId"]: _blocks(subnet) for subnet in subnets},
        routes,
        frozenset(to_s3),
    )


def _table(tables: list[Any], subnet: Any) -> Any:
    """The table of a subnet: one of its own, or else the main one of the VPC."""
    in_vpc = [table for table in tables if table["VpcId"] == subnet["VpcId"]]
    own = [table for table in in_vpc if subnet["SubnetId"] in [each.get("SubnetId") for each in table["Associations"]]]
    main = [table for table in in_vpc if any(each["Main"] for each in table["Associations"])]
    return (own or main)[0]


def _blocks(subnet: Any) -> list[str]:
    return [subnet["CidrBlock"], *(each["Ipv6CidrBlock"] for each in subnet.get("Ipv6CidrBlockAssociationSet", []))]


def _things(stack: AwsStack) -> Iterator[Thing]:
    grouped = {each["InstanceId"] for group in _groups(stack) for each in group["Instances"]}
    for machine in instances(stack):
        if machine["InstanceId"] not in grouped:
            own = frozenset(each["GroupId"] for each in machine["SecurityGroups"])
            yield Thing("machine", frozenset({machine["SubnetId"]}), own, public="PublicIpAddress" in machine)
    for group in _groups(stack):
        yield _machines(stack, group)
    for balancer in stack.client("elbv2").describe_load_balancers()["LoadBalancers"]:
        subnets = frozenset(each["SubnetId"] for each in balancer["AvailabilityZones"])
        # moto leaves out what AWS takes when nothing is asked for
        public = balancer.get("Scheme", "internet-facing") == "internet-facing"
        yield Thing("load balancer", subnets, frozenset(balancer["SecurityGroups"]), public)
    yield from _caches(stack)
    for link in stack.client("apigatewayv2").get_vpc_links()["Items"]:
        yield Thing("link", frozenset(link["SubnetIds"]), frozenset(link["SecurityGroupIds"]))
    for endpoint in stack.client("ec2").describe_instance_connect_endpoints()["InstanceConnectEndpoints"]:
        yield Thing("endpoint", frozenset({endpoint["SubnetId"]}), frozenset(endpoint["SecurityGroupIds"]))
    rds = stack.client("rds")
    servers = rds.describe_db_instances()["DBInstances"]
    for database in [*rds.describe_db_clusters()["DBClusters"], *servers]:
        if "DBClusterIdentifier" not in database or "DBInstanceIdentifier" not in database:
            name = database["DBSubnetGroup"]
            named = name if isinstance(name, str) else name["DBSubnetGroupName"]
            (group,) = rds.describe_db_subnet_groups(DBSubnetGroupName=named)["DBSubnetGroups"]
            subnets = frozenset(each["SubnetIdentifier"] for each in group["Subnets"])
            own = frozenset(each["VpcSecurityGroupId"] for each in database["VpcSecurityGroups"])
            yield Thing("database", subnets, own, any(each["PubliclyAccessible"] for each in servers))


def _groups(stack: AwsStack) -> list[Any]:
    return list(stack.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"])


def _machines(stack: AwsStack, group: Any) -> Thing:
    """The machines of a group, as its launch template makes them: moto gives them other subnets and no groups."""
    used = group["LaunchTemplate"]
    (version,) = stack.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=used["LaunchTemplateId"], Versions=[used["Version"]]
    )["LaunchTemplateVersions"]
    (interface,) = version["LaunchTemplateData"]["NetworkInterfaces"]
    return Thing(
        "machine",
        frozenset(group["VPCZoneIdentifier"].split(",")),
        frozenset(interface["Groups"]),
        interface["AssociatePublicIpAddress"],
    )


def _caches(stack: AwsStack) -> Iterator[Thing]:
    caches = stack.client("elasticache")
    for node in caches.describe_cache_clusters()["CacheClusters"]:
        (found,) = caches.describe_cache_subnet_groups(CacheSubnetGroupName=node["CacheSubnetGroupName"])[
            "CacheSubnetGroups"
        ]
        subnets = frozenset(each["SubnetIdentifier"] for each in found["Subnets"])
        yield Thing("cache", subnets, frozenset(each["SecurityGroupId"] for each in node["SecurityGroups"]))


def _inside(net: Net) -> Iterator[Reach]:
    for source in net.things:
        for target in net.things:
            if source is target:
                continue
            for there, going in net.allowed(source, out=True):
                for here, coming in net.allowed(target, out=False):
                    if net.means(there, target) and net.means(here, source) and (port := _both(going, coming)):
                        yield source.name, target.name, port


def _from_outside(net: Net) -> Iterator[Reach]:
    for thing in net.things:
        for peer, ports in net.allowed(thing, out=False):
            if thing.public and net.is_outside(peer) and _is_routed(peer, net.routed(thing)):
                yield _named(peer), thing.name, _shown(ports)


def _to_outside(net: Net) -> Iterator[Reach]:
    for thing in net.things:
        for peer, ports in net.allowed(thing, out=True):
            if thing.public and net.is_outside(peer) and _is_routed(peer, net.routed(thing)):
                yield thing.name, _named(peer), _shown(ports)
            if (peer in WORLD or peer.startswith("pl-")) and thing.subnets & net.to_s3 and _both(ports, HTTPS):
                yield thing.name, S3, "443"


def _is_routed(peer: str, destinations: Iterable[str]) -> bool:
    return any(_overlap(peer, destination) for destination in destinations)


def _overlap(one: str, other: str) -> bool:
    first, second = ipaddress.ip_network(one), ipaddress.ip_network(other)
    return first.version == second.version and first.overlaps(second)


def _within(one: str, other: str) -> bool:
    first, second = ipaddress.ip_network(one), ipaddress.ip_network(other)
    return first.version == second.version and first.subnet_of(second)  # type: ignore[arg-type]


def _named(peer: str) -> str:
    return INTERNET if peer in WORLD else peer


def _ports(rule: Any) -> Ports:
    if rule["IpProtocol"] == "-1":
        return "-1", 0, 65535
    return rule["IpProtocol"], rule["FromPort"], rule["ToPort"]


def _both(one: Ports, other: Ports) -> str:
    """The ports that two rules have in common; empty when there are none."""
    first, last = max(one[1], other[1]), min(one[2], other[2])
    if first > last or ("-1" not in (one[0], other[0]) and one[0] != other[0]):
        return ""
    return _shown((one[0] if other[0] == "-1" else other[0], first, last))


def _shown(ports: Ports) -> str:
    protocol, first, last = ports
    if protocol == "-1":
        return "all"
    return str(first) if first == last else f"{first} to {last}"
