"""The image of diaspora*: which one the containers use, and what follows from its content."""

from dataclasses import replace

from diaspora_infra.config.images import DIASPORA_COMMITS, IMAGES
from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.diaspora_image import containerfile, diaspora_image, image_build
from diaspora_infra.host.fragment import AwsContext
from diaspora_infra.host.stack_builds import s3fs_image, stack_builds
from tests.host.aws_pod import aws_context
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


def test_stack_on_aws_builds_what_the_settings_do_not_name() -> None:
    built = aws_of(image=None, uploads=None)
    builds = stack_builds(built)
    assert list(builds) == ["s3fs", "diaspora"]
    assert diaspora_image(built) == f"localhost/diaspora:{builds['diaspora'].build.tag}"
    assert s3fs_image(built) == f"localhost/s3fs:{builds['s3fs'].build.tag}"
    # Docker Hub limits what addresses that many share may pull
    assert builds["diaspora"].build.arguments["RUBY_IMAGE"].startswith("public.ecr.aws/docker/library/ruby:")
    assert builds["s3fs"].build.arguments == {"DEBIAN_IMAGE": "public.ecr.aws/docker/library/debian:13.2-slim"}
    assert builds["diaspora"].build.tag != image_build(pod_context(image=None).of_pod).tag
    own = "registry.example.org/own:1"
    assert list(stack_builds(aws_of(image=own, uploads=None))) == ["s3fs"]
    assert list(stack_builds(aws_of(image=None, uploads=own))) == ["diaspora"]
    assert s3fs_image(aws_of(image=None, uploads=own)) == own


def test_default_base_images_are_those_of_the_containerfiles() -> None:
    for folder, name, argument in (("diaspora", "ruby", "RUBY_IMAGE"), ("s3fs", "debian", "DEBIAN_IMAGE")):
        assert f"ARG {argument}={IMAGES[name].reference}\n" in containerfile(folder)


def aws_of(image: str | None, uploads: str | None) -> AwsContext:
    context = aws_context(pod_changes={"image": image}, uploadsImage=uploads).of_pod
    assert isinstance(context, AwsContext)
    return context
