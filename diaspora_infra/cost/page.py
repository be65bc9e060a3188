"""`docs/cost.md`: the page about money, with tables made from the prices and the settings' defaults."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from diaspora_infra.config import Settings, load
from diaspora_infra.config.aws_facts import LONGEST_IDLE_SECONDS
from diaspora_infra.cost.items import monthly_items, monthly_usd
from diaspora_infra.cost.prices import FREE, INSTANCES, PRICED_REGION, PRICES, RDS_INSTANCES, Price
from diaspora_infra.cost.promise import PROMISE_HOURS, PROMISE_TRAFFIC, PROMISE_USD
from diaspora_infra.cost.table import AWAKE_HOURS, cost_table, markdown, number_text
from diaspora_infra.cost.traffic import HOURS_A_MONTH, TRAFFIC

AUTO_PAUSE_SECONDS = 300
"""Default of `aws.database.autoPauseSeconds`."""
SECONDS_AWAKE = AUTO_PAUSE_SECONDS + LONGEST_IDLE_SECONDS
"""What a question costs at least: PgBouncer keeps the connection for a while, and only then the pause is counted."""
UNCONFIRMED_MARGIN = Decimal("1.3")
"""The promise holds if every price that no source confirms is so many times as high."""

_EXAMPLE: dict[str, Any] = {
    "target": "aws",
    "pod": {
        "domain": "pod.example.org",
        "admin": {"username": "podmin", "email": "podmin@example.org"},
        "image": "registry.example.org/diaspora:0.9.1.0",
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
    return "\n".join((*_introduction(), *_sizes(), *_promise(), *_other_ways(), *_assumptions(), *_prices()))


def example(**aws: Any) -> Settings:
    """A stack with the defaults of everything but these keys of `aws`."""
    return load({**_EXAMPLE, "aws": {"region": PRICED_REGION, **aws}}, {"backupPassword"})


def _introduction() -> Iterator[str]:
    minimal, small = (_usd(example(size=size)) for size in ("minimal", "small"))
    yield f"""\
# What a pod on AWS costs

<!-- Written by `make golden` from diaspora_infra/cost. Change that, not this page. -->

`diaspora-infra cost Pulumi.STACK.yaml` prints what your own stack file costs a month. The stack output `monthlyCost`
has the sums. A budget sends a mail to `aws.notices` when 80 percent of `aws.monthlyBudgetUsd` are spent, and when AWS
foresees more than all of it; it looks at the whole account, without tax, and it stops nothing.

| `aws.size` | Machine | Memory | A month |
|---|---|---|---:|
| `minimal` (default) | t4g.micro | 1 GiB, zram and a swap file of 1 GiB | **{minimal:.2f}** |
| `small` | t4g.small | 2 GiB, zram | **{small:.2f}** |

US dollars **without tax**, in {PRICED_REGION}, with {PROMISE_TRAFFIC} traffic and the database awake for
{PROMISE_HOURS} hours a month; every volume, bucket and address is counted.

**No bill of this stack was ever seen.** The sums come from the prices below and from assumed traffic. Whether a pod is
pleasant to use on 1 GiB of memory is unverified: nobody has run one there. Begin with `minimal` if the money decides,
and change `aws.size` when pages become slow; the machine is then replaced, its data stays.
"""


def _sizes() -> Iterator[str]:
    for size in ("minimal", "small"):
        yield f"## Size {size}\n"
        yield from markdown(cost_table(example(size=size)))
        yield ""
    yield "`?` behind a price: no source confirms it. Without a price:"
    yield ""
    yield from (f"- {line}" for line in FREE)
    yield ""


def _promise() -> Iterator[str]:
    minimal = example()
    usd = _usd(minimal)
    unsure = sum(
        (
            item.usd
            for item in monthly_items(minimal, TRAFFIC[PROMISE_TRAFFIC], PROMISE_HOURS)
            if not item.price.confirmed
        ),
        Decimal(0),
    )
    dearer = usd + unsure * (UNCONFIRMED_MARGIN - 1)
    hour = _usd(minimal, hours=PROMISE_HOURS + 1) - usd
    times = PROMISE_HOURS * 3600 / SECONDS_AWAKE
    hourly = Decimal(24 * 30 * SECONDS_AWAKE) / 3600
    most = PROMISE_HOURS + math.floor((PROMISE_USD - usd) / hour)
    typical = TRAFFIC[PROMISE_TRAFFIC]
    volume = _usd(example(instance={"dataGib": 20})) - usd
    wide = _usd(minimal, acu=Decimal(1))
    yield f"""\
## What breaks the promise

The promise is: `minimal` stays under {PROMISE_USD} dollars with {PROMISE_TRAFFIC} traffic and the database awake for
{PROMISE_HOURS} hours. It comes to {usd:.2f}, so there is little room. {unsure:.2f} of that rest on prices that no
source confirms: were they all {UNCONFIRMED_MARGIN} times as high, it would still hold, with {dearer:.2f}.

