"""ACM: a certificate is issued when its record is in a public zone of the account."""

from typing import Any

from moto.acm.models import CertBundle
from moto.route53.models import route53_backends


def apply() -> None:
    """Without: every certificate is issued at once, whatever DNS says."""
    original = CertBundle.check

    def check(self: Any) -> None:
        if self.status != "PENDING_VALIDATION" or _is_validated(self):
            original(self)

    CertBundle.check = check


def _is_validated(certificate: Any) -> bool:
    options = certificate.describe()["Certificate"].get("DomainValidationOptions", [])
    account = certificate.arn.split(":")[4]
    records = [option["ResourceRecord"] for option in options]  # all of type CNAME
    required = {(_dns_name(record["Name"]), _dns_name(record["Value"])) for record in records}
    zones = route53_backends[account]["aws"].zones.values()
    existing = {
        (_dns_name(record.name), _dns_name(value))
        for zone in zones
        if not zone.private_zone
        for record in zone.rrsets
        if record.type == "CNAME"
        for value in record.records or ()
    }
    return required <= existing


def _dns_name(name: str) -> str:
    return name.rstrip(".").lower()
