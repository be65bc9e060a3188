"""What machines are launched with, the one of a pod and each of a group."""

from typing import Any

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.tags import Tags, named

# Any: the types of an instance and of a launch template differ in their names only
METADATA_OPTIONS: Any = {
    "http_endpoint": "enabled",
    "http_tokens": "required",
    # containers on a bridge are one hop further away: the role's credentials are not for them
    "http_put_response_hop_limit": 1,
    "instance_metadata_tags": "disabled",
}
# A new machine has no credits yet: in mode `standard` it has its share alone, and its first boot takes a quarter of an
# hour.
CREDIT_SPECIFICATION: Any = {"cpu_credits": "unlimited"}
# Credits that a boot borrows are paid back by a quiet hour, and charged only if the machine goes before.
CREDITS_CHARGED: dict[str, Any] = {
    "metric_name": "CPUSurplusCreditsCharged",
    "statistic": "Sum",
    "comparison_operator": "GreaterThanThreshold",
    "threshold": 0,
    "period": 3600,
    "evaluation_periods": 1,
}


def instance_profile(
    component: pulumi.Resource, name: str, role: aws.iam.Role, tags: Tags | None
) -> aws.iam.InstanceProfile:
    """Make the profile by which machines of a component get their role."""
    return aws.iam.InstanceProfile(
        f"{name}-machine",
        role=role.name,
        tags=named(tags, f"{name} machine"),
        opts=pulumi.ResourceOptions(parent=component),
    )
