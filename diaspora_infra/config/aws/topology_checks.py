"""Which settings of target `aws` belong to one topology: to one machine with a volume, or to groups of machines."""

import ipaddress
from collections.abc import Iterator

from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.host.host import Host
from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.backup import Backup
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.problems import Problem, join_path

LEAST_MEMORY_MIB = 2048
"""A machine in a group has no data volume, so nothing but its memory may hold what does not fit."""
LARGEST_PREFIX = 23
"""A load balancer takes subnets of a /27 or larger, and a subnet is a sixteenth of the VPC (Application Load Balancer
guide, subnets for your load balancer)."""
HOLDS_ON_EACH_MACHINE = ("127.0.0.1", "0.0.0.0")  # noqa: S104  what a setting may say, not what anything binds to


def check_topology(aws: Aws, pod: Pod | None, host: Host | None) -> Iterator[Problem]:
    """Settings that the topology of a stack does not have."""
    if not aws.has_groups:
        yield from _single(aws)
        return
    yield from _groups(aws)
    if pod is not None:
        yield from _pod_in_groups(aws, pod)
    if host is not None and "updates" in host.model_fields_set:
        yield Problem(
            "host.updates",
            "not used with topology: ha, whose machines are replaced and not updated; remove it, and set "
            "aws.instance.release to a newer release from time to time",
        )


def _single(aws: Aws) -> Iterator[Problem]:
    if aws.edge == "loadBalancer":
        yield Problem("aws.edge", "loadBalancer: only used with topology: ha; set gateway or direct")
    if "ha" in aws.model_fields_set:
        yield Problem("aws.ha", "only used with topology: ha; remove it")


def _groups(aws: Aws) -> Iterator[Problem]:
    if aws.edge != "loadBalancer":
        yield Problem("aws.edge", f"{aws.edge}: only used with topology: single; remove it")
    if aws.uploads == "volume":
        yield Problem("aws.uploads", "volume: only used with topology: single; remove it")
    for path, table, key in (
        ("aws.instance", aws.instance, "data_gib"),
        ("aws.backups", aws.backups, "volume_snapshot_days"),
    ):
        if key in table.model_fields_set:
            yield Problem(_path(path, table, key), "not used with topology: ha, which has no data volume; remove it")
    if aws.instance_type.memory_mib < LEAST_MEMORY_MIB:
        key = "aws.instance.type" if aws.instance.type else "aws.size"
        yield Problem(
            key,
            f"{aws.instance_type_name} has {aws.instance_type.memory_mib} MiB of memory, and a machine of topology: ha "
            f"needs {LEAST_MEMORY_MIB}; remove it, or set aws.instance.type to t4g.small or a larger type",
        )
    yield from _network(aws)
    yield from _database(aws)


def _network(aws: Aws) -> Iterator[Problem]:
    network = aws.network
    if network.existing is not None:
        yield Problem(
            "aws.network.existing",
            "not supported with topology: ha, which needs a public subnet in each zone; remove it, and the stack makes "
            "a VPC",
        )
    elif ipaddress.IPv4Network(network.cidr).prefixlen > LARGEST_PREFIX:
        yield Problem(
            "aws.network.cidr",
            f"{network.cidr} is too small for topology: ha, whose load balancer needs subnets of a /27; "
            f"allowed: /16 to /{LARGEST_PREFIX}",
        )


def _database(aws: Aws) -> Iterator[Problem]:
    database = aws.database
    if database.engine == "onInstance":
        yield Problem(
            "aws.database.engine",
            "onInstance: only used with topology: single; set rds or auroraServerless",
        )
    if database.engine == "auroraServerless" and database.min_acu == 0:
        yield Problem(
            "aws.database.minAcu",
            "0.0: machines of topology: ha are always connected, so nothing pauses; remove it, or set 0.5 or more",
        )


def _pod_in_groups(aws: Aws, pod: Pod) -> Iterator[Problem]:
    if "upgrade" in pod.model_fields_set:
        yield Problem("pod.upgrade", "not used with topology: ha, where a change makes other machines; remove it")
    if pod.secrets_on_machine:
        yield Problem(
            "pod.secretsOnMachine",
            "not used with topology: ha, whose machines come and go; set the secrets in the stack, or name them in "
            "aws.existingParameters",
        )
    if pod.mail is not None and pod.mail.relay is not None:
        yield Problem(
            "pod.mail.relay",
            "not used with topology: ha: its queue would be lost with each machine; remove it, for Amazon SES, or set "
            "pod.mail.smtp",
        )
    if pod.backup is not None:
        yield from _backup(aws, pod.backup)
    if "tls" in pod.model_fields_set:
        yield Problem("pod.tls", "not used with topology: ha, where the load balancer has the certificate; remove it")
    if pod.monitoring.listen not in HOLDS_ON_EACH_MACHINE:
        yield Problem(
            "pod.monitoring.listen",
            f"{pod.monitoring.listen} is an address of one machine; allowed with topology: ha: "
            f"{', '.join(HOLDS_ON_EACH_MACHINE)}",
        )


def _backup(aws: Aws, backup: Backup) -> Iterator[Problem]:
    if backup.kind == "local" and not aws.backups.bucket:
        yield Problem(
            "pod.backup.repository",
            "local: a machine of topology: ha keeps nothing; set another one, or aws.backups.bucket: true",
        )
    if backup.restore_first:
        yield Problem(
            "pod.backup.restoreFirst",
            "not used with topology: ha, where each new machine would bring an older state back; remove it",
        )


def _path(path: str, table: Model, key: str) -> str:
    return join_path(path, type(table).model_fields[key].alias or key)
