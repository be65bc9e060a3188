"""The `pod.diskSpace` key: what happens before a disk is full."""

from pydantic import Field

from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem


class DiskSpace(Model):
    """Protection from a full disk; the machine looks every 15 minutes. Data is never removed."""

    warn_percent: int = Field(default=85, ge=10, le=98)
    """Tell the podmin when this much of the data partition or of the system disk is used."""
    prune_percent: int = Field(default=95, ge=11, le=99)
    """Remove what can be made again when this much is used: local backups but the last one, caches, unused images."""


def check_disk_space(settings: DiskSpace) -> list[Problem]:
    """Limits in the wrong order."""
    if settings.prune_percent > settings.warn_percent:
        return []
    warn = settings.warn_percent
    message = f"{settings.prune_percent} is not above pod.diskSpace.warnPercent ({warn}); allowed: {warn + 1} to 99"
    return [Problem("pod.diskSpace.prunePercent", message)]
