"""Fixtures of the Butane tests."""

import subprocess
from pathlib import Path

import pytest

from generate import write_files
from tools.golang import go_for

GO = Path(__file__).parent / "go"


@pytest.fixture(scope="session")
def local_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the local files that generated documents refer to."""
    return write_files(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="session")
def go_reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program around the reference's packages, built from pinned modules; see the folder go."""
    go = go_for("the reference of the Butane tests", GO)
    program = tmp_path_factory.mktemp("go") / "reference"
    built = subprocess.run([go, "build", "-o", str(program)], cwd=GO, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return program
