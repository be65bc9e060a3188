"""The rendered nginx config in a real nginx, in front of a small application and a small name server."""

import gzip
import http.client
import json
import re
import socket
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
from tests.host.pod import pod_context, pod_fragment, write_tree
from tests.machine.pod_programs import RequireProgram

DOMAIN = "pod.example.org"
MIB = 1024 * 1024


class Application(BaseHTTPRequestHandler):
    """Answers every request with what it got."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        text = json.dumps(
            {"path": self.path, "method": self.command, "headers": dict(self.headers), "size": len(body)}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        with suppress(ConnectionError):  # nginx went away: the client did
            self.end_headers()
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = answer  # noqa: N815  # the names of http.server

    def log_request(self, *_args: object) -> None:
        pass


def serve_application(address: str, port: int) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer((address, port), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@dataclass
class NameServer:
    """Answers every question for an A record with one address, and remembers the names."""

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
            answer = struct.pack("!HHHIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton(self.address)
            self.socket.sendto(query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0) + question + answer, client)


@dataclass
class Pod:
    """A running nginx, and what is behind it."""

    port: int
    application_port: int
    names: NameServer
    root: Path

    def request(
        self, path: str, method: str = "GET", host: str = DOMAIN, body: bytes | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            given = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
            connection.request(method, path, body=body, headers=given)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    @contextmanager
    def application_moves_to(self, address: str) -> Iterator[None]:
        """From now on, the name server says that the application is there; at the end, it is found again as before."""
        self.names.address = address
        try:
            yield
        finally:
            self.names.address = "127.0.0.1"
            wait_until(lambda: self.request("/")[0].status == 200)

    def seen(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> dict[str, object]:
        """What the application saw of a request that it answered."""
        response, text = self.request(path, method, body=body, **headers)
        assert response.status == 200, text
        return dict(json.loads(text))


def site(root: Path, prefix: Path, port: int, application_port: int, name_port: int) -> Path:
    """The rendered config with its paths, ports and name server moved to this test."""
    folder = root / "etc/diaspora/nginx"
    main = (folder / "nginx.conf").read_text()
    site = (folder / "conf.d/pod.conf").read_text()
    for text, old, new, count in (
        # each worker remembers addresses for itself
        ("main", "worker_processes auto", "worker_processes 1", 1),
        ("main", "/tmp/", f"{prefix}/tmp/", 6),
        ("main", "/etc/nginx/conf.d", str(prefix / "conf.d"), 1),
        ("main", "/dev/stdout", str(prefix / "access.log"), 1),
        ("main", "/dev/stderr", str(prefix / "error.log"), 1),
        ("site", "resolver 10.89.71.1 valid=5s", f"resolver 127.0.0.1:{name_port} valid=1s", 1),
        ("site", "listen 8080", f"listen 127.0.0.1:{port}", 2),
        ("site", "diaspora-web:3000", f"diaspora-web:{application_port}", 1),
        ("site", "root /srv", f"root {prefix}/srv", 2),
    ):
        before = main if text == "main" else site
        assert before.count(old) == count, old
        if text == "main":
            main = before.replace(old, new)
        else:
            site = before.replace(old, new)
    (prefix / "conf.d").mkdir()
    (prefix / "conf.d/pod.conf").write_text(site)
    (prefix / "nginx.conf").write_text(main)
    return prefix / "nginx.conf"


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


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[Pod]:
    nginx = require_program("nginx", "nginx-light")
    root = write_tree(pod_fragment(pod_context(sizing={"archiveImportMib": 8})), tmp_path_factory.mktemp("root"))
    prefix = tmp_path_factory.mktemp("nginx")
    fill(prefix)
    port, application_port = free_ports(2)
    with ExitStack() as stack:
        name_socket = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        name_socket.bind(("127.0.0.1", 0))
        names = NameServer(name_socket)
        threading.Thread(target=names.serve, daemon=True).start()
        config = site(root, prefix, port, application_port, name_socket.getsockname()[1])
        application = serve_application("127.0.0.1", application_port)
        stack.callback(application.server_close)
        stack.callback(application.shutdown)
        # as root, nginx would change to a user that cannot read the folders of the test
        command = [nginx, "-p", str(prefix), "-e", str(prefix / "error.log"), "-c", str(config), "-g", "user root;"]
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False, timeout=60)
        assert checked.returncode == 0, checked.stderr
        assert not re.search(r"\[(warn|error|emerg)\]", checked.stderr.replace('"user" directive makes sense', ""))
        process = stack.enter_context(subprocess.Popen(command))
        stack.callback(process.terminate)
        running = Pod(port, application_port, names, prefix)
        wait_until(lambda: listens(port))
        yield running


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


def test_a_page_comes_from_the_application(pod: Pod) -> None:
    seen = pod.seen("/stream?max_time=1")
    assert (seen["path"], seen["method"]) == ("/stream?max_time=1", "GET")
    assert "diaspora-web" in pod.names.asked


def test_headers_of_the_application(pod: Pod) -> None:
    seen = pod.seen("/", X_Forwarded_For="6.6.6.6", X_Forwarded_Host="evil.example", X_Forwarded_Proto="gopher")
    headers = seen["headers"]
    assert isinstance(headers, dict)
    assert headers["Host"] == DOMAIN
    assert headers["X-Real-IP"] == "127.0.0.1"
    assert headers["X-Forwarded-For"] == "127.0.0.1", "what the client says of itself does not count"
    assert headers["X-Forwarded-Proto"] == "http"
    assert "X-Forwarded-Host" not in headers


@pytest.mark.parametrize("path", ["/receive/public", "/.well-known/webfinger?resource=a", "/.well-known/nodeinfo"])
def test_federation_reaches_the_application(pod: Pod, path: str) -> None:
    assert pod.seen(path, "POST", body=b"<xml/>")["path"] == path


def test_other_names_are_not_served(pod: Pod) -> None:
    response, _ = pod.request("/", host="other.example.org")
    assert response.status == 404
    response, _ = pod.request("/", host=f"evil.{DOMAIN}")
    assert response.status == 404


def test_the_health_of_nginx_alone(pod: Pod) -> None:
    response, _ = pod.request("/healthz", host="127.0.0.1:8080")
    assert response.status == 204
    assert pod.seen("/healthz")["path"] == "/healthz", "under the pod's name it is the application's"


def test_files_of_the_public_folder(pod: Pod) -> None:
    response, text = pod.request("/robots.txt")
    assert (response.status, text) == (200, b"User-agent: *\n")


def test_assets_are_compressed_before_and_kept_for_ever(pod: Pod) -> None:
    response, text = pod.request("/assets/main-0a1b.js", Accept_Encoding="gzip")
    assert gzip.decompress(text) == b"compressed before"
    assert "public" in str(response.headers.get_all("Cache-Control"))
    assert "max-age=315360000" in str(response.headers.get_all("Cache-Control"))
    response, text = pod.request("/assets/main-0a1b.js")
    assert text == b"plain"
    response, _ = pod.request("/assets/gone.js")
    assert response.status == 404


def test_uploads(pod: Pod) -> None:
    response, text = pod.request("/uploads/images/cat.jpg")
    assert (response.status, text, response.headers["Content-Type"]) == (200, b"\xff\xd8cat", "image/jpeg")
    assert pod.request("/uploads/images/")[0].status == 404, "no listing"
    assert pod.request("/uploads/tmp/half")[0].status == 404
    assert pod.request("/uploads/../uploads/tmp/half")[0].status == 404


def test_a_new_release_is_served_without_a_restart(pod: Pod) -> None:
    folder = pod.root / "srv/public"
    (folder / "release-2").mkdir()
    (folder / "release-2/robots.txt").write_text("new\n")
    (folder / "current.new").symlink_to("release-2")
    (folder / "current.new").rename(folder / "current")
    try:
        assert pod.request("/robots.txt")[1] == b"new\n"
    finally:
        (folder / "current.new").symlink_to("release-1")
        (folder / "current.new").rename(folder / "current")


@pytest.mark.parametrize(("size", "status"), [(4 * MIB + 4096, 200), (6 * MIB, 413)])
def test_photos_up_to_five_mebibytes(pod: Pod, size: int, status: int) -> None:
    assert send(pod, "/photos", size) == status


@pytest.mark.parametrize(("size", "status"), [(7 * MIB, 200), (9 * MIB, 413)])
def test_account_archives_up_to_the_setting(pod: Pod, size: int, status: int) -> None:
    assert send(pod, "/user/edit", size) == status


def test_archives_are_not_kept_in_memory_by_nginx(pod: Pod) -> None:
    """The application gets the first byte before the client has sent the last one."""
    with pod.application_moves_to("127.0.0.2"), socket.create_server(("127.0.0.2", pod.application_port)) as server:
        server.settimeout(0.2)
        head = f"POST /user/edit HTTP/1.1\r\nHost: {DOMAIN}\r\nContent-Length: {MIB}\r\n\r\n".encode()

        def first_bytes_arrive() -> bool:
            with socket.create_connection(("127.0.0.1", pod.port), timeout=20) as client:
                client.sendall(head + b"x" * (MIB // 2))
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    return False
                with connection:
                    connection.settimeout(20)
                    return connection.recv(65536).startswith(b"POST /user/edit HTTP/1.1\r\n")

        wait_until(first_bytes_arrive)


def test_a_restarted_application_is_found_at_its_new_address(pod: Pod) -> None:
    assert pod.seen("/")["path"] == "/"
    with pod.application_moves_to("127.0.0.3"):
        wait_until(lambda: pod.request("/")[0].status == 502)  # nobody listens there yet
        second = serve_application("127.0.0.3", pod.application_port)
        try:
            assert pod.seen("/moved")["path"] == "/moved"
        finally:
            second.shutdown()
            second.server_close()


def send(pod: Pod, path: str, size: int) -> int:
    """Send a body and give the status; nginx may answer, and close, before it has read everything."""
    connection = http.client.HTTPConnection("127.0.0.1", pod.port, timeout=30)
    try:
        connection.putrequest("POST", path, skip_host=True)
        connection.putheader("Host", DOMAIN)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.send(b"x" * size)
        return connection.getresponse().status
    finally:
        connection.close()
