"""A web server on this computer, in place of the pod's."""

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from diaspora_infra.smoke.world import Connect

Reply = tuple[int, Mapping[str, str], bytes]
"""Status, headers, body."""
Web = Callable[[str, str, bytes], Reply]
"""What comes back for a method, a path and a body."""


def connect_to(port: int) -> Connect:
    """Connections to this port, whatever host is asked for; the host is what the Host header says."""

    def connect(host: str, seconds: float) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(host, timeout=seconds)
        connection._create_connection = lambda _, *rest: open_local(port, *rest)  # type: ignore[attr-defined]
        return connection

    return connect


def open_local(port: int, *rest: object) -> object:
    import socket

    return socket.create_connection(("127.0.0.1", port), *rest)  # type: ignore[arg-type]


@contextmanager
def serving(web: Web) -> Iterator[Connect]:
    """A web server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, text = web(self.command, self.path, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = answer  # noqa: N815  # the names of http.server

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield connect_to(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
