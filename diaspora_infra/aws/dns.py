"""Dns: who answers for a domain, and the records that others ask for."""

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.images import last_line
from diaspora_infra.aws.tags import named

TTL = 300
"""Seconds for which others may remember a record."""


class DnsArgs(TypedDict):
    """What a Dns needs."""

    zone: NotRequired[str]
    """Name of the hosted zone, such as example.org. Without it somebody else answers for the domain: records are only
    collected, for a person to set."""
    create: NotRequired[bool]
    """Make the zone; its name servers must then be told to the registrar."""
    protect: NotRequired[bool]
    """Refuse to delete a zone that is made here; true when not set."""
    tags: NotRequired[dict[str, str]]
    """Tags of everything in it."""


class Dns(pulumi.ComponentResource):
    """A zone, existing or new, or a list of the records that somebody else has to set."""

    zone_id: pulumi.Output[str] | None
    """Id of the hosted zone; None when somebody else answers for the domain."""
    name_servers: pulumi.Output[Sequence[str]] | None
    """Name servers of a zone that is made here."""

    def __init__(self, name: str, args: DnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:aws:Dns", name, {}, opts)
        self.zone_id = self.name_servers = None
        self._wanted: list[pulumi.Output[dict[str, Any] | None]] = []
        zone = args.get("zone")
        if zone is not None and args.get("create", False):
            made = aws.route53.Zone(
                f"{name}-zone",
                name=zone,
                comment="Zone of the pod",
                tags=named(args.get("tags", {}), zone),
                opts=pulumi.ResourceOptions(parent=self, protect=args.get("protect", True)),
            )
            self.zone_id, self.name_servers = made.zone_id, made.name_servers
        elif zone is not None:
            self.zone_id = pulumi.Output.from_input(self._existing(zone))
        self.register_outputs({"zoneId": self.zone_id})

    def _existing(self, zone: str) -> str:
        try:
            return aws.route53.get_zone(name=zone, private_zone=False, opts=pulumi.InvokeOptions(parent=self)).zone_id
        except Exception as error:
            raise pulumi.RunError(
                f"aws.dns.zone: no public hosted zone {zone} could be found and read in this account; allowed: one "
                "that is there, and no second one of that name; createZone: true; or provider: external "
                f"({last_line(error)})"
            ) from None

    @property
    def wanted(self) -> pulumi.Output[list[dict[str, Any]]]:
        """The records for a person to set: each a name, a type and values."""
        return pulumi.Output.all(*self._wanted).apply(lambda records: [each for each in records if each is not None])

    def record(
        self,
        name: str,
        domain: pulumi.Input[str],
        kind: pulumi.Input[str],
        values: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
        *,
        overwrite: bool = False,
    ) -> pulumi.Output[str] | None:
        """Set a record, or put it on the list; returns its domain once it is set. `opts` names its parent.

        With `overwrite` a record that is there already is taken over, which otherwise is an error.
        """
        if self.zone_id is None:
            self._want(domain, kind, values)
            return None
        record = aws.route53.Record(
            name,
            zone_id=self.zone_id,
            name=domain,
            type=kind,
            ttl=TTL,
            records=list(values),
            allow_overwrite=True if overwrite else None,
            opts=opts,
        )
        return record.fqdn

    def alias(
        self,
        name: str,
        domain: pulumi.Input[str],
        target: pulumi.Input[str],
        target_zone: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Make a domain, which may be the top of the zone, another name for something of AWS: IPv4 and IPv6.

        Does nothing when somebody else answers for the domain: see `want_alias`.
        """
        if self.zone_id is None:
            return
        for kind in ("A", "AAAA"):
            aws.route53.Record(
                f"{name}-{kind.lower()}",
                zone_id=self.zone_id,
                name=domain,
                type=kind,
                aliases=[{"name": target, "zone_id": target_zone, "evaluate_target_health": False}],
                opts=opts,
            )

    def want_alias(self, domain: pulumi.Input[str], target: pulumi.Output[str | None]) -> None:
        """Put on the list what `alias` would set, as soon as there is a target."""
        kind = "CNAME (at the top of a zone: ALIAS or ANAME)"
        self._wanted.append(
            pulumi.Output.all(domain, target).apply(
                lambda known: None if known[1] is None else {"name": known[0], "type": kind, "values": [known[1]]}
            )
        )

    def _want(self, domain: pulumi.Input[str], kind: pulumi.Input[str], values: Sequence[pulumi.Input[str]]) -> None:
        wanted = {"name": domain, "type": kind, "values": list(values)}
        self._wanted.append(pulumi.Output.from_input(wanted).apply(lambda known: {**known}))
