"""`python -m lab up-aws` and `down-aws`: messages and exit codes, without an engine and an account."""

import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from diaspora_infra.config import needed_secrets
from lab import command
from lab.aws import command as aws
from lab.errors import LabError
from tests.support import configs


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate folder for the lab."""
    monkeypatch.setattr(command, "FOLDER", tmp_path / ".lab")
    return tmp_path / ".lab" / "aws"


def stack_file(folder: Path, more: dict[str, Any] | None = None, **pod: Any) -> Path:
    values = configs.aws_config(pod_changes=pod, dns={"zone": "example.org"})
    config = {f"diaspora-infra:{key}": value for key, value in values.items()}
    file = folder / "Pulumi.own.yaml"
    document = {"config": {"aws:region": "eu-west-1", "aws:profile": "podmin", **config}, **(more or {})}
    file.write_text(yaml.safe_dump(document))
    return file


def test_default_stack_file_is_the_example() -> None:
    settings, _ = aws.read(aws.STACK_FILE)
    assert settings.pod.backup is not None


def test_mistakes_are_reported_and_nothing_is_started(
    lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = stack_file(tmp_path, domain="pod.example.net")
    assert command.main(["up-aws", str(file)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Pulumi.own.yaml cannot be used:"
    assert lines[1].startswith("aws.dns.zone: 'example.org' does not contain the pod's domain")
    assert not (lab / "port").exists(), "nothing was started"


@pytest.mark.usefixtures("lab")
def test_missing_stack_file_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["up-aws", str(tmp_path / "none.yaml")]) == 1
    assert (
        capsys.readouterr().err
        == f"{tmp_path / 'none.yaml'}: No such file or directory; correct the path, or create the file\n"
    )


def test_secrets_and_credentials_of_the_podmin_are_not_used(tmp_path: Path) -> None:
    file = stack_file(tmp_path, {"encryptionsalt": "v1:salt"}, backup={})
    document = yaml.safe_load(file.read_text())
    document["config"]["diaspora-infra:backupPassword"] = {"secure": "v1:ciphertext"}
    file.write_text(yaml.safe_dump(document))
    settings, values = aws.read(file)
    assert [secret.key for secret in needed_secrets(settings)] == ["backupPassword"]
    assert values.keys() == {"target", "pod", "host", "aws"}
    assert all(word not in str(values) for word in ("salt", "ciphertext", "profile"))


@pytest.mark.parametrize("placed", ["all", "backupPassword"])
def test_placed_secrets_are_not_needed(tmp_path: Path, placed: str) -> None:
    settings, _ = aws.read(stack_file(tmp_path, backup={}, secretsOnMachine=[placed]))
    assert needed_secrets(settings) == []


def test_other_target_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.metal.yaml"
    file.write_text(
        yaml.safe_dump({"config": {f"diaspora-infra:{key}": value for key, value in configs.pxe_config().items()}})
    )
    with pytest.raises(LabError, match=r"Pulumi.metal.yaml has target pxe; allowed here: aws"):
        aws.read(file)


def test_occupied_port_is_not_used(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.mkdir(parents=True)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(aws, "PORT", taken)
        chosen = aws._new_account(lab)
    assert chosen.port != taken
    assert aws._last_account(lab) == chosen


def test_down_without_an_account_does_nothing(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["down-aws"]) == 0
    assert capsys.readouterr().out == "nothing to destroy\n"


def test_down_removes_the_state_of_an_ended_account(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = lab / "state/.pulumi/stacks/diaspora-infra/aws.json"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    (lab / "port").write_text("1\n")
    assert command.main(["down-aws"]) == 0
    assert capsys.readouterr().out == (
        "the simulator was not running, so its account is gone; removing the engine's state of that "
        "account\nsimulator: was not running\n"
    )
    assert not state.exists()
