"""The certificates of a matchbox server: an authority, the server's certificate and a client certificate.

matchbox asks for a client certificate on its gRPC API. Keys are ECDSA P-256, files are PEM, keys are readable by
their owner only.
"""

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 825

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class PkiFolder:
    """Where the files of one authority lie. The names are those that matchbox and its clients look for."""

    path: Path

    @property
    def ca(self) -> Path:
        """Certificate of the authority."""
        return self.path / "ca.crt"

    @property
    def ca_key(self) -> Path:
        """Key of the authority."""
        return self.path / "ca.key"

    def certificate(self, name: str) -> Path:
        """Certificate of `server` or `client`."""
        return self.path / f"{name}.crt"

    def key(self, name: str) -> Path:
        """Key of `server` or `client`."""
        return self.path / f"{name}.key"


def create_pki(folder: Path, server_names: Sequence[str], *, days: int = CERTIFICATE_DAYS) -> PkiFolder:
    """Make authority, server and client certificates in `folder`; what is there already is kept.

    `server_names` are the names and IP addresses of the server. A negative `days` makes expired certificates.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = PkiFolder(folder)
    if not files.ca.exists():
        _create_authority(files)
    if not files.certificate("server").exists():
        create_certificate(files, "server", server_names, days=days)
    if not files.certificate("client").exists():
        create_certificate(files, "client", (), days=days)
    return files


def create_certificate(files: PkiFolder, name: str, host_names: Sequence[str], *, days: int = CERTIFICATE_DAYS) -> None:
    """Make a certificate signed by the folder's authority: for a server with host names, else for a client."""
    authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
    authority_key = serialization.load_pem_private_key(files.ca_key.read_bytes(), password=None)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{files.ca_key} is not an ECDSA key")
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if host_names else ExtendedKeyUsageOID.CLIENT_AUTH
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = (
        _builder(f"matchbox {name}", authority.subject, key, days)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(issuer, critical=False)
    )
    if host_names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(host) for host in host_names]), critical=False
        )
    _write_key(files.key(name), key)
    _write(files.certificate(name), builder.sign(authority_key, hashes.SHA256()).public_bytes(_PEM), 0o644)


_PEM = serialization.Encoding.PEM
_SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _create_authority(files: PkiFolder) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "matchbox authority")])
    certificate = (
        _builder("matchbox authority", name, key, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNS_CERTIFICATES, critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_key(files.ca_key, key)
    _write(files.ca, certificate.public_bytes(_PEM), 0o644)


def _builder(common_name: str, issuer: x509.Name, key: Key, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    start = now - datetime.timedelta(days=2 + max(0, -days))
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write_key(path: Path, key: Key) -> None:
    data = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(path, data, 0o600)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a file that is never there half, and never readable by more than `mode` allows."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    draft.replace(path)
