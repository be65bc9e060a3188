"""The container images: the table `images.json`, and the releases of diaspora*.

No image was pulled or started by the project's own tests: the tests reach no container
registry. The tags were seen in use in public sources. `digests` of a tag, by architecture, are what
`python3 -m tools pin-images` writes; a tag without them is pulled by its name alone.
"""

import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from diaspora_infra.config.types import Architecture

Digests = Mapping[str, Mapping[str, str]]
"""sha256:... by tag and architecture."""


@dataclass(frozen=True)
class Image:
    """A default image: its repository, how its tag contains the version, and the version.

    `floating`: a version may name the minor version only (7.4); `podman auto-update` then brings its patch releases.
    Never so for what has to be migrated: diaspora* and PostgreSQL change by an upgrade of the pod.
    """

    repository: str
    tag: str
    version: str
    floating: bool = False
    digests: Digests = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """The image of the default version, by its tag alone."""
        return f"{self.repository}:{self.tag.format(version=self.version)}"

    def floats(self, version: str) -> bool:
        """Whether a version is a minor version that moves by itself."""
        return self.floating and version.count(".") == 1

    def pinned(self, architecture: Architecture, version: str | None = None) -> str:
        """The image of a version (the default one if not given), with its digest where the table has one."""
        tag = self.tag.format(version=version or self.version)
        digest = self.digests.get(tag, {}).get(architecture.value)
        return f"{self.repository}:{tag}@{digest}" if digest else f"{self.repository}:{tag}"


IMAGES = {
    name: Image(**entry)
    for name, entry in json.loads(
        importlib.resources.files("diaspora_infra.config").joinpath("images.json").read_text(encoding="utf-8")
    ).items()
}


# The data of one major version cannot be read by another.
POSTGRESQL_MAJOR = int(IMAGES["postgresql"].version.split(".")[0])

DIASPORA_VERSION = "0.9.1.0"
DIASPORA_COMMITS = {"0.9.1.0": "150f7788562e86a26721241e7c23646d9823528d"}
"""The commit of each release of diaspora* that this project has been compared with, as its tag vVERSION names it."""
