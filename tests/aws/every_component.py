"""A program with every component, whose arguments are outputs of the others: its types and its resources are tested."""

from collections.abc import Sequence

import pulumi

from diaspora_infra.aws import (
    Alerts,
    Architecture,
    Backups,
    Budget,
    Bundle,
    Cache,
    Certificate,
    Database,
    DatabaseEngine,
    Dns,
    DnsRecord,
    Edge,
    HttpApi,
    ImageBuild,
    LoadBalancer,
    Machine,
    MachineGroup,
    Mail,
    Network,
    Parameters,
    SecurityGroups,
    ShellAccess,
    Stream,
    Uploads,
)

DOMAIN = "pod.example.org"


def program() -> pulumi.Output[Sequence[DnsRecord]]:
    """Make everything once; returns the records that a person has to set."""
    domain, tags = pulumi.Output.from_input(DOMAIN), pulumi.Output.from_input({"Pod": DOMAIN})
    email = pulumi.Output.concat("podmin@", domain)
    network = Network(
        "own",
        {
            "zones": ["eu-west-1b", "eu-west-1c"],
            "public_in_each_zone": True,
            "cidr": pulumi.Output.from_input("10.1.0.0/16"),
            "tags": tags,
        },
    )
    groups = SecurityGroups(
        "own",
        {
            "vpc_id": network.vpc_id,
            "edge": Edge.GATEWAY,
            "shell_access": ShellAccess.INSTANCE_CONNECT_ENDPOINT,
            "database": True,
            "tags": {"Pod": domain},
        },
    )
    assert groups.link_id is not None and groups.endpoint_id is not None and groups.database_id is not None
    alerts = Alerts("own", {"email": email, "tags": tags})
    Budget("own", {"monthly_usd": pulumi.Output.from_input(20), "email": email, "tags": tags})
    database = Database(
        "own",
        {
            "subnet_ids": network.private_subnet_ids,
            "security_group_ids": pulumi.Output.all(groups.database_id),
            "password_parameter": pulumi.Output.concat("/diaspora/", domain, "/databasePassword"),
            "engine": DatabaseEngine.AURORA_SERVERLESS,
            "max_acu": pulumi.Output.from_input(2.0),
            "backup_days": pulumi.Output.from_input(3),
            "weekly_acu_hours": pulumi.Output.from_input(11.5),
            "topic_arn": alerts.topic_arn,
            "tags": tags,
        },
    )
    uploads = Uploads("own", {"bucket": pulumi.Output.from_input("uploads-of-my-pod"), "tags": tags})
    backups = Backups("own", {"snapshots_of": domain, "tags": tags})
    assert backups.repository is not None
    mail = Mail(
        "own", {"domain": DOMAIN, "sender": email, "alerts_topic_arn": alerts.topic_arn, "mail_from": "b", "tags": tags}
    )
    parameters = Parameters(
        "own",
        {
            "path": pulumi.Output.concat("/diaspora/", domain),
            "secrets": {"smtpPassword": mail.password, "databasePassword2": database.password},
            "facts": {
                "databaseHost": database.host,
                "uploadsBucket": uploads.bucket,
                "backupRepository": backups.repository,
            },
            "tags": tags,
        },
    )
    bundle = Bundle(
        "own",
        {
            "config": pulumi.Output.from_input("{}"),
            "hash": pulumi.Output.from_input("0" * 16),
            "path": pulumi.Output.concat("/diaspora/", domain),
            "tags": tags,
        },
    )
    images = ImageBuild(
        "own",
        {
            "project": "images-pod",
            "images": {
                "app": {"containerfile": "FROM public.ecr.aws/x:1\n", "arguments": {}, "tag": "1", "start": "true"}
            },
            "architecture": Architecture.AARCH64,
            "parameters": {"app": pulumi.Output.concat("/diaspora/", domain, "/images/app")},
            "topic_arn": alerts.topic_arn,
            "tags": tags,
        },
    )
    machine = Machine(
        "own",
        {
            "zone": pulumi.Output.from_input("eu-west-1b"),
            "subnet_id": network.public_subnet_id,
            "security_group_ids": pulumi.Output.all(groups.machine_id),
            "instance_type": "t4g.micro",
            "image": {"architecture": Architecture.AARCH64, "version": "44.20260802.3.1", "stream": Stream.STABLE},
            "ignition": pulumi.Output.from_input("{}"),
            "statements": pulumi.Output.all(
                *uploads.statements, *backups.statements, *parameters.statements, *bundle.statements, *images.statements
            ),
            "root_gib": pulumi.Output.from_input(12),
            "topic_arn": alerts.topic_arn,
            "shell_endpoint": {
                "subnet_id": network.private_subnet_ids[0],
                "security_group_id": groups.endpoint_id,
            },
            "volume_tags": backups.volume_tags,
            "tags": tags,
        },
    )
    Cache(
        "own",
        {
            "subnet_ids": network.private_subnet_ids,
            "security_group_ids": pulumi.Output.all(groups.database_id),
            "password": pulumi.Output.from_input("a-password-of-the-test"),
            "node_type": pulumi.Output.from_input("cache.t4g.small"),
            "snapshot_days": pulumi.Output.from_input(3),
            "topic_arn": alerts.topic_arn,
            "tags": tags,
        },
    )
    dns = Dns("own", {"zone": DOMAIN, "tags": tags})
    certificate = Certificate("own", {"domain": domain, "zone_id": dns.zone_id, "tags": tags})
    elsewhere = Certificate("elsewhere", {"domain": domain, "wait": False, "tags": tags})
    HttpApi(
        "own",
        {
            "domain": domain,
            "zone_id": dns.zone_id,
            "certificate_arn": certificate.arn,
            "certificate_issued": certificate.issued,
            "subnet_ids": network.private_subnet_ids,
            "security_group_id": groups.link_id,
            "address": machine.private_ip,
            "port": pulumi.Output.from_input(8080),
            "requests_per_second": pulumi.Output.from_input(7),
            "tags": tags,
        },
    )
    balancer = LoadBalancer(
        "own",
        {
            "domain": domain,
            "zone_id": dns.zone_id,
            "certificate_arn": certificate.arn,
            "certificate_issued": certificate.issued,
            "vpc_id": network.vpc_id,
            "subnet_ids": network.public_subnet_ids,
            "security_group_id": groups.link_id,
            "health_path": pulumi.Output.from_input("/"),
            "topic_arn": alerts.topic_arn,
            "tags": tags,
        },
    )
    MachineGroup(
        "several",
        {
            "subnet_ids": network.public_subnet_ids,
            "security_group_ids": pulumi.Output.all(groups.machine_id),
            "instance_type": pulumi.Output.from_input("t4g.small"),
            "image": {"architecture": Architecture.AARCH64, "version": "44.20260802.3.1"},
            "ignition": pulumi.Output.from_input("{}"),
            "size": pulumi.Output.from_input(3),
            "target_group_arns": pulumi.Output.all(balancer.target_group_arn),
            "ready_seconds": 600,
            "statements": pulumi.Output.all(*uploads.statements),
            "root_gib": pulumi.Output.from_input(12),
            "topic_arn": alerts.topic_arn,
            "tags": tags,
        },
    )
    return elsewhere.records


def mistakes() -> None:
    """What a type checker refuses. Nobody calls it: each line is here for its comment, which must be needed."""
    Dns("own", {"zones": "example.org"})  # type: ignore[typeddict-unknown-key]
    Certificate("own", {"domain": DOMAIN, "zone_id": Dns("own", {})})  # type: ignore[typeddict-item]
    SecurityGroups("own", {"vpc_id": "vpc-1", "edge": "direct"})  # type: ignore[typeddict-item]
    Alerts("own", {})  # type: ignore[typeddict-item]
    Backups("own", {"snapshots_of": DOMAIN, "make_bucket": pulumi.Output.from_input(True)})  # type: ignore[typeddict-item]
