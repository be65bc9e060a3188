"""Alerts to the podmin about failures, by mail if the pod has mail, and in the journal."""

import json

from diaspora_infra.config.secrets import application_variables
from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.container_users import container_users
from diaspora_infra.host.diaspora_image import image_build
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.mail_settings import alert_settings
from diaspora_infra.host.templates import file, render_tree


def alerts(context: PodContext) -> Fragment:
    """Add the unit `diaspora-alert@.service`, which others name in OnFailure=, and the programs behind it."""
    pod = context.pod
    relay = pod.mail.relay if pod.mail else None
    account = {secret.key: secret.podman_name for secret in application_variables(pod)}
    tree = render_tree(
        "alerts",
        mail=pod.mail is not None,
        to=pod.admin.email,
        relay=relay,
        hello=(relay.hello_name if relay else None) or pod.domain,
        sender_domain=pod.mail.sender_domain if pod.mail else None,
        smtp_host=pod.mail.smtp.host if pod.mail and pod.mail.smtp else None,
        domain=pod.domain,
        image=container_image(context, "diaspora"),
        base=image_build(context).arguments["RUBY_IMAGE"] if pod.image is None else None,
        user=container_users(pod).diaspora,
        shell=pod.image_layout.shell,
        by_ses=pod.mail is not None and pod.mail.by_ses,
        username=account.get("smtpUsername"),
        password=account.get("smtpPassword"),
    )
    if pod.mail is None:
        return tree
    settings = file("/etc/diaspora/mail.json", json.dumps(alert_settings(pod), indent=2) + "\n")
    return combine([tree, render_tree("mail"), {"storage": {"files": [settings]}}])
