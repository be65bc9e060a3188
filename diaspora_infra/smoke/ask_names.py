"""Questions about names: the certificate of the domain, and its DNS records."""

import datetime
from collections.abc import Iterator
from typing import NamedTuple

from diaspora_infra.smoke.answer import Answer, not_asked, not_ok, ok
from diaspora_infra.smoke.world import World

_RENEWED_BEFORE = datetime.timedelta(days=30)
"""ACM renews a certificate 60 days before it expires."""
_TRIES = 5
_SHOWN = 3


class Expected(NamedTuple):
    """A record as it should be in DNS."""

    name: str
    kind: str
    values: tuple[str, ...]
    alias: bool = False
    """The value is a name with the same addresses."""


def certificate(world: World) -> Answer:
    """ACM issues it when its record is in DNS, and renews it as long as the record stays."""
    found = world.stack.first("acm/certificate:Certificate", "Certificate")
    if found is None:
        return not_asked("the stack has no certificate in ACM")
    described = world.client("acm").describe_certificate(CertificateArn=found.id)["Certificate"]
    status, renewal = described["Status"], described.get("RenewalSummary", {}).get("RenewalStatus")
    ends = described.get("NotAfter")
    seen = ", ".join([status, *([f"until {ends:%Y-%m-%d}"] if ends else []), *([renewal] if renewal else [])])
    if status in {"VALIDATION_TIMED_OUT", "FAILED", "REVOKED", "EXPIRED"}:
        return not_ok(
            seen,
            "this certificate is never issued again"
            if status != "VALIDATION_TIMED_OUT"
            else "72 hours without a record",
            "set its record in DNS, then run `pulumi up --refresh`, which replaces the certificate",
        )
    if status != "ISSUED":
        return not_ok(
            seen,
            "there is no HTTPS yet",
            "its record must be in DNS: `pulumi stack output nextStep`; AWS waits 72 hours",
        )
    if ends is not None and ends - world.now() < _RENEWED_BEFORE:
        return not_ok(
            seen, "AWS could not renew the certificate", "its record must be in DNS; ACM in the console names it"
        )
    return ok(seen)


def dns(world: World) -> Answer:
    """The records of the stack, as the resolver of this computer sees them."""
    records = [*expected_records(world)]
    if not records:
        return not_asked("the stack has no DNS records")
    wrong = [(record, found) for record in records if (found := _wrong(world, record)) is not None]
    if not wrong:
        return ok(f"{len(records)} records as the stack wants them")
    shown = [
        f"{record.kind} {record.name} is {', '.join(sorted(found)) or 'missing'} (expected: {', '.join(record.values)})"
        for record, found in wrong[:_SHOWN]
    ]
    more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return not_ok(
        "; ".join([*shown, *more]),
        f"{len(wrong)} of {len(records)} DNS records are not as the stack wants them",
        "give the registrar the zone's name servers (`pulumi stack output nameServers`), or set the records of "
        "`pulumi stack output dnsRecords`; a change takes up to an hour to arrive",
    )


def expected_records(world: World) -> Iterator[Expected]:
    """The records that the stack has set in Route 53, and those that a person has to set."""
    for record in world.stack.all("route53/record:Record"):
        name, kind = record.text("name"), record.text("type")
        aliases = [alias["name"] for alias in record.outputs.get("aliases") or ()]
        yield Expected(name, kind, tuple(aliases or record.outputs.get("records") or ()), bool(aliases))
    for pending in world.stack.dns_records:
        alias = pending["type"] == "ALIAS"
        yield Expected(pending["name"], "A" if alias else pending["type"], tuple(pending["values"]), alias)


def _wrong(world: World, record: Expected) -> list[str] | None:
    """The values in DNS where they are wrong; None where they are right."""
    if not record.alias:
        found = world.names(record.name, record.kind)
        wanted = {_plain(value, record.kind) for value in record.values}
        seen = {_plain(value, record.kind) for value in found}
        # other texts may be there too
        return None if (wanted <= seen if record.kind == "TXT" else wanted == seen) else found
    found = []
    for _ in range(_TRIES):
        # such a name has more addresses than an answer shows
        found = world.names(record.name, record.kind)
        if {*found} & {*world.names(record.values[0], record.kind)}:
            return None
    return found


def _plain(value: str, kind: str) -> str:
    return value.strip('"') if kind == "TXT" else value.rstrip(".").lower()
