"""AwsPod: a whole pod on AWS, from the same tables as a stack file."""

from typing import Any, NotRequired, TypedDict

import pulumi

from diaspora_infra.aws.alerts import Alerts
from diaspora_infra.aws.backups import Backups
from diaspora_infra.aws.budget import Budget
from diaspora_infra.aws.certificate import Certificate
from diaspora_infra.aws.database import Database, DatabaseArgs, DatabaseEngine
from diaspora_infra.aws.dns import Dns, DnsArgs
from diaspora_infra.aws.http_api import HttpApi
from diaspora_infra.aws.machine import Machine, MachineArgs, Statement
from diaspora_infra.aws.mail import Mail
from diaspora_infra.aws.network import Network, NetworkArgs, check_existing
from diaspora_infra.aws.parameters import Parameters
from diaspora_infra.aws.security_groups import SecurityGroups, SecurityGroupsArgs
from diaspora_infra.aws.uploads import Uploads
from diaspora_infra.aws.zones import check_type, check_zones
from diaspora_infra.config import AwsSettings, ConfigError, load
from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.aws.parameter_names import UPLOADS_BUCKET, machine_parameters, parameter_path
from diaspora_infra.cost.items import aws_settings
from diaspora_infra.cost.target import monthly_cost
from diaspora_infra.pulumi_config import config_run_error, render_machine


class AwsPodArgs(TypedDict):
    """What an AwsPod needs. The tables are those of the stack config, with its camelCase keys."""

    pod: NotRequired[dict[str, Any]]
    """The diaspora* pod."""
    host: NotRequired[dict[str, Any]]
    """What the machine has."""
    aws: NotRequired[dict[str, Any]]
    """The pod on AWS; `region` is required."""
    settings: NotRequired[Any]
    """A `diaspora_infra.config.AwsSettings` in place of the three tables, for a program that has one."""
    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    """Secret keys of the stack config, such as smtpPassword, and their values."""


