"""Uploads in a bucket: s3fs in a container, whose mount everything waits for that reads or writes uploads."""

from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.fragment import Context, Fragment
from diaspora_infra.host.on_aws import aws_of, has_uploads_bucket
from diaspora_infra.host.templates import render_tree


def uploads(context: Context) -> Fragment:
    """Mount the bucket of the stack; nothing where uploads are on the data partition."""
    aws = aws_of(context)
    if aws is None or not has_uploads_bucket(context):
        return {}
    layout = context.settings.pod.image_layout
    return render_tree(
        "uploads",
        image=aws.uploads_image or container_image(context, "s3fs"),
        region=aws.region,
        home=layout.home,
        uid=layout.uid,
    )
