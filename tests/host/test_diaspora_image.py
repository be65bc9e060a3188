"""The image of diaspora*: which one the containers use, and what follows from its content."""

from dataclasses import replace

from diaspora_infra.config.images import DIASPORA_COMMITS
from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.diaspora_image import diaspora_image, image_build
from tests.host.pod import pod_context


def test_own_image_wins() -> None:
    own = pod_context(image="registry.example.org/mine:1", version="0.9.2.0").of_pod
    assert diaspora_image(own) == container_image(own, "diaspora") == "registry.example.org/mine:1"


def test_tag_follows_from_what_is_built() -> None:
    context = pod_context(image=None).of_pod
    build = image_build(context)
    assert container_image(context, "diaspora") == f"localhost/diaspora:0.9.1.0-{build.content_hash}"
    commit = DIASPORA_COMMITS["0.9.1.0"]
    assert build.argument_file == f"RUBY_IMAGE=docker.io/library/ruby:3.3.10-slim-bookworm\nSOURCE_COMMIT={commit}\n"
    others = [
        image_build(pod_context(image=None, sourceCommit="a" * 40).of_pod),
        replace(build, arguments={**build.arguments, "RUBY_IMAGE": "registry.example.org/ruby:1"}),
        replace(build, containerfile=f"{build.containerfile}USER 0\n"),
    ]
    assert len({build.content_hash, *(other.content_hash for other in others)}) == 4


def test_comments_of_the_containerfile_change_nothing() -> None:
    text = image_build(pod_context(image=None).of_pod).containerfile
    assert text.startswith("ARG RUBY_IMAGE=")
    assert not [line for line in text.splitlines() if not line or line.lstrip().startswith("#")]
