"""What AWS offers, as far as the settings depend on it; each table names its source."""

from dataclasses import dataclass
from typing import Literal

from diaspora_infra.config.types import Architecture

ACCOUNT_OF_FEDORA_COREOS = "125523088429"
"""The account that publishes Fedora CoreOS images (poseidon/typhoon and the stream metadata agree on it)."""

REGIONS = frozenset(
    {
        "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
        "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ca-central-1", "ca-west-1",
        "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3",
        "il-central-1", "me-central-1", "me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
    }
)  # fmt: skip
"""Regions of the partition `aws`, from the endpoint data of botocore 1.44."""


@dataclass(frozen=True)
class InstanceType:
    """A type of EC2 instance: architecture and memory."""

    architecture: Architecture
    memory_mib: int


INSTANCE_TYPES = {
    f"{family}.{size}": InstanceType(architecture, gib * 1024)
    for family, architecture in {
        "t4g": Architecture.AARCH64,
        "t3": Architecture.X86_64,
        "t3a": Architecture.X86_64,
    }.items()
    for size, gib in {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16}.items()
}
"""The burstable types with 1 GiB of memory or more: all take part in automatic recovery (EC2 user guide)."""

REGIONS_WITHOUT_T3A = frozenset(
    {
        "af-south-1", "ap-east-1", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ca-west-1",
        "eu-central-2", "eu-north-1", "eu-south-2", "me-central-1", "me-south-1",
    }
)  # fmt: skip
"""Regions that offer t4g and t3, but not t3a (cfn-lint 1.58, instance types by region)."""

REGIONS_WITHOUT_SMALL_RDS = frozenset({"ca-west-1"})
"""Regions that offer no instance class db.t4g for PostgreSQL (cfn-lint 1.58, classes by region)."""

AURORA_VERSIONS = (
    *(f"16.{minor}" for minor in (8, 9, 10, 11, 13, 14, 15)),
    *(f"17.{minor}" for minor in (4, 5, 6, 7, 9, 10, 11)),
)
"""Versions of Aurora PostgreSQL 16 and 17 that can be created; all of them can pause (cfn-lint 1.58, rule W3690)."""

Size = Literal["minimal", "small"]

SIZES: dict[Size, str] = {"minimal": "t4g.micro", "small": "t4g.small"}
"""The instance type of each named size."""

REGIONS_WITHOUT_SES = frozenset({"ap-east-1"})
"""Regions without Amazon SES (endpoint data of botocore 1.44)."""

DKIM_BY_REGION = frozenset(
    {
        "af-south-1", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ca-west-1", "eu-central-2", "eu-south-1",
        "il-central-1", "me-central-1",
    }
)  # fmt: skip
"""Regions whose DKIM keys SES publishes at dkim.REGION.amazonses.com, not at dkim.amazonses.com (AWS General Reference,
endpoints of SES, DKIM domains)."""

MAX_IDLE_SECONDS = 60
"""PgBouncer closes unused connections to the database after at most this time; only then can the database pause."""

POLL_SECONDS = 300
"""A page of diaspora* that is left open asks for notifications so often
(app/assets/javascripts/app/collections/notifications.js:11 of 0.9.1.0)."""

POLLS_OPEN_SECONDS = POLL_SECONDS + 60
"""When a database that pauses has woken up, nginx lets the polls of open pages through for so long: one of each."""
