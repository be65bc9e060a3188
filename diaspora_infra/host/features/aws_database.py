"""The connection to a database of AWS: PgBouncer for the pod, and the programs of PostgreSQL for backups."""

from diaspora_infra.host.container_images import PGBOUNCER_UID, POSTGRESQL_UID, container_image
from diaspora_infra.host.fragment import AwsContext, Fragment
from diaspora_infra.host.sizes import sizes
from diaspora_infra.host.templates import render_tree


def aws_database(context: AwsContext) -> Fragment:
    """Let the database sleep while nobody asks it anything; nothing where it runs on the machine."""
    if not context.database_on_aws:
        return {}
    return render_tree(
        "aws_database",
        region=context.aws.region,
        pgbouncer_image=container_image(context, "pgbouncer"),
        pgbouncer_uid=PGBOUNCER_UID,
        postgresql_image=container_image(context, "postgresql"),
        postgresql_uid=POSTGRESQL_UID,
        connections=sizes(context.pod, context.memory_mib, context.swap).connections,
        idle_seconds=context.aws.database.idle_seconds,
    )