class AwsPod(pulumi.ComponentResource):
    """A pod: network, machine and everything around them, each a component of its own."""

    outputs: dict[str, pulumi.Input[Any]]
    """What a podmin wants to know, by name: the outputs of a stack."""

    def __init__(self, name: str, args: AwsPodArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:aws:AwsPod", name, {}, opts)
        self._name = name
        self._settings = _load(name, args)
        self._secrets = {key: pulumi.Output.secret(value) for key, value in args.get("secrets", {}).items()}
        self._tags = {"Project": "diaspora-infra", "Pod": self._settings.pod.domain, **self._aws.tags}
        self._child = pulumi.ResourceOptions(parent=self)
        self._statements: list[Statement] = []
        """What the machine may do: each part that the machine uses adds what it needs."""

        self._network()
        self._groups = SecurityGroups(name, self._groups_args(), self._child)
        email = self._aws.alert_email or self._settings.pod.admin.email
        self._alerts = Alerts(name, {"email": email, "tags": self._tags}, self._child)
        self._dns = Dns(name, self._dns_args(), self._child)
        self._mail = self._make_mail()
        self._data()
        self._machine = Machine(name, self._machine_args(), self._child)
        self._http_api()
        Budget(name, {"monthly_usd": self._aws.monthly_budget_usd, "email": email, "tags": self._tags}, self._child)

        self.outputs = self._outputs()
        self.register_outputs(self.outputs)

    @property
    def _aws(self) -> Aws:
        return self._settings.aws

    def _network(self) -> None:
        settings = self._aws.network
        check_type(self._aws.instance_type_name, self._aws.zones[0], self)
        self._vpc_id: pulumi.Input[str]
        self._public_subnet_id: pulumi.Input[str]
        self._private_subnet_ids: list[pulumi.Input[str]]
        if existing := settings.existing:
            check_existing(
                existing.vpc_id, self._aws.zones[0], existing.public_subnet_id, existing.private_subnet_ids, self
            )
            self._vpc_id, self._public_subnet_id = existing.vpc_id, existing.public_subnet_id
            self._private_subnet_ids = [*existing.private_subnet_ids]
            return
        check_zones(self._aws.region, self._aws.zones, self)
        args: NetworkArgs = {
            "region": self._aws.region,
            "zones": self._aws.zones,
            "cidr": settings.cidr,
            "ipv6": settings.ipv6,
            "flow_logs_days": settings.flow_logs_days,
            "tags": self._tags,
        }
        network = Network(self._name, args, self._child)
        self._vpc_id, self._public_subnet_id = network.vpc_id, network.public_subnet_id
        self._private_subnet_ids = [*network.private_subnet_ids]

    def _groups_args(self) -> SecurityGroupsArgs:
        return {
            "vpc_id": self._vpc_id,
            "edge": self._aws.edge,
            "shell_access": self._aws.instance.shell_access,
            "ssh_from": self._aws.instance.ssh_from or [],
            "database": self._settings.database_on_aws,
            "ipv6": self._aws.network.ipv6,
            "tags": self._tags,
        }

    def _make_mail(self) -> Mail | None:
        """Amazon SES for the pod's mail, with its records; nothing where a relay of the podmin takes it."""
        mail, settings = self._settings.pod.mail, self._aws.mail
        if mail is None or not mail.by_ses:
            return None
        made = Mail(
            self._name,
            {
                "region": self._aws.region,
                "domain": mail.sender_domain,
                "sender": mail.sender_address,
                "alerts_topic_arn": self._alerts.topic_arn,
                "existing_identity": settings.existing_identity,
                "mail_from": settings.mail_from,
                "dmarc": settings.dmarc,
                "tags": self._tags,
            },
            self._child,
        )
        for each in made.records:
            name = f"{self._name}-mail-{each['key']}"
            self._dns.record(name, each["name"], each["type"], each["values"], self._child)
        return made

    def _data(self) -> None:
        """The database, the place of the backups, and the parameters by which the machine finds both."""
        pod, path = self._settings.pod, parameter_path(self._aws, self._settings.pod)
        facts: dict[str, pulumi.Input[str]] = {}
        if self._settings.database_on_aws:
            facts["databaseHost"] = Database(self._name, self._database_args(path), self._child).host
        if self._settings.uploads_in_bucket:
            uploads = Uploads(self._name, {"protect": self._aws.protect, "tags": self._tags}, self._child)
            facts[UPLOADS_BUCKET.name] = uploads.bucket
            self._statements += uploads.statements
        own_bucket = self._settings.backup_bucket
        backups = Backups(
            self._name,
            {
                "region": self._aws.region,
                "snapshots_of": pod.domain,
                "make_bucket": own_bucket,
                "object_lock_days": self._aws.backups.object_lock_days,
                "volume_snapshot_days": self._aws.backups.volume_snapshot_days,
                "protect": self._aws.protect,
                "tags": self._tags,
            },
            self._child,
        )
        self._volume_tags = backups.volume_tags
        if own_bucket:
            facts["backupRepository"] = pulumi.Output.concat(backups.repository.apply(str), "/pod")
        wanted = machine_parameters(self._aws, pod)
        secrets: dict[str, pulumi.Input[str]] = {**self._secrets}
        if self._mail is not None:
            secrets |= {"smtpUsername": self._mail.user, "smtpPassword": self._mail.password}
        parameters = Parameters(
            self._name,
            {
                "region": self._aws.region,
                "path": path,
                "secrets": {each.name: secrets[each.name] for each in wanted if each.name in secrets},
                "facts": facts,
                "existing": {each.name: each.existing for each in wanted if each.existing},
                "tags": self._tags,
            },
            self._child,
        )
        self._statements += [*backups.statements, *parameters.statements]

    def _database_args(self, path: str) -> DatabaseArgs:
        settings = self._aws.database
        args: DatabaseArgs = {
            "subnet_ids": self._private_subnet_ids,
            "security_group_ids": [] if self._groups.database_id is None else [self._groups.database_id],
            "password_parameter": f"{path}/databasePassword",
            "engine": DatabaseEngine(settings.engine),
            "version": settings.version,
            "allow_major_upgrade": "version" in settings.model_fields_set,
            "min_acu": settings.min_acu,
            "max_acu": settings.max_acu,
            "auto_pause_seconds": settings.auto_pause_seconds,
            "instance_class": settings.instance_class,
            "storage_gib": settings.storage_gib,
            "backup_days": settings.backup_days,
            "protect": self._aws.protect,
            "tags": self._tags,
        }
        if settings.restore_from is not None:
            args["restore_from"] = settings.restore_from
        return args

    def _machine_args(self) -> MachineArgs:
        settings = self._aws.instance
        args: MachineArgs = {
            "region": self._aws.region,
            "zone": self._aws.zones[0],
            "subnet_id": self._public_subnet_id,
            "security_group_ids": [self._groups.machine_id],
            "instance_type": self._aws.instance_type_name,
            "image": {
                "architecture": self._aws.architecture.value,
                "stream": settings.release.stream.value,
                "version": settings.release.version,
            },
            "ignition": render_machine(self._settings, self._settings.machines[0], self._secrets),
            "statements": self._statements,
            "root_gib": settings.root_gib,
            "data_gib": settings.data_gib,
            "topic_arn": self._alerts.topic_arn,
            "elastic_ip": not self._settings.behind_gateway,
            "volume_tags": self._volume_tags,
            "protect": self._aws.protect,
            "tags": self._tags,
        }
        if settings.image_id is not None:
            args["image"]["id"] = settings.image_id
        if self._groups.endpoint_id is not None:
            args["shell_endpoint"] = {
                "subnet_id": self._private_subnet_ids[0],
                "security_group_id": self._groups.endpoint_id,
            }
        return args

    def _dns_args(self) -> DnsArgs:
        settings = self._aws.dns
        args: DnsArgs = {"create": settings.create_zone, "protect": self._aws.protect, "tags": self._tags}
        if settings.provider == "route53":
            args["zone"] = settings.zone or self._settings.pod.domain
        return args

    def _http_api(self) -> None:
        """API Gateway with the pod's domain, or the domain on the machine's own address."""
        domain = self._settings.pod.domain
        self._next_step: pulumi.Output[str | None] | None = None
        if not self._settings.behind_gateway:
            # no AAAA, also with IPv6 in the VPC: the pod itself does not answer on IPv6 (docs/tls.md)
            self._dns.record(f"{self._name}-domain", domain, "A", [self._machine.public_ip], self._child)
            return
        if self._groups.link_id is None:
            raise ValueError("edge gateway without a group for the VPC link")
        by_itself = self._aws.dns.provider == "route53" and not self._aws.dns.create_zone
        certificate = Certificate(
            self._name, {"domain": domain, "dns": self._dns, "wait": by_itself, "tags": self._tags}, self._child
        )
        if certificate.issued is not None:
            self._next_step = certificate.issued.apply(self._step_to_a_certificate)
        HttpApi(
            self._name,
            {
                "domain": domain,
                "dns": self._dns,
                "certificate_arn": certificate.arn,
                "certificate_issued": certificate.issued,
                "subnet_ids": self._private_subnet_ids,
                "security_group_id": self._groups.link_id,
                "address": self._machine.private_ip,
                "requests_per_second": self._aws.http_api.requests_per_second,
                "log_days": self._aws.http_api.log_days,
                "tags": self._tags,
            },
            self._child,
        )

    def _step_to_a_certificate(self, issued: bool) -> str | None:
        """What a person has to do for the certificate, which is said in the log too; None when nothing is left."""
        if issued:
            return None
        if self._dns.zone_id is None:
            step = "set the records of the stack output dnsRecords"
        else:
            step = "tell your registrar the name servers of the stack output nameServers"
        pulumi.log.warn(
            f"the certificate of {self._settings.pod.domain} is not issued yet, so this run leaves the domain out; "
            f"{step}, wait some minutes, and run `pulumi up` again",
            self,
        )
        return f"{step}, then run pulumi up again"

    def _outputs(self) -> dict[str, pulumi.Input[Any]]:
        outputs: dict[str, pulumi.Input[Any]] = {
            "url": f"https://{self._settings.pod.domain}",
            "vpc": self._vpc_id,
            "instance": self._machine.instance_id,
            "address": self._machine.public_ip,
            "dataVolume": self._machine.volume_id,
            "monthlyCost": monthly_cost(self._settings),
        }
        if shell := self._shell():
            outputs["shell"] = shell
        if self._mail is not None and self._settings.pod.mail is not None:
            sender = self._settings.pod.mail.sender_address
            outputs["mail"] = {"host": self._mail.host, "sender": sender, "nextSteps": self._mail.next_steps}
        if self._dns.zone_id is None:
            outputs["dnsRecords"] = self._dns.wanted
        if self._dns.name_servers is not None:
            outputs["nameServers"] = self._dns.name_servers
        if self._next_step is not None:
            outputs["nextStep"] = self._next_step
        return outputs

    def _shell(self) -> pulumi.Output[str] | None:
        """The command that logs in."""
        user = self._settings.host.users[0].name
        access = self._aws.instance.shell_access
        if access == "instanceConnectEndpoint":
            return pulumi.Output.concat(
                f"aws ec2-instance-connect ssh --region {self._aws.region} --connection-type eice --os-user {user} "
                "--private-key-file ~/.ssh/id_ed25519 --instance-id ",
                self._machine.instance_id,
            )
        return pulumi.Output.concat(f"ssh {user}@", self._machine.public_ip) if access == "ssh" else None


def _load(name: str, args: AwsPodArgs) -> AwsSettings:
    settings = args.get("settings")
    if isinstance(settings, AwsSettings):
        return settings
    values: dict[str, Any] = {"target": "aws"}
    for key in ("pod", "host", "aws"):
        if key in args:
            values[key] = args[key]
    try:
        return aws_settings(load(values, args.get("secrets", {})))
    except ConfigError as error:
        raise config_run_error(error, name) from None
