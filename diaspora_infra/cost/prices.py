"""Unit prices of AWS in eu-west-1: on demand, in US dollars, without tax. Each with its source and its date."""

from dataclasses import dataclass
from decimal import Decimal

PRICED_REGION = "eu-west-1"
"""The region of all prices. Others differ by a tenth or two, some by more: they are not guessed here."""
CURRENCY = "USD"


@dataclass(frozen=True)
class Price:
    """What one unit costs. `date` is when the source said so; `confirmed` tells whether there was a source at all."""

    usd: Decimal
    unit: str
    source: str
    date: str
    confirmed: bool = True


_PRICE_LIST = "a copy of AWS's price list of eu-west-1"
_BILLS = "bills of eu-west-1"
_LIBCLOUD = "price data of Apache Libcloud 3.9.1"


def _price(usd: str, unit: str, source: str, date: str) -> Price:
    return Price(Decimal(usd), unit, source, date)


def _unconfirmed(usd: str, unit: str, why: str = "no source at hand", date: str = "2026-08") -> Price:
    return Price(Decimal(usd), unit, why, date, confirmed=False)


def _instance(usd: str) -> Price:
    return _price(usd, "hour", _LIBCLOUD, "2025-03-02")


INSTANCES = {
    "t4g.micro": _instance("0.0092"),
    "t4g.small": _price("0.0184", "hour", f"{_LIBCLOUD}, {_BILLS}", "2026"),
    "t4g.medium": _price("0.0368", "hour", f"{_LIBCLOUD}, {_BILLS}", "2026"),
    "t4g.large": _instance("0.0736"),
    "t4g.xlarge": _instance("0.1472"),
    "t3a.micro": _instance("0.0102"),
    "t3a.small": _instance("0.0204"),
    "t3a.medium": _instance("0.0408"),
    "t3a.large": _instance("0.0816"),
    "t3a.xlarge": _instance("0.1632"),
    "t3.micro": _instance("0.0114"),
    "t3.small": _instance("0.0228"),
    "t3.medium": _unconfirmed("0.0456", "hour", "twice t3.small; Libcloud says 0.0487"),
    "t3.large": _unconfirmed("0.0912", "hour", "a report without a date"),
    "t3.xlarge": _unconfirmed("0.1824", "hour", "a report without a date"),
}
"""EC2 instances with Linux, by type."""

RDS_INSTANCES = {
    "db.t4g.micro": _price("0.0170", "hour", _BILLS, "2026-07"),
    "db.t4g.small": _price("0.0350", "hour", _BILLS, "2026-07"),
    "db.t4g.medium": _unconfirmed("0.0700", "hour", "twice db.t4g.small"),
}
"""RDS for PostgreSQL in one zone, by class."""

CACHE_NODES = {
    "cache.t4g.micro": _unconfirmed("0.0170", "hour", "Redis; Valkey is said to cost a fifth less"),
    "cache.t4g.small": _unconfirmed("0.0340", "hour", "twice cache.t4g.micro"),
    "cache.t4g.medium": _unconfirmed("0.0680", "hour", "four times cache.t4g.micro"),
}
"""Nodes of ElastiCache, by type."""

SURPLUS_CREDITS = {
    "t4g": _price("0.04", "vCPU-hour", "a report that cites AWS's price page, the same in all regions", "2024"),
    "t3a": _unconfirmed("0.05", "vCPU-hour"),
    "t3": _unconfirmed("0.05", "vCPU-hour"),
}
"""CPU above a machine's share, by family: 60 credits. Only what a quieter time does not pay back within a day."""

PRICES = {
    "public IPv4 address": _price("0.005", "hour", f"{_BILLS}, {_PRICE_LIST}", "2026-07-10"),
    "gp3 volume": _price("0.088", "GB-month", _PRICE_LIST, "2026-03-01"),
    "volume snapshots": _price("0.05", "GB-month", _PRICE_LIST, "2026-05-01"),
    "Aurora capacity": _price("0.14", "ACU-hour", f"{_PRICE_LIST}, a table of AWS", "2026-08"),
    "Aurora storage": _unconfirmed("0.11", "GB-month", "0.10 is confirmed for us-east-1"),
    "Aurora reads and writes": _price("0.22", "million", _PRICE_LIST, "2026-06"),
    "Aurora backups": _price("0.021", "GB-month", _PRICE_LIST, "2026-05"),
    "RDS storage": _price("0.127", "GB-month", _BILLS, "2026-07"),
    "API Gateway requests": _price("1.11", "million", _PRICE_LIST, "2026-09-21"),
    "Cloud Map instance": _price("0.10", "month", "AWS's price lists of other regions, the same in all", "2025-08-01"),
    "Cloud Map lookups": _unconfirmed("1.00", "million", "the price is; whether API Gateway's lookups count is not"),
    "hosted zone": _price("0.50", "month", _BILLS, "2026-07"),
    "DNS queries": _unconfirmed("0.40", "million"),
    "S3 storage": _unconfirmed("0.023", "GB-month", "a bill of 2017 has it"),
    "S3 writes": _unconfirmed("0.005", "thousand"),
    "S3 reads": _unconfirmed("0.0004", "thousand"),
    "SES mails": _unconfirmed(
        "0.16", "thousand", "a copy of AWS's price list of us-east-1: plan of new accounts; 0.10 in older", "2026-07-22"
    ),
    "KMS requests": _price("0.003", "thousand", "AWS's price page, as two reports cite it", "2026-06"),
    "ECR storage": _unconfirmed("0.10", "GB-month", "two reports on AWS's price page of us-east-1", "2026-03"),
    "CodeBuild": _unconfirmed("0.01", "minute", "general1.medium in us-east-1, by two reports", "2026-05"),
    "load balancer": _price("0.0252", "hour", _BILLS, "2026-07"),
    "load balancer capacity": _unconfirmed("0.008", "LCU-hour"),
    "traffic out": _price("0.09", "GB", _PRICE_LIST, "2026-10-02"),
    "traffic between zones": _price("0.01", "GB", _PRICE_LIST, "2026-10-02"),
    "alarm": _unconfirmed("0.10", "month"),
    "logs": _price("0.57", "GB", _PRICE_LIST, "2026-09-22"),
    "logs kept": _price("0.03", "GB-month", _PRICE_LIST, "2026-09-22"),
}
"""Everything else, by what it is the price of."""

FREE_TRAFFIC_OUT_GB = 100
"""Traffic to the internet that an account has free each month. Not confirmed."""

FREE_KMS_REQUESTS = 20
"""Requests to KMS that an account has free each month, in thousands (AWS's price page)."""

FREE_ALARMS = 10
"""Alarms that an account has free. Not confirmed."""

FREE = (
    "the bucket with the machine's config (some kilobytes)",
    "Instance Connect Endpoint, gateway endpoint of S3, VPC link, security groups, roles",
    "certificate of ACM, Parameter Store (standard parameters with the key of AWS), budgets without actions",
    "alarms and their mails (10 alarms and 1,000 mails a month are free in an account; more cost 0.10 each, and 2 "
    "dollars for 100,000)",
    "a metric that the job machine of several sends (10 are free in an account; more cost 0.30 each)",
)
"""What has no price, or none in these numbers. The free numbers are not confirmed."""
