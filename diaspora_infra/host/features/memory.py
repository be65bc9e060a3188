"""Memory limits of the containers."""

from diaspora_infra.host.containers import containers
from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.sizes import sizes
from diaspora_infra.host.templates import file

# The programs of a dump need little, and PgBouncer next to nothing.
_WITHOUT_SERVER = {"postgresql": 128, "pgbouncer": 32}
# s3fs: what it knows of 20000 files, and a few transfers at once
_UPLOADS = 192


def memory(context: PodContext) -> Fragment:
    """Limit every container, so that a memory leak restarts only that container."""
    limits = sizes(context.pod, context.memory_mib, context.swap, context.role).limits | {"uploads": _UPLOADS}
    if context.database_on_aws:
        limits |= _WITHOUT_SERVER
    # podman runs the container inside the control group of its service
    files = [
        file(f"/etc/containers/systemd/{name}.container.d/20-memory.conf", f"[Service]\nMemoryMax={limits[name]}M\n")
        for name in containers(context)
    ]
    return {"storage": {"files": files}}
