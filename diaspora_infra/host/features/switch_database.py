"""The common part of restore and import, import itself, and the check that neither was interrupted."""

from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.container_users import container_users
from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree


def switch_database(context: PodContext) -> Fragment:
    """Install the programs; `diaspora-pod` runs them."""
    pod = context.pod
    return render_tree(
        "switch_database",
        domain=pod.domain,
        uploads_bucket=context.uploads_in_bucket,
        username=pod.admin.username,
        image=container_image(context, "diaspora"),
        home=pod.image_layout.home,
        user=container_users(pod).diaspora,
        shell=pod.image_layout.shell,
    )
