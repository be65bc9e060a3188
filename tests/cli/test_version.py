"""The command itself: the version of the package, what it costs to ask for it, and an interruption."""

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

import diaspora_infra
from diaspora_infra.cli import main

PROJECT = Path(__file__).resolve().parent.parent.parent
VERSION = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_the_command_prints_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"diaspora-infra {VERSION}\n"


def test_the_version_of_the_installed_package() -> None:
    assert diaspora_infra.__version__ == VERSION


def test_the_version_of_a_checkout_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("diaspora_infra.version.version", not_installed)
    assert diaspora_infra.__version__ == VERSION


def test_no_other_attribute_is_made_up() -> None:
    with pytest.raises(AttributeError, match="no attribute 'version_of'"):
        _ = diaspora_infra.version_of  # type: ignore[attr-defined]


def test_the_import_of_the_package_is_cheap() -> None:
    """It imports nothing of the project, no other package, and not even what reads the version."""
    code = "import sys; known = {*sys.modules}; import diaspora_infra; print(*({*sys.modules} - known), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert {name.partition(".")[0] for name in imported} <= {"diaspora_infra", *sys.stdlib_module_names}
    assert {name for name in imported if name.startswith("diaspora_infra.")} == set()
    assert "importlib.metadata" not in imported


def test_an_interrupted_command_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("diaspora_infra.cli.read_stack_file", interrupted)
    assert main(["check", str(tmp_path)]) == 130
    assert capsys.readouterr() == ("", "stopped\n")
