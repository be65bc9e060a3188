"""ACM: a certificate is issued when its validation record is in a public zone of the account within 72 hours.

moto 5.2.5: every certificate is issued after a time, whatever DNS says.
AWS: it stays pending until the CNAME record is found
(https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html), and for 72 hours
(https://docs.aws.amazon.com/acm/latest/userguide/troubleshooting-timed-out.html).
Changes moto/acm/models.py. A tag `lab:hours` makes a certificate so many hours older, for tests.
"""

from datetime import timedelta
from typing import Any

from moto.acm.models import CertBundle
from moto.core.utils import utcnow
from moto.route53.models import route53_backends

VALIDATION_TIME = timedelta(hours=72)

_original_check = CertBundle.check


def check(self: CertBundle) -> None:
    """Issue a certificate whose records are there, and give up one whose records did not come."""
    if self.status == "PENDING_VALIDATION" and _age(self) >= VALIDATION_TIME:
        self.status = "VALIDATION_TIMED_OUT"
    elif self.status != "PENDING_VALIDATION" or _is_validated(self):
        _original_check(self)


def _age(certificate: CertBundle) -> timedelta:
    added = timedelta(hours=float(certificate.tags.get("lab:hours") or 0))
    age: timedelta = utcnow() - certificate.created_at + added
    return age


def _is_validated(certificate: CertBundle) -> bool:
    options = certificate.describe()["Certificate"].get("DomainValidationOptions", [])
    account = certificate.arn.split(":")[4]
    records = [option["ResourceRecord"] for option in options]  # all of type CNAME
    wanted = {(_dns_name(record["Name"]), _dns_name(record["Value"])) for record in records}
    zones: Any = route53_backends[account]["aws"].zones.values()
    present = {
        (_dns_name(record.name), _dns_name(value))
        for zone in zones
        if not zone.private_zone
        for record in zone.rrsets
        if record.type == "CNAME"
        for value in record.records or ()
    }
    return wanted <= present


def _dns_name(name: str) -> str:
    return name.rstrip(".").lower()


PATCHES = [(CertBundle, "check", check)]
