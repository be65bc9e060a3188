"""What a machine of the dev stack adds: a config grows with every feature, and the engine writes it at each step."""

import json

import pytest

from diaspora_infra.host import render
from diaspora_infra.pxe.template import templated
from tests.golden.test_golden import dev_settings
from tests.support.sizes import check_size


def test_machine_of_the_dev_stack_stays_small(request: pytest.FixtureRequest) -> None:
    settings = dev_settings()
    machine = settings.machines[0]
    rendered = render(settings, machine, {})
    found = templated(machine.name, "52:54:00:a1:9c:ae", rendered.ignition, rendered.own)
    update = request.config.getoption("--golden-update")
    check_size("Ignition config", len(rendered.ignition), update=update)
    check_size("values of a group", len(json.dumps(dict(found.metadata))), update=update)


def test_growth_beyond_a_tenth_is_refused() -> None:
    with pytest.raises(AssertionError, match="make it smaller"):
        check_size("Ignition config", 10**7, update=False)
