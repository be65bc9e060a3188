"""The `pod.dailyJobs` key: when diaspora* does its daily jobs."""

from collections.abc import Iterable, Iterator

from diaspora_infra.config.host.host import Updates
from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.backup import Backup
from diaspora_infra.config.pod.times import DAY, MINUTES, Span, minute_of, update_spans, work_spans
from diaspora_infra.config.pod.upgrade import Upgrade
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import ClockTime

_USUAL = 5 * 60 + 30
_STEP = 30


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
        return minute_of(jobs.time)
    others = [*work_spans(backup, upgrade), *update_spans(updates)]
    starts = [(_USUAL + later) % DAY for later in range(0, DAY, _STEP)]
    return next((start for start in starts if not any(_span(start).overlaps(other) for other in others)), _USUAL)


def check_daily_jobs(jobs: DailyJobs, others: Iterable[Span]) -> Iterator[Problem]:
    """Daily jobs that were set to the time of what stops the pod or needs the whole machine."""
    if jobs.time is None:
        return
    span = _span(minute_of(jobs.time))
    for other in others:
        if span.overlaps(other):
            yield Problem(
                span.key, f"the jobs ({jobs.time}, up to {MINUTES} minutes) overlap {other}; choose another time"
            )


def _span(start: int) -> Span:
    return Span("pod.dailyJobs.time", "{:02}:{:02}".format(*divmod(start, 60)))
