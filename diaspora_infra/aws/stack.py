"""The stack of target `aws`: an AwsPod in the region of the config."""

from typing import Any

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.aws_pod import AwsPod
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
    pod = AwsPod(NAME, {"_settings": settings, "secrets": secrets}, pulumi.ResourceOptions(providers=[provider]))
    return stack_outputs(pod)


def stack_outputs(pod: AwsPod) -> dict[str, Any]:
    """What a podmin wants to know of a pod, under the names of the stack outputs."""
    outputs: dict[str, Any] = {
        "url": pod.url,
        "vpc": pod.vpc_id,
        "instance": pod.instance_id,
        "address": pod.public_ip,
        "dataVolume": pod.data_volume_id,
        "loadBalancer": pod.load_balancer_name,
        "groups": pod.group_names,
        "status": pod.status_command,
        "monthlyCost": pod.monthly_cost,
        "shell": pod.shell_command,
        "mail": None,
        "dnsRecords": pod.dns_records,
        "nameServers": pod.name_servers,
        "pendingUpgrade": pod.pending_upgrade,
        "nextStep": pod.next_step,
    }
    if pod.mail is not None:
        outputs["mail"] = {"host": pod.mail_host, "sender": pod.mail_sender, "nextSteps": pod.mail_next_steps}
    return {name: output for name, output in outputs.items() if output is not None}


def _numbers(accounts: list[Any] | None) -> list[str] | None:
    """Accounts as text, with or without quotes in the stack file."""
    return [str(account) for account in accounts] if accounts else None
