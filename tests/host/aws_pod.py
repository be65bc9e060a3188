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
