"""Protection from a full disk."""

from diaspora_infra.host.fragment import Context, Fragment
from diaspora_infra.host.on_aws import has_backup_bucket
from diaspora_infra.host.templates import render_tree


def disk_space(context: Context) -> Fragment:
    """Check the disk space every 15 minutes; warn, then prune."""
    pod = context.settings.pod
    return render_tree(
        "disk_space",
        domain=pod.domain,
        warn=pod.disk_space.warn_percent,
        prune=pod.disk_space.prune_percent,
        backup=pod.backup is not None,
        local=pod.backup is not None and pod.backup.kind == "local" and not has_backup_bucket(context),
    )
