"""A machine on AWS, for tests."""

from collections.abc import Mapping
from typing import Any

from diaspora_infra.config import load
from tests.host.pod import Context
from tests.support.configs import aws_config


def aws_context(
    *, pod_changes: dict[str, Any] | None = None, secrets: Mapping[str, str] | None = None, **changes: Any
) -> Context:
    """The context of a machine on AWS whose key aws has these changes."""
    settings = load(aws_config(pod_changes=pod_changes, **{"region": "eu-west-1", **changes}), dict(secrets or {}))
    return Context(settings, settings.machines[0], {})


def group_contexts(**changes: Any) -> dict[str, Context]:
    """The contexts of the machines in the groups of a pod, by role."""
    found = aws_context(topology="ha", **changes)
    return {machine.name: Context(found.settings, machine, {}) for machine in found.settings.machines}
