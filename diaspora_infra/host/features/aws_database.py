"""The connection to a database of AWS: PgBouncer for the pod, and the programs of PostgreSQL for backups."""

from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.container_users import container_users
from diaspora_infra.host.fragment import AwsContext, Fragment, combine
from diaspora_infra.host.sizes import sizes
from diaspora_infra.host.templates import render_tree


def aws_database(context: AwsContext) -> Fragment:
    """Let the database sleep while nobody asks it anything; nothing where it runs on the machine."""
    if not context.database_on_aws:
        return {}
    users = container_users(context.pod)
    # the one container that goes past PgBouncer
    direct = render_tree("database_direct") if context.works else {}
    tree = render_tree(
        "aws_database",
        region=context.aws.region,
        pgbouncer_image=container_image(context, "pgbouncer"),
        pgbouncer_user=users.pgbouncer,
        postgresql_image=container_image(context, "postgresql"),
        postgresql_user=users.postgresql,
        connections=sizes(context.pod, context.memory_mib, context.swap, context.role).connections,
        idle_seconds=context.aws.database.idle_seconds,
    )
    return combine([tree, direct])
