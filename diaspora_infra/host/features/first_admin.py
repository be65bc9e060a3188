"""The first administrator: an account that the machine creates in a pod without users."""

import json

from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.container_users import container_users
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.templates import file, render_tree


def first_admin(context: PodContext) -> Fragment:
    """Create the account `pod.admin` before the first start of the web server."""
    pod = context.pod
    tree = render_tree(
        "first_admin",
        image=container_image(context, "diaspora"),
        home=pod.image_layout.home,
        user=container_users(pod).diaspora,
        shell=pod.image_layout.shell,
        domain=pod.domain,
        in_group=context.in_group,
        username=pod.admin.username,
    )
    account = json.dumps({"username": pod.admin.username, "email": pod.admin.email}, indent=2)
    return combine([tree, {"storage": {"files": [file("/etc/diaspora/administrator/account.json", f"{account}\n")]}}])
