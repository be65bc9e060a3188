"""Uploads in a bucket: s3fs in a container. Every unit that reads or writes uploads waits for its mount."""

from diaspora_infra.host.container_users import container_users
from diaspora_infra.host.fragment import AwsContext, Fragment, combine
from diaspora_infra.host.stack_builds import s3fs_image
from diaspora_infra.host.templates import file, render_tree

# A backup at boot waits, and a backup while the pod is stopped mounts the bucket.
BACKUP_FILE = "/etc/systemd/system/diaspora-backup.service.d/10-uploads.conf"
BACKUP_WAITS = "[Unit]\nWants=uploads.service\nAfter=uploads.service\n"


def uploads(context: AwsContext) -> Fragment:
    """Mount the bucket of the stack; nothing where uploads are on the data partition."""
    if not context.uploads_in_bucket:
        return {}
    layout = context.pod.image_layout
    tree = render_tree(
        "uploads",
        in_group=context.in_group,
        users=" ".join([*context.application_units, *(["nginx.service"] if context.answers else [])]),
        image=s3fs_image(context),
        region=context.aws.region,
        home=layout.home,
        user=container_users(context.pod).diaspora,
    )
    nginx = render_tree("uploads_nginx") if context.answers else {}
    waits: Fragment = {}
    if context.pod.backup is not None and context.works:
        waits = {"storage": {"files": [file(BACKUP_FILE, BACKUP_WAITS)]}}
    return combine([tree, nginx, waits])
