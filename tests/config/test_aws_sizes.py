"""The effect of the size of a machine on AWS on the host and the pod."""

from typing import Any

import pytest

from diaspora_infra.config import Settings, load
from diaspora_infra.config.host.host import swap_mib
from diaspora_infra.host.sizes import sizes
from tests.support.configs import aws_config, host


def settings(*, pod: dict[str, Any] | None = None, host_changes: dict[str, Any] | None = None, **aws: Any) -> Settings:
    values = aws_config(region="eu-west-1", pod_changes=pod, **aws)
    return load(values | {"host": host(**(host_changes or {}))})


@pytest.mark.parametrize(
    ("aws", "memory_mib", "file_mib", "threads", "jobs"),
    [
        ({}, 1024, 1024, 3, 2),
        ({"size": "minimal"}, 1024, 1024, 3, 2),
        ({"size": "small"}, 2048, 0, 5, 5),
        ({"instance": {"type": "t3.micro"}}, 1024, 1024, 3, 2),
        ({"size": "minimal", "instance": {"type": "t4g.medium"}}, 4096, 0, 9, 9),
    ],
)
def test_instance_type_sets_memory_swap_and_concurrency(
    aws: dict[str, Any], memory_mib: int, file_mib: int, threads: int, jobs: int
) -> None:
    found = settings(**aws)
    at_once = sizes(found.pod, found.host.memory_mib, found.host.swap)
    assert (found.host.memory_mib, found.host.swap.file_mib) == (memory_mib, file_mib)
    assert (at_once.puma_threads, at_once.sidekiq_concurrency) == (threads, jobs)


def test_smallest_machine_has_zram_and_swap_file() -> None:
    found = settings().host
    assert swap_mib(found.memory_mib, found.swap) == 512 + 1024


@pytest.mark.parametrize("file_mib", [0, 4096])
def test_explicit_settings_override_those_of_the_size(file_mib: int) -> None:
    found = settings(
        host_changes={"swap": {"fileMib": file_mib, "zramMib": 256}},
        pod={"sizing": {"pumaThreads": 1, "sidekiqConcurrency": 7}},
    )
    assert (found.host.swap.file_mib, found.host.swap.zram_mib) == (file_mib, 256)
    at_once = sizes(found.pod, found.host.memory_mib, found.host.swap)
    assert (at_once.puma_threads, at_once.sidekiq_concurrency) == (1, 7)


def test_sizes_change_only_for_target_aws() -> None:
    found = load(aws_config(region="eu-west-1") | {"target": "ignition"})
    assert (found.host.memory_mib, found.host.swap.file_mib) == (2048, 0)
    assert found.pod.sizing.sidekiq_concurrency is None
