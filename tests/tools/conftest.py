"""A separate cache, PATH and manifest for each test."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.manifest import Manifest, load

FakeProgram = Callable[..., Path]
WriteManifest = Callable[..., Manifest]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("DIASPORA_INFRA_CACHE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, so that the programs of this machine have no influence."""
    folder = tmp_path / "on-path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def fake_program(on_path: Path) -> FakeProgram:
    """Writes a program on PATH that prints a text and ends with a status."""

    def write(name: str, prints: str = "", status: int = 0) -> Path:
        program = on_path / name
        program.write_text(f"#!/bin/sh\necho '{prints}'\nexit {status}\n")
        program.chmod(0o755)
        return program

    return write


@pytest.fixture
def write_manifest(tmp_path: Path) -> WriteManifest:
    """Writes tools.toml and checksums.txt and loads them."""

    def write(toml: str, checksums: dict[str, str] | None = None) -> Manifest:
        folder = tmp_path / "manifest"
        folder.mkdir(exist_ok=True)
        (folder / "tools.toml").write_text(toml)
        lines = [f"{checksum}  {path}" for path, checksum in (checksums or {}).items()]
        (folder / "checksums.txt").write_text("\n".join(["# a comment", *lines]) + "\n")
        return load(folder)

    return write


@pytest.fixture(scope="session")
def real_go() -> Path:
    """This machine's Go."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("needs a Go toolchain on PATH")
    return Path(go)


@pytest.fixture(scope="session")
def real_gcc() -> Path:
    """This machine's C compiler."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("needs gcc on PATH")
    return Path(gcc)


@pytest.fixture
def go_on_path(on_path: Path, real_go: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts Go on the test's PATH, with no network to fetch modules from."""
    (on_path / "go").symlink_to(real_go.resolve())
    monkeypatch.setenv("GOPROXY", "off")
    return on_path / "go"


@pytest.fixture
def python_environment() -> dict[str, str]:
    """The environment for a subprocess that runs `python -m tools`."""
    return dict(os.environ) | {"PYTHONPATH": os.pathsep.join(sys.path)}
