"""The containers of a machine: each with when a machine has it, by its role and by what AWS takes over."""

from collections.abc import Callable

from diaspora_infra.host.fragment import PodContext

_When = Callable[[PodContext], bool]


def _always(_: PodContext) -> bool:
    return True


def _has_relay(context: PodContext) -> bool:
    return bool(context.pod.mail and context.pod.mail.relay)


# in the order of their start
_SERVICES: dict[str, _When] = {
    "uploads": lambda context: context.uploads_in_bucket,
    "pgbouncer": lambda context: context.database_on_aws,
    # only the programs for dumps, where the database is on AWS
    "postgresql": _always,
    "redis": lambda context: not context.in_group,
    "diaspora-web": lambda context: context.answers,
    "diaspora-sidekiq": lambda context: context.works,
    "nginx": lambda context: context.answers,
    "relay-dkim": _has_relay,
    "relay": _has_relay,
    "node-exporter": lambda context: context.pod.monitoring.node_exporter,
    "podman-exporter": lambda context: context.pod.monitoring.podman_exporter,
}
_TASKS: dict[str, _When] = {
    "diaspora-migrate": lambda context: context.works,
    "diaspora-administrator": lambda context: context.works,
    "diaspora-task": _always,
    "public-files": lambda context: context.answers,
    "certbot": lambda context: context.pod.tls.mode == "acme",
}


def services(context: PodContext) -> tuple[str, ...]:
    """Names of the containers that run all the time, in the order of their start."""
    return _present(_SERVICES, context)


def containers(context: PodContext) -> tuple[str, ...]:
    """Names of all containers: the services, and those that run for a while."""
    return services(context) + _present(_TASKS, context)


def _present(table: dict[str, _When], context: PodContext) -> tuple[str, ...]:
    return tuple(name for name, has in table.items() if has(context))
