"""Route 53: a change batch is checked by the records that are there, and takes effect as a whole or not at all.

moto 5.2.5: a journal of all changes is asked instead of the records. So a record that was made and deleted cannot be
made again as long as there is another later in the zone; a record can be made twice; what is not there can be deleted;
and half of a batch that is refused stays.
AWS: https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html.
Changes moto/route53/models.py.
"""

from typing import Any

from moto.route53.exceptions import (
    DnsNameInvalidForZone,
    InvalidActionValue,
    ResourceRecordAlreadyExists,
    Route53ClientError,
)
from moto.route53.models import RecordSet, Route53Backend
from moto.route53.utils import validate_domain_name


def change_resource_record_sets(self: Route53Backend, zoneid: str, change_list: list[dict[str, Any]]) -> None:
    """Carry out a batch of changes."""
    zone = self.get_hosted_zone(zoneid)
    records = list(zone.rrsets)
    for change in change_list:
        records = _changed(records, change["Action"], _record(zone, change["ResourceRecordSet"]))
    zone.rrsets = records


def _record(zone: Any, record_set: dict[str, Any]) -> Any:
    """The record that a change is about, as the zone keeps it."""
    validate_domain_name(record_set["Name"], code="InvalidChangeBatch")
    name = _dns_name(record_set["Name"])
    if not f".{name}".endswith(f".{_dns_name(zone.name)}"):
        raise DnsNameInvalidForZone(name=record_set["Name"], zone_name=zone.name)
    values = [candidate["Value"] for candidate in record_set.get("ResourceRecords") or []]
    record_type: Any = RecordSet  # its base class has abstract methods, which moto itself leaves out
    return record_type({**record_set, "Name": name, "ResourceRecords": values})


def _changed(records: list[RecordSet], action: str, record: RecordSet) -> list[RecordSet]:
    existing = [candidate for candidate in records if _key(candidate) == _key(record)]
    others = [candidate for candidate in records if _key(candidate) != _key(record)]
    if action == "CREATE" and existing:
        raise ResourceRecordAlreadyExists(name=record.name, _type=str(record.type))
    if action == "DELETE":
        _check_deletion(existing, record)
        return others
    if action not in ("CREATE", "UPSERT"):
        raise InvalidActionValue(action)
    return [*others, record]


def _check_deletion(existing: list[RecordSet], record: RecordSet) -> None:
    what = f"Tried to delete resource record set [name='{record.name}', type='{record.type}'] but "
    if not existing:
        raise Route53ClientError("InvalidChangeBatch", f"{what}it was not found")
    if _content(existing[0]) != _content(record):
        raise Route53ClientError("InvalidChangeBatch", f"{what}the values provided do not match the current values")


def _key(record: RecordSet) -> tuple[Any, ...]:
    return _dns_name(record.name), record.type, record.set_identifier


def _content(record: RecordSet) -> tuple[Any, ...]:
    alias = record.alias_target or {}
    return record.ttl, sorted(record.records), alias.get("HostedZoneId"), _dns_name(alias.get("DNSName", ""))


def _dns_name(name: str) -> str:
    """A name in one way of writing: DNS does not tell capitals apart."""
    return f"{name.rstrip('.')}.".lower()


PATCHES = [(Route53Backend, "change_resource_record_sets", change_resource_record_sets)]
