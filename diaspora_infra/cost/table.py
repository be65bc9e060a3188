"""The cost of a stack as a table: items down, numbers of people across, and the sums."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from diaspora_infra.config import Settings
from diaspora_infra.cost.awake import HABITS
from diaspora_infra.cost.items import Item, aws_settings, database_pauses, monthly_items
from diaspora_infra.cost.prices import FREE, PRICED_REGION, Price
from diaspora_infra.cost.target import PEOPLE_COUNTS, USUAL, hours_of
from diaspora_infra.cost.traffic import people_words, traffic_of

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


def cost_table(
    settings: Settings,
    people: Sequence[int] = PEOPLE_COUNTS,
    habits: str = USUAL,
    awake: Decimal | None = None,
) -> Table:
    """The table of a stack, a column for each number of people; a single one has quantities too.

    `awake` are hours that were measured, in place of those that follow from people and habits. Raises what
    `monthly_items` raises.
    """
    single = len(people) == 1
    hours = [hours_of(settings, count, habits) if awake is None else awake for count in people]
    columns = [monthly_items(settings, traffic_of(count), hour) for count, hour in zip(people, hours, strict=True)]
    rows = [_row(items) for items in zip(*columns, strict=True)]
    sums = [_sum_row("Sum", [f"{sum(item.usd for item in items):.2f}" for items in columns], quantities=single)]
    if database_pauses(settings):
        sums.insert(0, _sum_row("Database awake, hours", [f"{hour:.0f}" for hour in hours], quantities=single))
    quantity = ("Quantity",) if single else ()
    head = ("Item", "Unit", "Price", *quantity, *(people_words(count) for count in people), "Setting")
    return Table(head, tuple(rows), tuple(sums), 2)


def _row(items: Sequence[Item]) -> tuple[str, ...]:
    first = items[0]
    quantity = (number_text(first.quantity),) if len(items) == 1 else ()
    dollars = (f"{item.usd:.2f}" for item in items)
    return (first.name, first.price.unit, price_text(first.price), *quantity, *dollars, first.setting)


def _sum_row(name: str, cells: Iterable[str], *, quantities: bool) -> tuple[str, ...]:
    return (name, "", "", *([""] if quantities else []), *cells, "")


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


def notes(settings: Settings, habits: str = USUAL, awake: Decimal | None = None) -> list[str]:
    """The notes below the table, a line each, with the arguments of the table."""
    region = aws_settings(settings).aws.region
    where = f"Prices are those of {PRICED_REGION}"
    if region != PRICED_REGION:
        where += f"; this stack is in {region}, where they differ: look them up before you rely on a sum"
    lines = [
        f"US dollars a month without tax. {where}.",
        f"{NOT_CONFIRMED} behind a price: no source confirms it. docs/cost.md has sources and dates.",
        "Traffic is assumed by the number of people, not measured.",
        f"Without a price: {'; '.join(FREE)}.",
    ]
    if database_pauses(settings) and awake is None:
        lines.insert(
            0,
            f"The hours awake are an estimate for {habits} people ({HABITS[habits].who}); docs/cost.md explains it. "
            "With database.engine: onInstance the sums are the same at any hour.",
        )
    return lines


def cost_data(
    settings: Settings, people: Sequence[int] = PEOPLE_COUNTS, habits: str = USUAL, awake: Decimal | None = None
) -> Mapping[str, object]:
    """The same as plain data, with the source of each price. Dollars are rounded to cents in the sums alone."""
    costs = []
    for count in people:
        hours = hours_of(settings, count, habits) if awake is None else awake
        items = monthly_items(settings, traffic_of(count), hours)
        costs.append(
            {
                "people": count,
                "databaseAwakeHours": float(hours),
                "usd": float(round(sum((item.usd for item in items), Decimal(0)), 2)),
                "items": [_item_data(item) for item in items],
            }
        )
    return {
        "region": aws_settings(settings).aws.region,
        "pricesOf": PRICED_REGION,
        "currency": "USD",
        "databasePauses": database_pauses(settings),
        "habits": habits,
        "costs": costs,
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
