"""Names that a program leaves out: the resource's own, a dash, and seven digits that the engine's seed decides."""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULTS = "__defaults"
"""The property in which the engine keeps the names of those that were made here."""


@dataclass(frozen=True)
class Rule:
    """How a type is named: the property, how long it may be, whether capitals are allowed."""

    property: str = "name"
    longest: int = 255
    lower: bool = False


RULES = {
    "aws_s3_bucket": Rule("bucket", 63, lower=True),
    "aws_iam_role": Rule(longest=64),
    "aws_db_subnet_group": Rule(lower=True),
    "aws_db_parameter_group": Rule(lower=True),
    "aws_elasticache_parameter_group": Rule(lower=True),
    "aws_elasticache_replication_group": Rule("replicationGroupId", 40, lower=True),
    "aws_elasticache_subnet_group": Rule(lower=True),
    "aws_lb": Rule(longest=32),
    "aws_lb_target_group": Rule(longest=32),
    "aws_rds_cluster_parameter_group": Rule(lower=True),
}


def rule_for(terraform: str) -> Rule:
    """The rule for a Terraform type."""
    return RULES.get(terraform, Rule())


def name_it(rule: Rule, news: Mapping[str, Any], olds: Mapping[str, Any], urn: str, seed: bytes) -> dict[str, Any]:
    """The properties with a name; one that was made before is kept."""
    if rule.property in (olds.get(DEFAULTS) or []) and olds.get(rule.property):
        name = olds[rule.property]
    else:
        digits = random.Random(seed or os.urandom(16))  # noqa: S311 - the engine repeats the seed to get the same name
        suffix = "".join(digits.choice("0123456789abcdef") for _ in range(7))
        name = f"{urn.split('::')[-1][: rule.longest - 8]}-{suffix}"
        name = name.lower() if rule.lower else name
    return {**news, rule.property: name, DEFAULTS: [rule.property]}
