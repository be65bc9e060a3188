"""What a pod on AWS costs a month: dated prices, what the settings ask for, and sums. No provider, no network."""

from diaspora_infra.cost.items import Item, database_pauses, monthly_items, monthly_usd
from diaspora_infra.cost.prices import CURRENCY, PRICED_REGION, Price
from diaspora_infra.cost.traffic import HOURS_A_MONTH, TRAFFIC, Traffic

__all__ = [
    "CURRENCY",
    "HOURS_A_MONTH",
    "PRICED_REGION",
    "TRAFFIC",
    "Item",
    "Price",
    "Traffic",
    "database_pauses",
    "monthly_items",
    "monthly_usd",
]
