"""What a stack of target pxe needs of the network that nobody can check from here."""

from diaspora_infra.config.problems import Problem
from diaspora_infra.config.pxe.pxe import Pxe

_NEEDS_HTTPS = (
    "machines must boot an iPXE with HTTPS, which Debian's, this project's and every BIOS iPXE lack "
    '("Operation not supported", ipxe.org/3c092003)'
)


def notes(pxe: Pxe) -> list[Problem]:
    """Name the settings that put an https address into the iPXE script."""
    found = []
    if pxe.matchbox.http_url.startswith("https:"):
        found.append(Problem("pxe.matchbox.httpUrl", f"{_NEEDS_HTTPS}; or use http"))
    if pxe.release.source == "releases":
        found.append(Problem("pxe.release.source", f"{_NEEDS_HTTPS}; or use matchbox"))
    return found
