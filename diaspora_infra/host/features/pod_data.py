"""The data partition: the check of its pod, and its directories."""

from diaspora_infra.host.container_users import RELAY_POSTFIX_UID, container_users, named_users
from diaspora_infra.host.features.tls import terminates_tls
from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree


def pod_data(context: PodContext) -> Fragment:
    """Refuse the data of another pod, create the directories, and group the pod's services."""
    pod = context.pod
    users = container_users(pod)
    return render_tree(
        "pod_data",
        domain=pod.domain,
        restore_first=pod.backup is not None and pod.backup.restore_first,
        uploads_bucket=context.uploads_in_bucket,
        users=users,
        names=named_users(users),
        tls=terminates_tls(pod),
        in_group=context.in_group,
        relay=pod.mail is not None and pod.mail.relay is not None,
        postfix_uid=RELAY_POSTFIX_UID,
    )
