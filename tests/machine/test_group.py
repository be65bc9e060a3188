"""A pod on several machines: its first start, deployments, and what is left when a machine is killed in the middle."""

import os
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest

from lab.aws.account import Account
from tests.conftest import skip_unless
from tests.machine.group_world import BACKUP_PASSWORD, PATH, TOKEN, GroupWorld, Machine, group_world
from tests.machine.pod_application import healthy, wait
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_pod_postgresql import PASSWORD

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def world(account: Account, require_program: RequireProgram) -> Iterator[GroupWorld]:
    """A pod of which nothing has been started yet."""
    skip_unless(os.geteuid() == 0, "needs root: it makes namespaces")
    with group_world(account, require_program) as made:
        yield made


@pytest.fixture(scope="module")
def first(world: GroupWorld) -> list[Machine]:
    """Two web machines and a job machine that have started at the same time, and have made what all of them share."""
    machines = [world.machine(role) for role in ("web", "web", "job")]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(Machine.prepare, machines))
    return machines


def test_machines_that_start_at_once_share_what_one_of_them_has_made(world: GroupWorld, first: list[Machine]) -> None:
    for name in ("secret-token", "oidc-key"):
        assert len({machine.secret(name) for machine in first}) == 1, name
    assert world.parameter("generated/secret_key_base") in first[0].secret("secret-token")
    assert world.parameter("generated/oidc_key") == first[0].secret("oidc-key")
    for name in ("secret_key_base", "oidc_key"):
        (made,) = world.store.get_parameter_history(Name=f"{PATH}/generated/{name}")["Parameters"]
        assert (made["Version"], made["Type"]) == (1, "SecureString")


def test_redis_is_spoken_to_over_tls(first: list[Machine]) -> None:
    assert {machine.secret("redis-url") for machine in first} == {f"rediss://:{TOKEN}@cache.example.org:6379/0"}


@pytest.fixture(scope="module")
def deployed(world: GroupWorld, first: list[Machine]) -> list[Machine]:
    """The same machines, after the job machine has migrated the database."""
    for machine in first[:2]:
        machine.serve()
    wait(lambda: world.ask("/").status == 503, "nginx")
    assert world.healthy() == []
    assert first[2].migrate() == "done"
    world.settled(1)
    return first
