"""The units of the long jobs do not depend on what the jobs themselves stop or restart.

systemd stops a unit together with one that it requires, for a restart too: a restore that restarts the secrets would be
stopped in the middle.
"""

import re
from pathlib import Path

import pytest

from diaspora_infra.host.templates import templates_folder

JOBS = re.compile(
    r"diaspora-(backup|backup-check|restore|restore-first|import|upgrade|upgrade-recover)\.service(\.j2)?"
)
UNITS = sorted(path for path in templates_folder().rglob("*.service*") if JOBS.fullmatch(path.name))
BOUND = re.compile(r"^(?:Requires|Requisite|BindsTo|PartOf|ConsistsOf)=(.*)$", re.MULTILINE)
# they end when their work is done, and nothing stops them
HARMLESS = re.compile(r"diaspora-image@\S+\.service")


def test_units_of_all_jobs_are_found() -> None:
    assert len(UNITS) == 7


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_job_is_not_bound_to_a_unit_of_the_pod(path: Path) -> None:
    bound = [name for line in BOUND.findall(path.read_text(encoding="utf-8")) for name in line.split()]
    assert [name for name in bound if not HARMLESS.fullmatch(name)] == []
