"""The rendered nginx config in a real nginx, behind a proxy that terminates HTTPS. For HTTPS see test_pod_tls.py."""

import gzip
import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.host.pod import pod_context, pod_fragment, write_tree
from tests.machine.pod_nginx import DOMAIN, Pod, running_pod, serve_application, wait_until
from tests.machine.pod_programs import RequireProgram

MIB = 1024 * 1024
SESSION = "_diaspora_session=QkFoN0I"
BEHIND_PROXY = {"mode": "behindProxy", "trustedProxies": ["127.0.0.1", "10.0.0.0/8"]}


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[Pod]:
    nginx = require_program("nginx", "nginx-light")
    root = write_tree(pod_fragment(pod_context(tls=BEHIND_PROXY)), tmp_path_factory.mktemp("root"))
    with running_pod(nginx, root, tmp_path_factory.mktemp("nginx")) as running:
        yield running


@pytest.fixture(scope="module")
def importing(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[Pod]:
    """A pod that takes archives and has pictures elsewhere."""
    nginx = require_program("nginx", "nginx-light")
    context = pod_context(
        sizing={"archiveImportMib": 8},
        tls=BEHIND_PROXY,
        environment={"imageRedirectUrl": "https://images.example.org/pod/"},
    )
    root = write_tree(pod_fragment(context), tmp_path_factory.mktemp("root"))
    with running_pod(nginx, root, tmp_path_factory.mktemp("nginx")) as running:
        yield running


def test_pages_come_from_the_application(pod: Pod) -> None:
    seen = pod.seen("/stream?max_time=1")
    assert (seen["path"], seen["method"]) == ("/stream?max_time=1", "GET")
    assert "diaspora-web" in pod.names.asked


def test_application_gets_trusted_headers_only(pod: Pod) -> None:
    seen = pod.seen("/", X_Forwarded_For="6.6.6.6, 192.0.2.7, 10.1.2.3", X_Forwarded_Host="evil.example")
    headers = seen["headers"]
    assert isinstance(headers, dict)
    assert headers["Host"] == DOMAIN
    assert headers["X-Real-IP"] == "192.0.2.7", "the last that is none of the proxies"
    assert headers["X-Forwarded-For"] == "192.0.2.7", "what clients say of themselves does not count"
    assert headers["X-Forwarded-Proto"] == "https"
    assert "X-Forwarded-Host" not in headers


@pytest.mark.parametrize("path", ["/stream?a=b", "/robots.txt", "/assets/main-0a1b.js", "/user/edit"])
@pytest.mark.parametrize("protocol", ["http", "gopher", "https, http", ""])
def test_plain_http_is_redirected_to_https(pod: Pod, path: str, protocol: str) -> None:
    response, _ = pod.request(path, X_Forwarded_Proto=protocol)
    assert (response.status, response.headers["Location"]) == (301, f"https://{DOMAIN}{path}")


def test_only_trusted_proxies_can_declare_https(pod: Pod) -> None:
    response, _ = pod.request("/stream", client="127.0.0.9")
    assert (response.status, response.headers["Location"]) == (301, f"https://{DOMAIN}/stream")


@pytest.mark.parametrize("path", ["/", "/robots.txt", "/assets/main-0a1b.js", "/uploads/images/cat.jpg", "/user/edit"])
def test_hsts_header_is_set_for_a_year(pod: Pod, path: str) -> None:
    response, _ = pod.request(path)
    assert response.headers.get_all("Strict-Transport-Security") == ["max-age=31536000"]


@pytest.mark.parametrize("path", ["/receive/public", "/.well-known/webfinger?resource=a", "/.well-known/nodeinfo"])
def test_federation_requests_reach_the_application(pod: Pod, path: str) -> None:
    assert pod.seen(path, "POST", body=b"<xml/>")["path"] == path


def test_other_names_are_not_served(pod: Pod) -> None:
    response, _ = pod.request("/", host="other.example.org")
    assert response.status == 404
    response, _ = pod.request("/", host=f"evil.{DOMAIN}")
    assert response.status == 404


def test_healthz_reports_nginx_only_under_its_own_address(pod: Pod) -> None:
    response, _ = pod.request("/healthz", host="127.0.0.1:8080", X_Forwarded_Proto="")
    assert response.status == 204
    assert pod.seen("/healthz")["path"] == "/healthz", "under the pod's name it is the application's"


def test_public_files_are_served(pod: Pod) -> None:
    response, text = pod.request("/robots.txt")
    assert (response.status, text) == (200, b"User-agent: *\n")


def test_assets_are_precompressed_and_cached_without_expiry(pod: Pod) -> None:
    response, text = pod.request("/assets/main-0a1b.js", Accept_Encoding="gzip")
    assert gzip.decompress(text) == b"compressed before"
    assert "public" in str(response.headers.get_all("Cache-Control"))
    assert "max-age=315360000" in str(response.headers.get_all("Cache-Control"))
    response, text = pod.request("/assets/main-0a1b.js")
    assert text == b"plain"
    response, _ = pod.request("/assets/gone.js")
    assert response.status == 404


def test_uploads_are_served_except_listings_and_temporary_files(pod: Pod) -> None:
    response, text = pod.request("/uploads/images/cat.jpg")
    assert (response.status, text, response.headers["Content-Type"]) == (200, b"\xff\xd8cat", "image/jpeg")
    assert pod.request("/uploads/images/")[0].status == 404, "no listing"
    assert pod.request("/uploads/tmp/half")[0].status == 404
    assert pod.request("/uploads/../uploads/tmp/half")[0].status == 404


def test_new_release_is_served_without_a_restart(pod: Pod) -> None:
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
def test_photos_are_limited_to_five_mebibytes(pod: Pod, size: int, status: int) -> None:
    assert send(pod, "/photos", size) == status


@pytest.mark.parametrize("cookie", ["", SESSION])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_nobody_sends_an_archive_unless_the_setting_allows_it(pod: Pod, method: str, cookie: str) -> None:
    assert send(pod, "/user/edit", 6 * MIB, method, cookie) == 413
    assert send(pod, "/user/edit", 4096, method, cookie) == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize(
    ("cookie", "size", "status"),
    [
        (SESSION, 7 * MIB, 200),
        (f"a=b; {SESSION}; c=d", 7 * MIB, 200),
        (SESSION, 9 * MIB, 413),
        ("", 6 * MIB, 413),
        ("a=b", 6 * MIB, 413),
        ("_diaspora_session=", 6 * MIB, 413),
        ("a_diaspora_session=x", 6 * MIB, 413),
        ("", 4096, 200),
        (SESSION, 4096, 200),
    ],
)
def test_archives_need_a_session(importing: Pod, method: str, cookie: str, size: int, status: int) -> None:
    assert send(importing, "/user/edit", size, method, cookie) == status


@pytest.mark.parametrize("path", ["/user/edit/", "/user/edit.json", "/photos", "/"])
def test_session_allows_no_other_big_body(importing: Pod, path: str) -> None:
    assert send(importing, path, 6 * MIB, "POST", SESSION) == 413


def test_archive_reaches_the_application_under_its_own_path(importing: Pod) -> None:
    seen = importing.seen("/user/edit?a=%20b", "PUT", body=b"x" * MIB, Cookie=SESSION)
    assert (seen["path"], seen["method"], seen["size"]) == ("/user/edit?a=%20b", "PUT", MIB)
    assert send(importing, "/account-archive", 6 * MIB, "PUT", SESSION) == 404, "a name inside nginx only"


def test_stranger_cannot_hide_the_size_of_a_body(importing: Pod) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", importing.port, timeout=30)
    headers = {"Host": DOMAIN, "X-Forwarded-Proto": "https"}
    with suppress(BrokenPipeError, ConnectionResetError):
        chunks = (b"x" * MIB for _ in range(6))
        connection.request("PUT", "/user/edit?chunks", body=chunks, headers=headers, encode_chunked=True)
    connection.close()
    wait_until(lambda: '"PUT /user/edit?chunks HTTP/1.1" 413' in (importing.root / "access.log").read_text())


def test_third_archive_at_once_is_refused(importing: Pod) -> None:
    head = (
        f"PUT /user/edit HTTP/1.1\r\nHost: {DOMAIN}\r\nX-Forwarded-Proto: https\r\nCookie: {SESSION}\r\n"
        f"Content-Length: {MIB}\r\n\r\n"
    ).encode()
    with ExitStack() as stack:
        for _ in range(2):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", importing.port), timeout=20))
            client.sendall(head + b"x")
        wait_until(lambda: send(importing, "/user/edit", 2 * MIB, "PUT", SESSION) == 429)
        # other settings are saved all the same
        assert send(importing, "/user/edit", 4096, "PUT", SESSION) == 200
    wait_until(lambda: send(importing, "/user/edit", 2 * MIB, "PUT", SESSION) == 200)


def test_archives_are_streamed_to_the_application(importing: Pod) -> None:
    """The application gets the first byte before the client has sent the last one."""
    pod = importing
    with pod.application_moves_to("127.0.0.2"), socket.create_server(("127.0.0.2", pod.application_port)) as server:
        server.settimeout(0.2)
        head = (
            f"POST /user/edit HTTP/1.1\r\nHost: {DOMAIN}\r\nX-Forwarded-Proto: https\r\nCookie: {SESSION}\r\n"
            f"Content-Length: {MIB}\r\n\r\n"
        ).encode()

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


def test_pictures_that_are_elsewhere_are_redirected(importing: Pod, pod: Pod) -> None:
    response, _ = importing.request("/uploads/images/thumb_large_dog.jpg?a=b")
    target = "https://images.example.org/pod/uploads/images/thumb_large_dog.jpg?a=b"
    assert (response.status, response.headers["Location"]) == (302, target)
    assert response.headers.get_all("Strict-Transport-Security") == ["max-age=31536000"]
    assert importing.request("/uploads/images/cat.jpg")[1] == b"\xff\xd8cat", "what is here is served here"
    assert importing.request("/uploads/archives/gone.gz")[0].status == 404
    assert importing.request("/uploads/tmp/images/half")[0].status == 404
    assert pod.request("/uploads/images/thumb_large_dog.jpg")[0].status == 404, "without the setting"


def test_longest_domain_is_served(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> None:
    domain = ".".join(["a" * 61, "b" * 61, "c" * 61, "d" * 59, "example"])
    root = write_tree(pod_fragment(pod_context(domain=domain, tls=BEHIND_PROXY)), tmp_path_factory.mktemp("root"))
    assert len(domain) == 253
    with running_pod(require_program("nginx", "nginx-light"), root, tmp_path_factory.mktemp("nginx")) as running:
        assert running.request("/robots.txt", host=domain)[0].status == 200
        assert running.request("/robots.txt", host=DOMAIN)[0].status == 404


def test_restarted_application_is_found_at_its_new_address(pod: Pod) -> None:
    assert pod.seen("/")["path"] == "/"
    with pod.application_moves_to("127.0.0.3"):
        wait_until(lambda: pod.request("/")[0].status == 502)  # nobody listens there yet
        second = serve_application("127.0.0.3", pod.application_port)
        try:
            assert pod.seen("/moved")["path"] == "/moved"
        finally:
            second.shutdown()
            second.server_close()


def send(pod: Pod, path: str, size: int, method: str = "POST", cookie: str = "") -> int:
    """Send a body and return the status; nginx may answer and close before reading everything."""
    connection = http.client.HTTPConnection("127.0.0.1", pod.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", DOMAIN)
        connection.putheader("X-Forwarded-Proto", "https")
        if cookie:
            connection.putheader("Cookie", cookie)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.send(b"x" * size)
        return connection.getresponse().status
    finally:
        connection.close()
