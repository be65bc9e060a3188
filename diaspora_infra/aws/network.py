"""Network: a VPC with public subnets for machines, and private ones for the database and the VPC link."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.account import account_id, region
from diaspora_infra.aws.arguments import ArgumentError
from diaspora_infra.aws.defaults import NETWORK
from diaspora_infra.aws.policy import Statement, document, trusting
from diaspora_infra.aws.tags import named


class NetworkArgs(TypedDict):
    """What a Network needs."""

    zones: Sequence[str]
    """Availability zones, such as eu-west-1a; the first gets the public subnet, and each a private one. Plain values,
    not outputs."""
    public_in_each_zone: NotRequired[bool]
    """Make a public subnet in each zone, as a load balancer needs it; false when not set. A plain value, not an
    output."""
    cidr: NotRequired[pulumi.Input[str]]
    """IPv4 network of the VPC; 10.0.0.0/16 when not set."""
    ipv6: NotRequired[bool]
    """Give the VPC IPv6 addresses too; false when not set. A plain value, not an output."""
    flow_logs_days: NotRequired[int]
    """Keep a log of all connections for so many days; 0 when not set, which keeps none. A plain value, not an
    output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class Network(pulumi.ComponentResource):
    """A VPC without a NAT gateway: what needs the internet is in the public subnet."""

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""
    public_subnet_id: pulumi.Output[str]
    """Id of the subnet that reaches the internet, in the first zone."""
    public_subnet_ids: Sequence[pulumi.Output[str]]
    """Ids of all subnets that reach the internet: one a zone with `public_in_each_zone`, otherwise one."""
    private_subnet_ids: Sequence[pulumi.Output[str]]
    """Ids of the subnets without a way to the internet, one a zone."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:Network", name, {}, opts)
        self._name, self._args = name, args
        self._cidr = args.get("cidr", NETWORK.cidr)
        self._ipv6 = args.get("ipv6", NETWORK.ipv6)
        self._tags = args.get("tags", {})
        self._child = pulumi.ResourceOptions(parent=self)
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=self._cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            assign_generated_ipv6_cidr_block=self._ipv6,
            tags=named(self._tags, name),
            opts=self._child,
        )
        # the group that AWS puts everything into that names none: it lets nobody in and nobody out
        aws.ec2.DefaultSecurityGroup(
            f"{name}-default", vpc_id=vpc.id, tags=named(self._tags, f"{name} (unused default)"), opts=self._child
        )
        public, private = self._subnets(vpc)
        tables = [self._public_table(vpc, public), self._private_table(vpc, private)]
        self._storage_endpoint(vpc, tables)
        if days := args.get("flow_logs_days", NETWORK.flow_logs_days):
            self._flow_logs(vpc, days)
        self.vpc_id = vpc.id
        self.public_subnet_id = public[0].id
        self.public_subnet_ids = [subnet.id for subnet in public]
        self.private_subnet_ids = [subnet.id for subnet in private]
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "publicSubnetId": self.public_subnet_id,
                "publicSubnetIds": self.public_subnet_ids,
                "privateSubnetIds": self.private_subnet_ids,
            }
        )

    def _subnets(self, vpc: aws.ec2.Vpc) -> tuple[list[aws.ec2.Subnet], list[aws.ec2.Subnet]]:
        zones = self._args["zones"]
        further = zones[1:] if self._args.get("public_in_each_zone", False) else []
        # the public ones of further zones come last, so that the others keep their addresses when these are added
        kinds = ["public", *(f"private-{zone[-1]}" for zone in zones), *(f"public-{zone[-1]}" for zone in further)]
        blocks = self._blocks(len(kinds))
        made = [
            self._subnet(vpc, kind, zone, block, index)
            for index, (kind, zone, block) in enumerate(zip(kinds, [zones[0], *zones, *further], blocks, strict=True))
        ]
        last_private = len(zones) + 1
        return [made[0], *made[last_private:]], made[1:last_private]

    def _blocks(self, count: int) -> list[pulumi.Input[str]]:
        if isinstance(self._cidr, str):
            return [*subnet_blocks(self._name, self._cidr, count)]
        blocks = pulumi.Output.all(self._cidr).apply(lambda values: subnet_blocks(self._name, values[0], count))
        return [blocks[index] for index in range(count)]

    def _subnet(self, vpc: aws.ec2.Vpc, kind: str, zone: str, block: pulumi.Input[str], index: int) -> aws.ec2.Subnet:
        ipv6 = self._ipv6
        return aws.ec2.Subnet(
            f"{self._name}-{kind}",
            vpc_id=vpc.id,
            availability_zone=zone,
            cidr_block=block,
            ipv6_cidr_block=vpc.ipv6_cidr_block.apply(lambda network: ipv6_block(network, index)) if ipv6 else None,
            assign_ipv6_address_on_creation=ipv6,
            # the machine asks for its address itself; nothing else may get one by chance
            map_public_ip_on_launch=False,
            tags=named(self._tags, f"{self._name} {kind}"),
            opts=self._child,
        )

    def _public_table(self, vpc: aws.ec2.Vpc, public: Sequence[aws.ec2.Subnet]) -> aws.ec2.RouteTable:
        name = f"{self._name}-public"
        gateway = aws.ec2.InternetGateway(
            f"{self._name}-internet", vpc_id=vpc.id, tags=named(self._tags, self._name), opts=self._child
        )
        table = aws.ec2.RouteTable(
            name, vpc_id=vpc.id, tags=named(self._tags, f"{self._name} public"), opts=self._child
        )
        aws.ec2.Route(
            f"{name}-ipv4",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=self._child,
        )
        if self._ipv6:
            aws.ec2.Route(
                f"{name}-ipv6",
                route_table_id=table.id,
                destination_ipv6_cidr_block="::/0",
                gateway_id=gateway.id,
                opts=self._child,
            )
        for zone, subnet in zip(self._args["zones"], public, strict=False):
            association = name if subnet is public[0] else f"{name}-{zone[-1]}"
            aws.ec2.RouteTableAssociation(association, subnet_id=subnet.id, route_table_id=table.id, opts=self._child)
        return table

    def _private_table(self, vpc: aws.ec2.Vpc, private: Sequence[aws.ec2.Subnet]) -> aws.ec2.RouteTable:
        name = f"{self._name}-private"
        table = aws.ec2.RouteTable(
            name, vpc_id=vpc.id, tags=named(self._tags, f"{self._name} private"), opts=self._child
        )
        for zone, subnet in zip(self._args["zones"], private, strict=True):
            aws.ec2.RouteTableAssociation(
                f"{name}-{zone[-1]}", subnet_id=subnet.id, route_table_id=table.id, opts=self._child
            )
        return table

    def _storage_endpoint(self, vpc: aws.ec2.Vpc, tables: Sequence[aws.ec2.RouteTable]) -> None:
        """Reach S3 without the internet. Free, and what goes through it is not counted as traffic."""
        aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=vpc.id,
            vpc_endpoint_type="Gateway",
            service_name=pulumi.Output.concat("com.amazonaws.", region(self), ".s3"),
            route_table_ids=[table.id for table in tables],
            policy=account_id(self).apply(endpoint_policy),
            tags=named(self._tags, f"{self._name} S3"),
            opts=self._child,
        )

    def _flow_logs(self, vpc: aws.ec2.Vpc, days: int) -> None:
        name = f"{self._name}-flow-logs"
        group = aws.cloudwatch.LogGroup(
            name, retention_in_days=days, tags=named(self._tags, f"{self._name} connections"), opts=self._child
        )
        role = aws.iam.Role(
            name,
            assume_role_policy=trusting("vpc-flow-logs.amazonaws.com"),
            tags=named(self._tags, f"{self._name} flow logs"),
            opts=self._child,
        )
        aws.iam.RolePolicy(
            name,
            role=role.id,
            policy=group.arn.apply(flow_log_policy),
            opts=self._child,
        )
        aws.ec2.FlowLog(
            name,
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags=named(self._tags, self._name),
            opts=self._child,
        )


def subnet_blocks(component: str, cidr: str, count: int) -> list[str]:
    """The first `count` subnets of a VPC: a sixteenth of it each, and no larger than a /24. Raises ArgumentError."""
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError:
        raise ArgumentError(
            component, "cidr", f"{cidr!r} is no IPv4 network", f"allowed: such as {NETWORK.cidr}"
        ) from None
    blocks = network.subnets(new_prefix=min(28, max(24, network.prefixlen + 4)))
    return [str(next(blocks)) for _ in range(count)]


def ipv6_block(network: str, index: int) -> str:
    """The /64 with this number in a VPC's IPv6 network, a /56."""
    vpc = ipaddress.IPv6Network(network)
    return str(ipaddress.IPv6Network((int(vpc.network_address) + (index << 64), 64)))


def endpoint_policy(account: str) -> str:
    """Let nobody carry data away through the S3 endpoint: only this account writes, and only into its own buckets.

    Reading is free: some registries hand out the layers of images from buckets in the same region, at addresses that
    they have signed themselves.
    """
    own = {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}
    statements: list[Statement] = [
        {"Sid": "OwnAccount", "Condition": {"StringEquals": own}, "Action": "s3:*"},
        {"Sid": "ImagesOfRegistries", "Action": "s3:GetObject"},
        # Ignition asks, without saying who it is, in which region a bucket is. The bucket still refuses to be listed.
        {
            "Sid": "RegionOfOwnBuckets",
            "Condition": {"StringEquals": {"aws:ResourceAccount": account}},
            "Action": "s3:ListBucket",
        },
    ]
    common = {"Effect": "Allow", "Principal": "*", "Resource": "*"}
    return document([{**statement, **common} for statement in statements])


def flow_log_policy(group: str) -> str:
    """Let VPC write into one log group, and nothing else."""
    statement = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
        "Resource": f"{group}:*",
    }
    return document([statement])
