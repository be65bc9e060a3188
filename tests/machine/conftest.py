"""Fixtures of the tests of the machine's programs."""

import pytest

from tests.machine.cheap_restic import make_cheap_restic
from tests.machine.pod_backup import PASSWORD
from tests.machine.pod_programs import RequireProgram


@pytest.fixture(scope="session")
def restic(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> str:
    """restic, for repositories with the password of the tests; see cheap_restic.py."""
    program = require_program("restic", "restic")
    return str(make_cheap_restic(tmp_path_factory.mktemp("restic"), program, PASSWORD))
