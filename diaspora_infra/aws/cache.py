"""Cache: Valkey by ElastiCache, for the jobs and sessions of several machines."""

import re
from collections.abc import Iterator, Mapping, Sequence
from secrets import token_hex
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.alarms import create_alarm
from diaspora_infra.aws.arguments import ArgumentError, raise_all
from diaspora_infra.aws.defaults import PROTECT
from diaspora_infra.aws.parameters import generated_password
from diaspora_infra.aws.security_groups import CACHE_PORT
from diaspora_infra.aws.tags import named

VERSION = "8.0"
"""Version of Valkey."""
NODE_TYPE = "cache.t4g.micro"
NODES = 2
SNAPSHOT_DAYS = 7
MEMORY_PERCENT = 75
"""Share of the memory above which an alarm goes on: a full cache refuses new jobs."""
_MAX_NAME_LENGTH = 26  # with `-cache` and the engine's digits it stays under the 40 characters of a replication group


class CacheArgs(TypedDict):
    """What a Cache needs."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets without a way to the internet, in two zones or more."""
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Security groups that let the machines, and nothing else, in to port 6379."""
    password_parameter: NotRequired[pulumi.Input[str]]
    """Name of a parameter that a password is made in; either this or `password`."""
    password: NotRequired[pulumi.Input[str]]
    """A password of your own; letters, digits and dashes, 16 to 128 of them."""
    nodes: NotRequired[int]
    """Nodes, each in another zone; 2 when not set. With 1 nothing takes over when the node or its zone fails. A plain
    value, not an output."""
    node_type: NotRequired[pulumi.Input[str]]
    """Type of the nodes; cache.t4g.micro when not set."""
    snapshot_days: NotRequired[pulumi.Input[int]]
    """Days for which daily snapshots are kept; 7 when not set."""
    topic_arn: NotRequired[pulumi.Input[str]]
    """Topic that is told when an alarm goes on and off."""
    protect: NotRequired[bool]
    """Refuse to delete the cache, which holds jobs that are not done yet; true when not set. A plain value, not an
    output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class Cache(pulumi.ComponentResource):
    """A Valkey server that only TLS connections with a password reach, and that refuses writes rather than forget."""

    host: pulumi.Output[str]
    """Name of the server that takes writes; it stays the same when another node takes over."""
    port: pulumi.Output[int]
    """Port of the server."""
    password: pulumi.Output[str]
    """Password, a secret. There is no user."""
    url: pulumi.Output[str]
    """Address for clients, with the password: `rediss://:PASSWORD@HOST:6379`. A secret."""
    identifier: pulumi.Output[str]
    """Name of the replication group."""
    final_snapshot: pulumi.Output[str]
    """Name of the snapshot that is left when the cache is deleted."""

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_all([*_problems(name, args)])
        super().__init__("diaspora-infra:index:Cache", name, {}, opts)
        self._name, self._args, self._tags = name, args, args.get("tags")
        self._kept = args.get("protect", PROTECT)
        self._child = pulumi.ResourceOptions(parent=self, protect=self._kept)
        self.password = self._password()
        subnets = aws.elasticache.SubnetGroup(
            f"{name}-cache",
            subnet_ids=args["subnet_ids"],
            description=f"Subnets of the cache of {name}",
            tags=named(self._tags, f"{name} cache"),
            opts=self._child,
        )
        # The name of the group has random digits and stays the same for the life of a cache: so does this one.
        self.identifier = subnets.name
        self.final_snapshot = pulumi.Output.concat(self.identifier, "-final")
        group = self._replication_group(subnets)
        self._memory_alarms()
        if args.get("nodes", NODES) > 1:
            self._failover_alarm()
        self.host, self.port = group.primary_endpoint_address, pulumi.Output.from_input(CACHE_PORT)
        self.url = pulumi.Output.secret(
            pulumi.Output.concat("rediss://:", self.password, "@", self.host, f":{CACHE_PORT}")
        )
        self.register_outputs(
            {
                "host": self.host,
                "port": self.port,
                "password": self.password,
                "url": self.url,
                "identifier": self.identifier,
                "finalSnapshot": self.final_snapshot,
            }
        )

    def _password(self) -> pulumi.Output[str]:
        if "password" in self._args:
            return pulumi.Output.secret(self._args["password"]).apply(lambda text: checked_token(self._name, text))
        name = f"{self._name}-cachePassword"
        parameter = generated_password(name, self._args["password_parameter"], self._tags, self._child, token_hex)
        return parameter.value.apply(lambda text: checked_token(self._name, text or ""))

    def _replication_group(self, subnets: aws.elasticache.SubnetGroup) -> aws.elasticache.ReplicationGroup:
        args, several = self._args, self._args.get("nodes", NODES) > 1
        family = f"valkey{VERSION.split('.')[0]}"
        parameters = aws.elasticache.ParameterGroup(
            f"{self._name}-{family}",
            family=family,
            description="Jobs are never dropped",
            parameters=[{"name": "maxmemory-policy", "value": "noeviction"}],
            tags=named(self._tags, f"{self._name} {family}"),
            # not protected: it holds no data, and goes with its major version
            opts=pulumi.ResourceOptions(parent=self),
        )
        return aws.elasticache.ReplicationGroup(
            f"{self._name}-cache",
            replication_group_id=self.identifier,
            description=f"Cache of {self._name}",
            engine="valkey",
            engine_version=VERSION,
            auto_minor_version_upgrade=True,
            node_type=args.get("node_type", NODE_TYPE),
            num_cache_clusters=args.get("nodes", NODES),
            automatic_failover_enabled=several,
            multi_az_enabled=several,
            port=CACHE_PORT,
            parameter_group_name=parameters.name,
            subnet_group_name=subnets.name,
            security_group_ids=args["security_group_ids"],
            at_rest_encryption_enabled=True,
            transit_encryption_enabled=True,
            auth_token=self.password,
            snapshot_retention_limit=args.get("snapshot_days", SNAPSHOT_DAYS),
            final_snapshot_identifier=self.final_snapshot,
            apply_immediately=True,
            tags=named(self._tags, f"{self._name} cache"),
            opts=self._child,
        )

    def _memory_alarms(self) -> None:
        """One for each node: the metric has no value for the whole group."""
        for number in range(1, self._args.get("nodes", NODES) + 1):
            create_alarm(
                f"{self._name}-cache-memory-{number}",
                self._args.get("topic_arn"),
                named(self._tags, f"{self._name} cache memory {number}"),
                # not protected: it holds no data
                pulumi.ResourceOptions(parent=self),
                alarm_description="The cache is almost full: when it is full, it refuses new jobs",
                namespace="AWS/ElastiCache",
                metric_name="DatabaseMemoryUsagePercentage",
                # ElastiCache names the nodes so
                dimensions={"CacheClusterId": pulumi.Output.concat(self.identifier, f"-{number:03}")},
                statistic="Maximum",
                comparison_operator="GreaterThanThreshold",
                threshold=MEMORY_PERCENT,
                period=300,
                evaluation_periods=3,
                treat_missing_data="missing",
            )

    def _failover_alarm(self) -> None:
        """Goes on when another node takes over from the first one, and off when that takes over again."""
        create_alarm(
            f"{self._name}-cache-failover",
            self._args.get("topic_arn"),
            named(self._tags, f"{self._name} cache failover"),
            # not protected: it holds no data
            pulumi.ResourceOptions(parent=self),
            alarm_description="The cache has failed over: to another node where it is on, back to the first when off",
            namespace="AWS/ElastiCache",
            # 1 of the node that takes writes, and 0 of the others
            metric_name="IsMaster",
            dimensions={"CacheClusterId": pulumi.Output.concat(self.identifier, "-001")},
            statistic="Maximum",
            comparison_operator="LessThanThreshold",
            threshold=1,
            period=60,
            evaluation_periods=1,
            # a node that is gone has no value, and then the other one has taken over
            treat_missing_data="breaching",
        )


