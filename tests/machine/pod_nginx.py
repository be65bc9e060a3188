"""A real nginx with the rendered config, in front of a small application and a small name server."""

import gzip
import http.client
import json
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lab.matchbox import free_ports

DOMAIN = "pod.example.org"


class Application(BaseHTTPRequestHandler):
    """Answers every request with the received headers and path."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        text = json.dumps(
            {"path": self.path, "method": self.command, "headers": dict(self.headers), "size": len(body)}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        if accepted := self.headers.get("Accept"):
            self.send_header("Content-Type", accepted)
        self.send_header("Strict-Transport-Security", "max-age=1")
        with suppress(ConnectionError):  # nginx went away: the client did
            self.end_headers()
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815  # the names of http.server

    def log_request(self, *_args: object) -> None:
        pass


def serve_application(
    address: str, port: int, handler: type[BaseHTTPRequestHandler] = Application
) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer((address, port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@dataclass
class NameServer:
    """Answers every query for an A record with one address, and records the names."""

    socket: socket.socket
    address: str = "127.0.0.1"
    asked: list[str] = field(default_factory=list)

    def serve(self) -> None:
        while True:
            try:
                query, client = self.socket.recvfrom(512)
            except OSError:
                return
            end = query.index(b"\0", 12)
            labels, position = [], 12
            while position < end:
                length = query[position]
                labels.append(query[position + 1 : position + 1 + length].decode())
                position += 1 + length
            self.asked.append(".".join(labels))
            question = query[12 : end + 5]
            answer = b""
            if question.endswith(b"\0\1\0\1"):  # an IPv4 address
                answer = struct.pack("!HHHIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton(self.address)
            head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, bool(answer), 0, 0)
            self.socket.sendto(head + question + answer, client)


@dataclass
class Pod:
    """A running nginx, its application and its name server."""

    port: int
    https_port: int
    application_port: int
    names: NameServer
    root: Path
    process: "subprocess.Popen[bytes]"

    def request(
        self,
        path: str,
        method: str = "GET",
        host: str = DOMAIN,
        body: bytes | None = None,
        client: str = "127.0.0.1",
        **headers: str,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Send a plain HTTP request from an address of this machine, as a proxy that terminates HTTPS does."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20, source_address=(client, 0))
        return self._exchange(connection, path, method, {"Host": host, "X_Forwarded_Proto": "https", **headers}, body)

    def plain(self, path: str, host: str = DOMAIN, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        """Send a plain HTTP request as any client."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        return self._exchange(connection, path, "GET", {"Host": host, **headers}, None)

    def post(self, path: str, body: bytes, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        """Send a POST request over plain HTTP."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        return self._exchange(connection, path, "POST", {"Host": DOMAIN, **headers}, body)

    def secure(
        self, path: str, context: ssl.SSLContext, host: str = DOMAIN, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Send a request over HTTPS."""
        connection = http.client.HTTPConnection("127.0.0.1", self.https_port, timeout=20)
        connection.sock = self.handshake(context, host)
        return self._exchange(connection, path, "GET", {"Host": host, **headers}, None)

    def handshake(self, context: ssl.SSLContext, host: str = DOMAIN) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.https_port), timeout=20)
        try:
            return context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    @staticmethod
    def _exchange(
        connection: http.client.HTTPConnection, path: str, method: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=given)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    @contextmanager
    def application_moves_to(self, address: str) -> Iterator[None]:
        """The name server gives this address for the application; afterwards the old address again."""
        self.names.address = address
        try:
            yield
        finally:
            self.names.address = "127.0.0.1"
            wait_until(lambda: self.request("/")[0].status == 200)

    @contextmanager
    def application_away(self) -> Iterator[None]:
        """No server listens at the address of the application."""
        self.names.address = "127.0.0.77"
        try:
            wait_until(lambda: self.plain("/")[0].status != 200)
            yield
        finally:
            self.names.address = "127.0.0.1"
            wait_until(lambda: self.plain("/")[0].status == 200)

    @contextmanager
    def silent_application(self, answer: bytes = b"") -> Iterator[None]:
        """The application accepts requests and gives this answer, or none."""
        with socket.create_server(("127.0.0.78", self.application_port)) as server:
            held: list[socket.socket] = []

            def serve() -> None:
                with suppress(OSError):
                    while True:
                        held.append(server.accept()[0])
                        if answer:
                            held[-1].recv(65536)
                            held[-1].sendall(answer)

            threading.Thread(target=serve, daemon=True).start()
            self.names.address = "127.0.0.78"
            try:
                wait_until(lambda: self.plain("/")[0].status != 200)
                yield
            finally:
                self.names.address = "127.0.0.1"
                # a plain close would leave it open while the thread waits in accept
                server.shutdown(socket.SHUT_RDWR)
                for connection in held:
                    connection.close()
                wait_until(lambda: self.plain("/")[0].status == 200)

    def seen(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> dict[str, object]:
        """The request as the application received it."""
        response, text = self.request(path, method, body=body, **headers)
        assert response.status == 200, text
        return dict(json.loads(text))


def site(root: Path, prefix: Path, pod: "Ports", nginx: str) -> Path:
    """The rendered config with its paths, ports and name server moved to this test."""
    folder = root / "etc/diaspora/nginx"
    main = (folder / "nginx.conf").read_text()
    site = (folder / "conf.d/pod.conf").read_text()
    for old, new, count in (
        # each worker remembers addresses for itself
        ("worker_processes auto", "worker_processes 1", 1),
        ("/tmp/", f"{prefix}/tmp/", 6),
        ("/etc/nginx/conf.d", str(prefix / "conf.d"), 1),
        ("/dev/stdout", str(prefix / "access.log"), 1),
        ("/dev/stderr", str(prefix / "error.log"), 1),
    ):
        assert main.count(old) == count, old
        main = main.replace(old, new)
    tls = "listen 8443" in site
    gateway = "@not_yet" in site
    if gateway:
        assert site.count("access_log /dev/stdout gateway") == 1
        site = site.replace("access_log /dev/stdout gateway", f"access_log {prefix / 'access.log'} gateway")
    acme = "acme-challenge" in site
    if tls and not knows_http2_directive(nginx):
        assert site.count("listen 8443 ssl;\n    http2 on;") == 1
        site = site.replace("listen 8443 ssl;\n    http2 on;", "listen 8443 ssl http2;")
    for old, new, count in (
        ("resolver 10.89.71.1 valid=5s", f"resolver 127.0.0.1:{pod.names} valid=1s", 1),
        ("listen 8080", f"listen 127.0.0.1:{pod.http}", 2),
        ("listen 8443", f"listen 127.0.0.1:{pod.https}", 2 * tls),
        ("http://127.0.0.1:8080/", f"http://127.0.0.1:{pod.http}/", gateway),
        ("diaspora-web:3000", f"diaspora-web:{pod.application}", 1),
        ("root /srv", f"root {prefix}/srv", 2 + acme),
        ("-f /srv/", f"-f {prefix}/srv/", "held_poll" in site),
        ("/etc/nginx/tls/", f"{prefix}/data/tls/", 2 * tls),
    ):
        assert site.count(old) == count, old
        site = site.replace(old, new)
    (prefix / "conf.d").mkdir()
    (prefix / "conf.d/pod.conf").write_text(site)
    (prefix / "nginx.conf").write_text(main)
    return prefix / "nginx.conf"


def knows_http2_directive(nginx: str) -> bool:
    """The image's nginx needs `http2 on`, available since 1.25.1; Debian's nginx may be older."""
    version_text = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True, timeout=60).stderr
    version = re.findall(r"nginx/(\d+)[.](\d+)[.](\d+)", version_text)[0]
    return tuple(map(int, version)) >= (1, 25, 1)


