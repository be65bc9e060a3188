"""The mail relay of the pod: Postfix and OpenDKIM."""

import shlex

from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.container_users import container_users
from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree

# Postfix's first process creates and enters the folders of its other user, switches to that user, ends its processes,
# and listens on port 25.
CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETGID",
    "CAP_SETUID",
)
SMARTHOST_PASSWORD = "diaspora-smarthost-password"  # noqa: S105  # the name of a podman secret


def relay(context: PodContext) -> Fragment:
    """Run the relay; nothing without `pod.mail.relay`."""
    pod = context.pod
    if pod.mail is None or pod.mail.relay is None:
        return {}
    settings = pod.mail.relay
    username = settings.smarthost.username if settings.smarthost else None
    return render_tree(
        "relay",
        image=settings.image,
        application_image=container_image(context, "diaspora"),
        application_user=container_users(pod).diaspora,
        shell=pod.image_layout.shell,
        user=container_users(pod).relay_dkim,
        capabilities=CAPABILITIES,
        hello=settings.hello_name or pod.domain,
        domain=pod.mail.sender_domain,
        selector=settings.selector,
        subnet=pod.subnet,
        smarthost=settings.smarthost,
        username=shlex.quote(username) if username else None,
        password=SMARTHOST_PASSWORD if username else None,
    )
