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
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from diaspora_infra.config import ConfigError, Problem

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 825
RENEW_WITHIN_DAYS = 30

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
    """Create authority, server and client certificates in `folder`; existing files are kept.

    `server_names` are the names and IP addresses of the server. A negative `days` creates expired certificates.
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
    """Create a certificate signed by the folder's authority: for a server with host names, else for a client.

    It does not outlive the authority. Raises ConfigError when the authority cannot sign.
    """
    authority, authority_key = _authority(files)
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if host_names else ExtendedKeyUsageOID.CLIENT_AUTH
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    end = min(_now() + datetime.timedelta(days=days), authority.not_valid_after_utc)
    builder = (
        _builder(f"matchbox {name}", authority.subject, key, end)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(issuer, critical=False)
    )
    if host_names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(host) for host in host_names]), critical=False
        )
    _write_key(files.key(name), key)
    _write(files.certificate(name), builder.sign(authority_key, hashes.SHA256()).public_bytes(_PEM), 0o644)


def renew_pki(folder: Path, *, days: int = CERTIFICATE_DAYS, within: int = RENEW_WITHIN_DAYS) -> list[str]:
    """Renew, for the same names, the certificates that expire within `within` days or whose key does not match.

    Returns which of `server` and `client` are new. Raises ConfigError for files that are missing or damaged.
    """
    files = PkiFolder(folder)
    problems, old = [], {}
    for name in ("server", "client"):
        path = files.certificate(name)
        try:
            old[name] = read_certificate(path)
        except FileNotFoundError:
            problems.append(Problem(str(path), "missing; create it with: diaspora-infra pki init"))
        except ConfigError as error:
            problems += error.problems
    if "server" in old and not host_names(old["server"]):
        what = "names no server; remove it, and create it again with: diaspora-infra pki init"
        problems.append(Problem(str(files.certificate("server")), what))
    if problems:
        raise ConfigError(problems)
    soon = _now() + datetime.timedelta(days=within)
    due = [
        name
        for name, certificate in old.items()
        if certificate.not_valid_after_utc <= soon or not _fits(files.key(name), certificate)
    ]
    for name in due:
        create_certificate(files, name, host_names(old[name]), days=days)
    return due


def read_certificate(path: Path) -> x509.Certificate:
    """Read a PEM certificate. Raises OSError, and ConfigError when the file is not a certificate."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError:
        raise ConfigError([Problem(str(path), "holds no certificate; allowed: a PEM certificate")]) from None


def host_names(certificate: x509.Certificate) -> list[str]:
    """The names and addresses of the server that a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names]


def _authority(files: PkiFolder) -> tuple[x509.Certificate, Key]:
    """Read the authority that signs. Raises ConfigError when it cannot."""
    certificate = read_certificate(files.ca)
    if certificate.not_valid_after_utc <= _now():
        expired = f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
        raise ConfigError([Problem(str(files.ca), f"{expired}; create a new authority in another folder")])
    if not files.ca_key.exists():
        raise ConfigError(
            [Problem(str(files.ca_key), "missing; restore it, because only the authority's key can sign certificates")]
        )
    key = _read_key(files.ca_key)
    if key is None:
        raise ConfigError([Problem(str(files.ca_key), "holds no usable key; allowed: an unencrypted ECDSA key (PEM)")])
    if key.public_key() != certificate.public_key():
        raise ConfigError([Problem(str(files.ca_key), f"does not match {files.ca}; restore the key of that authority")])
    return certificate, key


def _read_key(path: Path) -> Key | None:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _fits(path: Path, certificate: x509.Certificate) -> bool:
    """Tell whether the key belongs to the certificate; a key that was moved to the server counts as belonging."""
    if not path.exists():
        return True
    key = _read_key(path)
    return key is not None and key.public_key() == certificate.public_key()


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
    if files.ca_key.exists():
        what = f"exists without {files.ca.name}; add that file, or remove the key to create a new authority"
        raise ConfigError([Problem(str(files.ca_key), what)])
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "matchbox authority")])
    certificate = (
        _builder("matchbox authority", name, key, _now() + datetime.timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNS_CERTIFICATES, critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_key(files.ca_key, key)
    _write(files.ca, certificate.public_bytes(_PEM), 0o644)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _builder(common_name: str, issuer: x509.Name, key: Key, end: datetime.datetime) -> x509.CertificateBuilder:
    start = min(_now(), end) - datetime.timedelta(days=2)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
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
    """Write a file atomically, and never readable by more than `mode` allows."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    draft.replace(path)
