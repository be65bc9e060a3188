"""A local matchbox server with its own certificates."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from diaspora_infra.pxe.pki import PkiFolder, create_pki
from lab.errors import LabError
from tools import tool_path

ADDRESS = "127.0.0.1"
_START_SECONDS = 15


@dataclass(frozen=True)
class MatchboxServer:
    """A matchbox server whose data, certificates, log and process id lie in `folder`."""

    folder: Path
    http_port: int
    rpc_port: int
    _children: "list[subprocess.Popen[bytes]]" = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def http_url(self) -> str:
        """Address that machines boot from."""
        return f"http://{ADDRESS}:{self.http_port}"

    @property
    def rpc_endpoint(self) -> str:
        """Address of the gRPC API."""
        return f"{ADDRESS}:{self.rpc_port}"

    @property
    def pki(self) -> PkiFolder:
        """The server's certificates and the client's."""
        return PkiFolder(self.folder / "pki")

    @property
    def data(self) -> Path:
        """Profiles and groups, as matchbox writes them."""
        return self.folder / "matchbox"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "matchbox.log"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "matchbox.pid"

    @classmethod
    def last(cls, folder: Path) -> "MatchboxServer | None":
        """Find the server that was started in the folder last, whether it runs or not."""
        try:
            http_port, rpc_port = (int(text) for text in (folder / "matchbox.ports").read_text().split())
        except (OSError, ValueError):
            return None
        return cls(folder, http_port, rpc_port)

    def start(self) -> bool:
        """Start the server unless it runs; tells whether it was started. Raises LabError."""
        if self.running():
            last = self.last(self.folder)
            if last is not None and (last.http_port, last.rpc_port) == (self.http_port, self.rpc_port):
                return False
            self.stop()  # it runs on other ports
        create_pki(self.pki.path, ["localhost", ADDRESS])
        for port in (self.http_port, self.rpc_port):
            _check_free(port)
        for folder in ("profiles", "groups", "assets"):
            (self.data / folder).mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._children.append(process)
        self._pid_file.write_text(f"{process.pid}\n", encoding="ascii")
        (self.folder / "matchbox.ports").write_text(f"{self.http_port} {self.rpc_port}\n", encoding="ascii")
        self._wait_until_ready(process)
        return True

    def stop(self) -> bool:
        """Stop the server if it is ours and runs; tells whether it was stopped."""
        pid = self._pid()
        self._pid_file.unlink(missing_ok=True)
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _START_SECONDS
        while _command_line(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        while self._children:
            self._children.pop().wait()  # our own child would stay as a zombie
        return True

    def running(self) -> bool:
        """Tell whether the server that this folder started still runs."""
        return self._pid() is not None

    def _command(self) -> list[str]:
        return [
            str(tool_path("matchbox")),
            f"-address={ADDRESS}:{self.http_port}",
            f"-rpc-address={self.rpc_endpoint}",
            f"-data-path={self.data}",
            f"-assets-path={self.data / 'assets'}",
            f"-ca-file={self.pki.ca}",
            f"-cert-file={self.pki.certificate('server')}",
            f"-key-file={self.pki.key('server')}",
            "-log-level=info",
        ]

    def _pid(self) -> int | None:
        """Process id of the server, if that process is still the one that was started here."""
        try:
            pid = int(self._pid_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        return pid if f"-data-path={self.data}" in _command_line(pid) else None

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if _answers(self.http_url) and _accepts(self.rpc_port):
                return
            time.sleep(0.02)
        self.stop()
        last = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise LabError(f"matchbox did not start; its log {self.log} ends with: {''.join(last)}")


def free_ports(count: int) -> list[int]:
    """Find ports of 127.0.0.1 that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for entry in sockets:
            entry.bind((ADDRESS, 0))
        return [entry.getsockname()[1] for entry in sockets]


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            raise LabError(
                f"port {port} of {ADDRESS} is taken by another program; "
                "end that, or change pxe.matchbox in Pulumi.dev.yaml to other ports"
            ) from None


# our own server is asked directly, never through a proxy
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _answers(url: str) -> bool:
    try:
        with _opener.open(url, timeout=1):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((ADDRESS, port), timeout=1):
        return True
    return False


def _command_line(pid: int) -> str:
    """Command line of a process; empty when it is gone or a zombie."""
    if Path("/proc/self/cmdline").exists():
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    result = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return result.stdout
