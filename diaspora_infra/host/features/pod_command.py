"""The command `diaspora-pod`, by which the podmin runs the pod on the machine."""

from diaspora_infra.host.fragment import Context, Fragment
from diaspora_infra.host.on_aws import has_external_database, has_uploads_bucket
from diaspora_infra.host.templates import render_tree

# The containers that run all the time, in the order of their start.
SERVICES = ("postgresql", "redis", "diaspora-web", "diaspora-sidekiq", "nginx")


def pod_command(context: Context) -> Fragment:
    """Install the command on PATH; it requires root."""
    pod = context.settings.pod
    return render_tree("pod_command", domain=pod.domain, services=services(context))


def services(context: Context) -> tuple[str, ...]:
    """The containers of this pod that run all the time."""
    pod = context.settings.pod
    mount = ("uploads",) if has_uploads_bucket(context) else ()
    pooler = ("pgbouncer",) if has_external_database(context) else ()
    exporters = [
        *(["node-exporter"] if pod.monitoring.node_exporter else []),
        *(["podman-exporter"] if pod.monitoring.podman_exporter else []),
    ]
    relay = ("relay-dkim", "relay") if pod.mail and pod.mail.relay else ()
    return (*mount, *pooler, *SERVICES, *relay, *exporters)
