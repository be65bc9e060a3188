"""How the servers that the tests start are stopped, and which jq the tests have."""

import os
import signal
import subprocess

import pytest

from tests.conftest import skip_unless
from tests.support import processes


def test_programs_find_the_quick_jq() -> None:
    skip_unless(os.geteuid() == 0, "needs root: trixie")
    found = subprocess.run(["jq", "--version"], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("jq-1.7")


def test_server_that_ignores_the_signal_is_killed_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    script = "trap '' TERM; echo ready; while :; do read -t 60 _ <> <(:); done"
    with subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            processes.stop(process)
        assert process.returncode == -signal.SIGKILL
