"""Images that the stack builds on AWS: how a machine finds them, and has them built."""

from diaspora_infra.config.aws.parameter_names import (
    IMAGE_MISSING,
    NO_IMAGE,
    event_source,
    image_project,
    images_path,
)
from diaspora_infra.host.fragment import AwsContext, Fragment
from diaspora_infra.host.templates import render_tree


def stack_images(context: AwsContext) -> Fragment:
    """Install what asks the stack for an image, also where the settings name all: an upgrade may change that."""
    project = image_project(context.pod)
    return render_tree(
        "stack_images",
        project=project,
        source=event_source(project),
        missing=IMAGE_MISSING,
        path=images_path(context.aws, context.pod),
        architecture=context.architecture,
        no_image=NO_IMAGE,
    )
