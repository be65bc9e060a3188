"""A change of the topology of a pod that runs, which is refused until its data has moved.

Where a pod has run on one machine, that machine has told its bundle in a parameter, and where it has run on several,
the one for jobs has told of the database: the program sees the former topology by these, before the run removes them.
"""

from collections.abc import Iterator

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.pod_parts import Plan, told_value
from diaspora_infra.config.aws.parameter_names import (
    BUNDLE_APPLIED,
    DEPLOYMENT,
    NOT_DEPLOYED,
    generated_path,
)
from diaspora_infra.config.problems import Problem

PAGE = "docs/high-availability.md"
SECRET_KEY = "secret_key_base"  # noqa: S105  its name
"""The secret of all machines that is moved first: without it everybody is logged out."""


def check_topology_change(plan: Plan) -> None:
    """Raises RunError where this run would leave data behind; says nothing where the topology stays."""
    has_groups = plan.aws.has_groups
    former = BUNDLE_APPLIED if has_groups else DEPLOYMENT
    if told_value(plan, former) in {None, NOT_DEPLOYED}:
        return
    problems = [*_database(plan), *(_secrets(plan) if has_groups else ())]
    if problems:
        raise pulumi.RunError("\n".join(map(str, problems)))


def _database(plan: Plan) -> Iterator[Problem]:
    """Each topology has another default."""
    if "engine" not in plan.aws.database.model_fields_set:
        other = "single" if plan.aws.has_groups else "ha"
        yield Problem(
            "aws.database.engine",
            f"required when the topology changes, because its default does too; set the engine that the pod had with "
            f"topology: {other}, so that the database stays ({PAGE})",
        )


def _secrets(plan: Plan) -> Iterator[Problem]:
    name = f"{generated_path(plan.aws, plan.settings.pod)}/{SECRET_KEY}"
    try:
        aws.ssm.get_parameter(name=name, with_decryption=False, opts=pulumi.InvokeOptions(parent=plan.component))
    except Exception:
        yield Problem(
            "aws.topology",
            f"ha: the pod has run on one machine, which has secrets and jobs on its data volume, and {name} does not "
            f"exist; move them first ({PAGE})",
        )
