"""A program that makes a pod on several machines from single components."""

from typing import Any

import pulumi

from diaspora_infra.aws import (
    Alerts,
    Architecture,
    Cache,
    Certificate,
    Database,
    DatabaseEngine,
    Dns,
    Edge,
    LoadBalancer,
    MachineGroup,
    Network,
    SecurityGroups,
    ShellAccess,
)

DOMAIN = "pod.example.org"
CONFIG = '{"ignition": {"version": "3.4.0"}}'


def program(ignition: str = CONFIG, *, protect: bool = True) -> dict[str, pulumi.Output[Any]]:
    """Make two web machines and one for jobs, with what they need; returns what a test looks at."""
    tags = {"Pod": DOMAIN}
    zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    network = Network("pod", {"zones": zones, "public_in_each_zone": True, "tags": tags})
    groups = SecurityGroups(
        "pod",
        {
            "vpc_id": network.vpc_id,
            "edge": Edge.LOAD_BALANCER,
            "shell_access": ShellAccess.NONE,
            "database": True,
            "cache": True,
            "tags": tags,
        },
    )
    assert groups.load_balancer_id is not None and groups.cache_id is not None and groups.database_id is not None
    alerts = Alerts("pod", {"email": "podmin@example.org", "tags": tags})
    dns = Dns("pod", {"zone": DOMAIN, "tags": tags})
    certificate = Certificate("pod", {"domain": DOMAIN, "zone_id": dns.zone_id, "tags": tags})
    balancer = LoadBalancer(
        "pod",
        {
            "domain": DOMAIN,
            "zone_id": dns.zone_id,
            "certificate_arn": certificate.arn,
            "vpc_id": network.vpc_id,
            "subnet_ids": network.public_subnet_ids,
            "security_group_id": groups.load_balancer_id,
            "topic_arn": alerts.topic_arn,
            "tags": tags,
        },
    )
    cache = Cache(
        "pod",
        {
            "subnet_ids": network.private_subnet_ids,
            "security_group_ids": [groups.cache_id],
            "password_parameter": f"/diaspora/{DOMAIN}/cachePassword",
            "topic_arn": alerts.topic_arn,
            "protect": protect,
            "tags": tags,
        },
    )
    Database(
        "pod",
        {
            "subnet_ids": network.private_subnet_ids,
            "security_group_ids": [groups.database_id],
            "password_parameter": f"/diaspora/{DOMAIN}/databasePassword",
            "engine": DatabaseEngine.RDS,
            "standby": True,
            "protect": protect,
            "tags": tags,
        },
    )
    outputs: dict[str, pulumi.Output[Any]] = {"cache": cache.url}
    for name in ("web", "job"):
        machines = MachineGroup(
            name,
            {
                "subnet_ids": network.public_subnet_ids,
                "security_group_ids": [groups.machine_id],
                "instance_type": "t4g.small",
                "image": {"architecture": Architecture.AARCH64, "version": "44.20260802.3.1"},
                "ignition": ignition,
                "size": 2 if name == "web" else 1,
                "overlap": name == "web",
                "ready_seconds": 900 if name == "web" else 0,
                "target_group_arns": [balancer.target_group_arn] if name == "web" else [],
                "topic_arn": alerts.topic_arn,
                "tags": tags,
            },
        )
        outputs[name] = machines.group_name
    return outputs
