"""Reaching the matchbox server: its credentials, and a look at the server before anything is changed on it."""

import datetime
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from diaspora_infra.config import ConfigError, Matchbox, Problem

_TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Credentials:
    """What proves a client to the server and the server to a client (PEM)."""

    ca: str
    client_cert: str
    client_key: str


def read_credentials(matchbox: Matchbox, folder: Path) -> Credentials:
    """Read and check the certificate files; relative names start at `folder`. Raises ConfigError."""
    problems: list[Problem] = []
    texts = {
        key: _read(f"pxe.matchbox.{key}", folder / Path(name).expanduser(), problems)
        for key, name in (
            ("caFile", matchbox.ca_file),
            ("clientCertFile", matchbox.client_cert_file),
            ("clientKeyFile", matchbox.client_key_file),
        )
    }
    ca, client_cert, client_key = texts.values()
    if ca is not None:
        _certificate("pxe.matchbox.caFile", ca, problems)
    client = _certificate("pxe.matchbox.clientCertFile", client_cert, problems) if client_cert is not None else None
    if client and client_key is not None and not _belongs(client, client_key):
        problems.append(
            Problem(
                "pxe.matchbox.clientKeyFile",
                "is not the key of pxe.matchbox.clientCertFile; allowed: the unencrypted PEM key made with it",
            )
        )
    if problems or ca is None or client_cert is None or client_key is None:
        raise ConfigError(problems)
    return Credentials(ca, client_cert, client_key)


def check_reachable(matchbox: Matchbox, folder: Path) -> None:
    """Open a connection to the gRPC API as a client would. Raises ConfigError that names the remedy."""
    key, endpoint = "pxe.matchbox.rpcEndpoint", matchbox.rpc_endpoint
    host, _, port = endpoint.rpartition(":")
    context = ssl.create_default_context(cafile=str(folder / Path(matchbox.ca_file).expanduser()))
    # Python 3.13 asks for extensions that Go does not, and it is the engine's provider, in Go, that has to connect
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_cert_chain(
        folder / Path(matchbox.client_cert_file).expanduser(), folder / Path(matchbox.client_key_file).expanduser()
    )
    context.set_alpn_protocols(["h2"])
    try:
        with (
            socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT_SECONDS) as connection,
            context.wrap_socket(connection, server_hostname=host.strip("[]")) as secured,
        ):
            # With TLS 1.3 a refused client certificate shows only when the client reads.
            secured.settimeout(1)
            secured.recv(1)
    except TimeoutError as error:
        if "read" in str(error):  # the handshake is done and the server waits for us
            return
        raise _unreachable(key, f"{endpoint} does not answer within {_TIMEOUT_SECONDS} s") from None
    except ssl.SSLCertVerificationError as error:
        remedy = (
            "renew the server's certificate"
            if "expired" in error.verify_message
            else "let caFile and the names in the server's certificate fit this endpoint"
        )
        what = f"the certificate of {endpoint} is not accepted ({error.verify_message})"
        raise ConfigError([Problem(key, f"{what}; {remedy}")]) from None
    except ssl.SSLError as error:
        reason = (error.reason or "TLS failed").replace("_", " ").lower()
        raise ConfigError(
            [
                Problem(
                    key,
                    f"{endpoint} refuses the client certificate ({reason}); "
                    "use a clientCertFile that the server's authority signed",
                )
            ]
        ) from None
    except OSError as error:
        raise _unreachable(key, f"{endpoint} is not reachable ({error.strerror or error})") from None


def _unreachable(key: str, what: str) -> ConfigError:
    remedy = "start matchbox with its gRPC API (-rpc-address), or correct the endpoint; then run it again"
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


def _certificate(key: str, text: str, problems: list[Problem]) -> x509.Certificate | None:
    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        problems.append(Problem(key, "holds no certificate; allowed: a PEM certificate"))
        return None
    now = datetime.datetime.now(datetime.UTC)
    if certificate.not_valid_after_utc < now:
        expired = f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
        problems.append(Problem(key, f"{expired}; make a new one with the matchbox server's authority"))
    elif certificate.not_valid_before_utc > now:
        starts = f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
        problems.append(Problem(key, f"{starts}; check the clock of this machine"))
    return certificate


def _belongs(certificate: x509.Certificate, key_text: str) -> bool:
    try:
        key = serialization.load_pem_private_key(key_text.encode(), password=None)
    except (ValueError, TypeError):
        return False
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(encoding, form) == certificate.public_key().public_bytes(encoding, form)
