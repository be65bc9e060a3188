"""What the code of today does to a stack that an earlier one made: nothing may be replaced or deleted unseen.

A recorded state is imported into a fresh backend, and the real engine previews the program of today on it. This shows
every renamed resource, changed type and changed parent without an alias, and every input whose change replaces a
resource, on pods with the settings of the recorded stacks.

It does not show: what `pulumi up` then does, what the resources themselves have become since (no refresh), other
settings, and states of another engine or provider than the pinned ones, which wrote the records. The diff of AWS
resources is that of the Terraform provider behind the bridge, in a simulated account.

`make states` records the states anew.
"""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from lab.aws import real_plugin
from lab.aws.account import Account
from lab.matchbox import free_ports
from tests.states.expected import EXPECTED, FOLLOWS_CONFIG
from tests.states.recorded import (
    STACKS,
    Change,
    World,
    beside_matchbox,
    changes,
    in_account,
    prepared_engine,
    record,
    state_file,
)

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("states")]

AT_MOST = 500_000
"""Bytes of a recorded state without the object that holds a machine's config, which has its own size."""


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A simulated account, and one bridge for all runs."""
    started = Account(tmp_path_factory.mktemp("account"), *free_ports(1 if real_plugin.find() else 2))
    started.start()
    try:
        yield started
    finally:
        started.stop()


def world_of(name: str, folder: Path, request: pytest.FixtureRequest) -> World:
    """What a stack needs around it."""
    if name.startswith("aws"):
        return in_account(folder, request.getfixturevalue("account"))
    if name == "pxe":
        return beside_matchbox(folder, request.getfixturevalue("matchbox_server"))
    return World(folder)


def previewed(name: str, world: World, state: str) -> tuple[set[Change], list[str]]:
    """What a preview deletes or replaces in a state, and its errors: to delete what is protected is one."""
    engine = prepared_engine(name, world)
    engine.write_state(json.loads(world.from_files(state)))
    result = engine.run("preview", "--json", check=False)
    assert result.stdout.startswith("{"), result.stdout + result.stderr
    preview = json.loads(result.stdout)
    errors = [each["message"] for each in preview.get("diagnostics", []) if each["severity"] == "error"]
    assert result.returncode == 0 or errors, result.stderr
    return changes(preview.get("steps", [])), errors


@pytest.mark.parametrize("name", STACKS)
def test_nothing_is_replaced_or_deleted_unseen(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--record-states"):
        record(name, world_of(name, tmp_path / "recording", request))
    state = state_file(name).read_text(encoding="utf-8")
    found, errors = previewed(name, world_of(name, tmp_path / "preview", request), state)
    allowed = [*FOLLOWS_CONFIG, *EXPECTED]
    unseen = sorted(change for change in found if not any(each.fits(name, change) for each in allowed))
    assert not unseen, "\n".join(["is not in tests/states/expected.py:", *map(str, unseen)])
    assert not errors, "\n".join(errors)
    named = [each for each in EXPECTED if fnmatchcase(name, each.stack)]
    stale = [each for each in named if not any(each.fits(name, change) for change in found)]
    assert not stale, "\n".join(["does not happen any more:", *map(str, stale)])


def test_a_type_that_was_renamed_is_seen(tmp_path: Path) -> None:
    text = state_file("provisioning").read_text(encoding="utf-8")
    token = "diaspora-infra:index:ProvisioningServer"
    assert token in text
    found = previewed("provisioning", World(tmp_path), text.replace(token, f"{token}Earlier"))
    assert found == ({(f"{token}Earlier::provisioning", "delete")}, [])


def test_recorded_states_are_small_and_without_secrets() -> None:
    for name in STACKS:
        text = state_file(name).read_text(encoding="utf-8")
        resources = json.loads(text)["deployment"]["resources"]
        others = [each for each in resources if each["type"] != "aws:s3/bucketObjectv2:BucketObjectv2"]
        assert len(json.dumps(others)) < AT_MOST, name
        assert "plaintext" not in text, name
        assert "PRIVATE KEY" not in text, name
