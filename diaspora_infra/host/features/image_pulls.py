"""The images of the pod's containers: pulled by units of their own, and removed when no version needs them."""

from diaspora_infra.host.container_images import pod_images
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.templates import file, render_tree

_UNIT = "diaspora-image@{}.service"
_DROP_IN = "[Unit]\nRequires={unit}\nAfter={unit}\n"


def image_pulls(context: PodContext) -> Fragment:
    """Install `diaspora-image@NAME.service`, and let the units that use an image wait for it."""
    found = pod_images(context)
    waiting = [
        file(path, _DROP_IN.format(unit=_UNIT.format(name)))
        for name, paths in _drop_ins().items()
        if name in found
        for path in paths
    ]
    return combine([render_tree("image_pulls", images=found), {"storage": {"files": waiting}}])


def _drop_ins() -> dict[str, list[str]]:
    """The drop-ins of what uses an image, by its name. What else uses that of diaspora* waits for the signing key."""
    containers = {
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
    units = {"diaspora": ["diaspora-signing-key"], "restic": ["diaspora-backup", "diaspora-backup-check"]}
    folders = {name: [f"/etc/containers/systemd/{entry}.container.d" for entry in containers.get(name, ())]
               for name in {**containers, **units}}  # fmt: skip
    for name, entries in units.items():
        folders[name] += [f"/etc/systemd/system/{entry}.service.d" for entry in entries]
    return {name: [f"{folder}/15-image.conf" for folder in paths] for name, paths in folders.items()}
