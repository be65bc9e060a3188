"""What iPXE makes of the scripts that machines get: the iPXE of QEMU's network cards, with BIOS and UEFI firmware.

Debian builds it from the same sources, with the same settings, as the files that the provisioning server sends.
"""

import http.server
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from diaspora_infra.config import PxeSettings, load
from diaspora_infra.pxe.install import install_boot, install_settings
from diaspora_infra.pxe.verify import ipxe_script
from tests.machine.pod_programs import RequireProgram
from tests.support.boot.accelerator import EMULATION, QEMU, machine_options
from tests.support.boot.virtual_machine import HOST_ADDRESS, UEFI
from tests.support.configs import pxe, pxe_config

pytestmark = pytest.mark.system

SECONDS = 120
ROM = "/usr/lib/ipxe/qemu/pxe-virtio.rom"
# in the place of a kernel: before iPXE asks for the initrd, it wants a program, with UEFI one for UEFI
PROGRAM = Path("/usr/lib/ipxe/ipxe.efi")
PAGE = Path(__file__).parent.parent.parent / "docs" / "pxe.md"
# iPXE's words about an address that it has no protocol for
UNSUPPORTED = "Operation not supported"
ERROR_PAGE = "ipxe.org/3c092003"


class Server:
    """An HTTP server with an iPXE script; everything else is `program`. `asked` are the paths."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.script = b""
        self.program = b""
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                content = server.script if self.path == "/boot.ipxe" else server.program
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://{HOST_ADDRESS}:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture
def server(require_program: RequireProgram) -> Iterator[Server]:
    require_program(QEMU, "qemu-system-x86")
    for file, package in ((UEFI, "ovmf"), (ROM, "ipxe-qemu"), (PROGRAM, "ipxe")):
        if not Path(file).exists():
            require_program(str(file), package)
    made = Server()
    try:
        yield made
    finally:
        made.http.shutdown()
        made.http.server_close()


def script(server: Server, source: str | None = None) -> str:
    """The script of a machine whose matchbox is the server."""
    matchbox = {"httpUrl": server.url, "rpcEndpoint": "matchbox.lan:8081"}
    release = {} if source is None else {"release": {"source": source}}
    settings = load(pxe_config(pxe=pxe(matchbox=matchbox, **release)))
    assert isinstance(settings, PxeSettings)
    return ipxe_script(install_boot(**install_settings(settings, settings.pxe.machines[0])))


def boot(server: Server, text: str, folder: Path, bios: str | None, until: str) -> str:
    """Boot a script over the network, until iPXE writes a text or asks for a path; returns what it wrote."""
    server.script = text.encode()
    serial = folder / "serial"
    command = [
        QEMU, *machine_options(bios), *EMULATION.options(), "-m", "512", "-serial", f"file:{serial}",
        "-netdev", f"user,id=net,bootfile={server.url}/boot.ipxe",
        "-device", "virtio-net-pci,netdev=net,bootindex=1", "-device", "virtio-rng-pci",
    ]  # fmt: skip
    machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            said = serial.read_text(encoding="utf-8", errors="replace") if serial.exists() else ""
            if until in said or until in server.asked:
                return said
            assert machine.poll() is None, said[-2000:]
            assert "No more network devices" not in said, said[-2000:]
            time.sleep(0.1)
    finally:
        machine.kill()
        machine.wait()
    raise AssertionError(f"{until} never came; asked for {server.asked}; said: {said[-2000:]}")


@pytest.mark.parametrize("bios", [None, UEFI], ids=["bios", "uefi"])
def test_default_addresses_are_loaded(server: Server, tmp_path: Path, bios: str | None) -> None:
    text = script(server)
    kernel, initrd = re.findall(rf"^(?:kernel|initrd --name main) {re.escape(server.url)}(\S+)", text, re.MULTILINE)
    server.program = PROGRAM.read_bytes() if bios else b"not a kernel\n" * 100
    boot(server, text, tmp_path, bios, initrd)
    assert server.asked == ["/boot.ipxe", kernel, initrd]


def test_https_addresses_are_not_supported_and_the_page_says_so(server: Server, tmp_path: Path) -> None:
    said = boot(server, script(server, "releases"), tmp_path, None, ERROR_PAGE)
    assert UNSUPPORTED in said
    assert server.asked == ["/boot.ipxe"]
    (row,) = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if ERROR_PAGE in line]
    assert UNSUPPORTED in row
    assert "pxe.release.source" in row
