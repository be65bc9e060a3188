"""The data partition: whose pod it holds, and its directories."""

from diaspora_infra.host.container_images import POSTGRESQL_UID, REDIS_UID
from diaspora_infra.host.fragment import Context, Fragment
from diaspora_infra.host.templates import render_tree


def pod_data(context: Context) -> Fragment:
    """Refuse the data of another pod, make the directories, and group the pod's services."""
    pod = context.settings.pod
    return render_tree(
        "pod_data",
        domain=pod.domain,
        uid=pod.image_layout.uid,
        postgresql_uid=POSTGRESQL_UID,
        redis_uid=REDIS_UID,
    )
