"""Sizes that follow from the machine's memory."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from diaspora_infra.config import load
from diaspora_infra.config.host.host import Swap, swap_mib
from diaspora_infra.host.sizes import sizes
from tests.host.aws_pod import aws_context
from tests.host.pod import QUADLETS, Context, containers, files, pod_fragment, read_quadlet, values
from tests.support.configs import host, ignition_config, pod

ZRAM = {"zramMib": 1024}
NONE = {"zramMib": 0}
FILE = {"zramMib": 0, "fileMib": 2048}


def context(memory_mib: int, swap: dict[str, int], **changes: Any) -> Context:
    settings = load(ignition_config(host=host(memoryMib=memory_mib, swap=swap), pod=pod(**changes)))
    return Context(settings, settings.machines[0], {})


def limits(fragment: dict[str, Any]) -> dict[str, int]:
    """The memory limit in MiB of each container, from the drop-ins."""
    found = {}
    for path, text in files(fragment).items():
        if path.endswith(".container.d/20-memory.conf"):
            name = path.removeprefix(f"{QUADLETS}/").removesuffix(".container.d/20-memory.conf")
            (limit,) = values(read_quadlet(text)["Service"], "MemoryMax")
            found[name] = int(limit.removesuffix("M"))
    return found


@pytest.mark.parametrize("swap", [ZRAM, NONE, FILE])
@pytest.mark.parametrize("gib", [1, 2, 4])
def test_memory_limits_are_at_most_80_percent_of_memory_and_swap(gib: int, swap: dict[str, int]) -> None:
    fragment = pod_fragment(context(1024 * gib, swap))
    found = limits(fragment)
    assert set(found) == set(containers(fragment))
    # these end before what they are the first step of starts; a task of the podmin is there for a while only
    first = {"diaspora-migrate", "diaspora-administrator", "public-files"}
    together = sum(mib for name, mib in found.items() if name not in {*first, "diaspora-task"})
    total = 1024 * gib + min(swap["zramMib"], 512 * gib) + swap.get("fileMib", 0)
    assert 0.78 * total < together <= 0.80 * total
    for name in ("diaspora-migrate", "diaspora-administrator", "diaspora-task"):
        assert found[name] == found["diaspora-web"]
    assert found["public-files"] == found["nginx"]
    assert min(found.values()) >= 40


@pytest.mark.parametrize(("memory_mib", "threads", "buffers"), [(1024, 3, 64), (2048, 5, 128), (4096, 9, 256)])
def test_concurrency_and_buffers_follow_the_memory(memory_mib: int, threads: int, buffers: int) -> None:
    fragment = pod_fragment(context(memory_mib, ZRAM))
    texts = files(fragment)
    toml = tomllib.loads(texts["/etc/diaspora/diaspora.toml"])
    assert toml["configuration"]["environment"]["sidekiq"]["concurrency"] == threads
    assert yaml.safe_load(texts["/etc/diaspora/database.yml"])["production"]["pool"] == threads
    environment = values(containers(fragment)["diaspora-web"]["Container"], "Environment")
    assert f"PUMA_MAX_THREADS={threads}" in environment
    assert f"shared_buffers = '{buffers}MB'" in texts["/etc/diaspora/postgresql/postgresql.conf"]
    assert f"max_connections = {4 * threads + 10}" in texts["/etc/diaspora/postgresql/postgresql.conf"]


@pytest.mark.parametrize("swap", [ZRAM, NONE, FILE])
@pytest.mark.parametrize("memory_mib", [1024, 1536, 2048, 4096, 65536, 1048576])
def test_redis_refuses_jobs_before_the_limit_of_its_container(memory_mib: int, swap: dict[str, int]) -> None:
    fragment = pod_fragment(context(memory_mib, swap))
    (maxmemory,) = re.findall(r"^maxmemory (\d+)mb$", files(fragment)["/etc/diaspora/redis/redis.conf"], re.MULTILINE)
    limit = limits(fragment)["redis"]
    # a rewrite of the file copies what changes meanwhile, at worst nearly half
    assert 0.55 * limit < int(maxmemory) <= 0.6 * limit


def test_explicit_sizing_overrides_the_defaults() -> None:
    settings = context(4096, ZRAM, sizing={"sidekiqConcurrency": 2}).settings
    found = sizes(settings.pod, settings.host.memory_mib, settings.host.swap)
    assert (found.puma_threads, found.sidekiq_concurrency, found.connections) == (9, 2, 9)


def test_thread_count_is_limited_on_large_machines() -> None:
    settings = context(262144, ZRAM).settings
    found = sizes(settings.pod, settings.host.memory_mib, settings.host.swap)
    assert (found.puma_threads, found.shared_buffers_mib) == (16, 4096)


def test_zram_is_at_most_half_the_memory() -> None:
    assert swap_mib(1024, Swap(zram_mib=1024, file_mib=100)) == 612


def checks(fragment: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Interval and timeout of each health check in seconds; the drop-ins win over the container."""
    found = {}
    texts = files(fragment)
    for name, quadlet in containers(fragment).items():
        container = quadlet["Container"]
        if not values(container, "HealthCmd"):
            continue
        dropin = texts.get(f"{QUADLETS}/{name}.container.d/20-health.conf")
        over = read_quadlet(dropin)["Container"] if dropin else {}
        interval, timeout = (
            [*values(container, key), *(values(over, key) if over else [])][-1].removesuffix("s")
            for key in ("HealthInterval", "HealthTimeout")
        )
        found[name] = int(interval), int(timeout)
    return found


@pytest.mark.parametrize("aws", [{}, {"database": {"engine": "onInstance"}}, {"uploads": "volume"}])
def test_small_machine_checks_seldom_and_waits_long(aws: dict[str, Any]) -> None:
    small, large = (checks(pod_fragment(aws_context(size=size, **aws))) for size in ("minimal", "small"))
    assert small.keys() == large.keys() >= {"redis", "nginx", "diaspora-web", "diaspora-sidekiq"}
    minute = {size: sum(60 / interval for interval, _ in found.values()) for size, found in enumerate((small, large))}
    assert minute[0] <= 10 < 14 < minute[1]
    # what a check that takes too long would kill
    assert min(timeout for _, timeout in small.values()) == 30
    assert max(timeout for _, timeout in large.values()) == 10


def test_small_machine_checks_less_often_at_start() -> None:
    fragment = pod_fragment(aws_context(size="minimal"))
    for path, text in files(fragment).items():
        if path.endswith("/20-health.conf"):
            at_start = values(
                containers(fragment)[path.split("/")[-2].removesuffix(".container.d")]["Container"], "HealthStartupCmd"
            )
            assert values(read_quadlet(text)["Container"], "HealthStartupInterval") == (["5s"] if at_start else []), (
                path
            )


def test_every_health_dropin_belongs_to_a_container() -> None:
    fragment = pod_fragment(aws_context())
    dropins = [path for path in files(fragment) if path.endswith("/20-health.conf")]
    assert {path.split("/")[-2].removesuffix(".container.d") for path in dropins} == checks(fragment).keys()
