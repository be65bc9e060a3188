"""The container images of a machine."""

from diaspora_infra.config import ConfigError, Problem
from diaspora_infra.config.images import default_image
from diaspora_infra.host.fragment import PodContext


def container_image(context: PodContext, name: str) -> str:
    """The image of `config/images.py` for this machine, or the user's own image if set."""
    own = context.pod.image if name == "diaspora" else None
    image = own or default_image(name, context.architecture)
    if image is None:
        raise ConfigError([Problem("pod.image", f"missing; there is no default for {context.architecture}")])
    return image
