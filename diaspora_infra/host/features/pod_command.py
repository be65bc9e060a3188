"""The command `diaspora-pod`, by which the podmin runs the pod on the machine."""

from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.containers import services
from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree


def pod_command(context: PodContext) -> Fragment:
    """Install the command on PATH; it requires root."""
    pod = context.pod
    return render_tree(
        "pod_command",
        domain=pod.domain,
        services=services(context),
        shell=pod.image_layout.shell,
        in_group=context.in_group,
        works=context.works,
        image=container_image(context, "diaspora"),
    )
