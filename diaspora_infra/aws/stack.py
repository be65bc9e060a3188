"""The stack of target `aws`: an AwsPod in the region of the config."""

from typing import Any

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.aws_pod import AwsPod, AwsPodArgs
from diaspora_infra.config import AwsSettings
from diaspora_infra.pulumi_config import Secrets, load_account_config

NAME = "pod"


def aws_stack(settings: AwsSettings, secrets: Secrets) -> dict[str, Any]:
    """Make everything; returns the stack outputs."""
    account = load_account_config()
    provider = aws.Provider(
        "aws",
        region=settings.aws.region,
        profile=account.get("profile"),
        allowed_account_ids=_numbers(account.get("allowedAccountIds")),
        forbidden_account_ids=_numbers(account.get("forbiddenAccountIds")),
    )
    args: AwsPodArgs = {"settings": settings, "secrets": {**secrets}}
    return AwsPod(NAME, args, pulumi.ResourceOptions(providers=[provider])).outputs


def _numbers(accounts: list[Any] | None) -> list[str] | None:
    """Accounts as text, with or without quotes in the stack file."""
    return [str(each) for each in accounts] if accounts else None
