"""The certificate of the pod: a placeholder at first, then certbot's or the podmin's own."""

import re

from diaspora_infra.config import Pod
from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.container_users import container_users
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.templates import render_tree


def tls(context: PodContext) -> Fragment:
    """Provide nginx with a certificate; nothing when a proxy terminates TLS."""
    pod = context.pod
    if not terminates_tls(pod):
        return {}
    users = container_users(pod)
    nginx_image = container_image(context, "nginx")
    placeholder = render_tree(
        "tls",
        application_image=container_image(context, "diaspora"),
        application_user=users.diaspora,
        shell=pod.image_layout.shell,
        domain=pod.domain,
        nginx_user=users.nginx,
    )
    if pod.tls.mode == "own":
        return combine([placeholder, render_tree("own_certificate", nginx_image=nginx_image, nginx_user=users.nginx)])
    certbot = render_tree(
        "certbot",
        image=container_image(context, "certbot"),
        user=users.certbot,
        nginx_image=nginx_image,
        nginx_user=users.nginx,
        domain=pod.domain,
        server=pod.tls.acme.server,
        email=pod.tls.acme.email or pod.admin.email,
        name=lineage(pod),
    )
    return combine([placeholder, certbot])


def terminates_tls(pod: Pod) -> bool:
    """Tell whether nginx on the machine terminates TLS."""
    return pod.tls.mode != "behindProxy"


def lineage(pod: Pod) -> str:
    """Name certbot's folder of a certificate: one for each authority."""
    address = pod.tls.acme.server.removeprefix("https://").lower()
    return re.sub("[^a-z0-9]+", "-", address).strip("-")
