"""The features of a machine, in the order in which they appear in its Butane document.

A feature is a function from a context to a fragment. Adding one means a module here, folders under `templates/` if it
has files, its settings, and its place in one of these lists. Features of the
machine see the whole settings, those of the pod a PodContext, and those of a pod on AWS an AwsContext.
"""

from collections.abc import Iterable

from diaspora_infra.config import AwsSettings
from diaspora_infra.config.aws.aws import JOB, WEB
from diaspora_infra.host.features.alerts import alerts
from diaspora_infra.host.features.aws_database import aws_database
from diaspora_infra.host.features.backup import backup
from diaspora_infra.host.features.data_volume import data_volume
from diaspora_infra.host.features.deployment import deployment
from diaspora_infra.host.features.diaspora import diaspora
from diaspora_infra.host.features.disk_space import disk_space
from diaspora_infra.host.features.firewall import firewall
from diaspora_infra.host.features.first_admin import first_admin
from diaspora_infra.host.features.first_bundle import first_bundle
from diaspora_infra.host.features.group_machine import data_folder, no_updates
from diaspora_infra.host.features.guest_agent import guest_agent
from diaspora_infra.host.features.hardening import hardening
from diaspora_infra.host.features.health import health
from diaspora_infra.host.features.held_polls import held_polls
from diaspora_infra.host.features.hostname import hostname
from diaspora_infra.host.features.image_build import image_build_unit
from diaspora_infra.host.features.image_pulls import image_pulls
from diaspora_infra.host.features.jobs import jobs
from diaspora_infra.host.features.journal import journal
from diaspora_infra.host.features.kernel_arguments import kernel_arguments
from diaspora_infra.host.features.machine_logs import machine_logs
from diaspora_infra.host.features.memory import memory
from diaspora_infra.host.features.monitoring import monitoring
from diaspora_infra.host.features.network import network
from diaspora_infra.host.features.nginx import nginx
from diaspora_infra.host.features.parameters import parameters
from diaspora_infra.host.features.pod_command import pod_command
from diaspora_infra.host.features.pod_data import pod_data
from diaspora_infra.host.features.pod_network import pod_network
from diaspora_infra.host.features.pod_secrets import pod_secrets
from diaspora_infra.host.features.postgresql import postgresql
from diaspora_infra.host.features.queue_age import queue_age
from diaspora_infra.host.features.ready import ready
from diaspora_infra.host.features.redis import redis
from diaspora_infra.host.features.registry import registry
from diaspora_infra.host.features.relay import relay
from diaspora_infra.host.features.release_notice import release_notice
from diaspora_infra.host.features.role_requests import role_requests
from diaspora_infra.host.features.ssh_host_keys import ssh_host_keys
from diaspora_infra.host.features.stack_images import stack_images
from diaspora_infra.host.features.storage import storage
from diaspora_infra.host.features.swap import swap, swap_file, zram
from diaspora_infra.host.features.switch_database import switch_database
from diaspora_infra.host.features.system_updates import system_updates
from diaspora_infra.host.features.time_zone import time_zone
from diaspora_infra.host.features.tls import tls
from diaspora_infra.host.features.updates import updates
from diaspora_infra.host.features.upgrade import upgrade
from diaspora_infra.host.features.uploads import uploads
from diaspora_infra.host.features.users import users
from diaspora_infra.host.fragment import (
    AwsContext,
    AwsFeature,
    Fragment,
    MachineContext,
    MachineFeature,
    PodContext,
    PodFeature,
    combine,
)

MACHINE_FEATURES: tuple[MachineFeature, ...] = (
    users,
    hostname,
    kernel_arguments,
    network,
    storage,
    time_zone,
    swap,
    updates,
    hardening,
    ssh_host_keys,
    journal,
    guest_agent,
)

_ON_AWS: dict[MachineFeature, MachineFeature] = {storage: data_volume, swap: zram}
AWS_MACHINE_FEATURES = (*(_ON_AWS.get(feature, feature) for feature in MACHINE_FEATURES), first_bundle)
"""On AWS the data is on a volume that Ignition does not know, and the machine fetches its bundle itself."""

GROUP_MACHINE_FEATURES: tuple[MachineFeature, ...] = (
    users,
    kernel_arguments,
    data_folder,
    time_zone,
    zram,
    no_updates,
    hardening,
    journal,
)
"""A machine in a group has nothing of its own: no name, no data, no keys. Whatever changes, another one replaces it."""

BASE_FEATURES: tuple[PodFeature, ...] = (
    firewall,
    pod_network,
    pod_data,
    pod_secrets,
    registry,
    image_pulls,
    image_build_unit,
)
"""What everything in a pod stands on."""

AWS_FEATURES: tuple[AwsFeature, ...] = (swap_file, parameters, stack_images, uploads, aws_database, held_polls)
"""Between the base and the services of a pod on AWS."""

SERVICE_FEATURES: tuple[PodFeature, ...] = (
    postgresql,
    redis,
    diaspora,
    first_admin,
    jobs,
    switch_database,
    tls,
    nginx,
    backup,
    relay,
    alerts,
    health,
    system_updates,
    release_notice,
    disk_space,
    monitoring,
    pod_command,
    upgrade,
    memory,
)

POD_FEATURES = BASE_FEATURES + SERVICE_FEATURES
"""The features of every pod."""

GROUP_AWS_FEATURES: tuple[AwsFeature, ...] = (
    swap_file,
    role_requests,
    parameters,
    stack_images,
    uploads,
    aws_database,
    deployment,
    ready,
    machine_logs,
    queue_age,
)
"""The same of a machine in a group. Its bundle is in its config, and its database never pauses."""

_OF_BOTH: tuple[PodFeature, ...] = (diaspora, jobs, alerts, health, disk_space, monitoring, pod_command, memory)
GROUP_SERVICE_FEATURES: dict[str, tuple[PodFeature, ...]] = {
    WEB: (*_OF_BOTH, nginx),
    JOB: (*_OF_BOTH, first_admin, backup, release_notice),
}
"""The services of a machine in a group, by its role. Redis runs elsewhere, and no machine is upgraded or restored."""


def machine_part(context: MachineContext) -> Fragment:
    """What the features of the machine add."""
    settings = context.settings
    if not isinstance(settings, AwsSettings):
        features = MACHINE_FEATURES
    else:
        features = GROUP_MACHINE_FEATURES if settings.aws.has_groups else AWS_MACHINE_FEATURES
    return combine(feature(context) for feature in features)


def pod_part(context: PodContext) -> Fragment:
    """What the features of the pod add."""
    services = GROUP_SERVICE_FEATURES.get(context.role, SERVICE_FEATURES)
    return combine(
        [
            *(feature(context) for feature in BASE_FEATURES),
            *_on_aws(context),
            *(feature(context) for feature in services),
        ]
    )


def _on_aws(context: PodContext) -> Iterable[Fragment]:
    if not isinstance(context, AwsContext):
        return ()
    features = GROUP_AWS_FEATURES if context.in_group else AWS_FEATURES
    return [feature(context) for feature in features]
