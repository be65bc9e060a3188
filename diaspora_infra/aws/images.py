"""Find the image of a Fedora CoreOS release, by the account that publishes it."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.arguments import ArgumentError, choice, last_line
from diaspora_infra.aws.defaults import RELEASE
from diaspora_infra.config import Architecture, Stream
from diaspora_infra.config.aws.availability import ACCOUNT_OF_FEDORA_COREOS

ARCHITECTURES = {Architecture.AARCH64: "arm64", Architecture.X86_64: "x86_64"}
"""What EC2 calls an architecture, by Fedora's name."""


class ImageArgs(TypedDict):
    """A Fedora CoreOS image. All are plain values, not outputs: the image is looked up before the machine is made."""

    architecture: Architecture
    """Architecture of the image and of the instance type."""
    version: str
    """Release, such as 44.20260802.3.1. It is pinned, so that a new one never replaces a machine unasked."""
    stream: NotRequired[Stream]
    """Update stream; stable when not set."""
    id: NotRequired[str]
    """Your own image instead, such as ami-0123456789abcdef0."""


def find_image(component: str, args: ImageArgs, parent: pulumi.Resource) -> str:
    """Id of an image. Raises ArgumentError when there is none or it has another architecture."""
    own = args.get("id")
    architecture = choice(component, "image.architecture", args["architecture"], Architecture)
    stream = choice(component, "image.stream", args.get("stream", RELEASE.stream), Stream)
    options = pulumi.InvokeOptions(parent=parent)
    release = f"fedora-coreos-{args['version']}-{architecture}"
    query = _query_of_id(own) if own is not None else _query_of_release(release, stream, args["version"])
    try:
        # one that Fedora has marked as outdated is still the one that the machine was made from
        image = aws.ec2.get_ami(**query, include_deprecated=True, opts=options)
    except Exception as error:
        region, reason = aws.get_region(opts=options).region, last_line(error)
        if own is not None:
            problem = f"no image {own} in {region}"
            raise ArgumentError(component, "image.id", problem, "name an existing image", reason) from None
        raise ArgumentError(
            component,
            "image.version",
            f"no image {release} of stream {stream} by account {ACCOUNT_OF_FEDORA_COREOS} in {region}",
            "allowed: a release that https://builds.coreos.fedoraproject.org lists",
            reason,
        ) from None
    if image.architecture != ARCHITECTURES[architecture]:
        raise ArgumentError(
            component,
            "image.id",
            f"{image.id} is of architecture {image.architecture}",
            f"the instance type needs {ARCHITECTURES[architecture]}",
        )
    return image.id


def _query_of_id(image_id: str) -> dict[str, Any]:
    return {"filters": [{"name": "image-id", "values": [image_id]}]}


def _query_of_release(name: str, stream: Stream, version: str) -> dict[str, Any]:
    # anybody can publish an image of this name; and the same account publishes those of all streams
    return {
        "owners": [ACCOUNT_OF_FEDORA_COREOS],
        "filters": [
            {"name": "name", "values": [name]},
            {"name": "description", "values": [f"Fedora CoreOS {stream} {version}*"]},
        ],
    }
