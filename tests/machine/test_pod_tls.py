"""HTTPS with a real nginx, a real certbot and a real ACME server: the placeholder, the first certificate, renewals.

podman is a stand-in that runs the machine's own ruby and nginx in place of those of the images.
"""

import datetime
import ipaddress
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from diaspora_infra.host.features.tls import lineage
from lab.matchbox import free_ports
from tests.host.pod import pod_context, pod_fragment, write_tree
from tests.machine.pod_nginx import DOMAIN, Pod, listens, running_pod, wait_until
from tests.machine.pod_programs import Machine, RequireProgram, machine
from tests.support.processes import stop
from tools import tool_path

IMAGE = "registry.example.org/diaspora:0.9.1.0"
NGINX_IMAGE = "docker.io/library/nginx:1.28-alpine"
GROUP = str(os.getgid())
OPTIONS = ("--user=1000:1000", "--uidmap=0:400000:1000")

PODMAN = r"""#!/usr/bin/env bash
set -euo pipefail
printf '%s\n' "$*" >> "$PODMAN_RECORD/calls"
case "$1 $2" in
    "container exists")
        [[ -e $PODMAN_RECORD/nginx-pid ]]
        ;;
    "kill --signal")
        kill -s "$3" "$(< "$PODMAN_RECORD/nginx-pid")"
        ;;
    "run "*)
        shift
        while [[ $1 == -* ]]; do
            case $1 in
                --volume | --user)
                    [[ $2 != *:/etc/nginx/tls/current:* ]] || folder=${2%%:*}
                    shift
                    ;;
            esac
            shift
        done
        shift
        if [[ $1 == nginx ]]; then
            main=$(< "$PREFIX/nginx.conf") site=$(< "$PREFIX/conf.d/pod.conf")
            mkdir -p "$PREFIX/try"
            printf '%s\n' "${main//$PREFIX\/conf.d/$PREFIX/try}" > "$PREFIX/try.conf"
            printf '%s\n' "${site//$PREFIX\/data\/tls\/current/$folder}" > "$PREFIX/try/pod.conf"
            exec "$REAL_NGINX" -p "$PREFIX" -e "$PREFIX/try.log" -c "$PREFIX/try.conf" -g "user root;" "${@:2}"
        fi
        PATH=$RUBY_FOLDER:$PATH "$@"
        ;;
    *)
        exit 125
        ;;
esac
"""


