"""What `diaspora-infra smoke` asks the rendered nginx config in a real nginx, alone and behind gateways that err."""

import http.client
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import unquote

import pytest

from diaspora_infra.smoke.answer import Answer, Status
from diaspora_infra.smoke.ask_gateway import ECHO, PATHS, UPLOAD
from tests.host.aws_pod import aws_context
from tests.host.pod import files, pod_context, pod_fragment, write_tree
from tests.machine.pod_nginx import DOMAIN, Pod, running_pod, wait_until
from tests.machine.pod_programs import RequireProgram
from tests.smoke.web import Reply, connect_to, serving
from tests.smoke.worlds import asked, stack, world

MIB = 1 << 20
QUESTIONS = ("host", "paths", "upload", "upload-limit")


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[Pod]:
    nginx = require_program("nginx", "nginx-light")
    root = write_tree(pod_fragment(aws_context()), tmp_path_factory.mktemp("root"))
    with running_pod(nginx, root, tmp_path_factory.mktemp("nginx")) as running:
        yield running


@contextmanager
def gateway(
    pod: Pod,
    host: str = DOMAIN,
    path: Callable[[str], str] = str,
    body: Callable[[bytes], bytes] = bytes,
    limit: int = 10_000_000,
) -> Iterator[Callable[[str], Answer]]:
    """Asks a question through a gateway in front of nginx, which changes requests."""

    def forward(method: str, asked_path: str, sent: bytes) -> Reply:
        if len(sent) > limit:
            return 413, {"Content-Type": "application/json"}, b'{"message":"Request Entity Too Large"}'
        connection = http.client.HTTPConnection("127.0.0.1", pod.port, timeout=20)
        connection.request(method, path(asked_path), body=body(sent), headers={"Host": host})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        kept = {name: value for name, value in response.headers.items() if name not in {"Content-Length", "Connection"}}
        return response.status, kept, text

    with serving(forward) as connect:
        yield lambda key: asked(key, world(connect=connect))


def test_good_gateway_gives_good_answers(pod: Pod) -> None:
    with gateway(pod) as ask:
        answers = {key: ask(key) for key in QUESTIONS}
    assert {key: answer.status for key, answer in answers.items()} == dict.fromkeys(QUESTIONS, Status.OK)
    assert answers["host"].observed == f"Host: {DOMAIN}"
    assert answers["paths"].observed == f"{len(PATHS)} paths arrive as they were sent"
    assert re.fullmatch(rf"status 204, 94\d+ of {9 * MIB} bytes at nginx, in .* s", answers["upload"].observed)
    assert answers["upload-limit"].observed == "status 413 for 11 MiB"


@pytest.mark.parametrize("host", ["abc123.execute-api.eu-west-1.amazonaws.com", f"{DOMAIN}:80", "10.0.0.5"])
def test_other_host_name_is_not_ok(pod: Pod, host: str) -> None:
    with gateway(pod, host=host) as ask:
        answer = ask("host")
        assert ask("paths").status is Status.OK
    assert (answer.status, answer.observed) == (Status.NOT_OK, f"Host: {host}, instead of {DOMAIN}")


def test_decoded_paths_are_not_ok(pod: Pod) -> None:
    with gateway(pod, path=lambda path: unquote(path).replace(" ", "%20").replace("ä", "%C3%A4")) as ask:
        answer = ask("paths")
        assert ask("host").status is Status.OK
    assert answer.status is Status.NOT_OK
    assert answer.observed.split("; ") == [
        "a%3Fb arrives as a?b",
        "a%2Fb arrives as a/b",
        "a%25b gives status 400",
        "a+b?q=a%2Fb%20c arrives as a+b?q=a/b%20c",
        "a?q=a%26b arrives as (other characters)",
    ]


@pytest.mark.parametrize("path", PATHS)
def test_each_path_is_asked_for(pod: Pod, path: str) -> None:
    with gateway(pod, path=lambda asked_path: asked_path.replace(f"{ECHO}{path}", f"{ECHO}other")) as ask:
        answer = ask("paths")
    assert (answer.status, answer.observed) == (Status.NOT_OK, f"{path} arrives as other")


def test_upload_that_arrives_in_part_is_not_ok(pod: Pod) -> None:
    with gateway(pod, body=lambda body: body[: 5 * MIB]) as ask:
        answer = ask("upload")
    assert answer.status is Status.NOT_OK
    assert answer.observed.startswith("status 204, 5243")


def test_lower_and_higher_limits_are_not_ok(pod: Pod) -> None:
    with gateway(pod, limit=6_000_000) as ask:
        answer = ask("upload")
        assert (answer.status, answer.observed.split(",")[0]) == (Status.NOT_OK, "status 413")
    with gateway(pod, limit=12 * MIB) as ask:
        answer = ask("upload-limit")
        assert (answer.status, answer.observed) == (Status.NOT_OK, "status 204 for 11 MiB")


