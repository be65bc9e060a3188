"""AwsPod: a whole pod on AWS, from the same tables as a stack file."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from diaspora_infra.aws import group_parts, pod_parts
from diaspora_infra.aws.alerts import Alerts
from diaspora_infra.aws.backups import Backups
from diaspora_infra.aws.budget import Budget
from diaspora_infra.aws.bundle import Bundle
from diaspora_infra.aws.cache import Cache
from diaspora_infra.aws.certificate import Certificate
from diaspora_infra.aws.database import Database
from diaspora_infra.aws.dns import Dns, DnsRecord
from diaspora_infra.aws.http_api import HttpApi
from diaspora_infra.aws.image_build import ImageBuild
from diaspora_infra.aws.load_balancer import LoadBalancer
from diaspora_infra.aws.machine import Machine
from diaspora_infra.aws.machine_group import MachineGroup
from diaspora_infra.aws.mail import Mail
from diaspora_infra.aws.network import Network
from diaspora_infra.aws.parameters import Parameters
from diaspora_infra.aws.security_groups import SecurityGroups
from diaspora_infra.aws.topology_change import check_topology_change
from diaspora_infra.aws.uploads import Uploads
from diaspora_infra.config import AwsSettings, ConfigError
from diaspora_infra.config.aws.aws import JOB, WEB
from diaspora_infra.cost.items import aws_settings
from diaspora_infra.cost.target import monthly_cost
from diaspora_infra.pulumi_config import config_run_error, load_tables
from diaspora_infra.tables import AwsTable, HostTable, PodTable


class AwsPodArgs(TypedDict):
    """What an AwsPod needs. The tables are those of the stack config, with its camelCase keys."""

    pod: NotRequired[PodTable]
    """Required. The diaspora* pod. Plain values, not outputs."""
    host: NotRequired[HostTable]
    """Required. What the machine has. Plain values, not outputs."""
    aws: NotRequired[AwsTable]
    """Required. The pod on AWS, with its `region`. Plain values, not outputs."""
    secrets: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Secret keys of the stack config, such as smtpPassword, and their values. The keys are plain, the values may be
    outputs."""
    _settings: NotRequired[AwsSettings]
    """In place of the three tables, for the stack program, which has them already."""


