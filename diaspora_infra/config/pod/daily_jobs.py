"""The `pod.dailyJobs` key: when diaspora* does its daily jobs."""

from collections.abc import Iterator

from diaspora_infra.config.host.host import Updates
from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.backup import Backup
from diaspora_infra.config.pod.upgrade import Upgrade
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import ClockTime

MINUTES = 60
"""Minutes that the jobs, a backup or an upgrade may take, with their delays."""
_DAY = 24 * 60


class DailyJobs(Model):
    """The daily jobs of diaspora*: clean-ups, birthdays, and the checks of other pods.

    They follow each other, so that a database that pauses wakes up once for all of them.
    """

    time: ClockTime = "05:30"
    """Start of the jobs, in the time zone of the machine, with a delay of up to half an hour that follows from the
    domain."""

    @property
    def minute(self) -> int:
        """The start in minutes after midnight."""
        return _minute(self.time)


def check_daily_jobs(jobs: DailyJobs, backup: Backup | None, upgrade: Upgrade, updates: Updates) -> Iterator[Problem]:
    """Daily jobs at the time of what stops the pod or needs the whole machine."""
    for name, time, minutes in _others(backup, upgrade, updates):
        if _overlap(jobs.minute, MINUTES, _minute(time), minutes):
            yield Problem(
                "pod.dailyJobs.time",
                f"the jobs ({jobs.time}, up to {MINUTES} minutes) overlap {name} ({time}, up to {minutes} minutes); "
                "choose another time",
            )


def _others(backup: Backup | None, upgrade: Upgrade, updates: Updates) -> Iterator[tuple[str, str, int]]:
    """Key, start and minutes of everything else that has its time."""
    if backup is not None:
        yield "pod.backup.time", backup.time, MINUTES
    if upgrade.automatic:
        yield "pod.upgrade.time", upgrade.time, MINUTES
    for index, window in enumerate(updates.windows if updates.strategy == "periodic" else ()):
        # a window of more than half a day leaves no better time
        if window.length_minutes <= _DAY // 2:
            yield f"host.updates.windows[{index}]", window.start_time, window.length_minutes


def _minute(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def _overlap(one: int, minutes: int, other: int, other_minutes: int) -> bool:
    return (other - one) % _DAY < minutes or (one - other) % _DAY < other_minutes
