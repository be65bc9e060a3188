"""What moto 5.2.5 lacks for the Terraform provider: a module for each service, written to be offered to moto.

The docstring of a module says what moto does, what AWS does and where AWS documents it, and which files of moto the
change belongs to. The functions are methods as moto would have them: they take the place of a method of the same name
and parameters, or add one. A function that calls `_original_...` holds the lines to add to that method.

They reach into private classes, so moto is pinned, and `tests/lab/test_simulator_patches.py` holds a test for each that
fails when the patch is no longer needed.
"""

from typing import Any

from lab.aws.simulator.patches import (
    acm,
    apigatewayv2,
    autoscaling,
    budgets,
    codebuild,
    ec2,
    elasticache,
    ipv6,
    rds,
    route53,
    s3,
    servicediscovery,
    sesv2,
    sesv2_settings,
)

Patch = tuple[Any, str, Any]
"""A class of moto, the name of an attribute, and its new value; or a table of URLs, a URL, and what handles it."""

MODULES = (
    acm,
    apigatewayv2,
    autoscaling,
    budgets,
    codebuild,
    ec2,
    elasticache,
    ipv6,
    rds,
    route53,
    s3,
    servicediscovery,
    sesv2,
    sesv2_settings,
)
PATCHES: list[Patch] = [patch for module in MODULES for patch in module.PATCHES]


def apply() -> None:
    """Put all patches in place, once a process."""
    for owner, name, value in PATCHES:
        if isinstance(owner, dict):
            owner[name] = value
        else:
            setattr(owner, name, value)
