"""How long background jobs wait, which no metric of AWS says: the job machine of a group sends one."""

from diaspora_infra.config.aws.parameter_names import QUEUE_AGE, metrics_namespace
from diaspora_infra.host.fragment import AwsContext, Fragment
from diaspora_infra.host.templates import render_tree


def queue_age(context: AwsContext) -> Fragment:
    """Send the age of the oldest waiting job each minute; nothing on a web machine."""
    if not context.works:
        return {}
    return render_tree("queue_age", namespace=metrics_namespace(context.pod), metric=QUEUE_AGE)
