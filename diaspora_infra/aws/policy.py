"""IAM policies as plain data."""

import json
from collections.abc import Sequence
from typing import Any

Statement = dict[str, Any]
"""One statement of a policy: Sid, Effect, Action, Resource, and Condition if it has one."""


def document(statements: Sequence[Statement]) -> str:
    """The policy that holds these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(service: str, account: str) -> str:
    """A role's trust in a service of AWS, as long as it works for this account."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    return document([statement])
