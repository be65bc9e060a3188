"""The default container images: one table, pinned by tag.

`verified` tells whether the image was pulled and started in the project's own tests. None could be: the machines
that build the project reach no container registry. The tags were seen in use in public sources.
"""

from dataclasses import dataclass

from diaspora_infra.config.types import Architecture

BOTH = frozenset(Architecture)


@dataclass(frozen=True)
class Image:
    """A default image; `reference` is None where users must name their own.

    `floating`: the tag names a minor version only, and `podman auto-update` brings its patch releases. Never so for
    what has to be migrated: diaspora* and PostgreSQL change by an upgrade of the pod.
    """

    reference: str | None
    architectures: frozenset[Architecture]
    verified: bool
    floating: bool = False


IMAGES = {
    "postgresql": Image("docker.io/library/postgres:17.9-bookworm", BOTH, verified=False),
    # with target aws; on the image's own user see host/container_users.py
    "pgbouncer": Image("docker.io/edoburu/pgbouncer:v1.24.1-p1", BOTH, verified=False),
    "redis": Image("docker.io/library/redis:7.4-bookworm", BOTH, verified=False, floating=True),
    "nginx": Image("docker.io/library/nginx:1.28-alpine", BOTH, verified=False, floating=True),
    "certbot": Image("docker.io/certbot/certbot:v5.7.0", BOTH, verified=False),
    "restic": Image("docker.io/restic/restic:0.18.0", BOTH, verified=False),
    # of a provisioning server; the tag of matchbox is that of the program which the tests run
    "matchbox": Image("quay.io/poseidon/matchbox:v0.11.0", BOTH, verified=False),
    "dnsmasq": Image("quay.io/poseidon/dnsmasq:v0.5.0-51-gc8a9de4", BOTH, verified=False),
    "node-exporter": Image("quay.io/prometheus/node-exporter:v1.9.1", BOTH, verified=False),
    "podman-exporter": Image("quay.io/navidys/prometheus-podman-exporter:v1.17.2", BOTH, verified=False),
    # No published image of diaspora* 0.9.1 could be verified: build containers/diaspora/Containerfile.
    "diaspora": Image(None, frozenset(), verified=False),
}

# The data of one major version cannot be read by another; it goes with the tag above.
POSTGRESQL_MAJOR = 17


def default_image(name: str, architecture: Architecture) -> str | None:
    """The default reference of an image, or None where this architecture has none."""
    image = IMAGES[name]
    return image.reference if architecture in image.architectures else None
