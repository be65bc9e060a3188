"""The container images of a machine, and their users."""

from diaspora_infra.config import ConfigError, Problem
from diaspora_infra.config.images import default_image
from diaspora_infra.host.fragment import PodContext

# Users inside the official images: Debian variants of postgres and redis, all variants of nginx.
POSTGRESQL_UID = 999
REDIS_UID = 999
NGINX_UID = 101
# The image of PgBouncer needs no user of its own: it writes to /tmp only.
PGBOUNCER_UID = 104
# The certbot image has no user of its own; this one is nobody else's in the images above.
CERTBOT_UID = 102
# containers/relay/Containerfile
RELAY_POSTFIX_UID = 201
RELAY_DKIM_UID = 203


def container_image(context: PodContext, name: str) -> str:
    """The image of `config/images.py` for this machine, or the user's own image if set."""
    own = context.pod.image if name == "diaspora" else None
    image = own or default_image(name, context.architecture)
    if image is None:
        raise ConfigError([Problem("pod.image", f"missing; there is no default for {context.architecture}")])
    return image
