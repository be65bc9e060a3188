"""The cost of a stack as a table: items down, traffic across, and sums for the hours that the database is awake."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from diaspora_infra.config import Settings
from diaspora_infra.cost.items import DATABASE_CAPACITY, Item, aws_settings, database_pauses, monthly_items, monthly_usd
from diaspora_infra.cost.prices import FREE, PRICED_REGION, Price
from diaspora_infra.cost.traffic import HOURS_A_MONTH, TRAFFIC

AWAKE_HOURS = (Decimal(0), Decimal(60), Decimal(HOURS_A_MONTH))
"""Hours in which the database is awake, as the tables show them."""
NOT_CONFIRMED = "?"
_SEPARATOR = "-"


@dataclass(frozen=True)
class Table:
    """Cells of text: a head, rows of items, and rows of sums."""

    head: tuple[str, ...]
    items: tuple[tuple[str, ...], ...]
    sums: tuple[tuple[str, ...], ...]
    texts: int
    """So many columns at the left, and the last one, hold text; the others hold numbers."""


def cost_table(settings: Settings, traffic: Sequence[str] = tuple(TRAFFIC), awake: Sequence[Decimal] = ()) -> Table:
    """The table of a stack; with one kind of traffic it shows quantities too. Raises what `monthly_items` raises."""
    hours = awake or AWAKE_HOURS
    pauses = database_pauses(settings)
    columns = {name: items_by_hours(settings, name, hours) for name in traffic}
    rows = [_row(items) for items in zip(*(column.items() for column in columns.values()), strict=True)]
    sums = [
        _sum_row(
            f"Sum, database awake {hour} h" if pauses else "Sum",
            [monthly_usd(settings, TRAFFIC[name], hour) for name in traffic],
            quantities=len(traffic) == 1,
        )
        for hour in (hours if pauses else hours[:1])
    ]
    quantity = ("Quantity",) if len(traffic) == 1 else ()
    return Table(("Item", "Unit", "Price", *quantity, *traffic, "Setting"), tuple(rows), tuple(sums), 2)


def items_by_hours(settings: Settings, traffic: str, hours: Sequence[Decimal]) -> dict[str, Item]:
    """The items by name; the database's capacity once for each number of hours where it can sleep."""
    found: dict[str, Item] = {}
    for item in monthly_items(settings, TRAFFIC[traffic], hours[0]):
        if item.name == DATABASE_CAPACITY and database_pauses(settings):
            for hour in hours:
                capacity = next(
                    item for item in monthly_items(settings, TRAFFIC[traffic], hour) if item.name == DATABASE_CAPACITY
                )
                found[f"{DATABASE_CAPACITY}, awake {hour} h"] = capacity
        else:
            found[item.name] = item
    return found


def _row(items: Sequence[tuple[str, Item]]) -> tuple[str, ...]:
    name, first = items[0]
    quantity = (number_text(first.quantity),) if len(items) == 1 else ()
    dollars = (f"{item.usd:.2f}" for _, item in items)
    return (name, first.price.unit, price_text(first.price), *quantity, *dollars, first.setting)


def _sum_row(name: str, sums: Iterable[Decimal], *, quantities: bool) -> tuple[str, ...]:
    return (name, "", "", *([""] if quantities else []), *(f"{usd:.2f}" for usd in sums), "")


def price_text(price: Price) -> str:
    """The price with four digits, and a mark when it is not confirmed."""
    return f"{price.usd:.4f}{'' if price.confirmed else NOT_CONFIRMED}"


def number_text(number: Decimal) -> str:
    """A quantity without trailing zeros."""
    text = f"{number:.2f}"
    return text.rstrip("0").rstrip(".")


def plain(table: Table) -> list[str]:
    """The table as lines for a terminal."""
    rows = [table.head, *table.items, *table.sums]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.head))]
    # the mark of a price stands behind the number, so that the points are below each other
    lines = [_plain_row(row, widths, table.texts) for row in rows]
    rule = _SEPARATOR * max(map(len, lines))
    return [lines[0], rule, *lines[1 : 1 + len(table.items)], rule, *lines[1 + len(table.items) :]]


def _plain_row(row: Sequence[str], widths: Sequence[int], texts: int) -> str:
    last = len(row) - 1
    cells = []
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        if column < texts or column == last:
            cells.append(cell.ljust(width))
        elif column == texts and not cell.endswith(NOT_CONFIRMED):
            cells.append(f"{cell} ".rjust(width))
        else:
            cells.append(cell.rjust(width))
    return "  ".join(cells).rstrip()


def markdown(table: Table) -> list[str]:
    """The table as lines of Markdown."""
    last = len(table.head) - 1
    bars = ["---" if column < table.texts or column == last else "---:" for column in range(len(table.head))]
    sums = [tuple(f"**{cell}**" if cell else "" for cell in row) for row in table.sums]
    rows = [table.head, bars, *table.items, *sums]
    return [f"| {' | '.join(row)} |".replace("  ", " ") for row in rows]


def notes(settings: Settings) -> list[str]:
    """The notes below the table, a line each."""
    region = aws_settings(settings).aws.region
    where = f"Prices are those of {PRICED_REGION}"
    if region != PRICED_REGION:
        where += f"; this stack is in {region}, where they differ: look them up before you rely on a sum"
    kinds = ", ".join(f"{name} {traffic.who}" for name, traffic in TRAFFIC.items())
    return [
        f"US dollars a month without tax. {where}.",
        f"{NOT_CONFIRMED} behind a price: no source confirms it. docs/cost.md has sources and dates.",
        f"Traffic is assumed, not measured: {kinds}.",
        f"Without a price: {'; '.join(FREE)}.",
    ]


def cost_data(settings: Settings, traffic: Sequence[str], awake: Sequence[Decimal]) -> Mapping[str, object]:
    """The same as plain data, with the source of each price. Dollars are rounded to cents in the sums alone."""
    hours = awake or AWAKE_HOURS
    return {
        "region": aws_settings(settings).aws.region,
        "pricesOf": PRICED_REGION,
        "currency": "USD",
        "databasePauses": database_pauses(settings),
        "costs": [
            {
                "traffic": name,
                "databaseAwakeHours": float(hour),
                "usd": float(round(monthly_usd(settings, TRAFFIC[name], hour), 2)),
                "items": [_item_data(item) for item in monthly_items(settings, TRAFFIC[name], hour)],
            }
            for name in traffic
            for hour in hours
        ],
    }


def _item_data(item: Item) -> dict[str, object]:
    price = item.price
    return {
        "name": item.name,
        "unit": price.unit,
        "price": float(price.usd),
        "quantity": float(item.quantity),
        "usd": float(item.usd),
        "setting": item.setting,
        "source": price.source,
        "date": price.date,
        "confirmed": price.confirmed,
    }
