"""Exporters for Prometheus."""

from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.templates import render_tree


def monitoring(context: PodContext) -> Fragment:
    """Run the enabled exporters."""
    settings = context.pod.monitoring
    parts = []
    if settings.node_exporter:
        image = container_image(context, "node-exporter")
        parts.append(render_tree("node_exporter", image=image, listen=settings.listen))
    if settings.podman_exporter:
        image = container_image(context, "podman-exporter")
        parts.append(render_tree("podman_exporter", image=image, listen=settings.listen))
    return combine(parts)
