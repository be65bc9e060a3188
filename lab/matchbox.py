"""A local matchbox server with its own certificates."""

import contextlib
import random
import shutil
import socket
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from diaspora_infra.pxe.pki import PkiFolder, create_pki
from diaspora_infra.pxe.template import LITERAL
from lab.background import Background
from lab.certificates import fault
from lab.errors import LabError
from lab.files import is_json, write_whole
from tools import tool_path

ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class MatchboxServer:
    """A matchbox server whose data, certificates, log and process id lie in `folder`."""

    folder: Path
    http_port: int
    rpc_port: int

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
        """The server's log."""
        return self._process.log

    @cached_property
    def _process(self) -> Background:
        return Background(self.folder, "matchbox", f"-data-path={self.data}", unique=True)

    @classmethod
    def last(cls, folder: Path) -> "MatchboxServer | None":
        """Find the last server that was started in the folder, running or not."""
        try:
            http_port, rpc_port = (int(text) for text in (folder / "matchbox.ports").read_text().split())
        except (OSError, ValueError):
            return None
        return cls(folder, http_port, rpc_port)

    def start(self) -> bool:
        """Start the server unless it runs; returns whether it was started. Raises LabError."""
        if self.running():
            last = self.last(self.folder)
            if last is not None and (last.http_port, last.rpc_port) == (self.http_port, self.rpc_port):
                return False
            self.stop()  # the server runs on other ports
        create_pki(self.pki.path, ["localhost", ADDRESS])
        for port in (self.http_port, self.rpc_port):
            _check_free(port)
        for folder in ("profiles", "groups", "assets"):
            (self.data / folder).mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / "matchbox.ports", f"{self.http_port} {self.rpc_port}\n")
        self._process.start(self._command(), lambda: _answers(self.http_url) and _accepts(self.rpc_port))
        return True

    def renew_certificates(self) -> str | None:
        """Make all certificates anew if one is not good, and stop the server that has the old ones.

        Returns what is wrong with them. Certificates that are not there at all are made by `start`.
        """
        if not self.pki.path.exists() or (found := fault(self.pki)) is None:
            return None
        self.stop()
        shutil.rmtree(self.pki.path)
        return found

    def remove_damaged(self) -> list[Path]:
        """Remove profiles, groups and configs that were cut short; returns which. The engine makes them again."""
        kinds = {"profiles": "*.json", "groups": "*.json", "generic": "*"}
        files = [file for kind, pattern in kinds.items() for file in (self.data / kind).glob(pattern)]
        damaged = [
            file for file in files if not is_json(file, {LITERAL: "{{"} if file.parent.name == "generic" else {})
        ]
        for file in damaged:
            file.unlink()
        return damaged

    def remove_data(self) -> None:
        """Remove all profiles, groups and configs."""
        for kind in ("profiles", "groups", "generic"):
            shutil.rmtree(self.data / kind, ignore_errors=True)
            (self.data / kind).mkdir(parents=True, exist_ok=True)

    def stop(self) -> bool:
        """Stop the server if this folder started it; returns whether it was stopped."""
        return self._process.stop()

    def running(self) -> bool:
        """Tell whether the server that this folder started still runs."""
        return self._process.running()

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


# Below those that Linux gives to outgoing connections (from 32768), which would take a port until its server binds it.
_PORTS = range(20000, 32768)
_claims: list[socket.socket] = []


def free_ports(count: int) -> list[int]:
    """Find free ports of 127.0.0.1. Until this process ends, no other one is given them by this function."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if len(found) == count:
            break
        if _claim(port) and is_free(port):
            found.append(port)
    return found


def _claim(port: int) -> bool:
    """Claim a port for this process, by a name in Linux's list of sockets, which goes with the process."""
    if sys.platform != "linux":
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0diaspora-infra-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def is_free(port: int) -> bool:
    """Tell whether a port of 127.0.0.1 is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True


def _check_free(port: int) -> None:
    if not is_free(port):
        raise LabError(
            f"another program uses port {port} of {ADDRESS}; "
            "stop that program, or set other ports in pxe.matchbox of Pulumi.dev.yaml"
        )


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
