"""Database, uploads, mail, parameters and backups of a pod, as a program of one's own uses them."""

from typing import Any

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws import Alerts, Backups, Database, Mail, Network, Parameters, Uploads

DOMAIN = "pod.example.org"
REGION = "eu-west-1"
config = pulumi.Config("diaspora-infra")
changes: dict[str, Any] = config.get_object("changes") or {}
protect = changes.get("protect", True)
tags = {"Pod": DOMAIN}
path = f"/diaspora/{DOMAIN}"

provider = aws.Provider("aws", region=REGION)
options = pulumi.ResourceOptions(providers=[provider])
network = Network("pod", {"zones": ["eu-west-1a", "eu-west-1b"], "tags": tags}, options)
group = aws.ec2.SecurityGroup(
    "database", vpc_id=network.vpc_id, description="database", tags=tags, opts=pulumi.ResourceOptions(provider=provider)
)
alerts = Alerts("pod", {"email": "podmin@example.org", "tags": tags}, options)
database = Database(
    "pod",
    {
        "subnet_ids": network.private_subnet_ids,
        "security_group_ids": [group.id],
        "password_parameter": f"{path}/databasePassword",
        "protect": protect,
        "tags": tags,
        **changes.get("database", {}),
    },
    options,
)
uploads = Uploads("pod", {"protect": protect, "tags": tags}, options)
backups = Backups(
    "pod",
    {"snapshots_of": DOMAIN, "protect": protect, "tags": tags, **changes.get("backups", {})},
    options,
)
mail = Mail(
    "pod",
    {
        "domain": DOMAIN,
        "sender": f"no-reply@{DOMAIN}",
        "alerts_topic_arn": alerts.topic_arn,
        "tags": tags,
        **changes.get("mail", {}),
    },
    options,
)
parameters = Parameters(
    "pod",
    {
        "path": path,
        "secrets": {
            "smtpPassword": mail.password,
            "backupPassword": config.require_secret("backupPassword"),
            **changes.get("secrets", {}),
        },
        "facts": {
            "databaseHost": database.host,
            "uploadsBucket": uploads.bucket,
            "smtpHost": mail.host,
            "smtpUsername": mail.user,
        },
        "existing": changes.get("existing", {"camoKey": "/elsewhere/camo-key"}),
        "tags": tags,
    },
    options,
)
pulumi.export("database", {"host": database.host, "finalSnapshot": database.final_snapshot})
pulumi.export("databasePassword", database.password)
pulumi.export("smtpPassword", mail.password)
pulumi.export("records", mail.records)
pulumi.export("repository", backups.repository)
pulumi.export("volumeTags", backups.volume_tags)
pulumi.export("statements", [*uploads.statements, *backups.statements, *parameters.statements])
