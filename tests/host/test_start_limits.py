"""systemd refuses to start a unit for the sixth time in ten seconds, and fails all that require the unit.

An upgrade starts the services of the pod one after the other. Each start also starts what the service requires and what
has ended since, for example a oneshot, so that a unit can have more starts than services have been started.
"""

import re
from pathlib import Path

import pytest

from diaspora_infra.host.templates import templates_folder

REQUIREMENT = re.compile(r"^(?:Requires|Wants|BindsTo|Upholds)=(.*)$", re.MULTILINE)
UNLIMITED = re.compile(r"^StartLimitIntervalSec=0$", re.MULTILINE)


def unit_name(path: Path) -> str:
    """The name of a template's unit; of an instance, that of its template unit."""
    return path.name.removesuffix(".j2")


def required(texts: dict[Path, str]) -> set[str]:
    """The services that other units start. An instance counts as its template unit."""
    names = {name for text in texts.values() for line in REQUIREMENT.findall(text) for name in line.split()}
    return {re.sub(r"@.*\.service$", "@.service", name) for name in names if name.endswith(".service")}


TEXTS = {path: path.read_text(encoding="utf-8") for path in templates_folder().rglob("*") if path.is_file()}
SERVICES = sorted(path for path in TEXTS if "systemd/system" in str(path) and unit_name(path) in required(TEXTS))


def test_services_that_others_start_are_found() -> None:
    assert {"diaspora-image@.service", "diaspora-inhibit@.service", "diaspora-data.service"} < set(
        map(unit_name, SERVICES)
    )


@pytest.mark.parametrize("path", SERVICES, ids=unit_name)
def test_service_that_others_start_has_no_limit_of_starts(path: Path) -> None:
    assert UNLIMITED.search(TEXTS[path])
