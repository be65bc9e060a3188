"""The hours in which a database that pauses is awake: what wakes it, how often, and the union of those times.

Requests and jobs come at any time (Poisson processes), and each holds the database awake for its own seconds, the idle
time of PgBouncer and that of Aurora. The database is asleep at a moment when none of them holds it, so the share asleep
is the product of exp(-rate x seconds) of each. What runs once a day counts with its share of the day. A day is taken to
be even: real days have quiet hours, which makes times overlap more, so the sum is rather too high than too low.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from diaspora_infra.config import AwsSettings
from diaspora_infra.config.aws.availability import POLL_SECONDS, POLLS_OPEN_SECONDS
from diaspora_infra.config.aws.aws import AwsDatabase
from diaspora_infra.cost.traffic import HOURS_A_MONTH, Traffic

RESUME_SECONDS = 30
"""Time in which Aurora comes back, counted as awake. AWS says about 15 seconds, and 30 or more after a day."""
RETRIES = 9
"""Further tries to deliver a message to a pod that does not answer, minutes and then hours apart (send_base.rb:24)."""
JOBS_SECONDS = 12 * 60
"""From the first of the daily jobs to the last (`pod.dailyJobs`)."""
DUMP_SECONDS_PER_GB = 60
"""The daily backup reads the whole database."""
MAX_PODS = 80
"""Pods that know a pod, at most: about as many pods of diaspora* are online."""
_DAY = 24 * 3600


@dataclass(frozen=True)
class Habits:
    """What people do in a day. Each number is an assumption."""

    who: str
    """In words."""
    visits: Decimal
    """Visits of a person."""
    minutes: Decimal
    """Length of a visit."""
    open_hours: Decimal
    """Hours for which a person leaves a page open."""
    received: Decimal
    """Messages of other pods for a person, alone or in bursts: posts, comments, likes."""
    sent: Decimal
    """Messages of a person to other pods."""
    failing: Decimal
    """Share of these that a pod does not take, because it is down."""
    pods: Decimal
    """Pods that know this one because of a person; each looks at its start page once a day."""
    strangers: Decimal
    """Hits of strangers, search engines and scanners on pages that ask the database; for the whole pod."""


def _habits(who: str, **numbers: str) -> Habits:
    return Habits(who, **{name: Decimal(number) for name, number in numbers.items()})


HABITS = {
    "quiet": _habits(
        "family or friends, with few contacts on other pods",
        visits="1", minutes="10", open_hours="0.5", received="1", sent="0.2", failing="0.1", pods="1", strangers="3",
    ),
    "usual": _habits(
        "people who look in twice a day and follow some others",
        visits="2", minutes="10", open_hours="2", received="5", sent="1", failing="0.1", pods="2", strangers="10",
    ),
    "lively": _habits(
        "well connected people who keep a page open",
        visits="4", minutes="15", open_hours="6", received="20", sent="4", failing="0.1", pods="5", strangers="30",
    ),
}  # fmt: skip
"""By name."""


@dataclass(frozen=True)
class Wake:
    """One class of what wakes the database."""

    name: str
    source: str
    """Where diaspora* 0.9.1.0 asks the database: files with lines."""
    times: Decimal
    """How often in a day."""
    seconds: Decimal = Decimal(1)
    """How long each asks, before the idle times begin."""
    scheduled: bool = False
    """Once a day, at a time of its own."""


def wakes(people: int, habits: Habits, settings: AwsSettings, traffic: Traffic) -> Iterator[Wake]:
    """Everything that wakes the database of a pod with so many people."""
    yield Wake(
        "Visits of people, a person",
        "app/controllers/streams_controller.rb:8 and all pages for members",
        people * habits.visits,
        habits.minutes * 60,
    )
    yield Wake(
        "Messages of other pods, a person",
        "config/initializers/diaspora_federation.rb:84, called by app/workers/receive_public.rb:11; of private ones "
        "config/initializers/diaspora_federation.rb:97 and app/workers/receive_private.rb:11",
        people * habits.received,
    )
    yield Wake(
        "Repeated deliveries to pods that are down, a person",
        "app/workers/send_base.rb:24 and config/initializers/diaspora_federation.rb:135",
        people * habits.sent * habits.failing * RETRIES,
    )
    yield Wake(
        "Daily checks by other pods, a person",
        "lib/connection_tester.rb:104 there, app/controllers/home_controller.rb:24 here",
        min(people * habits.pods, Decimal(MAX_PODS)),
    )
    yield Wake(
        "Strangers and crawlers, the pod",
        "app/controllers/home_controller.rb:24, posts_controller.rb:22, people_controller.rb:119; "
        "config/initializers/diaspora_federation.rb:17",
        habits.strangers,
    )
    yield Wake(
        "Daily jobs, the pod",
        "app/models/pod.rb:77 and 81, and the five other jobs of config/initializers/sidekiq_scheduled.rb",
        Decimal(1),
        Decimal(JOBS_SECONDS),
        scheduled=True,
    )
    if settings.pod.backup is not None:
        yield Wake(
            "Daily backup, the pod", "pg_dump", Decimal(1), DUMP_SECONDS_PER_GB * traffic.database, scheduled=True
        )


def awake_hours(people: int, habits: Habits, settings: AwsSettings, traffic: Traffic) -> Decimal:
    """Hours of a month in which the database is awake, with one decimal place; all of them where it cannot pause."""
    if not settings.aws.database.pauses:
        return Decimal(HOURS_A_MONTH)
    tail = tail_seconds(people, habits, settings.aws.database)
    asleep, load = Decimal(1), Decimal(0)
    for wake in wakes(people, habits, settings, traffic):
        share = wake.times * (wake.seconds + tail) / _DAY
        if wake.scheduled:
            asleep *= max(Decimal(0), 1 - share)
        else:
            load += share
    return round((1 - asleep * (-load).exp()) * HOURS_A_MONTH, 1)


def tail_seconds(people: int, habits: Habits, database: AwsDatabase) -> Decimal:
    """Seconds for which one query holds a database that pauses awake."""
    pages = people * habits.open_hours / 24
    return RESUME_SECONDS + database.idle_seconds + database.auto_pause_seconds + poll_seconds(pages)


def poll_seconds(pages: Decimal) -> Decimal:
    """Seconds that open pages add to a time awake: from its start to the last poll that nginx lets through.

    The time of a page's polls is as good as random. With n pages the last poll is on average `POLL_SECONDS` / (n + 1)
    before the polls are held back; n is a Poisson number with the mean `pages`.
    """
    if not pages:
        return Decimal(0)
    none = (-pages).exp()
    return POLLS_OPEN_SECONDS * (1 - none) - POLL_SECONDS * ((1 - none) / pages - none)
