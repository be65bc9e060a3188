"""What moto 5.2.5 lacks for the Terraform provider, a module a service. Each patch names what goes wrong without it.

They reach into private classes, so moto is pinned, and `tests/lab/test_simulator_patches.py` holds a test for each that
fails when the patch is no longer needed.
"""

from lab.aws.simulator.patches import (
    acm,
    apigatewayv2,
    budgets,
    ec2,
    ipv6,
    rds,
    route53,
    s3,
    servicediscovery,
    sesv2,
    sesv2_settings,
)

ALL = (acm, apigatewayv2, budgets, ec2, ipv6, rds, route53, s3, servicediscovery, sesv2, sesv2_settings)


def apply() -> None:
    """Put all patches in place, once a process."""
    for patch in ALL:
        patch.apply()
