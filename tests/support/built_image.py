"""A Containerfile that takes the place of the real one in whole pods: it builds on an image that the machine has."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

from diaspora_infra.config.images import IMAGES
from diaspora_infra.host import diaspora_image
from tests.support import configs

# the package has a function of the same name
render = importlib.import_module("diaspora_infra.host.render")
# where the real one has gems and assets
STEPS = """\
ARG RUBY_IMAGE
FROM ${RUBY_IMAGE} AS gems
RUN echo gems > /srv/diaspora/gems
FROM ${RUBY_IMAGE}
ARG SOURCE_COMMIT
RUN echo assets > /srv/diaspora/assets
COPY --from=gems /srv/diaspora/gems /srv/diaspora/gems
RUN echo "${SOURCE_COMMIT}" > /srv/diaspora/commit
"""


@contextmanager
def stand_in(steps: str = STEPS) -> Iterator[None]:
    """Let configs carry these steps; their base is the image of diaspora* that the machines of the tests have."""
    base = replace(IMAGES["ruby"], repository="registry.example.org/diaspora", tag="{version}", version="0.9.1.0")
    assert base.reference == configs.pod()["image"]
    with (
        mock.patch.dict(IMAGES, ruby=base),
        mock.patch.object(diaspora_image, "containerfile", lambda _image: steps),
        # the settings are the same, and what was rendered for them is remembered
        mock.patch.object(render, "_pod_parts", {}),
    ):
        yield