def checked_token(component: str, text: str) -> str:
    """The password, or an error that does not show it (ElastiCache user guide, the AUTH command)."""
    if not re.fullmatch("[A-Za-z0-9-]{16,128}", text):
        allowed = "allowed: 16 to 128 letters, digits and dashes"
        raise ArgumentError(component, "password", "the password does not fit", allowed)
    return text


def _problems(component: str, args: CacheArgs) -> Iterator[ArgumentError]:
    """What AWS would refuse late. Outputs are left to AWS."""
    subnets, nodes = args["subnet_ids"], args.get("nodes", NODES)
    if not re.fullmatch(f"[a-z](?:-?[a-z0-9]){{0,{_MAX_NAME_LENGTH - 1}}}", component):
        allowed = f"allowed: up to {_MAX_NAME_LENGTH} small letters, digits and single dashes"
        yield ArgumentError(component, "name", f"{component!r} is no name of a cache", allowed)
    if not 1 <= nodes <= 6:
        yield ArgumentError(component, "nodes", f"{nodes:g}", "allowed: 1 to 6")
    if nodes > 1 and isinstance(subnets, Sequence) and len(subnets) < 2:
        yield ArgumentError(component, "subnet_ids", "several nodes need subnets in two zones", "give two or more")
    if ("password" in args) == ("password_parameter" in args):
        given = "both are" if "password" in args else "none is"
        yield ArgumentError(component, "password, password_parameter", f"{given} given", "give one of them")
