"""Redis."""

from diaspora_infra.host.container_images import container_image, image_floats
from diaspora_infra.host.container_users import container_users
from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.sizes import sizes
from diaspora_infra.host.templates import render_tree


def redis(context: PodContext) -> Fragment:
    """Run the job queues of the pod."""
    return render_tree(
        "redis",
        image=container_image(context, "redis"),
        floats=image_floats(context, "redis"),
        user=container_users(context.pod).redis,
        maxmemory_mib=sizes(context.pod, context.memory_mib, context.swap).redis_mib,
    )
