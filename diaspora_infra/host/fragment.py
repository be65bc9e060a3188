"""Fragments: what one feature adds to a machine, in the shape of a Butane document without its header."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from diaspora_infra.config import Architecture, AwsSettings, Machine, Pod, ProvisioningSettings, Settings
from diaspora_infra.config.aws.aws import JOB, WEB, Aws
from diaspora_infra.config.aws.derived import built_images
from diaspora_infra.config.host.firewall import Firewall
from diaspora_infra.config.host.host import Swap
from diaspora_infra.config.pod.daily_jobs import daily_jobs_minute
from diaspora_infra.config.secrets import secrets_in_ignition

Fragment = dict[str, Any]


@dataclass(frozen=True)
class MachineContext:
    """What a feature of the machine may look at, with a pod or without."""

    settings: Settings | ProvisioningSettings
    machine: Machine


@dataclass(frozen=True)
class PodMachineContext(MachineContext):
    """The same of a machine with a pod."""

    settings: Settings


@dataclass(frozen=True, kw_only=True)
class PodContext:
    """All that a feature of the pod may look at: contexts that are equal have the same bundle.

    `secrets` are keys and values of those that travel in the Ignition config; `daily_jobs_minute` is the start of the
    daily jobs in minutes after midnight. What AWS takes over from the machine are
    the properties of the settings with the same names.
    """

    pod: Pod
    architecture: Architecture
    memory_mib: int
    swap: Swap
    firewall: Firewall
    secrets: tuple[tuple[str, str], ...] = field(repr=False)
    database_on_aws: bool
    behind_gateway: bool
    uploads_in_bucket: bool
    backup_bucket: bool
    daily_jobs_minute: int
    role: str = "pod"
    """`pod` of a machine that does everything; `web` or `job` of a machine in a group (config/aws/aws.py)."""

    @property
    def on_aws(self) -> bool:
        """The machine is an EC2 instance."""
        return False

    @property
    def in_group(self) -> bool:
        """The machine has no data of its own: another one may take its place at any moment."""
        return self.role in (WEB, JOB)

    @property
    def answers(self) -> bool:
        """The machine answers requests."""
        return self.role != JOB

    @property
    def works(self) -> bool:
        """The machine does the background jobs, and what is done once for the whole pod."""
        return self.role != WEB

    @property
    def application_units(self) -> Sequence[str]:
        """The services of diaspora* that run on the machine all the time."""
        web, sidekiq = ["diaspora-web.service"], ["diaspora-sidekiq.service"]
        return [*(web if self.answers else []), *(sidekiq if self.works else [])]


@dataclass(frozen=True, kw_only=True)
class AwsContext(PodContext):
    """The same of a pod on AWS."""

    aws: Aws

    @property
    def built_images(self) -> Sequence[str]:
        """Names of the images that the stack builds."""
        return built_images(self.aws, self.pod)

    @property
    def on_aws(self) -> bool:
        """The machine is an EC2 instance."""
        return True


def pod_context(settings: Settings, machine: Machine, secrets: Mapping[str, str]) -> PodContext:
    """Take out of the settings what the pod's part of a machine follows from.

    `secrets` holds the values of the secret keys. Raises KeyError when one that travels is missing.
    """
    pod = settings.pod
    parts: dict[str, Any] = {
        "pod": pod,
        "architecture": machine.architecture,
        "memory_mib": settings.host.memory_mib,
        "swap": settings.host.swap,
        "firewall": settings.host.firewall,
        "secrets": tuple((secret.key, secrets[secret.key]) for secret in secrets_in_ignition(settings)),
        "database_on_aws": settings.database_on_aws,
        "behind_gateway": settings.behind_gateway,
        "uploads_in_bucket": settings.uploads_in_bucket,
        "backup_bucket": settings.backup_bucket,
        "daily_jobs_minute": daily_jobs_minute(pod.daily_jobs, pod.backup, pod.upgrade, settings.host.updates),
    }
    if isinstance(settings, AwsSettings):
        return AwsContext(**parts, aws=settings.aws, role=machine.name)
    return PodContext(**parts)


MachineFeature = Callable[[MachineContext], Fragment]
PodFeature = Callable[[PodContext], Fragment]
AwsFeature = Callable[[AwsContext], Fragment]


def combine(fragments: Iterable[Fragment]) -> Fragment:
    """Join fragments: tables are joined key by key, lists one after the other."""
    joined: Fragment = {}
    for fragment in fragments:
        _add(joined, fragment, "")
    return joined


def _add(into: dict[str, Any], table: Mapping[str, Any], path: str) -> None:
    for key, value in table.items():
        present = into.get(key)
        if present is None:
            into[key] = {} if isinstance(value, Mapping) else list(value) if isinstance(value, list) else value
            if isinstance(value, Mapping):
                _add(into[key], value, f"{path}.{key}")
        elif isinstance(present, dict) and isinstance(value, Mapping):
            _add(present, value, f"{path}.{key}")
        elif isinstance(present, list) and isinstance(value, list):
            present.extend(value)
        else:
            raise ValueError(f"two features set {path}.{key}")
