"""A program of an importer: a pod on AWS, and security groups in a network of its own."""

import pulumi

from diaspora_infra.aws import Alerts, AwsPod, Database, Edge, Machine, Network, SecurityGroups, ShellAccess, Uploads
from diaspora_infra.config import Architecture
from diaspora_infra.tables import AwsTable, HostTable, PodTable

config = pulumi.Config()
tags = {"Pod": "pod.example.org"}
network = Network("own", {"zones": ["eu-west-1b", "eu-west-1c"], "tags": tags})
groups = SecurityGroups(
    "own",
    {"vpc_id": network.vpc_id, "edge": Edge.DIRECT, "shell_access": ShellAccess.NONE, "database": True, "tags": tags},
)
alerts = Alerts("own", {"email": config.require("email"), "tags": tags})
uploads = Uploads("own", {"tags": tags})
database = Database(
    "own",
    {
        "subnet_ids": network.private_subnet_ids,
        "security_group_ids": [groups.machine_id],
        "password_parameter": "/own/databasePassword",
        "tags": tags,
    },
)

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

machine = Machine(
    "own",
    {
        "zone": "eu-west-1b",
        "subnet_id": network.public_subnet_id,
        "security_group_ids": [groups.machine_id],
        "instance_type": "t4g.small",
        "image": {"architecture": Architecture.AARCH64, "version": "44.20260802.3.1"},
        "ignition": pulumi.Output.concat('{"ignition": {"version": "3.4.0"}, "database": "', database.host, '"}'),
        "statements": uploads.statements,
        "topic_arn": alerts.topic_arn,
        "tags": tags,
    },
)

# the parts and the outputs of a pod
data_volume: pulumi.Output[str] | None = pod.data_volume_id
pulumi.export("podAlarms", pod.alerts.topic_arn)
pulumi.export("apiId", None if pod.http_api is None else pod.http_api.api_id)
pulumi.export("volumes", [data_volume, machine.volume_id])
pulumi.export("tables", [len(pod_table), len(host_table), len(aws_table)])
