"""Find the image of a Fedora CoreOS release, by the account that publishes it."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.config.aws.availability import ACCOUNT_OF_FEDORA_COREOS

ARCHITECTURES = {"aarch64": "arm64", "x86_64": "x86_64"}
"""What EC2 calls an architecture, by Fedora's name."""


class ImageArgs(TypedDict):
    """A Fedora CoreOS image."""

    architecture: str
    """aarch64 or x86_64."""
    version: str
    """Release, such as 44.20260802.3.1. It is pinned, so that a new one never replaces a machine unasked."""
    stream: NotRequired[str]
    """Update stream: stable (when not set), testing or next."""
    id: NotRequired[str]
    """An image of yours instead, such as ami-0123456789abcdef0."""


def find_image(args: ImageArgs, region: str, parent: pulumi.Resource) -> str:
    """Id of an image. Raises RunError, in one line, when there is none or it has another architecture."""
    own, architecture = args.get("id"), args["architecture"]
    if own is not None:
        query: dict[str, Any] = {"filters": [{"name": "image-id", "values": [own]}]}
        what = f"no image {own} in {region}"
    else:
        stream, name = args.get("stream", "stable"), f"fedora-coreos-{args['version']}-{architecture}"
        # anybody can publish an image of this name; and the same account publishes those of all streams
        query = {
            "owners": [ACCOUNT_OF_FEDORA_COREOS],
            "filters": [
                {"name": "name", "values": [name]},
                {"name": "description", "values": [f"Fedora CoreOS {stream} {args['version']}*"]},
            ],
        }
        what = f"no image {name} of stream {stream} by account {ACCOUNT_OF_FEDORA_COREOS} in {region}"
    options = pulumi.InvokeOptions(parent=parent)
    try:
        # one that Fedora has marked as outdated is still the one that the machine was made from
        image = aws.ec2.get_ami(**query, include_deprecated=True, opts=options)
    except Exception as error:
        raise pulumi.RunError(
            f"aws.instance.release: {what}; allowed: a release that "
            f"https://builds.coreos.fedoraproject.org lists ({last_line(error)})"
        ) from None
    if image.architecture != ARCHITECTURES[architecture]:
        raise pulumi.RunError(
            f"aws.instance.imageId: {image.id} is of architecture {image.architecture}; allowed: "
            f"{ARCHITECTURES[architecture]}, that of the instance type"
        )
    return image.id


def last_line(error: Exception) -> str:
    """What a provider says at the end of an error: the reason."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
