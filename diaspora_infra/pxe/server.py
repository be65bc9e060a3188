"""Reaching the matchbox server: its credentials, and a look at the server before anything is changed on it."""

import datetime
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diaspora_infra.config import ConfigError, Matchbox, Problem

if TYPE_CHECKING:
    from cryptography import x509

_TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Credentials:
    """What proves a client to the server and the server to a client (PEM)."""

    ca: str
    client_cert: str
    client_key: str


def connect(matchbox: Matchbox, folder: Path) -> Credentials:
    """Read the certificate files, and open a connection with them; relative names start at `folder`.

    A connection is the proof that they are right. Raises ConfigError that says what is not.
    """
    try:
        check_reachable(matchbox, folder)
    except ConfigError:
        read_credentials(matchbox, folder)  # what is wrong with the files is the better explanation
        raise
    ca, certificate, key = (path.read_text(encoding="ascii") for path in _files(matchbox, folder).values())
    return Credentials(ca, certificate, key)


def read_credentials(matchbox: Matchbox, folder: Path) -> Credentials:
    """Read and check the certificate files; relative names start at `folder`. Raises ConfigError."""
    problems: list[Problem] = []
    ca, client_cert, client_key = (_read(key, path, problems) for key, path in _files(matchbox, folder).items())
    if ca is not None:
        _certificate(_CA, ca, problems)
    client = _certificate(_CERTIFICATE, client_cert, problems) if client_cert is not None else None
    if client and client_key is not None and not _belongs(client, client_key):
        problems.append(
            Problem(_KEY, f"does not match {_CERTIFICATE}; use the unencrypted PEM key of that certificate")
        )
    if problems or ca is None or client_cert is None or client_key is None:
        raise ConfigError(problems)
    return Credentials(ca, client_cert, client_key)


_CA, _CERTIFICATE, _KEY = (f"pxe.matchbox.{name}" for name in ("caFile", "clientCertFile", "clientKeyFile"))


def _files(matchbox: Matchbox, folder: Path) -> dict[str, Path]:
    """Find the certificate files, by the key that names them. Raises ConfigError when a home directory is unknown."""
    names = {_CA: matchbox.ca_file, _CERTIFICATE: matchbox.client_cert_file, _KEY: matchbox.client_key_file}
    files, problems = {}, []
    for key, name in names.items():
        try:
            files[key] = folder / Path(name).expanduser()
        except RuntimeError:
            problems.append(Problem(key, f"{name!r} is in the home of an unknown user; allowed: a readable PEM file"))
    if problems:
        raise ConfigError(problems)
    return files


def check_reachable(matchbox: Matchbox, folder: Path) -> None:
    """Open a connection to the gRPC API as a client would. Raises ConfigError that names the remedy."""
    key, endpoint = "pxe.matchbox.rpcEndpoint", matchbox.rpc_endpoint
    host, _, port = endpoint.rpartition(":")
    host = host.strip("[]")
    try:
        with (
            socket.create_connection((host, int(port)), timeout=_TIMEOUT_SECONDS) as connection,
            _context(_files(matchbox, folder)).wrap_socket(connection, server_hostname=host) as secured,
        ):
            # With TLS 1.3 a refused client certificate shows only when the client reads.
            secured.settimeout(1)
            secured.recv(1)
    except TimeoutError as error:
        if "read" in str(error):  # the handshake is done and the server waits for us
            return
        raise _unreachable(key, f"{endpoint} does not answer within {_TIMEOUT_SECONDS} s") from None
    except ssl.SSLError as error:
        raise ConfigError([Problem(key, _tls_failure(endpoint, error))]) from None
    except OSError as error:
        raise _unreachable(key, f"{endpoint} is not reachable ({error.strerror or error})") from None


def _context(files: dict[str, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(files[_CA]))
    # Python 3.13 asks for extensions that Go does not, and it is the engine's provider, in Go, that has to connect
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_cert_chain(files[_CERTIFICATE], files[_KEY], password="")  # never asked for on the terminal
    context.set_alpn_protocols(["h2"])
    return context


def _tls_failure(endpoint: str, error: ssl.SSLError) -> str:
    reason = (error.reason or "TLS failed").replace("_", " ").lower()
    if isinstance(error, ssl.SSLCertVerificationError):
        what = f"the certificate of {endpoint} is not accepted ({error.verify_message})"
        if "expired" in error.verify_message:
            return f"{what}; renew the server's certificate"
        return f"{what}; correct caFile, or create a server certificate for this endpoint"
    if error.reason in {"WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
        return f"{endpoint} does not speak TLS ({reason}); use the port of the gRPC API, not that of httpUrl"
    return f"{endpoint} refuses the client certificate ({reason}); use one that the server's authority signed"


def _unreachable(key: str, what: str) -> ConfigError:
    remedy = "start matchbox with its gRPC API (-rpc-address), or correct the endpoint"
    return ConfigError([Problem(key, f"{what}; {remedy}")])


def _read(key: str, path: Path, problems: list[Problem]) -> str | None:
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        what = f"cannot read {path} ({error.strerror})"
    except UnicodeDecodeError:
        what = f"{path} is not PEM"
    problems.append(Problem(key, f"{what}; allowed: a readable PEM file"))
    return None


def _certificate(key: str, text: str, problems: list[Problem]) -> "x509.Certificate | None":
    from cryptography import x509  # slow to import, and only for a certificate that does not work

    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        problems.append(Problem(key, "holds no certificate; allowed: a PEM certificate"))
        return None
    now = datetime.datetime.now(datetime.UTC)
    if certificate.not_valid_after_utc < now:
        expired = f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
        problems.append(Problem(key, f"{expired}; create a new one with the authority of the matchbox server"))
    elif certificate.not_valid_before_utc > now:
        starts = f"not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
        problems.append(Problem(key, f"{starts}; check the clock of this machine"))
    return certificate


def _belongs(certificate: "x509.Certificate", key_text: str) -> bool:
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_private_key(key_text.encode(), password=None)
    except (ValueError, TypeError):
        return False
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(encoding, form) == certificate.public_key().public_bytes(encoding, form)
