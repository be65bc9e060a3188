"""Which settings of target `aws` belong to one topology: to one machine with a volume, or to groups of machines."""

import ipaddress
from collections.abc import Iterator

from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.checking import run_checks
from diaspora_infra.config.host.host import Host
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.problems import Problem

LEAST_MEMORY_MIB = 2048
"""A machine in a group has no data volume, so nothing but its memory may hold what does not fit."""
LARGEST_PREFIX = 23
"""A load balancer takes subnets of a /27 or larger, and a subnet is a sixteenth of the VPC (Application Load Balancer
guide, subnets for your load balancer)."""
HOLDS_ON_EACH_MACHINE = ("127.0.0.1", "0.0.0.0")  # noqa: S104  what a setting may say, not what anything binds to


def check_topology(aws: Aws) -> Iterator[Problem]:
    """Settings of the key `aws` that the topology of a stack does not have."""
    yield from run_checks(_OF_GROUPS if aws.has_groups else _OF_ONE_MACHINE, aws)


def check_topology_of_pod(aws: Aws, pod: Pod) -> Iterator[Problem]:
    """Settings of the pod that the topology of its stack does not have."""
    if aws.has_groups:
        yield from run_checks(_OF_POD_IN_GROUPS, aws, pod)


def check_topology_of_host(aws: Aws, host: Host) -> Iterator[Problem]:
    """Settings of every machine that the topology of their stack does not have."""
    if aws.has_groups and "updates" in host.model_fields_set:
        yield Problem(
            "host.updates",
            "not used with topology: ha, whose machines are replaced and not updated; remove it, and set "
            "aws.instance.release to a newer release from time to time",
        )


def _edge_of_one(aws: Aws) -> Iterator[Problem]:
    if aws.edge == "loadBalancer":
        yield Problem("aws.edge", "loadBalancer: only used with topology: ha; set gateway or direct")


def _ha(aws: Aws) -> Iterator[Problem]:
    if "ha" in aws.model_fields_set:
        yield Problem("aws.ha", "only used with topology: ha; remove it")


def _edge(aws: Aws) -> Iterator[Problem]:
    if aws.edge != "loadBalancer":
        yield Problem("aws.edge", f"{aws.edge}: only used with topology: single; remove it")


def _uploads(aws: Aws) -> Iterator[Problem]:
    if aws.uploads == "volume":
        yield Problem("aws.uploads", "volume: only used with topology: single; remove it")


def _data_volume(aws: Aws) -> Iterator[Problem]:
    if "data_gib" in aws.instance.model_fields_set:
        yield _no_volume("aws.instance.dataGib")


def _snapshots(aws: Aws) -> Iterator[Problem]:
    if "volume_snapshot_days" in aws.backups.model_fields_set:
        yield _no_volume("aws.backups.volumeSnapshotDays")


def _no_volume(path: str) -> Problem:
    return Problem(path, "not used with topology: ha, which has no data volume; remove it")


def _memory(aws: Aws) -> Iterator[Problem]:
    if aws.instance_type.memory_mib < LEAST_MEMORY_MIB:
        key = "aws.instance.type" if aws.instance.type else "aws.size"
        yield Problem(
            key,
            f"{aws.instance_type_name} has {aws.instance_type.memory_mib} MiB of memory, and a machine of topology: ha "
            f"needs {LEAST_MEMORY_MIB}; remove it, or set aws.instance.type to t4g.small or a larger type",
        )


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


def _engine(aws: Aws) -> Iterator[Problem]:
    if aws.database.engine == "onInstance":
        yield Problem(
            "aws.database.engine",
            "onInstance: only used with topology: single; set rds or auroraServerless",
        )


def _pause(aws: Aws) -> Iterator[Problem]:
    if aws.database.engine == "auroraServerless" and aws.database.min_acu == 0:
        yield Problem(
            "aws.database.minAcu",
            "0.0: machines of topology: ha are always connected, so nothing pauses; remove it, or set 0.5 or more",
        )


def _upgrade(_aws: Aws, pod: Pod) -> Iterator[Problem]:
    if "upgrade" in pod.model_fields_set:
        yield Problem("pod.upgrade", "not used with topology: ha, where a change makes other machines; remove it")


def _secrets_on_machine(_aws: Aws, pod: Pod) -> Iterator[Problem]:
    if pod.secrets_on_machine:
        yield Problem(
            "pod.secretsOnMachine",
            "not used with topology: ha, whose machines come and go; set the secrets in the stack, or name them in "
            "aws.existingParameters",
        )


def _relay(_aws: Aws, pod: Pod) -> Iterator[Problem]:
    if pod.mail is not None and pod.mail.relay is not None:
        yield Problem(
            "pod.mail.relay",
            "not used with topology: ha: its queue would be lost with each machine; remove it, for Amazon SES, or set "
            "pod.mail.smtp",
        )


def _repository(aws: Aws, pod: Pod) -> Iterator[Problem]:
    if pod.backup is not None and pod.backup.kind == "local" and not aws.backups.bucket:
        yield Problem(
            "pod.backup.repository",
            "local: a machine of topology: ha keeps nothing; set another one, or aws.backups.bucket: true",
        )


def _restore_first(_aws: Aws, pod: Pod) -> Iterator[Problem]:
    if pod.backup is not None and pod.backup.restore_first:
        yield Problem(
            "pod.backup.restoreFirst",
            "not used with topology: ha, where each new machine would bring an older state back; remove it",
        )


def _tls(_aws: Aws, pod: Pod) -> Iterator[Problem]:
    if "tls" in pod.model_fields_set:
        yield Problem("pod.tls", "not used with topology: ha, where the load balancer has the certificate; remove it")


def _listen(_aws: Aws, pod: Pod) -> Iterator[Problem]:
    if pod.monitoring.listen not in HOLDS_ON_EACH_MACHINE:
        yield Problem(
            "pod.monitoring.listen",
            f"{pod.monitoring.listen} is an address of one machine; allowed with topology: ha: "
            f"{', '.join(HOLDS_ON_EACH_MACHINE)}",
        )


_OF_ONE_MACHINE = (_edge_of_one, _ha)
_OF_GROUPS = (_edge, _uploads, _data_volume, _snapshots, _memory, _network, _engine, _pause)
_OF_POD_IN_GROUPS = (_upgrade, _secrets_on_machine, _relay, _repository, _restore_first, _tls, _listen)
