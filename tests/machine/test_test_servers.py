"""How the servers that the tests start are stopped."""

import signal
import subprocess

import pytest

from tests.support import processes


def test_server_that_ignores_the_signal_is_killed_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    script = "trap '' TERM; echo ready; while :; do read -t 60 _ <> <(:); done"
    with subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            processes.stop(process)
        assert process.returncode == -signal.SIGKILL
