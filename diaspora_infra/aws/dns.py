"""Dns: the hosted zone of a domain, and the records in it or, for a zone elsewhere, for a person to set."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.arguments import ArgumentError, last_line
from diaspora_infra.aws.defaults import DNS, PROTECT
from diaspora_infra.aws.tags import named

TTL_SECONDS = 300
"""Time for which others may remember a record."""
ALIAS_TYPE = "CNAME (at the top of a zone: ALIAS or ANAME)"
"""Type of a pending record that points to a name of AWS."""


class DnsRecord(TypedDict):
    """A DNS record that a person has to set."""

    name: str
    """Whole name of the record."""
    type: str
    """Such as A, CNAME, MX or TXT."""
    values: Sequence[str]
    """Its values; TXT without quotation marks."""


class DnsArgs(TypedDict):
    """What Dns needs."""

    zone: NotRequired[str]
    """Name of the hosted zone, such as example.org. Without it another DNS provider answers for the domain, and there
    is no zone id. A plain value, not an output: the zone is looked up by it."""
    create: NotRequired[bool]
    """Make the zone, whose name servers must then be told to the registrar; false when not set. A plain value, not an
    output."""
    protect: NotRequired[bool]
    """Refuse to delete a zone that is made here; true when not set. A plain value, not an output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class Dns(pulumi.ComponentResource):
    """A hosted zone, existing or new, or none where another DNS provider answers for the domain."""

    zone_id: pulumi.Output[str] | None
    """Id of the hosted zone; None when another DNS provider answers for the domain."""
    name_servers: pulumi.Output[Sequence[str]] | None
    """Name servers of a zone that is made here."""

    def __init__(self, name: str, args: DnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:Dns", name, {}, opts)
        self.zone_id = self.name_servers = None
        zone = args.get("zone")
        if zone is not None and args.get("create", DNS.create_zone):
            created = aws.route53.Zone(
                f"{name}-zone",
                name=zone,
                comment="Zone of the pod",
                tags=named(args.get("tags"), zone),
                opts=pulumi.ResourceOptions(parent=self, protect=args.get("protect", PROTECT)),
            )
            self.zone_id, self.name_servers = created.zone_id, created.name_servers
        elif zone is not None:
            self.zone_id = pulumi.Output.from_input(_existing_zone_id(self, name, zone))
        self.register_outputs({"zoneId": self.zone_id, "nameServers": self.name_servers})


def _existing_zone_id(component: pulumi.Resource, name: str, zone: str) -> str:
    try:
        return aws.route53.get_zone(name=zone, private_zone=False, opts=pulumi.InvokeOptions(parent=component)).zone_id
    except Exception as error:
        raise ArgumentError(
            name,
            "zone",
            f"no public hosted zone {zone} could be found and read in this account",
            "create one (and only one) of that name, or with create=True; or leave zone out "
            "where another DNS provider answers for the domain",
            last_line(error),
        ) from None


def create_record(
    name: str,
    zone_id: pulumi.Input[str],
    domain: pulumi.Input[str],
    kind: pulumi.Input[str],
    values: Sequence[pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
    *,
    overwrite: bool = False,
) -> pulumi.Output[str]:
    """Set a record in a hosted zone; returns its domain once it is set. `opts` names its parent.

    With `overwrite` a record that is there already is taken over, which otherwise is an error.
    """
    record = aws.route53.Record(
        name,
        zone_id=zone_id,
        name=domain,
        type=kind,
        ttl=TTL_SECONDS,
        records=list(values),
        allow_overwrite=True if overwrite else None,
        opts=opts,
    )
    return record.fqdn


def create_alias(
    name: str,
    zone_id: pulumi.Input[str],
    domain: pulumi.Input[str],
    target: pulumi.Input[str],
    target_zone: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Make a domain, which may be the top of the zone, another name for something of AWS: IPv4 and IPv6."""
    for kind in ("A", "AAAA"):
        aws.route53.Record(
            f"{name}-{kind.lower()}",
            zone_id=zone_id,
            name=domain,
            type=kind,
            aliases=[{"name": target, "zone_id": target_zone, "evaluate_target_health": False}],
            opts=opts,
        )


def pending_record(
    domain: pulumi.Input[str], kind: pulumi.Input[str], values: Sequence[pulumi.Input[str]]
) -> pulumi.Output[DnsRecord]:
    """What `create_record` would set, for a person to set."""
    return pulumi.Output.all(domain, kind, *values).apply(
        lambda parts: {"name": parts[0], "type": parts[1], "values": parts[2:]}
    )


def pending_alias(domain: pulumi.Input[str], target: pulumi.Input[str | None]) -> pulumi.Output[Sequence[DnsRecord]]:
    """What `create_alias` would set, for a person to set; empty as long as there is no target."""
    return pulumi.Output.all(domain, target).apply(
        lambda parts: [] if parts[1] is None else [{"name": parts[0], "type": ALIAS_TYPE, "values": [parts[1]]}]
    )
