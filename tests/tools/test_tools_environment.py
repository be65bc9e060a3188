import os
import shutil
import sys
from pathlib import Path

import pytest

from tools import environment

# makes what uv makes, as far as it matters here, and notes its arguments
FAKE_UV = """#!/bin/sh
echo "$*" >> {log}
mkdir -p .venv/bin
touch .venv/pyvenv.cfg
ln -sf {python} .venv/bin/python
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "a checkout"
    folder.mkdir()
    (folder / "uv.lock").write_text("version = 1\n")
    (folder / "pyproject.toml").write_text("")
    monkeypatch.setattr(environment, "PROJECT", folder)
    return folder


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The recorded calls of the fake uv."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(sys, "argv", ["tools.environment"])
    uv, log = tmp_path / "uv", tmp_path / "uv.log"
    log.touch()
    uv.write_text(FAKE_UV.format(log=log, python=sys.executable))
    uv.chmod(0o755)
    monkeypatch.setattr(environment, "uv", lambda: uv)
    return log


def runs(log: Path) -> int:
    assert environment.main() == 0
    return len(log.read_text().splitlines())


def test_environment_is_created_once(project, log, capsys):
    assert runs(log) == 1
    capsys.readouterr()
    assert runs(log) == 1
    assert capsys.readouterr() == ("", "")


def test_environment_is_created_in_an_empty_folder(project, log):
    (project / ".venv").mkdir()
    assert runs(log) == 1


def test_simulator_option_adds_packages_and_removes_none(project, log, monkeypatch):
    assert runs(log) == 1
    monkeypatch.setattr(sys, "argv", ["tools.environment", "--simulator"])
    assert runs(log) == 2
    assert log.read_text().splitlines()[-1].endswith("--inexact --extra policy --group simulator")
    assert runs(log) == 2


def test_aws_option_adds_the_extra_and_removes_nothing(project, log, monkeypatch):
    assert runs(log) == 1
    monkeypatch.setattr(sys, "argv", ["tools.environment", "--aws"])
    assert runs(log) == 2
    assert log.read_text().splitlines()[-1].endswith("--inexact --extra aws")
    assert runs(log) == 2


def test_environment_is_recreated_when_the_lock_changes(project, log):
    assert runs(log) == 1
    (project / "uv.lock").write_text("version = 2\n")
    assert runs(log) == 2


def test_environment_is_recreated_in_a_moved_checkout(project, log, monkeypatch):
    assert runs(log) == 1
    monkeypatch.setattr(environment, "PROJECT", shutil.copytree(project, project.with_name("moved"), symlinks=True))
    assert runs(log) == 2


def test_environment_is_recreated_when_its_python_is_missing(project, log):
    assert runs(log) == 1
    python = project / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert runs(log) == 2


@pytest.mark.parametrize("kind", ["folder", "file", "link to nothing"])
def test_foreign_files_named_venv_are_left_unchanged(project, log, capsys, kind):
    there = project / ".venv"
    if kind == "folder":
        there.mkdir()
        (there / "own").write_text("something of the user's")
    elif kind == "file":
        there.write_text("something of the user's")
    else:
        there.symlink_to(project / "nothing")
    assert environment.main() == 1
    assert capsys.readouterr().err == (
        ".venv is not a virtual environment; remove it (`make clean` does), then try again\n"
    )
    assert log.read_text() == ""
    assert os.path.lexists(there)


def test_failed_uv_is_reported_in_one_line_and_retried(project, log, tmp_path, capsys):
    uv = tmp_path / "uv"
    good = uv.read_text()
    uv.write_text("#!/bin/sh\necho 'error: no such package' >&2\nexit 1\n")
    assert environment.main() == 1
    assert capsys.readouterr().err.splitlines()[1:] == [".venv: uv sync failed: error: no such package"]
    uv.write_text(good)
    assert runs(log) == 1


def test_unwritable_folder_is_reported_in_one_line(project, log, tmp_path, capsys):
    (tmp_path / "uv").write_text("#!/bin/sh\n")  # says that all went well, and makes nothing
    assert environment.main() == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(".venv: [Errno 2]")
