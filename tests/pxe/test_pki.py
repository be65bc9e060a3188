"""Certificates of a matchbox server, and the checks of a client's files."""

import contextlib
import ipaddress
import socket
import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from diaspora_infra.config import ConfigError, Matchbox
from diaspora_infra.pxe.pki import PkiFolder, create_certificate, create_pki
from diaspora_infra.pxe.server import Credentials, check_reachable, connect, read_credentials


def settings(files: PkiFolder, **changes: str) -> Matchbox:
    values = {
        "httpUrl": "http://matchbox.lan:8080",
        "rpcEndpoint": "matchbox.lan:8081",
        "caFile": str(files.ca),
        "clientCertFile": str(files.certificate("client")),
        "clientKeyFile": str(files.key("client")),
        **changes,
    }
    return Matchbox.model_validate(values)


@pytest.fixture
def files(tmp_path: Path) -> PkiFolder:
    return create_pki(tmp_path / "pki", ["matchbox.lan", "192.0.2.1"])


def problems(matchbox: Matchbox) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_credentials(matchbox, Path("/"))
    return [str(problem) for problem in caught.value.problems]


def test_server_certificate_names_the_server(files: PkiFolder) -> None:
    certificate = x509.load_pem_x509_certificate(files.certificate("server").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["matchbox.lan", "192.0.2.1"]


def test_keys_are_readable_only_by_their_owner(files: PkiFolder) -> None:
    for key in (files.ca_key, files.key("server"), files.key("client")):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.path.stat().st_mode) == 0o700


def test_existing_files_are_kept(files: PkiFolder) -> None:
    before = {path: path.read_bytes() for path in files.path.iterdir()}
    create_pki(files.path, ["other.lan"])
    assert {path: path.read_bytes() for path in files.path.iterdir()} == before


def test_valid_files_are_read(files: PkiFolder) -> None:
    assert read_credentials(settings(files), Path("/")) == Credentials(
        files.ca.read_text(), files.certificate("client").read_text(), files.key("client").read_text()
    )


def test_relative_paths_start_at_the_project(files: PkiFolder) -> None:
    relative = settings(files, caFile="ca.crt", clientCertFile="client.crt", clientKeyFile="client.key")
    assert read_credentials(relative, files.path) == read_credentials(settings(files), Path("/"))


def test_all_missing_files_are_reported_at_once(files: PkiFolder) -> None:
    for path in (files.ca, files.certificate("client"), files.key("client")):
        path.unlink()
    found = problems(settings(files))
    assert [line.partition(":")[0] for line in found] == [
        "pxe.matchbox.caFile",
        "pxe.matchbox.clientCertFile",
        "pxe.matchbox.clientKeyFile",
    ]
    assert all("No such file" in line for line in found)


def test_key_of_another_certificate_is_refused(files: PkiFolder) -> None:
    assert problems(settings(files, clientKeyFile=str(files.key("server")))) == [
        "pxe.matchbox.clientKeyFile: does not match pxe.matchbox.clientCertFile; use the unencrypted PEM key of that "
        "certificate"
    ]


@pytest.mark.parametrize(
    "content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_invalid_certificate_is_refused(files: PkiFolder, content: str) -> None:
    files.ca.write_text(content)
    assert problems(settings(files)) == ["pxe.matchbox.caFile: holds no certificate; allowed: a PEM certificate"]


def test_expired_client_certificate_is_refused(files: PkiFolder) -> None:
    create_certificate(files, "client", (), days=-3)
    (line,) = problems(settings(files))
    assert line.startswith("pxe.matchbox.clientCertFile: expired on 20")


@pytest.mark.parametrize("broken", ["no key", "no certificate", "another key", "encrypted key", "no authority"])
def test_files_with_which_nobody_can_connect_are_named(files: PkiFolder, broken: str) -> None:
    key = files.key("client")
    if broken == "encrypted key":
        loaded = load_pem_private_key(key.read_bytes(), password=None)
        locked = BestAvailableEncryption(b"secret")
        key.write_bytes(loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
    elif broken == "another key":
        key.write_bytes(files.key("server").read_bytes())
    else:
        kind = {"no key": key, "no certificate": files.certificate("client"), "no authority": files.ca}
        kind[broken].write_text("nothing")
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(ConfigError) as caught:
        connect(settings(files, rpcEndpoint=f"127.0.0.1:{listening.getsockname()[1]}"), files.path)
    assert [str(problem) for problem in caught.value.problems] == problems(settings(files))


def test_strict_tls_client_accepts_the_server(files: PkiFolder) -> None:
    """Python is strict since 3.13."""
    client = ssl.create_default_context(cafile=str(files.ca))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(files.ca))
    server.verify_flags |= ssl.VERIFY_X509_STRICT
    server.verify_mode = ssl.CERT_REQUIRED
    client.load_cert_chain(files.certificate("client"), files.key("client"))
    server.load_cert_chain(files.certificate("server"), files.key("server"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="matchbox.lan"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for end in [*ends, *ends]:
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    assert all(end.getpeercert() for end in ends)


def test_server_certificate_without_key_identifiers_is_accepted(
    files: PkiFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = ssl.create_default_context

    def strict(*, cafile: str) -> ssl.SSLContext:
        context = default(cafile=cafile)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    _sign_without_key_identifiers(files)
    listener = default(ssl.Purpose.CLIENT_AUTH, cafile=str(files.ca))
    listener.load_cert_chain(files.certificate("server"), files.key("server"))
    monkeypatch.setattr(ssl, "create_default_context", strict)
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor() as pool:

        def serve() -> bytes:
            with listener.wrap_socket(listening.accept()[0], server_side=True) as connection:
                return connection.recv(1)

        served = pool.submit(serve)
        check_reachable(settings(files, rpcEndpoint=f"127.0.0.1:{listening.getsockname()[1]}"), files.path)
        assert served.result() == b""


def _sign_without_key_identifiers(files: PkiFolder) -> None:
    """Sign a new server certificate with only the names in it."""
    authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
    authority_key = load_pem_private_key(files.ca_key.read_bytes(), password=None)
    assert isinstance(authority_key, EllipticCurvePrivateKey)
    made = x509.load_pem_x509_certificate(files.certificate("server").read_bytes())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(authority.subject, made.subject, made.public_key(), 1)
        .not_valid_before(made.not_valid_before_utc)
        .not_valid_after(made.not_valid_after_utc)
        .add_extension(names, critical=False)
        .sign(authority_key, SHA256())
    )
    files.certificate("server").write_bytes(signed.public_bytes(Encoding.PEM))


def test_path_in_home_of_unknown_user_is_refused(files: PkiFolder) -> None:
    assert problems(settings(files, caFile="~nobody-has-this-name/ca.crt")) == [
        "pxe.matchbox.caFile: '~nobody-has-this-name/ca.crt' is in the home of an unknown user; "
        "allowed: a readable PEM file"
    ]
