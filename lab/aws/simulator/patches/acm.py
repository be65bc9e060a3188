"""ACM: a certificate is issued when its validation record is in a public zone of the account.

moto 5.2.5: every certificate is issued after a time, whatever DNS says.
AWS: it stays pending until the CNAME record is found
(https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html).
Changes moto/acm/models.py.
"""

from typing import Any

from moto.acm.models import CertBundle
from moto.route53.models import route53_backends

_original_check = CertBundle.check


def check(self: CertBundle) -> None:
    """Issue a certificate whose records are there."""
    if self.status != "PENDING_VALIDATION" or _is_validated(self):
        _original_check(self)


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
