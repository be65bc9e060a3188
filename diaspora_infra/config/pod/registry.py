"""The `pod.registry` key: the login at a private container registry."""

from collections.abc import Iterable
from typing import Annotated

from diaspora_infra.config.images import IMAGES
from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import REGISTRY, Form

Server = Annotated[
    str,
    Form(REGISTRY, "the name of a registry, with an optional port, such as registry.example.org:5000", most=259),
]
Username = Annotated[
    str, Form(r"[A-Za-z0-9_.@+$/~=|-]{1,255}", "letters, digits and _ . @ + $ / ~ = | -, at most 255 characters")
]
"""It is part of a script, between single quotes. A colon would end it where the registry reads it."""


class Registry(Model):
    """Login at a private registry, with which the machine pulls the images that are there.

    The password is the secret `registryPassword`.
    """

    server: Server
    """The registry, as it is written in the names of the images."""
    username: Username
    """Account at the registry; one that may only pull is enough."""


def check_registry(registry: Registry | None, images: Iterable[str | None]) -> list[Problem]:
    """A registry that has none of the images: those that the user names, and the defaults."""
    if registry is None:
        return []
    references = [*filter(None, images), *(image.repository for image in IMAGES.values())]
    servers = sorted({reference.split("/")[0] for reference in references})
    if registry.server in servers:
        return []
    return [Problem("pod.registry.server", f"{registry.server} has no image of the pod; allowed: {', '.join(servers)}")]
