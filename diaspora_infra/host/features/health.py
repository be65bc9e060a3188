"""Health checks of the pod's services, so that the podmin gets an alert about a failing service."""

from diaspora_infra.config.aws.derived import SMALL_MEMORY_MIB
from diaspora_infra.host.containers import services
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.templates import file, render_tree

# Each check costs a tenth of a second of a CPU, and a small machine on AWS has a fifth of one. A check that such a
# machine is too busy to answer in time would kill what works, and the restart makes it busier.
_FEWER_CHECKS = "[Container]\nHealthInterval={seconds}s\nHealthTimeout=30s\n"
_FEWER_AT_START = "HealthStartupInterval=5s\n"
_SECONDS = {
    "uploads": 60,
    "postgresql": 30,
    "redis": 30,
    "diaspora-web": 30,
    "diaspora-sidekiq": 60,
    "nginx": 30,
}


def health(context: PodContext) -> Fragment:
    """Check every 15 minutes, and fail, which sends an alert, when a service is down for ten minutes.

    podman itself checks more often; on a machine with little memory and CPU less often, and more patiently.
    """
    tree = render_tree("health")
    if context.memory_mib > SMALL_MEMORY_MIB:
        return tree
    checked = [name for name in services(context) if name in _SECONDS]
    if context.database_on_aws:
        # only its programs are there
        checked.remove("postgresql")
    files = [file(f"/etc/containers/systemd/{name}.container.d/20-health.conf", _rare(name)) for name in checked]
    return combine([tree, {"storage": {"files": files}}])


def _rare(name: str) -> str:
    text = _FEWER_CHECKS.format(seconds=_SECONDS[name])
    # nothing waits for the first check of the uploads, so it has no check of its own at the start
    return text if name == "uploads" else text + _FEWER_AT_START
