"""The local matchbox server: started once, found and stopped by its folder."""

from pathlib import Path

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
