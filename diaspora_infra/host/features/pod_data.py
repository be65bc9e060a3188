"""The data partition: the check of its pod, and its directories."""

from diaspora_infra.host.container_images import CERTBOT_UID, NGINX_UID, POSTGRESQL_UID, REDIS_UID, RELAY_POSTFIX_UID
from diaspora_infra.host.features.tls import terminates_tls
from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree


def pod_data(context: PodContext) -> Fragment:
    """Refuse the data of another pod, create the directories, and group the pod's services."""
    pod = context.pod
    return render_tree(
        "pod_data",
        domain=pod.domain,
        restore_first=pod.backup is not None and pod.backup.restore_first,
        uploads_bucket=context.uploads_in_bucket,
        uid=pod.image_layout.uid,
        postgresql_uid=POSTGRESQL_UID,
        redis_uid=REDIS_UID,
        tls=terminates_tls(pod),
        nginx_uid=NGINX_UID,
        certbot_uid=CERTBOT_UID,
        relay=pod.mail is not None and pod.mail.relay is not None,
        postfix_uid=RELAY_POSTFIX_UID,
    )