@dataclass
class Ports:
    """The ports of all servers on 127.0.0.1."""

    http: int
    https: int
    application: int
    names: int


def fill(prefix: Path) -> None:
    (prefix / "tmp").mkdir()
    public = prefix / "srv/public/release-1"
    (public / "assets").mkdir(parents=True)
    (prefix / "srv/public/current").symlink_to("release-1")
    (public / "robots.txt").write_text("User-agent: *\n")
    (public / "assets/main-0a1b.js").write_text("plain")
    (public / "assets/main-0a1b.js.gz").write_bytes(gzip.compress(b"compressed before"))
    (prefix / "srv/uploads/images").mkdir(parents=True)
    (prefix / "srv/uploads/tmp").mkdir()
    (prefix / "srv/uploads/images/cat.jpg").write_bytes(b"\xff\xd8cat")
    (prefix / "srv/uploads/tmp/half").write_text("half")


def nginx_command(nginx: str, prefix: Path, config: Path) -> list[str]:
    # as root, nginx would change to a user that cannot read the folders of the test
    return [nginx, "-p", str(prefix), "-e", str(prefix / "error.log"), "-c", str(config), "-g", "user root;"]


@contextmanager
def running_pod(
    nginx: str, root: Path, prefix: Path, handler: type[BaseHTTPRequestHandler] = Application
) -> Iterator[Pod]:
    """nginx with the config in `root`, application and name server. With TLS, `prefix`/data/tls must be there."""
    fill(prefix)
    http_port, https_port, application_port = free_ports(3)
    with ExitStack() as stack:
        name_socket = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        name_socket.bind(("127.0.0.1", 0))
        names = NameServer(name_socket)
        threading.Thread(target=names.serve, daemon=True).start()
        ports = Ports(http_port, https_port, application_port, name_socket.getsockname()[1])
        config = site(root, prefix, ports, nginx)
        application = serve_application("127.0.0.1", application_port, handler)
        stack.callback(application.server_close)
        stack.callback(application.shutdown)
        command = nginx_command(nginx, prefix, config)
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False, timeout=60)
        assert checked.returncode == 0, checked.stderr
        assert not re.search(r"\[(warn|error|emerg)\]", checked.stderr.replace('"user" directive makes sense', ""))
        process = stack.enter_context(subprocess.Popen(command))
        stack.callback(process.terminate)
        wait_until(lambda: listens(http_port))
        yield Pod(http_port, https_port, application_port, names, prefix, process)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(happens: Callable[[], bool]) -> None:
    for _ in range(200):
        if happens():
            return
        time.sleep(0.1)
    pytest.fail("does not happen within 20 seconds")
