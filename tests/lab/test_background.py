"""A server of the lab that is stopped."""

import platform
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lab.background import Background
from lab.matchbox import free_ports, is_free

# exit(2) as a system call, which ends one thread
EXIT = {"x86_64": 60, "aarch64": 93}
ENDS_SLOWLY = """
import ctypes, os, signal, socket, sys, threading, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
def wait():
    while open(f"/proc/{os.getpid()}/stat").read().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    time.sleep(0.5)
    os._exit(0)
threading.Thread(target=wait).start()
signal.signal(signal.SIGTERM, lambda *_: ctypes.CDLL(None).syscall(int(sys.argv[2]), 0))
print("ready", flush=True)
signal.pause()
"""


@pytest.mark.skipif(platform.machine() not in EXIT, reason="another number of the system call")
def test_port_of_a_stopped_server_is_free(tmp_path: Path) -> None:
    """The kernel ends the threads of a process one by one, and the last one closes the files."""
    (port,) = free_ports(1)
    server = Background(tmp_path, "server", f" {port} ")
    server.start(
        [sys.executable, "-c", ENDS_SLOWLY, str(port), str(EXIT[platform.machine()])],
        lambda: "ready" in server.log.read_text(),
    )
    assert not is_free(port)
    # as another command does, whose child it is not
    assert replace(server).stop()
    assert is_free(port)
    server._children.pop().wait()
