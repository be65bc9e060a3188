"""The command `python -m lab`: its lines and its exit codes, without an engine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import command
from lab.engine import PROJECT
from lab.errors import LabError


@pytest.mark.parametrize("arguments", [[], ["sideways"], ["up", "down"]])
def test_a_wrong_argument_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(arguments) == 2
    assert capsys.readouterr().err == "usage: python -m lab up|down\n"


def test_a_failure_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise LabError("port 18080 is taken")

    monkeypatch.setattr(command, "up", fail)
    assert command.main(["up"]) == 1
    assert capsys.readouterr() == ("", "port 18080 is taken\n")


LOADS_LONG = "from pathlib import Path; import time; Path(__file__).with_name('loading').touch(); time.sleep(60)"


@pytest.fixture
def heard() -> Iterator[None]:
    """Programs started now hear Ctrl-C, even where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_while_modules_are_loaded_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "pydantic.py").write_text(LOADS_LONG)
    with subprocess.Popen(
        [sys.executable, "-m", "lab", "up"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (tmp_path / "loading").exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == "stopped\n"
    assert process.returncode == 130


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        (["+ 5 created"], "  + 5 created"),
        (["+ 2 created", "3 unchanged"], "  + 2 created, 3 unchanged"),
        (["5 unchanged"], "  nothing changed (5 unchanged)"),
        ([], "  nothing was there"),
    ],
)
def test_what_the_engine_did_is_one_line(counts: list[str], line: str) -> None:
    report = "\n".join(["Updating (dev):", "Resources:", *(f"    {count}" for count in counts), "", "Duration: 1s"])
    assert command._changes(report) == line
