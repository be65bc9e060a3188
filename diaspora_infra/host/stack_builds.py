"""The images that a stack on AWS builds: what each is built from, and what must succeed in a container of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from diaspora_infra.config.images import IMAGES
from diaspora_infra.host.diaspora_image import ImageBuild, base_image, containerfile, image_build
from diaspora_infra.host.fragment import AwsContext

_STARTS = {
    # all libraries of s3fs are there
    "s3fs": "s3fs --version",
    # Rails loads the whole program, with the settings of a pod that does not exist
    "diaspora": """test "$(id -u)" = 1000
cp config/database.yml.example config/database.yml
printf '%s\\n' '[configuration.environment]' 'url = "https://pod.example.org/"' \\
    'certificate_authorities = "/etc/ssl/certs/ca-certificates.crt"' '[production]' > config/diaspora.toml
timeout 300 bin/rake environment
""",
}


@dataclass(frozen=True)
class StackBuild:
    """An image that the stack builds. `start` are commands of a shell in a container of it, without a network."""

    build: ImageBuild
    start: str


def stack_builds(context: AwsContext) -> Mapping[str, StackBuild]:
    """The images that the stack builds, by name. Raises ConfigError when the commit of the release is not known."""
    builds = {"s3fs": s3fs_build, "diaspora": image_build}
    return {name: StackBuild(builds[name](context), _STARTS[name]) for name in context.built_images}


def s3fs_build(context: AwsContext) -> ImageBuild:
    """What an image with s3fs is built from."""
    return ImageBuild(IMAGES["debian"].version, containerfile("s3fs"), {"DEBIAN_IMAGE": base_image(context, "debian")})


def s3fs_image(context: AwsContext) -> str:
    """The reference of the image with s3fs."""
    return context.aws.uploads_image or f"localhost/s3fs:{s3fs_build(context).tag}"
