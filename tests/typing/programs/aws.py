"""A program of an importer: a pod on AWS, and security groups in a network of its own."""

import pulumi

from diaspora_infra.aws import AwsPod, Network, SecurityGroups
from diaspora_infra.tables import AwsTable, HostTable, PodTable

config = pulumi.Config()
tags = {"Pod": "pod.example.org"}
network = Network("own", {"region": "eu-west-1", "zones": ["eu-west-1b", "eu-west-1c"], "tags": tags})
groups = SecurityGroups("own", {"vpc_id": network.vpc_id, "edge": "direct", "shell_access": "none", "tags": tags})

pod = AwsPod(
    "pod",
    {
        "pod": {
            "domain": "pod.example.org",
            "admin": {"username": "podmin", "email": "podmin@example.org"},
            "image": "registry.example.org/diaspora:0.9.1.0",
            "backup": {},
        },
        "host": {"users": [{"name": "core", "sshAuthorizedKeys": ["ssh-ed25519 AAAA podmin@example.org"]}]},
        "aws": {"region": "eu-west-1", "dns": {"zone": "example.org"}},
        "secrets": {"backupPassword": config.require_secret("backupPassword")},
    },
)

# the tables of a stack file in variables
pod_table: PodTable = {
    "domain": "pod.example.org",
    "admin": {"username": "podmin", "email": "podmin@example.org"},
    "mail": None,
}
host_table: HostTable = {"users": [{"name": "core", "sshAuthorizedKeys": ["ssh-ed25519 AAAA podmin@example.org"]}]}
aws_table: AwsTable = {
    "region": "eu-west-1",
    "size": "minimal",
    "database": {"engine": "auroraServerless", "minAcu": 0, "maxAcu": 1.5},
    "instance": {"shellAccess": "ssh", "sshFrom": ["192.0.2.10"]},
    "existingParameters": {"backupPassword": "/my/backup-password"},
    "tags": tags,
}

pulumi.export("machineGroup", groups.machine_id)
pulumi.export("podUrn", pod.urn)
pulumi.export("tables", [len(pod_table), len(host_table), len(aws_table)])
