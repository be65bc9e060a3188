"""The command `diaspora-pod`, by which the podmin runs the pod on the machine."""

from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree

# The containers that run all the time, in the order of their start.
SERVICES = ("postgresql", "redis", "diaspora-web", "diaspora-sidekiq", "nginx")


def pod_command(context: PodContext) -> Fragment:
    """Install the command on PATH; it requires root."""
    pod = context.pod
    return render_tree(
        "pod_command",
        domain=pod.domain,
        services=services(context),
        shell=pod.image_layout.shell,
        in_group=context.in_group,
        works=context.works,
        image=container_image(context, "diaspora"),
    )


def services(context: PodContext) -> tuple[str, ...]:
    """The containers of this pod that run all the time."""
    pod = context.pod
    mount = ("uploads",) if context.uploads_in_bucket else ()
    pooler = ("pgbouncer",) if context.database_on_aws else ()
    exporters = [
        *(["node-exporter"] if pod.monitoring.node_exporter else []),
        *(["podman-exporter"] if pod.monitoring.podman_exporter else []),
    ]
    relay = ("relay-dkim", "relay") if pod.mail and pod.mail.relay else ()
    return (*mount, *pooler, *(name for name in SERVICES if _is_here(context, name)), *relay, *exporters)


def _is_here(context: PodContext, name: str) -> bool:
    """Whether a machine of this role runs the container."""
    return {
        "redis": not context.in_group,
        "diaspora-web": context.answers,
        "nginx": context.answers,
        "diaspora-sidekiq": context.works,
    }.get(name, True)
