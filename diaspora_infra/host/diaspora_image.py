"""The image of diaspora*: the user's own, or one that the machine builds from `containers/diaspora/Containerfile`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from diaspora_infra.config import ConfigError
from diaspora_infra.config.images import IMAGES
from diaspora_infra.config.pod.versions import Build, missing_commit, source_commit
from diaspora_infra.config.types import Architecture
from diaspora_infra.host.fragment import PodContext


@dataclass(frozen=True)
class ImageBuild:
    """What an image is built from: the text of a Containerfile, and its build arguments."""

    version: str
    containerfile: str
    arguments: Mapping[str, str]

    @property
    def argument_file(self) -> str:
        """The build arguments as podman reads them: KEY=VALUE, a line each."""
        return "".join(f"{name}={value}\n" for name, value in sorted(self.arguments.items()))

    @property
    def content_hash(self) -> str:
        """12 hex digits that change with whatever the image is built from."""
        return hashlib.sha256(f"{self.argument_file}\0{self.containerfile}".encode()).hexdigest()[:12]

    @property
    def tag(self) -> str:
        """The tag of the image: the release and the hash."""
        return f"{self.version}-{self.content_hash}"

    @property
    def reference(self) -> str:
        """The name of the image on a machine that builds it."""
        return f"localhost/diaspora:{self.tag}"


def diaspora_image(context: PodContext) -> str:
    """The reference of the image that the containers of diaspora* use."""
    pod = context.pod
    if pod.image is not None:
        return pod.image
    return image_build(context).reference


def image_build(context: PodContext) -> ImageBuild:
    """What an image of this pod is built from. Raises ConfigError when the commit of the release is not known."""
    return _build_on(base_image(context, "ruby"), context.pod, "pod.sourceCommit")


def server_build(build: Build, architecture: Architecture) -> ImageBuild:
    """The same for an image that a provisioning server builds: machines with these settings use that very image."""
    base = IMAGES["ruby"].pinned(architecture)
    return _build_on(base, build, "provisioning.diasporaImage.sourceCommit")


def _build_on(base: str, build: Build, key: str) -> ImageBuild:
    commit = source_commit(build)
    if commit is None:
        raise ConfigError([missing_commit(key, build.version)])
    return ImageBuild(build.version, containerfile("diaspora"), {"RUBY_IMAGE": base, "SOURCE_COMMIT": commit})


def base_image(context: PodContext, name: str) -> str:
    """The image that an image is built on; on AWS from a registry that does not limit CodeBuild's addresses."""
    reference = IMAGES[name].pinned(context.architecture)
    return reference.replace("docker.io/", "public.ecr.aws/docker/", 1) if context.on_aws else reference


@cache
def containerfile(image: str) -> str:
    """The Containerfile of an image without its comments, which change nothing in the image."""
    package = Path(__file__).resolve().parent.parent
    name = Path("containers") / image / "Containerfile"
    # inside the installed package, or beside it in a checkout
    file = package / name if (package / name).is_file() else package.parent / name
    lines = file.read_text(encoding="utf-8").splitlines()
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))
