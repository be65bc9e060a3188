"""The arguments and outputs of the components, in the eyes of a type checker."""

import subprocess
import sys

import pytest

from lab.engine import PROJECT


@pytest.mark.system  # a minute without the cache that `make check` fills
def test_a_program_with_every_component_passes_mypy_strict() -> None:
    """The program also holds mistakes: a comment that lets one through, and is not needed, is an error of mypy."""
    command = [sys.executable, "-m", "mypy", "--strict", "tests/aws/every_component.py"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
