"""The provider plugin of AWS on PATH: when it is used, and with which environment. A fake program stands in for it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.aws.account import Account
from lab.aws.bridge import VERSION
from lab.aws.real_plugin import NAME
from lab.matchbox import free_ports

ENDPOINT = "http://127.0.0.1:18091"
THE_PODMINS = {
    "AWS_PROFILE": "podmin",
    "AWS_ACCESS_KEY_ID": "the-podmins",
    "AWS_SESSION_TOKEN": "the-podmins",
    "AWS_ENDPOINT_URL_S3": "https://s3.example.org",
    "HTTP_PROXY": "http://proxy.example.org",
    "no_proxy": "*",
}

PutOnPath = Callable[[str], Path]


@pytest.fixture
def put_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PutOnPath:
    """Puts a plugin of a version on PATH; a started plugin records its arguments and environment."""
    folder = tmp_path / "on-path"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def put(version: str) -> Path:
        program = folder / NAME
        program.write_text(f'#!/bin/sh\nif [ "$1" = -version ]; then echo {version}; exit; fi\necho "$@"; env\n')
        program.chmod(0o755)
        return program

    return put


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path / "account", 18091)


@pytest.mark.parametrize("prefix", ["", "v"])
def test_matching_plugin_is_used_with_simulator_credentials_only(
    account: Account, put_on_path: PutOnPath, capsys: pytest.CaptureFixture[str], prefix: str
) -> None:
    put_on_path(f"{prefix}{VERSION}")
    plugin = account.plugin()
    assert (plugin.name, plugin.version) == ("aws", VERSION)
    launcher = plugin.program()
    assert capsys.readouterr().err == ""
    started = subprocess.run(
        [launcher, "127.0.0.1:4711"],
        env={**os.environ, **THE_PODMINS, **account.variables(), "AWS_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    address, *lines = started.stdout.splitlines()
    assert address == "127.0.0.1:4711"
    environment = dict(line.split("=", 1) for line in lines if "=" in line)
    found = {name: value for name, value in environment.items() if name.upper() in THE_PODMINS or "AWS" in name}
    assert found == {
        "AWS_ENDPOINT_URL": ENDPOINT,
        "HTTP_PROXY": ENDPOINT,
        "AWS_ACCESS_KEY_ID": "simulator",
        "AWS_SECRET_ACCESS_KEY": "simulator",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "eu-west-1",
        "LAB_AWS_ENDPOINT": ENDPOINT,
        "LAB_AWS_LOG": str(account.bridge_log),
    }


@pytest.mark.parametrize(("version", "shown"), [("6.0.0", "6.0.0"), ("", "unknown")])
def test_other_version_is_reported_and_the_bridge_is_used(
    account: Account, put_on_path: PutOnPath, capsys: pytest.CaptureFixture[str], version: str, shown: str
) -> None:
    program = put_on_path(version)
    assert is_bridge(account.plugin().program())
    line = f"{program} is not used: its version is {shown}, and pulumi_aws needs {VERSION}; using the bridge instead\n"
    assert capsys.readouterr().err == line


def test_bridge_is_used_silently_without_a_plugin(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert is_bridge(account.plugin().program())
    assert capsys.readouterr().err == ""


def test_removed_plugin_is_reported_in_one_line(account: Account, put_on_path: PutOnPath) -> None:
    program = put_on_path(VERSION)
    launcher = account.plugin().program()
    program.unlink()
    environment = {**os.environ, **account.variables()}
    started = subprocess.run([launcher], env=environment, capture_output=True, text=True, check=False)
    what = "No such file or directory; the stack was created with this plugin; install it again"
    assert (started.returncode, started.stderr) == (1, f"{program}: {what}\n")


def test_account_ignores_aws_settings_of_the_podmin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**THE_PODMINS, "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    account = Account(tmp_path, *free_ports(1))
    account.start()
    try:
        assert account.client("sts", "eu-west-1").get_caller_identity()["Account"] == "123456789012"
    finally:
        account.stop()


def is_bridge(launcher: Path) -> bool:
    return "lab.aws.bridge.plugin" in launcher.read_text()
