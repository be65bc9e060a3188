"""Uploads in a bucket: s3fs in a container. Every unit that reads or writes uploads waits for its mount."""

from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.fragment import Context, Fragment, combine
from diaspora_infra.host.on_aws import aws_of, has_uploads_bucket
from diaspora_infra.host.templates import file, render_tree

# A backup at boot waits, and a backup while the pod is stopped mounts the bucket.
BACKUP_FILE = "/etc/systemd/system/diaspora-backup.service.d/10-uploads.conf"
BACKUP_WAITS = "[Unit]\nWants=uploads.service\nAfter=uploads.service\n"


def uploads(context: Context) -> Fragment:
    """Mount the bucket of the stack; nothing where uploads are on the data partition."""
    aws = aws_of(context)
    if aws is None or not has_uploads_bucket(context):
        return {}
    layout = context.settings.pod.image_layout
    tree = render_tree(
        "uploads",
        image=aws.uploads_image or container_image(context, "s3fs"),
        region=aws.region,
        home=layout.home,
        uid=layout.uid,
    )
    if context.settings.pod.backup is None:
        return tree
    return combine([tree, {"storage": {"files": [file(BACKUP_FILE, BACKUP_WAITS)]}}])
