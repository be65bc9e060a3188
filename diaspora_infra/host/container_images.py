"""The container images of a machine."""

from diaspora_infra.config.images import IMAGES
from diaspora_infra.host.diaspora_image import diaspora_image
from diaspora_infra.host.fragment import AwsContext, PodContext
from diaspora_infra.host.stack_builds import s3fs_image


def image_floats(context: PodContext, name: str) -> bool:
    """Whether podman updates the image of this pod by itself."""
    return IMAGES[name].floats(_version(context, name))


def _version(context: PodContext, name: str) -> str:
    version: str = getattr(context.pod.versions, name.replace("-", "_"))
    return version


def container_image(context: PodContext, name: str) -> str:
    """The image of `config/images.json` for this machine in the version of this pod, or that of diaspora*."""
    if name == "diaspora":
        return diaspora_image(context)
    return IMAGES[name].pinned(context.architecture, _version(context, name))


def pod_images(context: PodContext) -> dict[str, str]:
    """All images of this pod by their names, those of programs that start a container among them."""
    pod = context.pod
    names = ["diaspora", "postgresql"]
    names += [] if context.in_group else ["redis"]
    names += ["nginx"] if context.answers else []
    names += ["certbot"] if pod.tls.mode == "acme" else []
    names += ["restic"] if pod.backup and context.works else []
    names += ["node-exporter"] if pod.monitoring.node_exporter else []
    names += ["podman-exporter"] if pod.monitoring.podman_exporter else []
    names += ["pgbouncer"] if context.database_on_aws else []
    found = {name: container_image(context, name) for name in names}
    if isinstance(context, AwsContext) and context.uploads_in_bucket:
        found["s3fs"] = s3fs_image(context)
    if pod.mail and pod.mail.relay:
        found["relay"] = pod.mail.relay.image
    return found
