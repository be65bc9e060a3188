"""The `pod.diskSpace` key: protection from a full disk."""

from pydantic import Field

from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem


class DiskSpace(Model):
    """Protection from a full disk, checked every 15 minutes. Data is never removed."""

    warn_percent: int = Field(default=85, ge=10, le=98)
    """Usage of the data partition or the system disk, in percent, at which the podmin gets an alert."""
    prune_percent: int = Field(default=95, ge=11, le=99)
    """Usage in percent at which local backups except the last, caches and unused images are removed."""


def check_disk_space(settings: DiskSpace) -> list[Problem]:
    """Limits in the wrong order."""
    if settings.prune_percent > settings.warn_percent:
        return []
    warn = settings.warn_percent
    message = f"{settings.prune_percent} is not above pod.diskSpace.warnPercent ({warn}); allowed: {warn + 1} to 99"
    return [Problem("pod.diskSpace.prunePercent", message)]
