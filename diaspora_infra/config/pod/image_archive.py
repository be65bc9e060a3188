"""The key `pod.imageArchive`: an image of diaspora* that was built once, for many machines."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import Architecture, Form, HttpUrl, Target

if TYPE_CHECKING:
    from diaspora_infra.config.pod.pod import Pod

_KEY = "pod.imageArchive"


class ImageArchive(Model):
    """The image of diaspora* in an OCI archive, which machines fetch instead of building it.

    `diaspora-image` on a provisioning server prints both values.
    """

    url: HttpUrl
    """Where a web server has the archive. It needs no HTTPS, because the digest comes with the config."""
    sha256: Annotated[str, Form("[0-9a-f]{64}", "a SHA-256 as 64 hex digits in lower case, as sha256sum prints it")]
    """Digest of the archive. A machine does not use an archive that has another one."""


def check_archive_and_image(pod: "Pod") -> Iterator[Problem]:
    """An archive that no machine would use, because an image is set."""
    if pod.image_archive is not None and pod.image is not None:
        yield Problem(_KEY, "only used without pod.image; remove it")


def check_archive_and_target(pod: "Pod", target: Target) -> Iterator[Problem]:
    """An archive that no machine would use, because the stack builds the image."""
    if pod.image_archive is not None and pod.image is None and target is Target.AWS:
        yield Problem(_KEY, "not used on AWS, where the stack builds the image; remove it")


def check_archive_and_machines(pod: "Pod", architectures: Iterable[Architecture]) -> Iterator[Problem]:
    """An archive that not all machines can use."""
    found = sorted(set(architectures))
    if pod.image_archive is not None and pod.image is None and len(found) > 1:
        here = " and ".join(found)
        yield Problem(_KEY, f"the image is of one architecture, and the machines are {here}; remove it")
