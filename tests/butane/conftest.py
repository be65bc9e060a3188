"""Fixtures of the Butane tests."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.butane.generate import write_files

GO = Path(__file__).parent / "go"


@pytest.fixture(scope="session")
def local_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the local files that generated documents refer to."""
    return write_files(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="session")
def go_reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program around the reference's packages, built from pinned modules; see tests/butane/go."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not there, so the reference for keys and merging cannot be built")
    program = tmp_path_factory.mktemp("go") / "reference"
    built = subprocess.run([go, "build", "-o", str(program)], cwd=GO, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return program
