"""SecurityGroups: who may reach whom, from group to group, each rule a resource of its own with a description."""

import ipaddress
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.arguments import choice
from diaspora_infra.aws.defaults import EDGE, INSTANCE, NETWORK
from diaspora_infra.aws.tags import named

SSH_PORT = 22
HTTP_PORT = 80
HTTPS_PORT = 443
POSTGRESQL_PORT = 5432
CACHE_PORT = 6379


class Edge(StrEnum):
    """What requests from the internet reach first."""

    GATEWAY = "gateway"
    """API Gateway: only its VPC link reaches the machine, on port 80."""
    DIRECT = "direct"
    """The machine: everybody reaches its ports 80 and 443."""
    LOAD_BALANCER = "loadBalancer"
    """A load balancer: everybody reaches its ports 80 and 443, and only it reaches the machines, on port 80."""


class ShellAccess(StrEnum):
    """Who reaches port 22 of the machine."""

    INSTANCE_CONNECT_ENDPOINT = "instanceConnectEndpoint"
    """An EC2 Instance Connect Endpoint, and nobody from the internet."""
    SSH = "ssh"
    """Some networks."""
    NONE = "none"
    """Nobody."""


class SecurityGroupsArgs(TypedDict):
    """What SecurityGroups needs."""

    vpc_id: pulumi.Input[str]
    """The VPC."""
    edge: NotRequired[Edge]
    """What requests reach first; gateway when not set. A plain value, not an output."""
    shell_access: NotRequired[ShellAccess]
    """Who reaches port 22; instanceConnectEndpoint when not set. A plain value, not an output."""
    ssh_from: NotRequired[Sequence[str]]
    """IPv4 and IPv6 networks or addresses that may reach port 22, with `shell_access` ssh. Plain values, not
    outputs."""
    database: NotRequired[bool]
    """Make a group for a database that only the machine reaches; false when not set. A plain value, not an output."""
    cache: NotRequired[bool]
    """Make a group for a cache that only the machine reaches; false when not set. A plain value, not an output."""
    ipv6: NotRequired[bool]
    """Also open to IPv6 what is open to the whole internet; false when not set. A plain value, not an output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class SecurityGroups(pulumi.ComponentResource):
    """The groups of a machine and of what stands around it. A group that is not needed is None."""

    machine_id: pulumi.Output[str]
    """Id of the machine's group: it reaches the whole internet."""
    link_id: pulumi.Output[str] | None
    """Id of the VPC link's group: it reaches port 80 of the machine, and nothing else."""
    load_balancer_id: pulumi.Output[str] | None
    """Id of the load balancer's group: the internet reaches its ports 80 and 443; it reaches port 80 of the machine,
    and nothing else."""
    endpoint_id: pulumi.Output[str] | None
    """Id of the Instance Connect Endpoint's group: it reaches port 22 of the machine, and nothing else."""
    database_id: pulumi.Output[str] | None
    """Id of the database's group: only the machine reaches it; it reaches nothing."""
    cache_id: pulumi.Output[str] | None
    """Id of the cache's group: only the machine reaches it; it reaches nothing."""

    def __init__(self, name: str, args: SecurityGroupsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:SecurityGroups", name, {}, opts)
        # a word with a mistake must not leave open or closed what was meant otherwise
        edge = choice(name, "edge", args.get("edge", EDGE), Edge)
        access = choice(name, "shell_access", args.get("shell_access", INSTANCE.shell_access), ShellAccess)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        world = ["0.0.0.0/0", "::/0"] if args.get("ipv6", NETWORK.ipv6) else ["0.0.0.0/0"]
        self.machine_id = self._group("machine", "The machine of the pod")
        self.link_id = self.load_balancer_id = self.endpoint_id = self.database_id = self.cache_id = None
        for network in world:
            # the pod federates with servers anywhere, on any port that they like
            self._to_network("machine-out", self.machine_id, network, "Federation, mail, updates and images")
        if edge is Edge.GATEWAY:
            self.link_id = self._group("link", "The VPC link of API Gateway")
            self._between("web", self.link_id, self.machine_id, HTTP_PORT, "Requests from API Gateway")
        elif edge is Edge.LOAD_BALANCER:
            self.load_balancer_id = self._group("load-balancer", "The load balancer of the pod")
            self._open(self.load_balancer_id, HTTP_PORT, "http", world, "Redirects to HTTPS")
            self._open(self.load_balancer_id, HTTPS_PORT, "https", world, "The pod")
            self._between("web", self.load_balancer_id, self.machine_id, HTTP_PORT, "Requests from the load balancer")
        else:
            self._open(self.machine_id, HTTP_PORT, "http", world, "Certificates and redirects to HTTPS")
            self._open(self.machine_id, HTTPS_PORT, "https", world, "The pod")
        if access is ShellAccess.INSTANCE_CONNECT_ENDPOINT:
            self.endpoint_id = self._group("endpoint", "The EC2 Instance Connect Endpoint")
            self._between("shell", self.endpoint_id, self.machine_id, SSH_PORT, "SSH of the podmin")
        elif access is ShellAccess.SSH:
            self._open(self.machine_id, SSH_PORT, "ssh", args.get("ssh_from", []), "SSH of the podmin")
        if args.get("database", False):
            self.database_id = self._group("database", "The database of the pod")
            self._between("database", self.machine_id, self.database_id, POSTGRESQL_PORT, "The pod", both=False)
        if args.get("cache", False):
            self.cache_id = self._group("cache", "The cache of the pod")
            self._between("cache", self.machine_id, self.cache_id, CACHE_PORT, "The pod", both=False)
        self.register_outputs(
            {
                "machineId": self.machine_id,
                "linkId": self.link_id,
                "loadBalancerId": self.load_balancer_id,
                "endpointId": self.endpoint_id,
                "databaseId": self.database_id,
                "cacheId": self.cache_id,
            }
        )

    def _group(self, kind: str, description: str) -> pulumi.Output[str]:
        name = f"{self._name}-{kind}"
        # the name in the account comes from here, so that it can be found; the engine adds what makes it unique
        group = aws.ec2.SecurityGroup(
            name,
            vpc_id=self._args["vpc_id"],
            description=description,
            tags=named(self._args.get("tags"), f"{self._name} {kind}"),
            opts=self._child,
        )
        return group.id

    def _between(
        self,
        name: str,
        source: pulumi.Output[str],
        target: pulumi.Output[str],
        port: int,
        description: str,
        *,
        both: bool = True,
    ) -> None:
        """Let one group reach a port of another. Without `both` the source may leave already."""
        ports: dict[str, Any] = {"ip_protocol": "tcp", "from_port": port, "to_port": port, "description": description}
        tags = named(self._args.get("tags"), f"{self._name} {name}")
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-{name}-in",
            security_group_id=target,
            referenced_security_group_id=source,
            tags=tags,
            opts=self._child,
            **ports,
        )
        if both:
            aws.vpc.SecurityGroupEgressRule(
                f"{self._name}-{name}-out",
                security_group_id=source,
                referenced_security_group_id=target,
                tags=tags,
                opts=self._child,
                **ports,
            )

    def _open(self, group: pulumi.Output[str], port: int, name: str, networks: Sequence[str], description: str) -> None:
        """Let networks reach a port of a group."""
        for network in networks:
            aws.vpc.SecurityGroupIngressRule(
                f"{self._name}-{name}-{_label(network)}",
                security_group_id=group,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                description=description,
                tags=named(self._args.get("tags"), f"{self._name} {name}"),
                opts=self._child,
                **_addresses(network),
            )

    def _to_network(self, name: str, group: pulumi.Output[str], network: str, description: str) -> None:
        """Let a group reach a whole network."""
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-{name}-{_label(network)}",
            security_group_id=group,
            ip_protocol="-1",
            description=description,
            tags=named(self._args.get("tags"), f"{self._name} {name}"),
            opts=self._child,
            **_addresses(network),
        )


def _addresses(network: str) -> dict[str, Any]:
    """The argument of a rule for a network, or for one address."""
    parsed = ipaddress.ip_network(network)
    return {"cidr_ipv4" if parsed.version == 4 else "cidr_ipv6": str(parsed)}


def _label(network: str) -> str:
    """A network in the name of a resource: everybody is ipv4 or ipv6."""
    parsed = ipaddress.ip_network(network)
    return f"ipv{parsed.version}" if parsed.prefixlen == 0 else str(parsed)
