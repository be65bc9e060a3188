"""ACM: a certificate is issued when its record is in a public zone of the account."""

from typing import Any

from moto.acm.models import CertBundle
from moto.route53.models import route53_backends


def apply() -> None:
    """Without: every certificate is issued at once, whatever DNS says."""
    original = CertBundle.check

    def check(self: Any) -> None:
        if self.status != "PENDING_VALIDATION" or _proved(self):
            original(self)

    CertBundle.check = check


def _proved(certificate: Any) -> bool:
    options = certificate.describe()["Certificate"].get("DomainValidationOptions", [])
    account = certificate.arn.split(":")[4]
    wanted = {option["ResourceRecord"]["Name"].rstrip(".").lower() for option in options}
    zones = route53_backends[account]["aws"].zones.values()
    there = {
        record.name.rstrip(".").lower()
        for zone in zones
        if not zone.private_zone
        for record in zone.rrsets
        if record.type == "CNAME"
    }
    return wanted <= there
