"""The key `pod.imageArchive`: an image of diaspora* that was built once, for many machines."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import Architecture, Form, HttpUrl, Target

if TYPE_CHECKING:
    from diaspora_infra.config.pod.pod import Pod


class ImageArchive(Model):
    """The image of diaspora* in an OCI archive, which machines fetch instead of building it.

    `diaspora-image` on a provisioning server prints both values.
    """

    url: HttpUrl
    """Where a web server has the archive. It needs no HTTPS, because the digest comes with the config."""
    sha256: Annotated[str, Form("[0-9a-f]{64}", "a SHA-256 as 64 hex digits in lower case, as sha256sum prints it")]
    """Digest of the archive. A machine does not use an archive that has another one."""


def check_image_archive(pod: "Pod", target: Target, architectures: Iterable[Architecture]) -> list[Problem]:
    """An archive that no machine would use, or not all."""
    if pod.image_archive is None:
        return []
    key = "pod.imageArchive"
    if pod.image is not None:
        return [Problem(key, "only used without pod.image; remove it")]
    if target is Target.AWS:
        return [Problem(key, "not used on AWS, where the stack builds the image; remove it")]
    found = sorted(set(architectures))
    if len(found) > 1:
        here = " and ".join(found)
        return [Problem(key, f"the image is of one architecture, and the machines are {here}; remove it")]
    return []
