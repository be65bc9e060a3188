"""The local matchbox server: started once, found and stopped by its folder."""

import subprocess
import sys
from pathlib import Path

from lab import matchbox
from lab.matchbox import MatchboxServer, free_ports


def test_server_starts_once_and_restarts_on_other_ports(tmp_path: Path) -> None:
    first = MatchboxServer(tmp_path, *free_ports(2))
    assert MatchboxServer.last(tmp_path) is None
    try:
        assert first.start()
        assert not first.start()
        assert MatchboxServer.last(tmp_path) == MatchboxServer(tmp_path, first.http_port, first.rpc_port)
        moved = MatchboxServer(tmp_path, *free_ports(2))
        assert moved.start(), "it runs on other ports"
        assert MatchboxServer.last(tmp_path) == MatchboxServer(tmp_path, moved.http_port, moved.rpc_port)
        assert moved.running()
    finally:
        assert MatchboxServer(tmp_path, 1, 2).stop()
    assert not first.running()
    for server in (first, moved):
        while server._process._children:
            server._process._children.pop().wait()


def test_foreign_process_is_not_stopped(tmp_path: Path) -> None:
    server = MatchboxServer(tmp_path, *free_ports(2))
    (tmp_path / "matchbox.pid").write_text("1\n")
    assert not server.running()
    assert not server.stop()


def test_port_is_given_to_one_process_and_to_no_outgoing_connection() -> None:
    mine = free_ports(3)
    assert len(set(mine)) == 3
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(mine) < max(lowest, 32768)
    # another process, for which these three are the only ports
    script = f"from lab import matchbox; matchbox._PORTS = {mine}; print(matchbox.free_ports(3))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n"
    # nor again to this one, before a server binds it
    assert not matchbox._claim(mine[0])
