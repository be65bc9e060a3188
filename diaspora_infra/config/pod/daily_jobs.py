"""The `pod.dailyJobs` key: when diaspora* does its daily jobs."""

from collections.abc import Iterator

from diaspora_infra.config.host.host import Updates
from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.backup import Backup
from diaspora_infra.config.pod.times import MINUTES, Span, minute_of, update_spans, work_spans
from diaspora_infra.config.pod.upgrade import Upgrade
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import ClockTime


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
        return minute_of(self.time)


def check_daily_jobs(jobs: DailyJobs, backup: Backup | None, upgrade: Upgrade, updates: Updates) -> Iterator[Problem]:
    """Daily jobs at the time of what stops the pod or needs the whole machine."""
    span = Span("pod.dailyJobs.time", jobs.time)
    for other in (*work_spans(backup, upgrade), *update_spans(updates)):
        if span.overlaps(other):
            yield Problem(
                span.key, f"the jobs ({jobs.time}, up to {MINUTES} minutes) overlap {other}; choose another time"
            )