class AwsPod(pulumi.ComponentResource):
    """A pod: network, machine and everything around them, each a component of its own.

    In Python, the parts are attributes: `security_groups`, `alerts`, `dns`, `backups`, `parameters` and `budget`, and
    `network`, `mail`, `database`, `uploads`, `image_build`, `certificate`, `bundle`, `machine`, `http_api`, `cache` and
    `load_balancer`, which are None where the settings leave the part out. `machine_groups` has the groups of several
    machines by their role, web and job.
    """

    url: pulumi.Output[str]
    """Address of the pod."""
    vpc_id: pulumi.Output[str]
    """Id of the VPC."""
    instance_id: pulumi.Output[str] | None
    """Id of the machine's instance; None with several machines."""
    public_ip: pulumi.Output[str] | None
    """IPv4 address of the machine on the internet; None with several machines."""
    data_volume_id: pulumi.Output[str] | None
    """Id of the data volume; None with several machines."""
    load_balancer_name: pulumi.Output[str] | None
    """Name under which AWS serves the load balancer; None with one machine."""
    group_names: pulumi.Output[Mapping[str, str]] | None
    """Names of the Auto Scaling groups, by the roles of their machines: web and job; None with one machine."""
    status_command: pulumi.Output[str] | None
    """Command that tells how far a change of the machines is; None with one machine."""
    monthly_cost: pulumi.Output[Mapping[str, Any]]
    """What the pod costs in a month, in dollars by the number of people, and what the sums hold for."""
    shell_command: pulumi.Output[str] | None
    """Command that logs in to the machine, or to one of several, whose id or address is to be filled in; None with
    `shellAccess: none`."""
    mail_host: pulumi.Output[str] | None
    """Name of the SMTP server; None where Amazon SES does not send the pod's mail."""
    mail_sender: pulumi.Output[str] | None
    """Address that the pod's mail comes from; None where Amazon SES does not send it."""
    mail_next_steps: pulumi.Output[str] | None
    """What a person has to do before strangers get mail; None where Amazon SES does not send the pod's mail."""
    dns_records: pulumi.Output[Sequence[DnsRecord]] | None
    """DNS records that a person has to set; None where the hosted zone is in Route 53."""
    name_servers: pulumi.Output[Sequence[str]] | None
    """Name servers of a hosted zone that is made here, for the registrar; None with another zone."""
    pending_upgrade: pulumi.Output[str | None] | None
    """What a person has to do so that the machine takes the bundle that the stack offers; its value is None when it
    runs that bundle, and before the machine has told which one it runs. None with several machines."""
    next_step: pulumi.Output[str | None] | None
    """What a person has to do for the certificate; its value is None when nothing is left. None where the stack
    waits for the certificate, or has none."""

    def __init__(self, name: str, args: AwsPodArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:AwsPod", name, {}, opts)
        settings = args["_settings"] if "_settings" in args else _load(name, args)
        plan = _plan(name, settings, args.get("secrets", {}), self)
        self.bundle: Bundle | None = None
        self.machine: Machine | None = None
        self.http_api: HttpApi | None = None
        self.cache: Cache | None = None
        self.load_balancer: LoadBalancer | None = None
        self.machine_groups: Mapping[str, MachineGroup] = {}
        check_topology_change(plan)
        subnets = pod_parts.make_subnets(plan)
        self.network: Network | None = subnets.network
        self.security_groups: SecurityGroups = pod_parts.make_security_groups(plan, subnets)
        self.alerts: Alerts = pod_parts.make_alerts(plan)
        self.dns: Dns = pod_parts.make_dns(plan)
        self.mail: Mail | None = pod_parts.make_mail(plan, self.alerts)
        pending = [*pod_parts.set_mail_records(plan, self.mail, self.dns)]
        self.database: Database | None = pod_parts.make_database(plan, subnets, self.security_groups, self.alerts)
        if settings.aws.has_groups:
            self.cache = group_parts.make_cache(plan, subnets, self.security_groups, self.alerts)
        self.uploads: Uploads | None = pod_parts.make_uploads(plan)
        self.backups: Backups = pod_parts.make_backups(plan)
        self.parameters: Parameters = pod_parts.make_parameters(
            plan, self.database, self.uploads, self.backups, self.mail, self.cache
        )
        self.image_build: ImageBuild | None = pod_parts.make_image_build(plan, self.alerts)
        self.certificate: Certificate | None = None
        if settings.aws.certificate_of_acm:
            self.certificate = pod_parts.make_certificate(plan, self.dns)
        self.instance_id = self.public_ip = self.data_volume_id = self.pending_upgrade = None
        self.load_balancer_name = self.group_names = self.status_command = None
        if settings.aws.has_groups:
            self._make_groups(plan, subnets)
        else:
            pending += self._make_machine(plan, subnets)
        self.budget: Budget = pod_parts.make_budget(plan)

        self.url = pulumi.Output.from_input(f"https://{settings.pod.domain}")
        self.vpc_id = subnets.vpc_id
        self.monthly_cost = pulumi.Output.from_input(monthly_cost(settings))
        self.shell_command = _shell_command(plan, self.machine)
        self.mail_host = self.mail_sender = self.mail_next_steps = None
        if self.mail is not None and settings.pod.mail is not None:
            self.mail_host, self.mail_next_steps = self.mail.host, self.mail.next_steps
            self.mail_sender = pulumi.Output.from_input(settings.pod.mail.sender_address)
        self.dns_records = None
        if self.dns.zone_id is None:
            self.dns_records = _all_records(pending, self.certificate, self.http_api, self.load_balancer)
        self.name_servers = self.dns.name_servers
        self.next_step = None
        if self.certificate is not None and self.certificate.issued is not None:
            self.next_step = self.certificate.issued.apply(lambda issued: self._certificate_next_step(plan, issued))
        self.register_outputs(
            {
                "url": self.url,
                "vpcId": self.vpc_id,
                "instanceId": self.instance_id,
                "publicIp": self.public_ip,
                "dataVolumeId": self.data_volume_id,
                "loadBalancerName": self.load_balancer_name,
                "groupNames": self.group_names,
                "statusCommand": self.status_command,
                "monthlyCost": self.monthly_cost,
                "shellCommand": self.shell_command,
                "mailHost": self.mail_host,
                "mailSender": self.mail_sender,
                "mailNextSteps": self.mail_next_steps,
                "dnsRecords": self.dns_records,
                "nameServers": self.name_servers,
                "pendingUpgrade": self.pending_upgrade,
                "nextStep": self.next_step,
            }
        )

    def _make_machine(self, plan: pod_parts.Plan, subnets: pod_parts.Subnets) -> Sequence[pulumi.Output[DnsRecord]]:
        """Make the one machine and what is in front of it; returns the record that a person has to set for it."""
        parts = pod_parts.render_parts(plan)
        self.bundle = pod_parts.make_bundle(plan, parts)
        self.machine = pod_parts.make_machine(
            plan,
            parts,
            subnets,
            self.security_groups,
            self.alerts,
            self.uploads,
            self.backups,
            self.parameters,
            self.bundle,
            self.image_build,
        )
        self.instance_id, self.public_ip = self.machine.instance_id, self.machine.public_ip
        self.data_volume_id = self.machine.volume_id
        self.pending_upgrade = pulumi.Output.from_input(pod_parts.pending_upgrade(plan, parts))
        if self.certificate is None:
            return pod_parts.set_domain_record(plan, self.machine, self.dns)
        self.http_api = pod_parts.make_http_api(
            plan, subnets, self.security_groups, self.dns, self.certificate, self.machine
        )
        return []

    def _make_groups(self, plan: pod_parts.Plan, subnets: pod_parts.Subnets) -> None:
        """Make the groups of machines and the load balancer in front of those for the web."""
        if self.certificate is None or self.cache is None:
            raise ValueError("groups of machines without a certificate or a cache")
        self.load_balancer = group_parts.make_load_balancer(
            plan, subnets, self.security_groups, self.alerts, self.dns, self.certificate
        )
        group_parts.make_shell_endpoint(plan, subnets, self.security_groups)
        shared = group_parts.Shared(
            subnets,
            self.security_groups,
            self.alerts,
            self.uploads,
            self.backups,
            self.parameters,
            self.image_build,
            self.database,
            self.cache,
            [*group_parts.generated_statements(plan), *group_parts.make_logs(plan)],
        )
        job = group_parts.make_job_group(plan, shared)
        web = group_parts.make_web_group(plan, shared, self.load_balancer, job)
        self.machine_groups = {WEB: web, JOB: job}
        group_parts.make_news(plan, self.alerts, self.machine_groups, self.database)
        self.load_balancer_name = self.load_balancer.dns_name
        self.group_names = group_parts.group_names(self.machine_groups)
        self.status_command = pulumi.Output.from_input(f"diaspora-infra status {pulumi.get_stack()} --wait")

    def _certificate_next_step(self, plan: pod_parts.Plan, issued: bool) -> str | None:
        """What a person has to do for the certificate, which is said in the log too; None when nothing is left."""
        if issued:
            return None
        if self.dns.zone_id is None:
            step = "set the records of the stack output dnsRecords"
        else:
            step = "tell your registrar the name servers of the stack output nameServers"
        pulumi.log.warn(
            f"the certificate of {plan.settings.pod.domain} is not issued yet, so this run leaves the domain out; "
            f"{step}, wait some minutes, and run `pulumi up` again, within 72 hours; later, run `pulumi up --refresh`, "
            "which requests another certificate",
            self,
        )
        return f"{step}, then run pulumi up again"


def _plan(
    name: str, settings: AwsSettings, secrets: Mapping[str, pulumi.Input[str]], component: AwsPod
) -> pod_parts.Plan:
    hidden = {key: pulumi.Output.secret(value) for key, value in secrets.items()}
    return pod_parts.Plan(name, settings, hidden, component)


def _load(name: str, args: AwsPodArgs) -> AwsSettings:
    """Read the tables. Raises RunError with all that is wrong, one line each."""
    tables = {"pod": args.get("pod"), "host": args.get("host"), "aws": args.get("aws")}
    values = {"target": "aws", **{key: table for key, table in tables.items() if table is not None}}
    try:
        return aws_settings(load_tables(values, args.get("secrets", {})))
    except ConfigError as error:
        raise config_run_error(error, name) from None


def _shell_command(plan: pod_parts.Plan, machine: Machine | None) -> pulumi.Output[str] | None:
    user, access = plan.settings.host.users[0].name, plan.aws.instance.shell_access
    if access == "instanceConnectEndpoint":
        return pulumi.Output.concat(
            f"aws ec2-instance-connect ssh --region {plan.aws.region} --connection-type eice --os-user {user} "
            "--private-key-file ~/.ssh/id_ed25519 --instance-id ",
            "INSTANCE" if machine is None else machine.instance_id,
        )
    address = "ADDRESS" if machine is None else machine.public_ip
    return pulumi.Output.concat(f"ssh {user}@", address) if access == "ssh" else None


def _all_records(
    pending: Sequence[pulumi.Output[DnsRecord]], *parts: Certificate | HttpApi | LoadBalancer | None
) -> pulumi.Output[Sequence[DnsRecord]]:
    """The records of all parts that a person has to set."""
    lists = [part.records for part in parts if part is not None]
    return pulumi.Output.all(pulumi.Output.all(*pending), *lists).apply(
        lambda lists: [record for records in lists for record in records]
    )
