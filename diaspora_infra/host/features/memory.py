"""Memory limits of the containers."""

from diaspora_infra.config.aws.aws import JOB, WEB
from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.sizes import sizes
from diaspora_infra.host.templates import file

# The programs of a dump need little, and PgBouncer next to nothing.
_WITHOUT_SERVER = {"postgresql": 128, "pgbouncer": 32}
# s3fs: what it knows of 20000 files, and a few transfers at once
_UPLOADS = 192
# Containers of a pod that other machines of it have, by role.
_ELSEWHERE = {WEB: {"diaspora-migrate", "diaspora-administrator"}, JOB: {"diaspora-web"}}


def memory(context: PodContext) -> Fragment:
    """Limit every container, so that a memory leak restarts only that container."""
    limits = sizes(context.pod, context.memory_mib, context.swap, context.role).limits
    if context.pod.tls.mode != "acme":
        limits = {name: mib for name, mib in limits.items() if name != "certbot"}
    if context.database_on_aws:
        limits = {**limits, **_WITHOUT_SERVER}
    if context.uploads_in_bucket:
        limits = {**limits, "uploads": _UPLOADS}
    limits = {name: mib for name, mib in limits.items() if name not in _ELSEWHERE.get(context.role, ())}
    # podman runs the container inside the control group of its service
    files = [
        file(f"/etc/containers/systemd/{name}.container.d/20-memory.conf", f"[Service]\nMemoryMax={mib}M\n")
        for name, mib in limits.items()
    ]
    return {"storage": {"files": files}}
