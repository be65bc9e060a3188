"""The environment variables that an engine gets from the user."""

import os
from pathlib import Path

import pytest

from lab import engine
from lab.engine import Engine


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a `pulumi` that prints its environment."""
    pulumi = tmp_path / "pulumi"
    pulumi.write_text("#!/bin/sh\nexec env\n")
    pulumi.chmod(0o755)
    monkeypatch.setattr(engine, "tool_path", lambda _: pulumi)
    monkeypatch.setattr(engine, "path_with", lambda _: "/usr/bin:/bin")
    return tmp_path


def seen(folder: Path) -> dict[str, str]:
    lines = Engine(folder, "test", folder / "Pulumi.test.yaml", folder)._run(["version"]).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_engine_sets_missing_user_and_home(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "HOME"):
        monkeypatch.delenv(name, raising=False)
    variables = seen(environment)
    assert variables["USER"] == str(os.getuid())
    assert variables["HOME"] == str(environment / "home")


def test_engine_keeps_user_and_home_but_drops_pulumi_variables(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER", "pat")
    monkeypatch.setenv("HOME", "/home/pat")
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "for another engine")
    variables = seen(environment)
    assert (variables["USER"], variables["HOME"]) == ("pat", "/home/pat")
    assert "PULUMI_ACCESS_TOKEN" not in variables
    assert variables["PULUMI_BACKEND_URL"] == f"file://{environment}/state"
