"""What AWS offers, as far as the settings depend on it; each table names its source."""

from dataclasses import dataclass
from typing import Literal

from diaspora_infra.config.types import Architecture

ACCOUNT_OF_FEDORA_COREOS = "125523088429"
"""The account that publishes Fedora CoreOS images (poseidon/typhoon and the stream metadata agree on it)."""

REGIONS = frozenset(
    {
        "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
        "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
        "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1",
        "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1",
        "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
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
        "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-4",
        "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-north-1", "eu-south-2",
        "me-central-1", "me-south-1", "mx-central-1",
    }
)  # fmt: skip
"""Regions that offer t4g and t3, but not t3a (cfn-lint 1.58, instance types by region)."""

REGIONS_WITHOUT_SMALL_RDS = frozenset({"ca-west-1"})
"""Regions that offer no instance class db.t4g for PostgreSQL (cfn-lint 1.58, classes by region)."""

VPC_LINK_ZONES = {
    "ap-east-1": ("ape1-az2", "ape1-az3"),
    "ap-northeast-1": ("apne1-az1", "apne1-az2", "apne1-az4"),
    "ap-northeast-2": ("apne2-az1", "apne2-az2", "apne2-az3"),
    "ap-south-1": ("aps1-az1", "aps1-az2", "aps1-az3"),
    "ap-southeast-1": ("apse1-az1", "apse1-az2", "apse1-az3"),
    "ap-southeast-2": ("apse2-az1", "apse2-az2", "apse2-az3"),
    "ca-central-1": ("cac1-az1", "cac1-az2"),
    "eu-central-1": ("euc1-az1", "euc1-az2", "euc1-az3"),
    "eu-north-1": ("eun1-az1", "eun1-az2", "eun1-az3"),
    "eu-south-2": ("eus2-az1", "eus2-az2", "eus2-az3"),
    "eu-west-1": ("euw1-az1", "euw1-az2", "euw1-az3"),
    "eu-west-2": ("euw2-az1", "euw2-az2", "euw2-az3"),
    "eu-west-3": ("euw3-az1", "euw3-az3"),
    "me-south-1": ("mes1-az1", "mes1-az2", "mes1-az3"),
    "sa-east-1": ("sae1-az1", "sae1-az2", "sae1-az3"),
    "us-east-1": ("use1-az1", "use1-az2", "use1-az4", "use1-az5", "use1-az6"),
    "us-east-2": ("use2-az1", "use2-az2", "use2-az3"),
    "us-west-1": ("usw1-az1", "usw1-az3"),
    "us-west-2": ("usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4"),
}
"""Ids of the zones whose subnets a VPC link of API Gateway takes; other regions have none (API Gateway developer guide,
Set up VPC links V2, Availability by Region, a copy read on 2026-11-29). The letter of a zone differs by account, its id
does not."""

REGIONS_WITHOUT_BUILDS = frozenset({"ap-east-2", "ca-west-1", "mx-central-1"})
"""Regions without AWS CodeBuild (endpoint data of botocore 1.44)."""

REGIONS_WITH_ARM_BUILDS = frozenset(
    {
        "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "eu-central-1", "eu-west-1", "sa-east-1",
        "us-east-1", "us-east-2", "us-west-2",
    }
)  # fmt: skip
"""Regions in which CodeBuild has the environment type ARM_CONTAINER, as AWS says of fleets (API of CodeBuild, botocore
1.44). Others may have it too: AWS says nothing of builds without a fleet."""

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
        "af-south-1", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-5", "ca-west-1", "eu-central-2",
        "eu-south-1", "il-central-1", "me-central-1",
    }
)  # fmt: skip
"""Regions whose DKIM keys SES publishes at dkim.REGION.amazonses.com, not at dkim.amazonses.com (AWS General Reference,
endpoints of SES, DKIM domains)."""

DKIM_UNKNOWN = frozenset({"ap-east-2", "ap-southeast-6", "ap-southeast-7", "mx-central-1"})
"""Regions for which no source at hand says which of the two SES uses."""

MAX_IDLE_SECONDS = 60
"""PgBouncer closes unused connections to the database after at most this time; only then can the database pause."""

POLL_SECONDS = 300
"""A page of diaspora* that is left open asks for notifications so often
(app/assets/javascripts/app/collections/notifications.js:11 of 0.9.1.0)."""

POLLS_OPEN_SECONDS = POLL_SECONDS + 60
"""When a database that pauses has woken up, nginx lets the polls of open pages through for so long: one of each."""
