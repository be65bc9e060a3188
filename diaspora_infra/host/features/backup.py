"""Backups: restic in a container, started by timers."""

import shlex

from diaspora_infra.config.pod.backup import Backup
from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.templates import file, render_tree

KNOWN_HOSTS = "/etc/diaspora/backup/known_hosts"


def backup(context: PodContext) -> Fragment:
    """Back up the pod every day and check the repository every week; nothing without `pod.backup`."""
    pod = context.pod
    if pod.backup is None:
        return {}
    values = {
        "image": container_image(context, "restic"),
        "diaspora_image": container_image(context, "diaspora"),
        "domain": pod.domain,
        "in_group": context.in_group,
        "uploads_bucket": context.uploads_in_bucket,
        "repository": pod.backup.repository,
        "kind": "bucket" if context.backup_bucket else pod.backup.kind,
        "username": shlex.quote(pod.backup.username) if pod.backup.username else None,
        "sftp_command": _sftp_command(pod.backup),
        "time": pod.backup.time,
        "retention": pod.backup.retention,
    }
    tree = render_tree("backup", **values)
    if not context.in_group:
        first = [render_tree("restore_first")] if pod.backup.restore_first else []
        tree = combine([tree, render_tree("restore", **values), *first])
    if pod.backup.host_key is None:
        return tree
    # "backup" instead of the server's name: ssh looks a key up under HostKeyAlias, whatever the port
    known_hosts = file(KNOWN_HOSTS, f"backup {pod.backup.host_key}\n")
    return combine([tree, {"storage": {"files": [known_hosts]}}])


def _sftp_command(settings: Backup) -> str:
    if settings.kind != "sftp":
        return ""
    user, host, port = settings.sftp_server
    options = (
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={KNOWN_HOSTS}",
        "HostKeyAlias=backup",
        "IdentitiesOnly=yes",
        "ServerAliveInterval=30",
    )
    words = ["ssh", "-i", "/run/secrets/diaspora-backup-ssh-key", "-p", str(port)]
    words += [word for option in options for word in ("-o", option)]
    return " ".join([*words, f"{user}@{host}", "-s", "sftp"])
