"""The command, compared with the Go program."""

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from butane.__main__ import main

COMMAND = Path(sys.executable).parent / "butane-py"

GOOD = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, contents: {local: a}}]}\n"
WARNED = "variant: fcos\nversion: 1.5.0\nstorge: {}\n"
BAD = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: a}]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.bu").write_text(GOOD)
    (tmp_path / "warned.bu").write_text(WARNED)
    (tmp_path / "bad.bu").write_text(BAD)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").write_text("hello")
    return tmp_path


@pytest.mark.parametrize(
    "options",
    [
        ["good.bu", "-d", "files"],
        ["good.bu", "--files-dir", "files", "--pretty"],
        ["-pd", "files", "good.bu"],
        ["--strict", "good.bu", "--files-dir=files"],
        ["-r", "-d", "files", "good.bu"],
        ["-c", "-d", "files", "good.bu"],
        ["good.bu"],
        ["warned.bu"],
        ["-s", "warned.bu"],
        ["--check", "warned.bu"],
        ["--check", "--strict", "warned.bu"],
        ["bad.bu"],
        ["nowhere.bu"],
        ["good.bu", "-d", "files", "-o", "out.ign"],
        ["good.bu", "-d", "files", "-o", "nowhere/out.ign"],
        ["good.bu", "bad.bu"],
        ["--nothing"],
    ],
    ids=" ".join,
)
def test_command_has_exit_code_and_output_of_the_go_program(
    folder: Path, butane_binary: Path, options: list[str]
) -> None:
    """Exit codes and output are equal; messages on standard error differ."""
    output = folder / "out.ign"
    results = []
    for command in (butane_binary, COMMAND):
        output.unlink(missing_ok=True)
        done = subprocess.run([command, *options], cwd=folder, capture_output=True, check=False, env={})
        written = output.read_bytes() if output.exists() else None
        results.append((done.returncode, done.stdout, written))
        assert b"Traceback" not in done.stderr
        assert bool(done.stderr) == (done.returncode != 0 or "warned.bu" in options)
    assert results[0] == results[1]


def test_command_reads_standard_input(folder: Path, butane_binary: Path) -> None:
    for command in (butane_binary, COMMAND):
        done = subprocess.run([command], input=WARNED.encode(), capture_output=True, check=True)
        assert done.stdout == b'{"ignition":{"version":"3.4.0"}}\n'
        assert b"unused key storge" in done.stderr


def test_errors_are_printed_with_file_line_and_path(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "bad.bu"
    assert main([str(path)]) == 1
    captured = capsys.readouterr()
    assert not captured.out
    assert captured.err.splitlines() == [
        f"{path}:3:26: $.storage.files.0.path: the path must be absolute",
        "error: the document is refused",
    ]


def test_help_lists_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "--files-dir" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command", [[COMMAND], [sys.executable, "-m", "butane"]], ids=["butane-py", "python -m butane"]
)
def test_command_runs_as_program_and_as_module(folder: Path, command: list[str | Path]) -> None:
    done = subprocess.run([*command, "bad.bu"], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("bad.bu:3:26: $.storage.files.0.path: ")


def test_the_version(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    project = Path(__file__).parent.parent / "pyproject.toml"
    expected = f"butane-py {tomllib.loads(project.read_text())['project']['version']}\n"
    assert [main(["--version"]), main(["-V"])] == [0, 0]
    assert capsys.readouterr().out == 2 * expected

    def not_installed(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("butane.version.version", not_installed)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == expected
