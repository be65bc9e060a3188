"""The stack of target `aws`."""

from typing import Any

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.network import Network, NetworkArgs
from diaspora_infra.config import Settings
from diaspora_infra.config.aws import Aws

NAME = "pod"


def aws_stack(settings: Settings) -> dict[str, Any]:
    """Make everything; returns the stack outputs."""
    if settings.aws is None:
        raise ValueError("target aws without the key aws")
    tags = {"Project": "diaspora-infra", "Pod": settings.pod.domain, **settings.aws.tags}
    provider = aws.Provider("aws", region=settings.aws.region)
    options = pulumi.ResourceOptions(providers=[provider])
    network = Network(NAME, _network_args(settings.aws, tags), options)
    return {"vpc": network.vpc_id}


def _network_args(settings: Aws, tags: dict[str, str]) -> NetworkArgs:
    return {
        "region": settings.region,
        "zones": settings.zones,
        "cidr": settings.network.cidr,
        "ipv6": settings.network.ipv6,
        "flow_logs_days": settings.network.flow_logs_days,
        "tags": tags,
    }
