"""The cost target of size `minimal`, and the sums in the outputs of a stack."""

from decimal import Decimal

from diaspora_infra.config import Settings
from diaspora_infra.cost.items import database_pauses, monthly_usd
from diaspora_infra.cost.prices import CURRENCY, PRICED_REGION
from diaspora_infra.cost.traffic import HOURS_A_MONTH, TRAFFIC

TARGET_USD = Decimal(20)
TARGET_HOURS = Decimal(60)
TARGET_TRAFFIC = "typical"
"""`minimal` stays below so many dollars, with the database awake for so long, at this traffic."""


def monthly_cost(settings: Settings) -> dict[str, float | int | str]:
    """The stack output `monthlyCost`: dollars by traffic, and what they hold for."""
    return {
        **{name: float(round(monthly_usd(settings, traffic, TARGET_HOURS), 2)) for name, traffic in TRAFFIC.items()},
        "databaseAwakeHours": int(TARGET_HOURS) if database_pauses(settings) else HOURS_A_MONTH,
        "currency": CURRENCY,
        "pricesOf": PRICED_REGION,
    }
