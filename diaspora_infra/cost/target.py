"""The cost target, what a pod costs by its people, and the sums in the outputs of a stack."""

from decimal import Decimal

from diaspora_infra.config import Settings
from diaspora_infra.cost.awake import HABITS, awake_hours
from diaspora_infra.cost.items import aws_settings, monthly_usd
from diaspora_infra.cost.prices import CURRENCY, PRICED_REGION, PRICES
from diaspora_infra.cost.traffic import TRAFFIC, traffic_of

TARGET_USD = Decimal(20)
"""A pod that is small enough costs less than so many dollars a month."""
PEOPLE_COUNTS = (1, 5, 20, 200)
"""Numbers of people, as the tables show them."""
USUAL = "usual"
"""The habits that count where none are named."""
MAX_PEOPLE = 1000
"""The assumptions about traffic say nothing of larger pods."""


def hours_of(settings: Settings, people: int, habits: str = USUAL) -> Decimal:
    """Hours of a month in which the database is awake. Raises what `monthly_items` raises."""
    return awake_hours(people, HABITS[habits], aws_settings(settings), traffic_of(people))


def usd_of(settings: Settings, people: int, habits: str = USUAL) -> Decimal:
    """Dollars a month for a pod with so many people. Raises what `monthly_items` raises."""
    return monthly_usd(settings, traffic_of(people), hours_of(settings, people, habits))


def most_people(settings: Settings, habits: str = USUAL, usd: Decimal = TARGET_USD) -> int:
    """The largest pod that costs less than `usd`: 0 where not even one person does, and at most 1000."""
    return next(
        (people - 1 for people in range(1, MAX_PEOPLE + 1) if usd_of(settings, people, habits) >= usd), MAX_PEOPLE
    )


def weekly_acu_hours(settings: Settings) -> Decimal:
    """Aurora's capacity for a week, with one decimal place: a quarter of what the budget leaves for it.

    At least one, where the budget leaves nothing. Raises what `monthly_items` raises.
    """
    rest = monthly_usd(settings, TRAFFIC["low"], Decimal(0))
    budget = aws_settings(settings).aws.monthly_budget_usd
    return max(Decimal(1), round((budget - rest) / PRICES["Aurora capacity"].usd / 4, 1))


def monthly_cost(settings: Settings) -> dict[str, object]:
    """The stack output `monthlyCost`: dollars and hours awake by the number of people, and what they hold for."""
    return {
        "usd": {str(people): float(round(usd_of(settings, people), 2)) for people in PEOPLE_COUNTS},
        "databaseAwakeHours": {str(people): float(hours_of(settings, people)) for people in PEOPLE_COUNTS},
        "habits": USUAL,
        "currency": CURRENCY,
        "pricesOf": PRICED_REGION,
    }
