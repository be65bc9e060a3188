"""Whether the certificates of the lab's matchbox are good."""

import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from diaspora_infra.pxe.pki import PkiFolder

NAMES = ("server", "client")


def fault(pki: PkiFolder) -> str | None:
    """Say which file is missing, damaged, expired or not yet valid, or does not belong to the others; None if none."""
    files = {pki.ca: pki.ca_key, **{pki.certificate(name): pki.key(name) for name in NAMES}}
    now = datetime.datetime.now(datetime.UTC)
    authority: x509.Certificate | None = None
    for file, key_file in files.items():
        try:
            certificate = x509.load_pem_x509_certificate(file.read_bytes())
            key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
            authority = authority or certificate
            certificate.verify_directly_issued_by(authority)
        except (OSError, ValueError, TypeError, InvalidSignature):
            return f"{file}: it or its key is missing, damaged, or of another authority"
        if key.public_key() != certificate.public_key():
            return f"{key_file}: does not belong to {file.name}"
        if certificate.not_valid_after_utc <= now:
            return f"{file}: expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
        if certificate.not_valid_before_utc > now:
            return f"{file}: not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
    return None
