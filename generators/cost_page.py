"""`docs/cost.md`: the page about cost, with tables from the prices and the defaults of the settings."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from diaspora_infra.config import Settings, load
from diaspora_infra.config.aws.availability import MAX_IDLE_SECONDS
from diaspora_infra.cost.items import monthly_items, monthly_usd
from diaspora_infra.cost.prices import FREE, INSTANCES, PRICED_REGION, PRICES, RDS_INSTANCES, SURPLUS_CREDITS, Price
from diaspora_infra.cost.table import AWAKE_HOURS, cost_table, markdown, number_text
from diaspora_infra.cost.target import TARGET_HOURS, TARGET_TRAFFIC, TARGET_USD
from diaspora_infra.cost.traffic import HOURS_A_MONTH, TRAFFIC

AUTO_PAUSE_SECONDS = 300
"""Default of `aws.database.autoPauseSeconds`."""
SECONDS_AWAKE = AUTO_PAUSE_SECONDS + MAX_IDLE_SECONDS
"""Minimum time awake after a query: first PgBouncer keeps the connection, then Aurora's idle time begins."""
SHARE_OF_MICRO = Decimal("0.2")
"""Share of a t4g.micro in its two processors together (EC2 user guide, baseline utilization)."""
UNCONFIRMED_MARGIN = Decimal("1.3")
"""The target holds even if every unconfirmed price is multiplied by this factor."""

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


_S3FS = {"uploadsImage": "registry.example.org/s3fs:1"}


def page_text() -> str:
    """The text of `docs/cost.md`."""
    return "\n".join((*_introduction(), *_sizes(), *_target(), *_other_ways(), *_assumptions(), *_prices()))


def example(**aws: Any) -> Settings:
    """A stack with the defaults of everything but these keys of `aws`."""
    return load({**_EXAMPLE, "aws": {"region": PRICED_REGION, **_S3FS, **aws}}, {"backupPassword"})


def _introduction() -> Iterator[str]:
    minimal, small = (_usd(example(size=size)) for size in ("minimal", "small"))
    yield f"""\
# What a pod on AWS costs

<!-- `make golden` writes this page from diaspora_infra/cost. Change the code, not this page. -->

`diaspora-infra cost Pulumi.STACK.yaml` prints what your own stack file costs a month. The stack output `monthlyCost`
has the sums. A budget sends a mail to `aws.alertEmail` when 80 percent of `aws.monthlyBudgetUsd` are spent, and when
AWS forecasts more than 100 percent; it covers the whole account, without tax, and it stops nothing.

| `aws.size` | Machine | Memory | A month |
|---|---|---|---:|
| `minimal` (default) | t4g.micro | 1 GiB, zram and a swap file of 1 GiB | **{minimal:.2f}** |
| `small` | t4g.small | 2 GiB, zram | **{small:.2f}** |

US dollars **without tax**, in {PRICED_REGION}, with {TARGET_TRAFFIC} traffic and the database awake for
{TARGET_HOURS} hours a month; every volume, bucket and address is included.

**The cost was never measured on a real account.** The sums are calculated from the prices below and from assumed
traffic. Whether a pod is fast enough on 1 GiB of memory is unverified: nobody has run one there. Start with `minimal`
if the cost matters most, and change `aws.size` when pages become slow; the machine is then replaced, its data stays.
"""


def _sizes() -> Iterator[str]:
    for size in ("minimal", "small"):
        yield f"## Size {size}\n"
        yield from markdown(cost_table(example(size=size)))
        yield ""
    yield "A `?` after a price means that no source confirms it. Items without a price:"
    yield ""
    yield from (f"- {line}" for line in FREE)
    yield ""