@contextmanager
def hanging_up(answer: bytes) -> Iterator[int]:
    """A server that answers while the request is on its way, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(1000)
                        connection.sendall(answer)
                        connection.shutdown(socket.SHUT_WR)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_answer_before_the_upload_has_ended_counts() -> None:
    with hanging_up(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n") as port:
        answer = asked("upload-limit", world(connect=connect_to(port)))
    assert (answer.status, answer.observed) == (Status.OK, "status 413 for 11 MiB")


def test_connection_that_ends_without_an_answer_is_not_ok() -> None:
    with hanging_up(b"") as port:
        answer = asked("upload-limit", world(connect=connect_to(port)))
    assert answer.status is Status.NOT_OK
    assert answer.observed.startswith("the connection ended without an answer (")


def test_pod_that_does_not_answer_gives_no_good_answer(pod: Pod) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for key in ("host", "paths", "upload"):
        answer = asked(key, world(connect=connect_to(port)))
        assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, True)
        assert answer.observed.startswith(f"{DOMAIN} does not answer (")


def test_machine_of_an_older_version_gives_no_good_answer() -> None:
    with serving(lambda _method, _path, _body: (404, {}, b"no such page")) as connect:
        answer = asked("host", world(connect=connect))
    assert (answer.status, answer.observed) == (Status.NOT_ASKED, "status 404 instead of what nginx got")
    assert answer.fix.endswith("with a config of this version: `pulumi up`")


@pytest.mark.parametrize("key", QUESTIONS)
def test_stack_without_gateway_is_not_asked(key: str) -> None:
    answer = asked(key, world(stack("aws-direct")))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, False)


@pytest.mark.parametrize("host", [DOMAIN, "evil.example"])
@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a%3Cscript%3E", f"{ECHO}a%3Cscript%3E"),
        ("<script>alert(1)</script>", "(other characters)"),
        ('"onload="x', "(other characters)"),
        ("a&b", "(other characters)"),
        ("a" * 300, "(other characters)"),
    ],
)
def test_echo_shows_nothing_that_a_browser_acts_on(pod: Pod, host: str, path: str, shown: str) -> None:
    response, text = pod.plain(f"{ECHO}{path}", host=host)
    assert (response.status, text.decode()) == (200, f"host {host}\npath {shown}\n")
    assert response.headers["Content-Type"] == "text/plain"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ["<b>", "a" * 300, "a_b"])
def test_echo_shows_no_other_host_names(pod: Pod, host: str) -> None:
    _, text = pod.plain(f"{ECHO}a", host=host)
    assert text.decode() == f"host (other characters)\npath {ECHO}a\n"


@pytest.mark.parametrize("path", ["/diaspora-infra/smoke/", "/diaspora-infra/smoke", "/diaspora-infra/", "/echo/a"])
def test_nothing_else_is_echoed(pod: Pod, path: str) -> None:
    for host in ("evil.example", "pod.example.org"):
        assert b'"method": "GET"' in pod.plain(path, host=host)[1], "the application answers, as before"


def test_upload_leaves_nothing_behind_and_does_not_reach_the_application(pod: Pod) -> None:
    with pod.application_away():
        response, text = pod.post(UPLOAD, b"secret" * MIB)
        assert (response.status, text) == (204, b"")
        assert int(response.headers["Diaspora-Infra-Received"]) > 6 * MIB
    assert [*(pod.root / "tmp/client_body").iterdir()] == []
    assert [file for file in pod.root.rglob("*") if file.is_file() and b"secretsecret" in file.read_bytes()] == []


def test_upload_has_a_limit_of_its_own(pod: Pod) -> None:
    assert pod.post(UPLOAD, bytes(12 * MIB))[0].status == 204
    assert pod.post(UPLOAD, bytes(12 * MIB + 1))[0].status == 413
    assert pod.post("/anything", bytes(6 * MIB))[0].status == 413, "the limit of all others"


def test_one_upload_at_a_time(pod: Pod) -> None:
    head = f"POST {UPLOAD} HTTP/1.1\r\nHost: {DOMAIN}\r\nContent-Length: 1000\r\n\r\nabc".encode()
    with ExitStack() as held, gateway(pod) as ask:
        held.enter_context(socket.create_connection(("127.0.0.1", pod.port), timeout=20)).sendall(head)
        wait_until(lambda: pod.post(UPLOAD, b"")[0].status == 429)
        answer = ask("upload")
        assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, True)
        assert answer.observed == "another upload of this kind is on its way"
    wait_until(lambda: pod.post(UPLOAD, b"")[0].status == 204)


def test_only_a_pod_behind_the_gateway_has_the_pages() -> None:
    for context in (aws_context(edge="direct"), pod_context()):
        assert "smoke" not in files(pod_fragment(context))["/etc/diaspora/nginx/conf.d/pod.conf"]
