"""What has its time of the day: jobs that stop the pod or need the whole machine must not overlap."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from diaspora_infra.config.checking import readable
from diaspora_infra.config.host.host import Updates, UpdateWindow
from diaspora_infra.config.pod.backup import Backup
from diaspora_infra.config.pod.upgrade import Upgrade
from diaspora_infra.config.problems import Problem

MINUTES = 60
"""Minutes that a backup, an upgrade or the daily jobs may take, with their delays."""
DAY = 24 * 60
"""Minutes of a day."""


@dataclass(frozen=True)
class Span:
    """A span of a day: its key in the stack file, its start (HH:MM), and its length in minutes."""

    key: str
    start: str
    minutes: int = MINUTES

    def overlaps(self, other: "Span") -> bool:
        """Whether both have a minute in common, on whatever day."""
        one, two = minute_of(self.start), minute_of(other.start)
        return (two - one) % DAY < self.minutes or (one - two) % DAY < other.minutes

    def __str__(self) -> str:
        """Key, start and length, as messages name them."""
        return f"{self.key} ({self.start}, up to {self.minutes} minutes)"


def minute_of(time: str) -> int:
    """Minutes between midnight and HH:MM."""
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def work_spans(backup: Backup | None, upgrade: Upgrade) -> Iterator[Span]:
    """The daily backup and the automatic upgrade, as far as they are set."""
    yield from backup_spans(backup)
    yield from upgrade_spans(upgrade)


def backup_spans(backup: Backup | None) -> Iterator[Span]:
    """The daily backup, if it is set."""
    if backup is not None:
        yield Span("pod.backup.time", backup.time)


def upgrade_spans(upgrade: Upgrade) -> Iterator[Span]:
    """The automatic upgrade, if it is set."""
    if upgrade.automatic:
        yield Span("pod.upgrade.time", upgrade.time)


def update_spans(updates: Updates) -> Iterator[Span]:
    """The windows in which the machine may reboot; not those of more than half a day, which leave no better time."""
    windows = readable(updates.windows, _start_and_length) if updates.strategy == "periodic" else {}
    for index, (start, minutes) in windows.items():
        if minutes <= DAY // 2:
            yield Span(f"host.updates.windows[{index}]", start, minutes)


def _start_and_length(window: UpdateWindow) -> tuple[str, int]:
    return window.start_time, window.length_minutes


def check_times(works: Iterable[Span], updates: Updates) -> Iterator[Problem]:
    """A backup or an upgrade at a time when the machine may reboot: each would wait for the other."""
    for work in works:
        for window in update_spans(updates):
            if work.overlaps(window):
                yield Problem(
                    work.key,
                    f"{work.start}, up to {work.minutes} minutes, overlaps {window}, in which the machine may reboot; "
                    "choose another time",
                )