def _target() -> Iterator[str]:
    minimal = example()
    usd = _usd(minimal)
    unsure = sum(
        (
            item.usd
            for item in monthly_items(minimal, TRAFFIC[TARGET_TRAFFIC], TARGET_HOURS)
            if not item.price.confirmed
        ),
        Decimal(0),
    )
    dearer = usd + unsure * (UNCONFIRMED_MARGIN - 1)
    hour = _usd(minimal, hours=TARGET_HOURS + 1) - usd
    times = TARGET_HOURS * 3600 / SECONDS_AWAKE
    hourly = Decimal(24 * 30 * SECONDS_AWAKE) / 3600
    max_hours = TARGET_HOURS + math.floor((TARGET_USD - usd) / hour)
    typical = TRAFFIC[TARGET_TRAFFIC]
    volume = _usd(example(instance={"dataGib": 20})) - usd
    wide = _usd(minimal, database_acu=Decimal(1))
    surplus = SURPLUS_CREDITS["t4g"]
    busy_cpu = _usd(minimal, surplus_cpu=HOURS_A_MONTH * (2 - SHARE_OF_MICRO))
    yield f"""\
## What exceeds the target

The target: `minimal` costs less than {TARGET_USD} dollars with {TARGET_TRAFFIC} traffic and the database awake for
{TARGET_HOURS} hours. It costs {usd:.2f}, so there is little margin. {unsure:.2f} of that depend on prices that no
source confirms: if all of them were {UNCONFIRMED_MARGIN} times as high, the sum would be {dearer:.2f}, still below the
target.

| Change | A month then |
|---|---:|
| Tax, for example 20 percent value-added tax | {usd * Decimal("1.2"):.2f} |
| The database awake for {max_hours} hours, the most within the target | {_usd(minimal, hours=Decimal(max_hours)):.2f} |
| The database awake half of the time | {_usd(minimal, hours=Decimal(HOURS_A_MONTH) / 2):.2f} |
| The database never asleep | {_usd(minimal, hours=Decimal(HOURS_A_MONTH)):.2f} |
| The database uses 1 ACU while it is awake, not {number_text(typical.database_acu)} | {wide:.2f} |
| Both processors of the t4g.micro busy all the time | {busy_cpu:.2f} |
| Busy traffic | {_usd(minimal, traffic="busy"):.2f} |
| `aws.size: small` | {_usd(example(size="small")):.2f} |
| A data volume 10 GiB larger | {usd + volume:.2f} |
| `database.engine: rds` | {_usd(example(database={"engine": "rds"})):.2f} |
| A log of all connections (`network.flowLogsDays: 30`) | {_usd(example(network={"flowLogsDays": 30})):.2f} |

- **The database wakes up** for every visitor whom nginx cannot serve alone, every message from another pod and every
  job of Sidekiq, at any hour. Each wake-up costs at least {SECONDS_AWAKE // 60} minutes: PgBouncer keeps the
  connection for {MAX_IDLE_SECONDS} seconds, then `aws.database.autoPauseSeconds` begin, 5 minutes.
  {TARGET_HOURS} hours are {number_text(times)} wake-ups a month, {number_text(times / 30)} a day, of which the daily
  backup and Sidekiq's daily jobs use about two. One wake-up an hour is {number_text(hourly)} hours a month, and then
  the sum is {_usd(minimal, hours=hourly):.2f}. A pod with a few contacts may stay below that; one that is well
  connected will not. An hour awake costs {hour:.2f}. Check the metric `ServerlessDatabaseCapacity` after a week.
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
    yield f"With {TARGET_TRAFFIC} traffic, by the hours during which the database is awake:\n"
    yield f"| Settings | {' | '.join(f'{hours} h' for hours in AWAKE_HOURS)} |"
    yield "|---|---:|---:|---:|"
    for name, changes in _WAYS.items():
        sums = " | ".join(f"{_usd(example(**changes), hours=hours):.2f}" for hours in AWAKE_HOURS)
        yield f"| {name} | {sums} |"
    yield """
A pod whose database is awake most of the day is cheapest with `onInstance`: the database is then in the pod's own
backups, and runs on the same machine of 1 GiB. The sums include the volumes at the size that the settings request: a
pod that outgrows them needs a larger `aws.instance.dataGib`.
"""


def _assumptions() -> Iterator[str]:
    yield "## Assumed traffic\n"
    yield "The sums are calculated for three pods. None was measured; your own bill of one month tells you more.\n"
    yield f"| A month | {' | '.join(TRAFFIC)} |"
    yield f"|---|{'---:|' * len(TRAFFIC)}"
    for name, words in {
        "who": "People",
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
        **PRICES,
    }
    for name, price in prices.items():
        confirmed = "yes" if price.confirmed else "**no**"
        yield f"| {name} | {price.unit} | {price.usd} | {confirmed} | {price.source} | {price.date} |"
    yield ""


def _usd(
    settings: Settings, *, traffic: str = TARGET_TRAFFIC, hours: Decimal = TARGET_HOURS, **changes: Decimal
) -> Decimal:
    return monthly_usd(settings, replace(TRAFFIC[traffic], **changes), hours)  # type: ignore[arg-type]
