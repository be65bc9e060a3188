"""PostgreSQL."""

from diaspora_infra.config.images import POSTGRESQL_MAJOR
from diaspora_infra.host.container_images import POSTGRESQL_UID, container_image
from diaspora_infra.host.features.aws_database import aws_database
from diaspora_infra.host.fragment import Context, Fragment
from diaspora_infra.host.on_aws import aws_of, has_external_database
from diaspora_infra.host.sizes import sizes
from diaspora_infra.host.templates import render_tree


def postgresql(context: Context) -> Fragment:
    """Run the database of the pod, or the programs that connect to a database of AWS."""
    aws = aws_of(context)
    if aws is not None and has_external_database(context):
        return aws_database(context, aws)
    sized = sizes(context.settings.pod, context.settings.host)
    return render_tree(
        "postgresql",
        image=container_image(context, "postgresql"),
        major=POSTGRESQL_MAJOR,
        uid=POSTGRESQL_UID,
        # web and Sidekiq, another pair for commands by hand, and some for backup and the administrator
        max_connections=4 * sized.connections + 10,
        shared_buffers_mib=sized.shared_buffers_mib,
    )
