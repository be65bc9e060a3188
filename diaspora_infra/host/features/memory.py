"""Memory limits of the containers."""

from diaspora_infra.host.fragment import Context, Fragment
from diaspora_infra.host.on_aws import has_external_database, has_uploads_bucket
from diaspora_infra.host.sizes import sizes
from diaspora_infra.host.templates import file

# The programs of a dump need little, and PgBouncer next to nothing.
_WITHOUT_SERVER = {"postgresql": 128, "pgbouncer": 32}
# s3fs: what it knows of 20000 files, and a few transfers at once
_UPLOADS = 192


def memory(context: Context) -> Fragment:
    """Limit every container, so that a memory leak restarts only that container."""
    settings = context.settings
    limits = sizes(settings.pod, settings.host).limits
    if settings.pod.tls.mode != "acme":
        limits = {name: mib for name, mib in limits.items() if name != "certbot"}
    if has_external_database(context):
        limits = {**limits, **_WITHOUT_SERVER}
    if has_uploads_bucket(context):
        limits = {**limits, "uploads": _UPLOADS}
    # podman runs the container inside the control group of its service
    files = [
        file(f"/etc/containers/systemd/{name}.container.d/20-memory.conf", f"[Service]\nMemoryMax={mib}M\n")
        for name, mib in limits.items()
    ]
    return {"storage": {"files": files}}
