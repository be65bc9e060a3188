"""The images of the pod's containers: pulled by units of their own, and removed when no version needs them."""

from diaspora_infra.host.container_images import pod_images
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.templates import file, render_tree

_UNIT = "diaspora-image@{}.service"
_DROP_IN = "[Unit]\nRequires={unit}\nAfter={unit}\n"
_CONTAINERS = {
    # those of diaspora* by their prefix
    "diaspora": ["diaspora-", "public-files"],
    "postgresql": ["postgresql"],
    "redis": ["redis"],
    "nginx": ["nginx"],
    "certbot": ["certbot"],
    "relay": ["relay", "relay-dkim"],
    "node-exporter": ["node-exporter"],
    "podman-exporter": ["podman-exporter"],
    "pgbouncer": ["pgbouncer"],
    "s3fs": ["uploads"],
}
"""The containers of an image, by its name."""


def image_pulls(context: PodContext) -> Fragment:
    """Install `diaspora-image@NAME.service`, and let the containers wait for it.

    The units that start a container by a program name it themselves.
    """
    found = pod_images(context)
    waiting = [
        file(f"/etc/containers/systemd/{container}.container.d/15-image.conf", _DROP_IN.format(unit=_UNIT.format(name)))
        for name, containers in _CONTAINERS.items()
        if name in found
        for container in containers
        if context.answers or container != "public-files"
    ]
    return combine([render_tree("image_pulls", images=found), {"storage": {"files": waiting}}])