@dataclass
class Tls:
    """A running pod with its programs, and an ACME server that reaches the pod."""

    pod: Pod
    machine: Machine
    ini: Path
    acme_port: int
    environment: dict[str, str]

    @property
    def live(self) -> Path:
        return self.machine.data / "certbot/live" / f"127-0-0-1-{self.acme_port}-dir"

    def certbot(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run certbot as its unit does."""
        return subprocess.run(
            [Path(sys.executable).with_name("certbot"), "certonly", "--config", self.ini, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def use(self, folder: Path) -> "subprocess.CompletedProcess[str]":
        return self.machine.run("use-certificate", str(folder), NGINX_IMAGE, GROUP, *OPTIONS)

    def renewed(self, *arguments: str) -> str:
        """Run the commands of certbot.service; returns the output of the second one."""
        done = self.certbot(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.machine.succeed("use-certificate", str(self.live), NGINX_IMAGE, GROUP, *OPTIONS)

    def serial(self) -> int:
        """The serial number of the certificate that nginx serves."""
        with self.pod.handshake(trusting_anybody()) as connection:
            shown = connection.getpeercert(binary_form=True)
        assert shown
        return x509.load_der_x509_certificate(shown).serial_number

    def shows(self, certificate: Path) -> None:
        """Wait until nginx serves this certificate, and the worker with the previous one has ended."""
        expected_serial = x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number
        wait_until(lambda: self.serial() == expected_serial)
        workers = Path(f"/proc/{self.pod.process.pid}/task/{self.pod.process.pid}/children")
        wait_until(lambda: len(workers.read_text().split()) == 1)


def trusting(*certificates: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata="\n".join(certificates))
    return context


def trusting_anybody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def write_pair(folder: Path, name: x509.GeneralName) -> Path:
    """A key and a self-signed certificate, as privkey.pem and fullchain.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


@contextmanager
def acme_server(folder: Path, port: int, pod: Pod) -> Iterator[None]:
    """pebble on 127.0.0.1, which looks for the pod at its port and asks the pod's name server."""
    pair = write_pair(folder, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    config = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": "",
        "certificate": str(pair / "fullchain.pem"),
        "privateKey": str(pair / "privkey.pem"),
        "httpPort": pod.port,
        "tlsPort": pod.https_port,
        "retryAfter": {"authz": 1, "order": 1},
        "profiles": {"default": {"description": "90 days", "validityPeriod": 7776000}},
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    names = f"127.0.0.1:{pod.names.socket.getsockname()[1]}"
    with (folder / "pebble.log").open("wb") as log:
        process = subprocess.Popen(
            [tool_path("pebble"), "-config", folder / "pebble.json", "-dnsserver", names],
            env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"},
            stdout=log,
            stderr=log,
        )
        try:
            wait_until(lambda: listens(port))
            yield
        finally:
            stop(process)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[Tls]:
    nginx = require_program("nginx", "nginx-light")
    ruby = require_program("ruby", "ruby")
    (acme_port,) = free_ports(1)
    context = pod_context(tls={"acme": {"directory": f"https://127.0.0.1:{acme_port}/dir"}})
    assert lineage(context.settings.pod) == f"127-0-0-1-{acme_port}-dir"
    root = write_tree(pod_fragment(context), tmp_path_factory.mktemp("root"))
    prefix = tmp_path_factory.mktemp("pod")
    here = machine(prefix, root)
    here.podman = PODMAN
    here.variables = {"PREFIX": str(prefix), "REAL_NGINX": nginx, "RUBY_FOLDER": str(Path(ruby).parent)}
    (here.data / "tls").mkdir()
    here.succeed("make-certificate", IMAGE, "-c", DOMAIN, GROUP, *OPTIONS)
    ini = (root / "etc/diaspora/certbot/certbot.ini").read_text()
    for old, new, count in (
        ("/etc/letsencrypt", str(here.data / "certbot"), 1),
        ("/srv/acme-challenge", str(prefix / "srv/acme-challenge"), 1),
        ("/tmp/certbot", str(prefix / "tmp/certbot"), 2),
    ):
        assert ini.count(old) == count
        ini = ini.replace(old, new)
    (prefix / "certbot.ini").write_text(ini)
    with ExitStack() as stack:
        pod = stack.enter_context(running_pod(nginx, root, prefix))
        (prefix / "srv/acme-challenge").mkdir()
        (here.record / "nginx-pid").write_text(str(pod.process.pid))
        stack.enter_context(acme_server(prefix / "pebble", acme_port, pod))
        environment = {"PATH": os.environ["PATH"], "REQUESTS_CA_BUNDLE": str(prefix / "pebble/fullchain.pem")}
        yield Tls(pod, here, prefix / "certbot.ini", acme_port, environment)


@pytest.fixture
def placeholder(tls: Tls) -> Path:
    """The pod before its first certificate."""
    folder = tls.machine.data / "tls"
    (folder / "current.new").symlink_to("placeholder")
    (folder / "current.new").rename(folder / "current")
    shutil.rmtree(tls.machine.data / "certbot", ignore_errors=True)
    tls.pod.process.send_signal(1)
    tls.shows(folder / "placeholder/fullchain.pem")
    return folder / "placeholder"


class TestPlaceholder:
    def test_nginx_serves_a_placeholder_certificate_for_the_domain(self, tls: Tls, placeholder: Path) -> None:
        certificate = (placeholder / "fullchain.pem").read_text()
        response, _ = tls.pod.secure("/robots.txt", trusting(certificate))
        assert response.status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            tls.pod.secure("/robots.txt", ssl.create_default_context())

    def test_placeholder_is_created_once(self, tls: Tls, placeholder: Path) -> None:
        before = (placeholder / "privkey.pem").read_bytes(), tls.machine.calls
        tls.machine.succeed("make-certificate", IMAGE, "-c", DOMAIN, GROUP, *OPTIONS)
        assert ((placeholder / "privkey.pem").read_bytes(), tls.machine.calls) == before

    def test_only_root_and_nginx_can_read_the_key(self, placeholder: Path) -> None:
        assert placeholder.stat().st_mode & 0o777 == 0o750
        assert {file.name: file.stat().st_mode & 0o777 for file in placeholder.iterdir()} == {
            "fullchain.pem": 0o640,
            "privkey.pem": 0o640,
        }
        assert not (placeholder.parent / "made").exists()

    def test_certificate_container_has_no_network_and_no_log(self, tls: Tls) -> None:
        call = tls.machine.calls[0]
        assert "--network=none --log-driver=none" in call
        assert call.endswith(f"{IMAGE} bash -c ruby - {DOMAIN}")

    def test_placeholder_is_created_for_long_domain_after_interruption(self, tls: Tls, tmp_path: Path) -> None:
        here = machine(tmp_path, tls.machine.programs)
        here.podman, here.variables = PODMAN, tls.machine.variables
        (here.data / "tls").mkdir()
        domain = "a." * 120 + "example.org"
        here.failing = {"mv"}
        assert here.run("make-certificate", IMAGE, "-c", domain, GROUP, *OPTIONS).returncode != 0
        assert not (here.data / "tls/current").exists()
        here.failing = set()
        here.succeed("make-certificate", IMAGE, "-c", domain, GROUP, *OPTIONS)
        made = x509.load_pem_x509_certificate((here.data / "tls/current/fullchain.pem").read_bytes())
        names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [domain]
        assert made.not_valid_before_utc < datetime.datetime.now(datetime.UTC) < made.not_valid_after_utc

    def test_image_without_ruby_is_reported(self, tls: Tls, tmp_path: Path) -> None:
        here = machine(tmp_path, tls.machine.programs)
        here.podman, here.variables = "#!/usr/bin/env bash\necho no ruby\n", {}
        (here.data / "tls").mkdir()
        done = here.run("make-certificate", IMAGE, "-c", DOMAIN, GROUP, *OPTIONS)
        assert (done.returncode, done.stderr) == (1, f"{IMAGE} did not generate a certificate\n")


class TestHttps:
    def test_plain_http_is_redirected_to_https(self, tls: Tls) -> None:
        for path in ("/", "/stream?a=b", "/robots.txt", "/.well-known/nodeinfo"):
            response, _ = tls.pod.plain(path, X_Forwarded_Proto="https")
            assert (response.status, response.headers["Location"]) == (301, f"https://{DOMAIN}{path}")
        assert tls.pod.plain("/", host="other.example.org")[0].status == 404
        assert tls.pod.plain("/healthz", host="127.0.0.1:8080")[0].status == 204

    def test_challenges_are_answered_before_the_redirect(self, tls: Tls) -> None:
        folder = tls.pod.root / "srv/acme-challenge/.well-known/acme-challenge"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "token").write_text("token.thumbprint")
        response, text = tls.pod.plain("/.well-known/acme-challenge/token")
        assert (response.status, text, response.headers["Content-Type"]) == (200, b"token.thumbprint", "text/plain")
        assert tls.pod.plain("/.well-known/acme-challenge/none")[0].status == 404

    def test_application_gets_trusted_headers_only(self, tls: Tls) -> None:
        response, text = tls.pod.secure(
            "/stream", trusting_anybody(), X_Forwarded_For="6.6.6.6", X_Forwarded_Proto="http"
        )
        headers = json.loads(text)["headers"]
        assert response.status == 200
        assert (headers["X-Forwarded-Proto"], headers["X-Forwarded-For"]) == ("https", "127.0.0.1")

    @pytest.mark.parametrize("path", ["/", "/robots.txt", "/assets/main-0a1b.js", "/assets/gone.js"])
    def test_hsts_header_is_set_for_a_year(self, tls: Tls, path: str) -> None:
        response, _ = tls.pod.secure(path, trusting_anybody())
        assert response.headers.get_all("Strict-Transport-Security") == ["max-age=31536000"]

    @pytest.mark.parametrize("host", ["other.example.org", f"evil.{DOMAIN}", None])
    def test_other_names_get_no_certificate(self, tls: Tls, host: str) -> None:
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            tls.pod.handshake(trusting_anybody(), host)

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_tls_1_2_and_1_3_are_accepted(self, tls: Tls, version: ssl.TLSVersion) -> None:
        context = trusting_anybody()
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2", "http/1.1"])
        with tls.pod.handshake(context) as connection:
            assert connection.version() == version.name.replace("_", ".")
            assert connection.selected_alpn_protocol() == "h2"

    @pytest.mark.parametrize("ciphers", ["AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256"])
    def test_weak_ciphers_are_refused(self, tls: Tls, ciphers: str) -> None:
        context = trusting_anybody()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
        with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
            tls.pod.handshake(context)

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
    def test_older_tls_versions_are_refused(self, tls: Tls) -> None:
        context = trusting_anybody()
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            tls.pod.handshake(context)


class TestCertbot:
    def test_certbot_gets_the_first_certificate_and_renews_it(self, tls: Tls, placeholder: Path) -> None:
        # the first: nginx shows it, with what it takes to check it
        assert tls.renewed() == f"nginx now uses the certificate in {tls.live}\n"
        tls.shows(tls.live / "fullchain.pem")
        chain = x509.load_pem_x509_certificates((tls.live / "fullchain.pem").read_bytes())
        assert len(chain) > 1
        response, _ = tls.pod.secure("/robots.txt", trusting_intermediate(chain))
        assert response.status == 200

        # until its time has come, nothing happens
        calls = tls.machine.calls
        serial = chain[0].serial_number
        assert tls.renewed() == ""
        assert (tls.machine.calls, tls.serial()) == (calls, serial)

        # a new one
        assert tls.renewed("--force-renewal") != ""
        tls.shows(tls.live / "fullchain.pem")
        assert tls.serial() != serial
        kept = sorted(path.name for path in (tls.machine.data / "tls").glob("certificate-*"))
        assert len(kept) == 2

        # one more: only the last two are kept
        assert tls.renewed("--force-renewal") != ""
        left = sorted(path.name for path in (tls.machine.data / "tls").glob("certificate-*"))
        assert len(left) == 2
        assert left[0] == kept[1]

    def test_certbot_fails_when_the_name_points_elsewhere(self, tls: Tls, placeholder: Path) -> None:
        serial = tls.serial()
        tls.pod.names.address = "127.0.0.8"
        try:
            done = tls.certbot()
        finally:
            tls.pod.names.address = "127.0.0.1"
        assert done.returncode == 1
        assert DOMAIN in done.stdout + done.stderr
        assert tls.serial() == serial
        assert not tls.live.exists()


def trusting_intermediate(chain: list[x509.Certificate]) -> ssl.SSLContext:
    """Trust the authority's certificate and not the leaf: the leaf must be signed by it, for the right name."""
    context = trusting(*(entry.public_bytes(serialization.Encoding.PEM).decode() for entry in chain[1:]))
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return context


class TestUseCertificate:
    def test_own_certificate_is_used(self, tls: Tls, placeholder: Path, tmp_path: Path) -> None:
        own = write_pair(tmp_path / "own", x509.DNSName(DOMAIN))
        assert tls.use(own).stdout == f"nginx now uses the certificate in {own}\n"
        tls.shows(own / "fullchain.pem")
        response, _ = tls.pod.secure("/robots.txt", trusting((own / "fullchain.pem").read_text()))
        assert response.status == 200
        current = tls.machine.data / "tls/current"
        assert current.is_symlink()
        assert current.resolve().stat().st_mode & 0o777 == 0o750
        assert (current / "privkey.pem").stat().st_mode & 0o777 == 0o640

    def test_key_of_another_certificate_is_refused(self, tls: Tls, placeholder: Path, tmp_path: Path) -> None:
        own, other = (write_pair(tmp_path / name, x509.DNSName(DOMAIN)) for name in ("own", "other"))
        (own / "privkey.pem").write_bytes((other / "privkey.pem").read_bytes())
        assert_refused(tls, own)

    @pytest.mark.parametrize("text", ["", "\n", "no certificate\n"])
    def test_invalid_certificate_is_refused(self, tls: Tls, placeholder: Path, tmp_path: Path, text: str) -> None:
        own = write_pair(tmp_path / "own", x509.DNSName(DOMAIN))
        (own / "fullchain.pem").write_text(text)
        assert_refused(tls, own)

    def test_missing_file_is_reported(self, tls: Tls, tmp_path: Path) -> None:
        own = write_pair(tmp_path / "own", x509.DNSName(DOMAIN))
        (own / "privkey.pem").unlink()
        done = tls.use(own)
        assert (done.returncode, done.stderr) == (1, f"{own}/privkey.pem is missing or empty\n")

    @pytest.mark.parametrize("program", ["mkdir", "cp", "chgrp", "chmod", "sync", "ln", "mv"])
    def test_installation_completes_after_interruption_at_any_program(
        self, tls: Tls, placeholder: Path, tmp_path: Path, program: str
    ) -> None:
        own = write_pair(tmp_path / "own", x509.DNSName(DOMAIN))
        tls.machine.failing = {program}
        try:
            assert tls.use(own).returncode != 0
        finally:
            tls.machine.failing = set()
        assert (tls.machine.data / "tls/current").resolve() == placeholder
        tls.machine.succeed("use-certificate", str(own), NGINX_IMAGE, GROUP)
        tls.shows(own / "fullchain.pem")

    def test_certificate_that_nginx_was_not_told_of_is_loaded_by_the_next_run(
        self, tls: Tls, placeholder: Path, tmp_path: Path
    ) -> None:
        own = write_pair(tmp_path / "own", x509.DNSName(DOMAIN))
        tls.machine.podman = PODMAN.replace('"kill --signal")', '"kill --signal") exit 125 ;;\n    "never ")')
        try:
            assert tls.use(own).returncode == 125
        finally:
            tls.machine.podman = PODMAN
        assert tls.use(own).stdout == f"nginx now uses the certificate in {own}\n"
        tls.shows(own / "fullchain.pem")
        assert tls.use(own).stdout == ""

    def test_certificate_is_installed_while_nginx_is_stopped(self, tls: Tls, placeholder: Path, tmp_path: Path) -> None:
        own = write_pair(tmp_path / "own", x509.DNSName(DOMAIN))
        pid = tls.machine.record / "nginx-pid"
        pid.rename(pid.with_name("stopped"))
        try:
            tls.machine.succeed("use-certificate", str(own), NGINX_IMAGE, GROUP)
        finally:
            pid.with_name("stopped").rename(pid)
        assert (tls.machine.data / "tls/current/fullchain.pem").read_bytes() == (own / "fullchain.pem").read_bytes()


def assert_refused(tls: Tls, folder: Path) -> None:
    serial, before = tls.serial(), sorted((tls.machine.data / "tls").iterdir())
    done = tls.use(folder)
    assert done.returncode == 1
    assert "refuses the certificate" in done.stderr or "is missing or empty" in done.stderr
    assert "PRIVATE KEY" not in done.stderr + done.stdout
    assert sorted((tls.machine.data / "tls").iterdir()) == before
    assert (tls.machine.data / "tls/current").readlink() == Path("placeholder")
    assert tls.serial() == serial
