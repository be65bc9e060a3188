"""Servers with invalid answers: one line each, never a traceback."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from diaspora_infra.config import ConfigError, Settings, load
from diaspora_infra.pxe.pki import create_pki
from diaspora_infra.pxe.server import check_reachable
from diaspora_infra.pxe.verify import verify
from tests.support.configs import pxe, pxe_config

Serve = Callable[[bytes], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server on 127.0.0.1 that sends the same bytes to everybody; returns HOST:PORT."""
    servers: list[socketserver.ThreadingTCPServer] = []

    def start(answer: bytes) -> str:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.recv(4096)
                self.request.sendall(answer)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def settings(http: str, rpc: str = "127.0.0.1:1", **files: str) -> Settings:
    return load(pxe_config(pxe=pxe(matchbox={"httpUrl": f"http://{http}", "rpcEndpoint": rpc, **files})))


HEAD = b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        HEAD % 1000 + b"short",
        HEAD % 3 + b"\xff\xfe\xfd",
        HEAD % 2 + b"[]",
        HEAD % 20000 + b"[" * 20000,
        HEAD % 27 + b'{"ignition":{"config":true}}',
        HEAD % 90 + b'{"ignition":{"config":{"merge":[{"compression":"gzip","source":"data:;base64,H4sIAAA"}]}}} ',
    ],
)
def test_verify_reports_invalid_answers_in_one_line_each(serve: Serve, answer: bytes) -> None:
    lines, good = verify(settings(serve(answer)), {})
    assert not good
    assert lines
    assert all(line.startswith(("pod1: ", "pxe.matchbox.httpUrl: no answer from ")) for line in lines)
    assert all("; " in line and "\n" not in line for line in lines)


def test_verify_ignores_the_http_proxy(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    lines, _ = verify(settings(serve(HEAD % 2 + b"{}")), {})
    assert lines == [
        "pod1: the served iPXE script differs from the settings; run: pulumi refresh, then pulumi up",
        "pod1: the served Ignition config differs from the settings; run: pulumi refresh, then pulumi up",
    ]


def test_http_port_in_place_of_grpc_port_is_reported(serve: Serve, tmp_path: Path) -> None:
    files = create_pki(tmp_path / "pki", ["127.0.0.1"])
    endpoint = serve(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    matchbox = settings(
        endpoint,
        endpoint,
        caFile=str(files.ca),
        clientCertFile=str(files.certificate("client")),
        clientKeyFile=str(files.key("client")),
    ).pxe
    assert matchbox is not None
    with pytest.raises(ConfigError) as caught:
        check_reachable(matchbox.matchbox, tmp_path)
    (problem,) = caught.value.problems
    assert "does not speak TLS" in problem.message
    assert "use the port of the gRPC API" in problem.message
