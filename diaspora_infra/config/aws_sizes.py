"""What follows from the instance type: memory, swap, and how much the pod does at once. What the user sets counts."""

from typing import Any

from diaspora_infra.config.aws import Aws
from diaspora_infra.config.host import Host
from diaspora_infra.config.pod import Pod

SMALL_MEMORY_MIB = 1024
"""Up to here a machine gets a swap file, and Sidekiq does fewer jobs at once."""
SWAP_FILE_MIB = 1024
"""Beside zram: two Rails processes, Redis and the system together need more than 1 GiB."""
SIDEKIQ_CONCURRENCY = 2
"""A job of diaspora* may hold many outgoing requests (`typhoeusConcurrency`) and their answers in memory."""


def sized_host(host: Host, aws: Aws) -> Host:
    """The host with the memory of the instance type, and with a swap file where that is little."""
    changes: dict[str, Any] = {"memory_mib": aws.instance_type.memory_mib}
    if aws.instance_type.memory_mib <= SMALL_MEMORY_MIB and "file_mib" not in host.swap.model_fields_set:
        changes["swap"] = host.swap.model_copy(update={"file_mib": SWAP_FILE_MIB})
    return host.model_copy(update=changes)


def sized_pod(pod: Pod, aws: Aws) -> Pod:
    """The pod with fewer background jobs at once where memory is little; web requests follow the memory anyway."""
    if aws.instance_type.memory_mib > SMALL_MEMORY_MIB or pod.sizing.sidekiq_concurrency is not None:
        return pod
    sizing = pod.sizing.model_copy(update={"sidekiq_concurrency": SIDEKIQ_CONCURRENCY})
    return pod.model_copy(update={"sizing": sizing})
