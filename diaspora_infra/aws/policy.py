"""IAM policies: statements as plain data, and the documents that hold them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Statement = Mapping[str, Any]
"""One statement of a policy: Sid, Effect, Action, Resource, and Condition if it has one. Its parts may be outputs."""

_VERSION = "2012-10-17"
"""Version of the policy language."""


def document(statements: Sequence[Statement]) -> str:
    """The policy that holds these statements, whose parts are all known."""
    return json.dumps({"Version": _VERSION, "Statement": list(statements)})


def document_output(statements: pulumi.Input[Sequence[pulumi.Input[Statement]]]) -> pulumi.Output[str]:
    """The policy that holds these statements, as soon as they are known."""
    return pulumi.Output.json_dumps({"Version": _VERSION, "Statement": statements}, sort_keys=True)


def trusting(service: str, account: str | None = None) -> str:
    """A role's trust in a service of AWS; with an account, only as long as the service works for that account."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if account is not None:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return document([statement])
