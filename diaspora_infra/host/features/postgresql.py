"""PostgreSQL."""

from diaspora_infra.config.images import POSTGRESQL_MAJOR
from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.container_users import container_users
from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.sizes import sizes
from diaspora_infra.host.templates import render_tree


def postgresql(context: PodContext) -> Fragment:
    """Run the database of the pod; nothing where AWS runs it."""
    if context.database_on_aws:
        return {}
    sized = sizes(context.pod, context.memory_mib, context.swap)
    return render_tree(
        "postgresql",
        image=container_image(context, "postgresql"),
        major=POSTGRESQL_MAJOR,
        user=container_users(context.pod).postgresql,
        # web and Sidekiq, another pair for commands by hand, and some for backup and the administrator
        max_connections=4 * sized.connections + 10,
        shared_buffers_mib=sized.shared_buffers_mib,
    )
