"""Upgrades: of the whole pod by `diaspora-pod upgrade`, of side containers by podman."""

import json

from diaspora_infra.config.images import POSTGRESQL_MAJOR
from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.fragment import Context, Fragment, combine
from diaspora_infra.host.templates import file, render_tree

POD_FILE = "/etc/diaspora/pod.json"


def upgrade(context: Context) -> Fragment:
    """Let the machine tell this version of the pod from another, and update side containers by themselves."""
    pod = context.settings.pod
    known = {
        "domain": pod.domain,
        "image": container_image(context, "diaspora"),
        "postgresql": {"image": container_image(context, "postgresql"), "major": POSTGRESQL_MAJOR},
    }
    # part of podman; it updates only containers with AutoUpdate=
    timer = {"name": "podman-auto-update.timer", "enabled": True}
    pod_file = file(POD_FILE, f"{json.dumps(known, indent=2)}\n")
    return combine([render_tree("upgrade"), {"storage": {"files": [pod_file]}, "systemd": {"units": [timer]}}])
