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
_USUAL = 5 * 60 + 30
_STEP = 30
_Other = tuple[str, str, int]


class DailyJobs(Model):
    """The daily jobs of diaspora*: clean-ups, birthdays, and the checks of other pods.

    They follow each other, so that a database that pauses wakes up once for all of them.
    """

    time: ClockTime | None = None
    """Start of the jobs, in the time zone of the machine, with a delay of up to half an hour that follows from the
    domain. When not set: 05:30, or the first half hour after it that is an hour apart from backup, upgrade and update
    windows."""


def daily_jobs_minute(jobs: DailyJobs, backup: Backup | None, upgrade: Upgrade, updates: Updates) -> int:
    """The start of the jobs in minutes after midnight: as set, or apart from everything else where there is room."""
    if jobs.time is not None:
        return _minute(jobs.time)
    others = list(_others(backup, upgrade, updates))
    starts = [(_USUAL + later) % _DAY for later in range(0, _DAY, _STEP)]
    return next((start for start in starts if not any(_overlap_with(start, other) for other in others)), _USUAL)


def check_daily_jobs(jobs: DailyJobs, backup: Backup | None, upgrade: Upgrade, updates: Updates) -> Iterator[Problem]:
    """Daily jobs that were set to the time of what stops the pod or needs the whole machine."""
    if jobs.time is None:
        return
    for other in _others(backup, upgrade, updates):
        if _overlap_with(_minute(jobs.time), other):
            name, time, minutes = other
            yield Problem(
                "pod.dailyJobs.time",
                f"the jobs ({jobs.time}, up to {MINUTES} minutes) overlap {name} ({time}, up to {minutes} minutes); "
                "choose another time",
            )


def _others(backup: Backup | None, upgrade: Upgrade, updates: Updates) -> Iterator[_Other]:
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


def _overlap_with(start: int, other: _Other) -> bool:
    _, time, minutes = other
    return (_minute(time) - start) % _DAY < MINUTES or (start - _minute(time)) % _DAY < minutes
