"""Protection from a full disk."""

from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree


def disk_space(context: PodContext) -> Fragment:
    """Check the disk space every 15 minutes; warn, then prune."""
    pod = context.pod
    return render_tree(
        "disk_space",
        domain=pod.domain,
        warn=pod.disk_space.warn_percent,
        prune=pod.disk_space.prune_percent,
        backup=pod.backup is not None and context.works,
        local=pod.backup is not None and pod.backup.kind == "local" and not context.backup_bucket,
    )
