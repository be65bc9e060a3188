"""The container images of a machine."""

from diaspora_infra.config import ConfigError, Problem
from diaspora_infra.config.images import default_image
from diaspora_infra.host.fragment import AwsContext, PodContext


def container_image(context: PodContext, name: str) -> str:
    """The image of `config/images.py` for this machine, or the user's own image if set."""
    own = context.pod.image if name == "diaspora" else None
    image = own or default_image(name, context.architecture)
    if image is None:
        raise ConfigError([Problem("pod.image", f"missing; there is no default for {context.architecture}")])
    return image


def pod_images(context: PodContext) -> dict[str, str]:
    """All images of this pod by their names, those of programs that start a container among them."""
    pod = context.pod
    names = ["diaspora", "postgresql", "redis", "nginx"]
    names += ["certbot"] if pod.tls.mode == "acme" else []
    names += ["restic"] if pod.backup else []
    names += ["node-exporter"] if pod.monitoring.node_exporter else []
    names += ["podman-exporter"] if pod.monitoring.podman_exporter else []
    names += ["pgbouncer"] if context.database_on_aws else []
    found = {name: container_image(context, name) for name in names}
    if isinstance(context, AwsContext) and context.aws.uploads_image:
        found["s3fs"] = context.aws.uploads_image
    if pod.mail and pod.mail.relay:
        found["relay"] = pod.mail.relay.image
    return found
