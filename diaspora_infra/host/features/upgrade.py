"""Upgrades: of the whole pod by `diaspora-pod upgrade`, of side containers by podman."""

import json
from typing import Any

from diaspora_infra.config.images import POSTGRESQL_MAJOR
from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.containers import services
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.templates import file, render_tree

POD_FILE = "/etc/diaspora/pod.json"


def upgrade(context: PodContext) -> Fragment:
    """Install `diaspora-pod upgrade`, and let podman update side containers."""
    pod = context.pod
    images = {"image": container_image(context, "diaspora"), "postgresql": container_image(context, "postgresql")}
    if pod.backup is not None:
        images["restic"] = container_image(context, "restic")
    content: dict[str, Any] = {
        "domain": pod.domain,
        "image": images["image"],
        "postgresql": {"image": images["postgresql"], "major": POSTGRESQL_MAJOR},
        "images": sorted(images.values()),
        "services": services(context),
    }
    # part of podman; it updates only containers with AutoUpdate=
    timer = {"name": "podman-auto-update.timer", "enabled": True}
    pod_file = file(POD_FILE, f"{json.dumps(content, indent=2)}\n")
    own: Fragment = {"storage": {"files": [pod_file]}, "systemd": {"units": [timer]}}
    tree = render_tree("upgrade")
    if not pod.upgrade.automatic:
        return combine([tree, own])
    return combine([tree, render_tree("automatic_upgrade", time=pod.upgrade.time), own])
