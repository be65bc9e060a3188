"""`docs/cost.md`: the page about cost, with tables from the prices and the defaults of the settings."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from diaspora_infra.config import Settings, load
from diaspora_infra.config.aws.availability import POLL_SECONDS, POLLS_OPEN_SECONDS
from diaspora_infra.cost.awake import (
    DUMP_SECONDS_PER_GB,
    HABITS,
    JOBS_SECONDS,
    MAX_PODS,
    RESUME_SECONDS,
    RETRIES,
    tail_seconds,
    wakes,
)
from diaspora_infra.cost.items import aws_settings, monthly_items, monthly_usd
from diaspora_infra.cost.prices import (
    CACHE_NODES,
    FREE,
    INSTANCES,
    PRICED_REGION,
    PRICES,
    RDS_INSTANCES,
    SURPLUS_CREDITS,
    Price,
)
from diaspora_infra.cost.table import cost_table, markdown, number_text
from diaspora_infra.cost.target import PEOPLE_COUNTS, TARGET_USD, USUAL, hours_of, most_people, usd_of
from diaspora_infra.cost.traffic import HOURS_A_MONTH, PEOPLE, TRAFFIC, people_words, traffic_of

SHARE_OF_MICRO = Decimal("0.2")
"""Share of a t4g.micro in its two processors together (EC2 user guide, baseline utilization)."""
TARGET_HABITS = "quiet"
TARGET_PEOPLE = 3
"""`minimal` with Aurora stays below the target for so many people with these habits."""
UNCONFIRMED_MARGIN = Decimal("1.3")
"""The target holds even if every unconfirmed price is multiplied by this factor."""
_ON_INSTANCE: dict[str, Any] = {"database": {"engine": "onInstance"}}
_GROUPS: dict[str, Any] = {"topology": "ha"}
_PRICE = re.compile("(?<=<!-- price -->).*?(?=<!-- end of price -->)", re.DOTALL)

_EXAMPLE: dict[str, Any] = {
    "target": "aws",
    "pod": {
        "domain": "pod.example.org",
        "admin": {"username": "podmin", "email": "podmin@example.org"},
        "backup": {},
    },
    "host": {
        "users": [
            {
                "name": "core",
                "sshAuthorizedKeys": [
                    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPyvPaZYYgjxX2iI0ZNkUhRNBQvEYTB+rTcdfEAyLSZp"
                ],
            }
        ]
    },
}


def page_text() -> str:
    """The text of `docs/cost.md`."""
    return "\n".join((*_introduction(), *_awake(), *_sizes(), *_target(), *_other_ways(), *_assumptions(), *_prices()))


def with_price(readme: str) -> str:
    """README.md with its sentence on price. Raises ValueError where the place of the sentence is missing."""
    on_instance, aurora = example(**_ON_INSTANCE), example()
    sentence = (
        f"calculated: {usd_of(on_instance, 20):.2f} dollars a month for 20 people with the database on the machine; "
        f"with\nAurora, which sleeps, {usd_of(aurora, 1, 'quiet'):.2f} for one quiet person and "
        f"{usd_of(aurora, 20):.2f} for 20 usual ones"
    )
    text, count = _PRICE.subn(sentence, readme)
    if count != 1:
        raise ValueError(f"{count} sentences on price in README.md; one is needed, between its two comments")
    return text


def example(**aws: Any) -> Settings:
    """A stack with the defaults of everything but these keys of `aws`."""
    return load({**_EXAMPLE, "aws": {"region": PRICED_REGION, **aws}}, {"backupPassword"})


_ENGINES: Mapping[str, tuple[dict[str, Any], str]] = {
    "`onInstance`, at any hours": (_ON_INSTANCE, USUAL),
    "`rds`, at any hours": ({"database": {"engine": "rds"}}, USUAL),
    **{f"`auroraServerless`, {habits} people": ({}, habits) for habits in HABITS},
}


def _introduction() -> Iterator[str]:
    yield "# What a pod on AWS costs\n"
    yield "<!-- `make golden` writes this page from diaspora_infra/cost. Change the code, not this page. -->\n"
    yield from _filled(f"""
        **A database on the pod's own machine (`aws.database.engine: onInstance`) costs the same at any hour, and least
        for every number of people.** It shares the memory of the machine, and its backups are the pod's own. Aurora,
        the default, sleeps while nobody uses the pod; awake it costs {_hour_usd():.2f} dollars an hour, so its price
        depends on what people and other pods do. `rds` is a separate machine that never sleeps.""")
    yield f"| `aws.database.engine`, size `minimal` | {' | '.join(people_words(count) for count in PEOPLE_COUNTS)} |"
    yield f"|---|{'---:|' * len(PEOPLE_COUNTS)}"
    for name, (changes, habits) in _ENGINES.items():
        sums = " | ".join(f"{usd_of(example(**changes), count, habits):.2f}" for count in PEOPLE_COUNTS)
        yield f"| {name} | {sums} |"
    yield ""
    limits = [f"{_limit(most_people(example(), habits))} with {habits} habits" for habits in HABITS]
    yield from _filled(f"""
        US dollars a month **without tax**, in {PRICED_REGION}; every volume, bucket and address is included. With
        Aurora a pod stays under {TARGET_USD} dollars for {", ".join(limits)}. [The
        habits](#when-the-database-is-awake) are assumptions.""")
    yield """\
`diaspora-infra cost Pulumi.STACK.yaml` prints what your own stack file costs; `--people`, `--habits` and `--awake`, the
hours that you measured, say how it is used. The stack output `monthlyCost` has the sums. A budget sends a mail to
`aws.alertEmail` when 80 percent of `aws.monthlyBudgetUsd` are spent, and when AWS forecasts more than 100 percent; it
covers the whole account, without tax, and it stops nothing.

**The cost was never measured on a real account.** The sums are calculated from the prices below and from assumed
traffic. Whether a pod is fast enough on 1 GiB of memory is unverified: nobody has run one there, and two hundred people
surely need a larger machine. Start with `minimal` if the cost matters most, and change `aws.size` when pages become
slow; the machine is then replaced, its data stays.
"""


def _filled(text: str, first: str = "") -> Iterator[str]:
    """A paragraph, or with `first: "- "` a point of a list, in lines of the page's length."""
    words = " ".join(text.split())
    indent = " " * len(first)
    yield textwrap.fill(
        words, 120, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    if not first:
        yield ""


def _limit(people: int) -> str:
    return f"up to {people_words(people)}" if people else "nobody"


def _hour_usd() -> Decimal:
    """What an hour of a small database costs."""
    return PRICES["Aurora capacity"].usd * TRAFFIC["low"].database_acu


def _awake() -> Iterator[str]:
    settings = aws_settings(example())
    database = settings.aws.database
    least = database.idle_seconds + database.auto_pause_seconds
    yield "## When the database is awake\n"
    yield from _filled(f"""
        Aurora pauses `aws.database.autoPauseSeconds` ({database.auto_pause_seconds} seconds) after the last connection
        has ended, and PgBouncer ends a connection that nobody used for {database.idle_seconds} seconds. So one query
        costs at least {least // 60} minutes. These requests and jobs of diaspora* 0.9.1.0 ask the database; the numbers
        are assumptions:""")
    yield f"| What asks | a day, for {' | '.join(HABITS)} | Where in diaspora* |"
    yield f"|---|{'---:|' * len(HABITS)}---|"
    rows = [[*wakes(1, habits, settings, traffic_of(1))] for habits in HABITS.values()]
    for row in zip(*rows, strict=True):
        numbers = " | ".join(number_text(wake.times) for wake in row)
        yield f"| {row[0].name} | {numbers} | {row[0].source} |"
    yield ""
    for name, habits in HABITS.items():
        yield f"- **{name.capitalize()} habits**: {habits.who}."
    for point in _points():
        yield from _filled(point, "- ")
    yield ""
    pause = f"{RESUME_SECONDS} + {database.idle_seconds} + {database.auto_pause_seconds}"
    one, twenty = (tail_seconds(count, HABITS[USUAL], database) for count in (1, 20))
    yield f"""\
**The formula.** Each class comes at any time (a Poisson process) and holds the database awake: for its own seconds, for
those in which Aurora comes back, for the two idle times, and for the polls that are let through, with a mean of n open
pages. These times overlap, and their union counts; what happens once a day counts with its share of the day:

```text
seconds = own + {pause} + {POLLS_OPEN_SECONDS} (1 - e^-n) - {POLL_SECONDS} ((1 - e^-n) / n - e^-n)
asleep  = e^-(sum of times a day * seconds / 86400) * (1 - share of the jobs) * (1 - share of the backup)
```
"""
    yield from _filled(f"""
        With usual habits, one query holds it for {one:.0f} seconds in a pod of one person, and for {twenty:.0f} in a
        pod of 20.""")
    yield f"| Hours awake, of {HOURS_A_MONTH} a month | {' | '.join(people_words(count) for count in PEOPLE_COUNTS)} |"
    yield f"|---|{'---:|' * len(PEOPLE_COUNTS)}"
    for name in HABITS:
        yield f"| {name} | {' | '.join(f'{hours_of(example(), count, name):.0f}' for count in PEOPLE_COUNTS)} |"
    yield "\n**What is assumed, and what it changes:**\n"
    for point in (
        "The numbers of the first table: nobody has measured them. Twice as many visits, messages and hits mean almost "
        "twice as many hours, as long as the database sleeps most of the time. [An "
        "alarm](aws-data.md#the-alarm-on-hours-awake) tells you after days, not at the end of the month.",
        "Requests are even over the day. Real ones are not, and then overlap more: the hours are rather too high.",
        f"Aurora wakes up for nothing else, and is back in {RESUME_SECONDS} seconds. AWS says about 15 seconds, more "
        f"after a day asleep, and that maintenance wakes it. {RESUME_SECONDS} seconds more would add {_slower():.0f} "
        "hours for 20 usual people.",
        f"While it is awake, Aurora uses {number_text(TRAFFIC['typical'].database_acu)} ACU up to {PEOPLE['typical']} "
        "people. At 1 ACU, an hour costs twice as much.",
    ):
        yield from _filled(point, "- ")
    yield ""


def _points() -> Iterator[str]:
    yield f"""**Visits** take {_each("minutes")} minutes, and a person leaves a page open for {_each("open_hours")}
        hours a day."""
    yield f"""**Messages of other pods** count once for each burst. A person sends {_each("sent")} messages a day; a
        tenth of them meets a pod that is down, and diaspora* tries {RETRIES} times more."""
    yield f"""**Other pods** ask for the start page once a day, and it asks the database. At most {MAX_PODS} pods do."""
    yield f"""**Jobs and backup**: the jobs take {JOBS_SECONDS // 60} minutes, the backup {DUMP_SECONDS_PER_GB} seconds
        for each GB."""
    yield """**These ask nothing**: files, pictures, the page to log in, NodeInfo with its default settings, idle Puma
        and Sidekiq, and the health checks."""
    yield f"""**Open pages** ask for notifications every {POLL_SECONDS // 60} minutes. nginx answers them itself while
        the database sleeps, and lets them through for {POLLS_OPEN_SECONDS // 60} minutes after it woke up, so that a
        page hears of what woke it ([how](aws-data.md#open-pages-and-the-sleeping-database))."""


def _each(name: str) -> str:
    numbers = [number_text(getattr(habits, name)) for habits in HABITS.values()]
    return f"{', '.join(numbers[:-1])} or {numbers[-1]}"


def _slower() -> Decimal:
    """Hours more in a month for 20 usual people when Aurora needs twice as long to come back."""
    pause = aws_settings(example()).aws.database.auto_pause_seconds
    slower = example(database={"autoPauseSeconds": pause + RESUME_SECONDS})
    return hours_of(slower, 20) - hours_of(example(), 20)


def _sizes() -> Iterator[str]:
    for size in ("minimal", "small"):
        yield f"## Size {size}\n"
        yield from markdown(cost_table(example(size=size)))
        yield ""
    yield "## Topology ha\n"
    yield from _filled(f"""
        Several machines instead of one ([when](high-availability.md)): with RDS, the default there,
        {usd_of(example(**_GROUPS), 20):.2f} dollars for 20 people, and with Aurora, which does not sleep there,
        {usd_of(example(**_GROUPS, database={"engine": "auroraServerless"}), 20):.2f}. A third machine for requests adds
        {usd_of(example(**_GROUPS, ha={"webMachines": 3}), 20) - usd_of(example(**_GROUPS), 20):.2f}.""")
    yield from markdown(cost_table(example(**_GROUPS)))
    yield ""
    yield "A `?` after a price means that no source confirms it. Items without a price:"
    yield ""
    yield from (f"- {line}" for line in FREE)
    yield ""


def _target() -> Iterator[str]:
    minimal = example()
    usd = _usd(minimal)
    traffic, hours = traffic_of(TARGET_PEOPLE), hours_of(minimal, TARGET_PEOPLE, TARGET_HABITS)
    unsure = sum((item.usd for item in monthly_items(minimal, traffic, hours) if not item.price.confirmed), Decimal(0))
    dearer = usd + unsure * (UNCONFIRMED_MARGIN - 1)
    volume = _usd(example(instance={"dataGib": 20})) - usd
    wide = _usd(minimal, database_acu=Decimal(1))
    surplus = SURPLUS_CREDITS["t4g"]
    busy_cpu = _usd(minimal, surplus_cpu=HOURS_A_MONTH * (2 - SHARE_OF_MICRO))
    yield "## What exceeds the target\n"
    yield from _filled(f"""
        The target: less than {TARGET_USD} dollars. `minimal` with `onInstance` stays below it for up to
        {most_people(example(**_ON_INSTANCE))} people, if the machine is fast enough for them. With Aurora it costs
        {usd:.2f} for {people_words(TARGET_PEOPLE)} with {TARGET_HABITS} habits, who keep the database awake for
        {hours:.0f} hours. {unsure:.2f} of that depend on prices that no source confirms: if all of them were
        {UNCONFIRMED_MARGIN} times as high, the sum would be {dearer:.2f}, still below the target. What changes it:""")
    yield f"""\
| Change | A month then |
|---|---:|
| Tax, for example 20 percent value-added tax | {usd * Decimal("1.2"):.2f} |
| Five people, not {TARGET_PEOPLE} | {_usd(minimal, people=5):.2f} |
| Usual habits | {_usd(minimal, habits=USUAL):.2f} |
| The database awake half of the time | {_usd(minimal, hours=Decimal(HOURS_A_MONTH) / 2):.2f} |
| The database never asleep | {_usd(minimal, hours=Decimal(HOURS_A_MONTH)):.2f} |
| The database uses 1 ACU while it is awake, not {number_text(traffic.database_acu)} | {wide:.2f} |
| Both processors of the t4g.micro busy all the time | {busy_cpu:.2f} |
| `aws.size: small` | {_usd(example(size="small")):.2f} |
| A data volume 10 GiB larger | {usd + volume:.2f} |
| `database.engine: rds` | {_usd(example(database={"engine": "rds"})):.2f} |
| A log of all connections (`network.flowLogsDays: 30`) | {_usd(example(network={"flowLogsDays": 30})):.2f} |

- **Other regions** have other prices. This page does not estimate them.
- **CPU.** t4g and t3 machines have a share of their processors: a t4g.micro 10 percent of two. They get no credits
  when they start, so in AWS's mode `standard` each first boot would run at that share, for a quarter of an hour or
  more. The stack uses the mode `unlimited`: a boot borrows credits, and a quiet hour pays them back. What is not paid
  back within 24 hours, or when the machine is replaced or stopped, costs {surplus.usd:.2f} for an hour of one
  processor. The sums assume nothing of it; an alarm sends a mail when AWS charges for credits.
- **Traffic above 100 GB a month** costs {PRICES["traffic out"].usd:.2f} a GB: many pictures, many visitors, or an
  attack.
- **Not in the stack**: your domain's yearly fee, snapshots that you keep by hand, a support plan, the final snapshot of
  a database that `pulumi destroy` leaves.
- **Temporary discounts**: t4g.small was free of charge for 750 hours a month until 2026-12-31 (seen in January 2026),
  and new accounts have credits. Neither is included.
"""


_WAYS: Mapping[str, dict[str, Any]] = {
    "`minimal` as it is": {},
    "`edge: direct`": {"edge": "direct"},
    "`database.engine: onInstance`": {"database": {"engine": "onInstance"}},
    "`database.engine: onInstance`, `edge: direct`, `uploads: volume`": {
        "database": {"engine": "onInstance"},
        "edge": "direct",
        "uploads": "volume",
        "uploadsImage": None,
    },
    "`database.engine: rds`": {"database": {"engine": "rds"}},
    "`small` with `database.engine: onInstance`": {"size": "small", "database": {"engine": "onInstance"}},
}


def _other_ways() -> Iterator[str]:
    yield "## Other ways to run it\n"
    yield "With usual habits, and the database awake as long as that makes it:\n"
    yield f"| Settings | {' | '.join(people_words(count) for count in PEOPLE_COUNTS)} |"
    yield f"|---|{'---:|' * len(PEOPLE_COUNTS)}"
    for name, changes in _WAYS.items():
        sums = " | ".join(f"{usd_of(example(**changes), count):.2f}" for count in PEOPLE_COUNTS)
        yield f"| {name} | {sums} |"
    yield """
The sums include the volumes at the size that the settings request: a pod that outgrows them needs a larger
`aws.instance.dataGib`.
"""


def _assumptions() -> Iterator[str]:
    yield "## Assumed traffic\n"
    yield "The sums are calculated for three pods, and between them for other numbers of people; fewer people use as"
    yield "much as the smallest. None was measured; your own bill of one month tells you more.\n"
    yield f"| A month | {' | '.join(people_words(PEOPLE[name]) for name in TRAFFIC)} |"
    yield f"|---|{'---:|' * len(TRAFFIC)}"
    for name, words in {
        "requests": "Requests, millions",
        "surplus_cpu": "CPU above the share, hours of one processor",
        "traffic_out": "Traffic to the internet, GB",
        "traffic_between_zones": "Traffic between zones, GB each direction",
        "database": "Database, GB",
        "database_changes": "its change in a day, GB",
        "database_requests": "its reads and writes, millions",
        "database_acu": "its mean capacity while awake, ACU",
        "uploads": "Uploads, GB",
        "volume": "Data volume in use without swap, GB",
        "volume_changes": "its change in a day, GB",
        "backups": "Backups, GB",
        "storage_writes": "Writes of uploads, thousands",
        "storage_reads": "Reads of uploads, thousands",
        "backup_writes": "Writes of backups, thousands",
        "mails": "Mails, thousands",
        "dns_queries": "DNS queries, millions",
        "connection_log": "Connection log, GB (off by default)",
    }.items():
        values = (getattr(traffic, name) for traffic in TRAFFIC.values())
        cells = (value if isinstance(value, str) else number_text(value) for value in values)
        yield f"| {words} | {' | '.join(cells)} |"
    yield """
The swap file is assumed to change completely every day, which is the worst case for snapshots of the data volume. The
requests, traffic, mails and storage that an account has free in its first months are not subtracted, except the 100 GB
of traffic out and the 10 alarms.
"""


def _prices() -> Iterator[str]:
    yield "## Prices and their sources\n"
    yield f"Unit prices in {PRICED_REGION}, on demand, US dollars without tax. AWS itself was never queried.\n"
    yield "| Price of | Unit | Dollars | Confirmed | Source | Date |"
    yield "|---|---|---:|---|---|---|"
    prices: dict[str, Price] = {
        **{f"machine {name}": price for name, price in INSTANCES.items()},
        **{f"CPU above the share of {name}": price for name, price in SURPLUS_CREDITS.items()},
        **{f"RDS {name}": price for name, price in RDS_INSTANCES.items()},
        **{f"cache node {name}": price for name, price in CACHE_NODES.items()},
        **PRICES,
    }
    for name, price in prices.items():
        confirmed = "yes" if price.confirmed else "**no**"
        yield f"| {name} | {price.unit} | {price.usd} | {confirmed} | {price.source} | {price.date} |"
    yield ""


def _usd(
    settings: Settings,
    *,
    people: int = TARGET_PEOPLE,
    habits: str = TARGET_HABITS,
    hours: Decimal | None = None,
    **changes: Decimal,
) -> Decimal:
    traffic = replace(traffic_of(people), **changes)  # type: ignore[arg-type]
    return monthly_usd(settings, traffic, hours_of(settings, people, habits) if hours is None else hours)