| What | A month then |
|---|---:|
| Tax: 20 percent of value-added tax, for instance | {usd * Decimal("1.2"):.2f} |
| The database awake for {most} hours: as far as the promise reaches | {_usd(minimal, hours=Decimal(most)):.2f} |
| awake half of the time | {_usd(minimal, hours=Decimal(HOURS_A_MONTH) / 2):.2f} |
| never asleep | {_usd(minimal, hours=Decimal(HOURS_A_MONTH)):.2f} |
| The database takes 1 ACU while it is awake, not {number_text(typical.database_acu)} | {wide:.2f} |
| Busy traffic | {_usd(minimal, traffic="busy"):.2f} |
| `aws.size: small` | {_usd(example(size="small")):.2f} |
| A data volume 10 GiB larger | {usd + volume:.2f} |
| `database.engine: rds` | {_usd(example(database={"engine": "rds"})):.2f} |
| A log of all connections (`network.flowLogsDays: 30`) | {_usd(example(network={"flowLogsDays": 30})):.2f} |

- **What wakes the database.** Every visitor whom nginx cannot serve alone, every message from another pod, every job
  of Sidekiq, at any hour. Each time costs at least {SECONDS_AWAKE // 60} minutes: PgBouncer keeps the connection for
  {LONGEST_IDLE_SECONDS} seconds, then `aws.database.autoPauseSeconds` begin, 5 minutes. {PROMISE_HOURS} hours are
  {number_text(times)} such times a month, {number_text(times / 30)} a day, and the daily backup and Sidekiq's daily
  jobs take about two of them. One an hour is {number_text(hourly)} hours a month, and then the sum is
  {_usd(minimal, hours=hourly):.2f}. A pod with a few contacts may stay below that; one that is well connected will not.
  An hour awake costs {hour:.2f}. Look at the metric `ServerlessDatabaseCapacity` after a week.
- **Other regions** have other prices. They are not guessed here.
- **CPU.** t4g and t3 machines have a share of a processor. The stack makes them with credit mode `standard`: a busy
  machine becomes slow. Somebody who switches it to `unlimited` by hand pays for each hour above the share.
- **Traffic above 100 GB a month** costs {PRICES["traffic out"].usd:.2f} a GB: many pictures, many visitors, or
  somebody who means harm.
- **What is not in the stack**: your domain's yearly fee, snapshots that you keep by hand, a support plan, the final
  snapshot of a database that `pulumi destroy` leaves.
- **What makes it cheaper for a while**: t4g.small was free of charge for 750 hours a month until 2026-12-31 (seen in
  January 2026), and new accounts have credits. Neither is counted.
"""


_WAYS: Mapping[str, dict[str, Any]] = {
    "`minimal` as it is": {},
    "`edge: direct`": {"edge": "direct"},
    "`database.engine: onInstance`": {"database": {"engine": "onInstance"}},
    "`database.engine: onInstance`, `edge: direct`, `uploads: volume`": {
        "database": {"engine": "onInstance"},
        "edge": "direct",
        "uploads": "volume",
    },
    "`database.engine: rds`": {"database": {"engine": "rds"}},
    "`small` with `database.engine: onInstance`": {"size": "small", "database": {"engine": "onInstance"}},
}


def _other_ways() -> Iterator[str]:
    yield "## Other ways to run it\n"
    yield f"With {PROMISE_TRAFFIC} traffic, by the hours in which the database is awake:\n"
    yield f"| Settings | {' | '.join(f'{hours} h' for hours in AWAKE_HOURS)} |"
    yield "|---|---:|---:|---:|"
    for name, changes in _WAYS.items():
        sums = " | ".join(f"{_usd(example(**changes), hours=hours):.2f}" for hours in AWAKE_HOURS)
        yield f"| {name} | {sums} |"
    yield """
A pod that is awake most of the day is cheapest with `onInstance`: then the database is in the pod's own backups, and a
machine of 1 GiB has it to carry as well. The sums hold the volumes that the settings ask for: a pod that outgrows them
needs a larger `aws.instance.dataGib`.
"""


def _assumptions() -> Iterator[str]:
    yield "## The traffic that is assumed\n"
    yield "Three pods to reckon with. None was measured; a month of your own bill says more.\n"
    yield f"| A month | {' | '.join(TRAFFIC)} |"
    yield f"|---|{'---:|' * len(TRAFFIC)}"
    for name, words in {
        "who": "People",
        "requests": "Requests, millions",
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
The swap file is reckoned to change wholly every day, which is the worst that snapshots of the data volume can meet.
Requests, traffic, mails and storage that an account has free in its first months are not subtracted, but for the 100 GB
of traffic out and the 10 alarms.
"""


def _prices() -> Iterator[str]:
    yield "## Prices and their sources\n"
    yield f"Unit prices in {PRICED_REGION}, on demand, US dollars without tax. AWS itself was never asked.\n"
    yield "| Price of | Unit | Dollars | Confirmed | Source | Date |"
    yield "|---|---|---:|---|---|---|"
    prices: dict[str, Price] = {
        **{f"machine {name}": price for name, price in INSTANCES.items()},
        **{f"RDS {name}": price for name, price in RDS_INSTANCES.items()},
        **PRICES,
    }
    for name, price in prices.items():
        confirmed = "yes" if price.confirmed else "**no**"
        yield f"| {name} | {price.unit} | {price.usd} | {confirmed} | {price.source} | {price.date} |"
    yield ""


def _usd(
    settings: Settings, *, traffic: str = PROMISE_TRAFFIC, hours: Decimal = PROMISE_HOURS, acu: Decimal | None = None
) -> Decimal:
    used = TRAFFIC[traffic] if acu is None else replace(TRAFFIC[traffic], database_acu=acu)
    return monthly_usd(settings, used, hours)
