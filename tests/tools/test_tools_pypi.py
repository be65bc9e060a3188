import subprocess
import sys
from pathlib import Path

import pytest

from tools import ToolError, pypi
from tools.error_hints import PROXIES, cause
from tools.pypi import install_from_pypi

FAKE_PIP = """#!/bin/sh
while [ "$1" != --target ]; do shift; done
mkdir "$2/bin" && : > "$2/bin/demo"
"""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


@pytest.fixture
def python_without_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python without pip and without ensurepip, as Debian's is without python3-venv."""
    monkeypatch.setattr(pypi, "_has_pip", lambda _: False)
    monkeypatch.setattr(pypi, "_has_ensurepip", lambda: False)


def test_python_without_ensurepip_is_reported_with_the_package_to_install(python_without_pip, into, tmp_path):
    with pytest.raises(ToolError) as failure:
        install_from_pypi("demo is missing", tmp_path / "pins.txt", into)
    assert str(failure.value) == (
        "missing: Python's module ensurepip; run as root: apt-get install python3-venv (or use your system's packages)"
    )
    assert list(into.iterdir()) == []


def test_python_without_pip_uses_pip_of_a_new_environment(python_without_pip, into, tmp_path, monkeypatch):
    monkeypatch.setattr(pypi, "_has_ensurepip", lambda: True)
    run = subprocess.run

    def make_venv(command: list[str], **options: object) -> "subprocess.CompletedProcess[str]":
        if command[1:3] != ["-m", "venv"]:
            return run(command, **options)
        python = Path(command[3]) / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(FAKE_PIP)
        python.chmod(0o755)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(pypi.shutil, "which", lambda _: None)
    monkeypatch.setattr(pypi.subprocess, "run", make_venv)
    install_from_pypi("demo is missing", tmp_path / "pins.txt", into)
    assert [path.relative_to(into).as_posix() for path in sorted(into.rglob("*"))] == ["bin", "bin/demo"]


@pytest.mark.parametrize("program", ["uv", "python"])
def test_failed_installation_from_pypi_is_reported_in_one_line(
    python_without_pip, into, tmp_path, on_path, monkeypatch, program
):
    installer = on_path / program
    installer.write_text("#!/bin/sh\necho first >&2\necho 'no demo here' >&2\nexit 2\n")
    installer.chmod(0o755)
    if program == "python":
        monkeypatch.setattr(sys, "executable", str(installer))
        monkeypatch.setattr(pypi, "_has_pip", lambda python: python == str(installer))
    with pytest.raises(ToolError, match=r"^demo is missing, and cannot be installed from PyPI: no demo here$"):
        install_from_pypi("demo is missing", tmp_path / "pins.txt", into)


PIP = """WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'NewConnectionError(
'<HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno -3] Temporary failure in name
 resolution')': /simple/demo/
ERROR: No matching distribution found for demo==1.0
"""
PIP = PIP.replace("name\n resolution", "name resolution")
UV = """error: Failed to download `demo==1.0`
  cause: client error (Connect)
  cause: Connection refused (os error 111)

hint: `demo` was included because `other` depends on it
"""
APT = """W: Failed to fetch http://deb.example.org/dists/InRelease  Temporary failure resolving 'deb.example.org'
E: Unable to locate package demo
"""
GO = 'demo@v1.0.0: Get "https://proxy.example.org/demo": dial tcp: lookup proxy.example.org: no such host\n'


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (PIP, "no connection: Temporary failure in name resolution"),
        (UV, "no connection: Connection refused"),
        (APT, "no connection: Temporary failure resolving"),
        (GO, "no connection: no such host"),
        ("error: the lockfile is old\n\nhint: lock it\n", "error: the lockfile is old"),
        ("first\n  last  \n\n", "last"),
        ("\n", "no cause given"),
    ],
)
def test_cause_is_the_network_error_or_the_last_line(output, line):
    assert cause(output) == line


def test_configured_proxy_is_named_in_the_cause(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://user:secret@127.0.0.1:1")
    assert cause(UV) == "no connection: Connection refused (through the proxy in https_proxy)"
    assert cause("last\n") == "last"
