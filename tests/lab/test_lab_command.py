"""The command `python -m lab`: messages and exit codes, without an engine."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from lab import command, report
from lab.engine import PROJECT, Engine
from lab.errors import LabError
from lab.report import Progress, run_and_tell
from tests.support.processes import interruptible

GROUP = "matchbox:index/group:Group"


@pytest.mark.parametrize(
    "arguments", [[], ["sideways"], ["up", "down"], ["down-aws", "file"], ["up-aws", "one", "two"]]
)
def test_wrong_arguments_are_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(arguments) == 2
    assert capsys.readouterr().err == "usage: python -m lab up|down|up-aws [STACK_FILE]|down-aws\n"


def test_failure_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise LabError("port 18080 is taken")

    monkeypatch.setattr(command, "up", fail)
    assert command.main(["up"]) == 1
    assert capsys.readouterr() == ("", "port 18080 is taken\n")


LOADS_LONG = "from pathlib import Path; import time; Path(__file__).with_name('loading').touch(); time.sleep(60)"


def test_ctrl_c_during_imports_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "pydantic.py").write_text(LOADS_LONG)
    with interruptible():
        process = subprocess.Popen(
            [sys.executable, "-m", "lab", "up"],
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            stderr=subprocess.PIPE,
            text=True,
        )
    with process:
        while not (tmp_path / "loading").exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == "stopped\n"
    assert process.returncode == 130


def event(kind: str, op: str, *, before: bool = False) -> str:
    """An event of the engine: it begins, or has ended, what it does with a resource."""
    metadata = {"op": op, "urn": f"urn:pulumi:dev::diaspora-infra::{kind}::x", "type": kind}
    return json.dumps({"sequence": 1, "resourcePreEvent" if before else "resOutputsEvent": {"metadata": metadata}})


def test_long_run_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    monkeypatch.setattr(report.time, "monotonic", lambda: now)
    progress = Progress(1000, 1)
    for _ in range(412):
        progress(event(GROUP, "create", before=True))
        progress(event(GROUP, "create"))
    progress(event("matchbox:index/profile:Profile", "create"))
    progress(event(GROUP, "same"))
    assert capsys.readouterr().out == ""
    now += 5
    progress('{"sequence": 2, "cancelEvent": {}}')
    progress(event(GROUP, "delete"))
    progress(event(GROUP, "delete"))
    assert capsys.readouterr().out == "  groups: 412 of 1,000 created, 1 of 1 deleted\n"


RECORDS = PROJECT / "tests/preview/files"


class Recorded:
    """An engine that says what the real one said in a recorded run."""

    def __init__(self, record: str, code: int) -> None:
        self.record, self.code = record, code
        self.asked: list[str] = []

    def run(self, command: str, *arguments: str, check: bool, watch: object) -> "subprocess.CompletedProcess[str]":
        self.asked = [command, *arguments]
        text = (RECORDS / f"{self.record}.events").read_text(encoding="utf-8")
        return subprocess.CompletedProcess([], self.code, text, "error: said beside the events\n")


def test_what_a_run_changes_is_told_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    engine = Recorded("pxe-up", 0)
    run_and_tell(cast("Engine", engine), "up", "--one-more")
    assert engine.asked == ["up", "--json", "--one-more"]
    lines = (RECORDS / "pxe-up.txt").read_text(encoding="utf-8").splitlines()
    assert capsys.readouterr() == ("".join(f"  {line}\n" for line in lines), "")


def test_why_a_run_failed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LabError, match="pulumi up failed, see above"):
        run_and_tell(cast("Engine", Recorded("pxe-wrong", 255)), "up")
    printed = capsys.readouterr()
    assert "error: the config of this stack cannot be used:\n    host.storage.rootGib: 2 is out of range" in printed.err
    assert printed.err.endswith("error: said beside the events\n")
    assert printed.out == ""


@pytest.fixture
def stack_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the dev stack's file, and a separate folder for the lab."""
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text((PROJECT / "Pulumi.dev.yaml").read_text())
    monkeypatch.setattr(command, "STACK_FILE", file)
    monkeypatch.setattr(command, "FOLDER", tmp_path / ".lab")
    return file


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1", "http://127.0.0.1:18080/foo", "http://192.0.2.1:18080", "https://127.0.0.1:18080"],
)
def test_unusable_address_is_refused(address: str, stack_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack_file.write_text(stack_file.read_text().replace("http://127.0.0.1:18080", address))
    assert command.main(["up"]) == 1
    assert capsys.readouterr().err == (
        "Pulumi.dev.yaml: the lab needs target pxe; in pxe.matchbox, set httpUrl: http://127.0.0.1:PORT and "
        "rpcEndpoint: 127.0.0.1:PORT\n"
    )


def test_stack_file_with_secrets_is_refused(stack_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mail = "mail: {senderAddress: a@example.org, smtp: {host: smtp.example.org, username: pod}}"
    text = stack_file.read_text().replace("name: Example pod", mail)
    stack_file.write_text(text + "  diaspora-infra:smtpPassword: {secure: v1:x}\n")
    assert command.main(["up"]) == 1
    assert "Pulumi.dev.yaml needs smtpPassword, but the lab supports no secrets" in capsys.readouterr().err


def test_missing_stack_file_is_reported(stack_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack_file.unlink()
    assert command.main(["up"]) == 1
    assert capsys.readouterr().err == f"{stack_file}: No such file or directory; correct the path, or create the file\n"


@pytest.mark.usefixtures("stack_file")
@pytest.mark.parametrize(("name", "folder"), [("up", ""), ("up-aws", "aws")])
def test_concurrent_run_is_refused(capsys: pytest.CaptureFixture[str], name: str, folder: str) -> None:
    with command.alone(command.FOLDER / folder):
        assert command.main([name]) == 1
    assert capsys.readouterr().err == (
        f"another `make up` or `make down` runs in {command.FOLDER / folder}; wait until that run ends\n"
    )


@pytest.mark.usefixtures("stack_file")
def test_down_without_a_stack_does_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["down"]) == 0
    assert capsys.readouterr().out == "nothing to destroy\n"
