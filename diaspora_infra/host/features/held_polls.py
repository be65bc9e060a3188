"""Polls of open pages that do not wake a database that pauses, and do not keep it awake."""

from diaspora_infra.config.aws.availability import POLLS_OPEN_SECONDS
from diaspora_infra.host.fragment import AwsContext, Fragment, PodContext
from diaspora_infra.host.templates import render_tree

INTERVAL_SECONDS = 5
"""How often the connections of PgBouncer are looked at."""
MARGIN_SECONDS = 30
"""Beyond the idle time of PgBouncer, which looks at it from time to time."""


def held_polls(context: AwsContext) -> Fragment:
    """Tell nginx when to hold back the polls; nothing where the database never pauses."""
    if not polls_held(context):
        return {}
    return render_tree(
        "held_polls",
        open_seconds=POLLS_OPEN_SECONDS,
        held_seconds=context.aws.database.idle_seconds + MARGIN_SECONDS,
        interval_seconds=INTERVAL_SECONDS,
    )


def polls_held(context: PodContext) -> bool:
    """Whether nginx holds polls back."""
    return isinstance(context, AwsContext) and context.aws.database.pauses
