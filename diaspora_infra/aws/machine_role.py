"""The role of machines: what programs on them may do in the account."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.policy import document_output, trusting
from diaspora_infra.aws.tags import Tags, named

IAM_SECONDS = 15
"""Time in which a new permission mostly reaches all of AWS. Ignition asks once: it ends the boot with an error where S3
answers 403 (Ignition 2.26, internal/resource/url.go). The environment variable DIASPORA_INFRA_IAM_SECONDS replaces it.
"""


def machine_role(
    component: pulumi.Resource,
    name: str,
    statements: Sequence[pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]]],
    tags: Tags | None,
) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    """Make the role of a component's machines, with lists of statements, of which an output must not be empty.

    Returns it and what must be there before a machine uses it.
    """
    role = aws.iam.Role(
        f"{name}-machine",
        assume_role_policy=trusting("ec2.amazonaws.com"),
        description="What the machine of the pod may do",
        tags=named(tags, f"{name} machine"),
        opts=pulumi.ResourceOptions(parent=component),
    )
    if all(isinstance(each, Sequence) and not each for each in statements):
        return role, []
    document = document_output(
        pulumi.Output.all(*statements).apply(lambda lists: [each for found in lists for each in found])
    )
    spread = pulumi.ResourceHook(f"{name}-permissions", _wait_for_iam)
    hooks = pulumi.ResourceHookBinding(after_create=[spread])
    policy = aws.iam.RolePolicy(
        f"{name}-machine", role=role.id, policy=document, opts=pulumi.ResourceOptions(parent=component, hooks=hooks)
    )
    return role, [policy]


async def _wait_for_iam(_: pulumi.ResourceHookArgs) -> None:
    """Hold back the machines, which depend on their permissions."""
    await asyncio.sleep(float(os.environ.get("DIASPORA_INFRA_IAM_SECONDS", IAM_SECONDS)))
