"""The parts of a pod on AWS: which there are, and what each gets, by the settings of a stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws

from diaspora_infra.aws import stack_keys
from diaspora_infra.aws.alerts import Alerts
from diaspora_infra.aws.backups import Backups
from diaspora_infra.aws.budget import Budget
from diaspora_infra.aws.bundle import NONE_APPLIED, Bundle
from diaspora_infra.aws.cache import Cache
from diaspora_infra.aws.certificate import Certificate
from diaspora_infra.aws.database import Database, DatabaseArgs, DatabaseEngine
from diaspora_infra.aws.dns import Dns, DnsArgs, DnsRecord, create_record, pending_record
from diaspora_infra.aws.former_places import takes_over
from diaspora_infra.aws.http_api import HttpApi
from diaspora_infra.aws.image_build import ImageBuild
from diaspora_infra.aws.machine import Machine, MachineArgs
from diaspora_infra.aws.mail import Mail
from diaspora_infra.aws.network import Network
from diaspora_infra.aws.parameters import Parameters
from diaspora_infra.aws.security_groups import Edge, SecurityGroups, ShellAccess
from diaspora_infra.aws.stack_keys import in_stack_keys
from diaspora_infra.aws.uploads import Uploads
from diaspora_infra.aws.zones import check_existing, check_shell_endpoint, check_type, choose_zones
from diaspora_infra.config import AwsSettings
from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.aws.parameter_names import (
    BUNDLE_APPLIED,
    CACHE_HOST,
    UPLOADS_BUCKET,
    image_parameter,
    image_project,
    machine_parameters,
    parameter_path,
)
from diaspora_infra.cost.target import weekly_acu_hours
from diaspora_infra.host import Parts
from diaspora_infra.host.fragment import AwsContext, pod_context
from diaspora_infra.host.stack_builds import stack_builds
from diaspora_infra.pulumi_config import Secrets, render_known


@dataclass(frozen=True)
class Plan:
    """What all parts of a pod are made from."""

    name: str
    settings: AwsSettings
    secrets: Secrets
    component: pulumi.ComponentResource
    """The parent of all parts."""

    @property
    def aws(self) -> Aws:
        """The settings of the key `aws`."""
        return self.settings.aws

    @property
    def tags(self) -> Mapping[str, str]:
        """Tags of everything."""
        return {"Project": "diaspora-infra", "Pod": self.settings.pod.domain, **self.aws.tags}

    @property
    def child(self) -> pulumi.ResourceOptions:
        """Options of a part."""
        return pulumi.ResourceOptions(parent=self.component)

    @property
    def taking_over(self) -> pulumi.ResourceOptions:
        """Options of a part that makes what another topology or edge makes elsewhere."""
        return takes_over(self.name, self.component)

    @property
    def alert_email(self) -> str:
        """Who is told."""
        return self.aws.alert_email or self.settings.pod.admin.email


@dataclass(frozen=True)
class Subnets:
    """The network of a pod, one of its own or one that was there before."""

    network: Network | None
    zone: str
    """Name of the zone with the machine and its data."""
    vpc_id: pulumi.Output[str]
    public_id: pulumi.Output[str]
    private_ids: Sequence[pulumi.Output[str]]


def make_subnets(plan: Plan) -> Subnets:
    """Make the network, or look at the one that was there before."""
    aws, settings = plan.aws, plan.aws.network
    if existing := settings.existing:
        named = f"{aws.region}{settings.zones[0]}" if settings.zones else None
        zone = check_existing(existing, named, behind_gateway=aws.behind_gateway, parent=plan.component)
        check_type(aws.instance_type_name, [zone], plan.component)
        if aws.instance.shell_access == "instanceConnectEndpoint":
            check_shell_endpoint(existing.vpc_id, f"{plan.name}-endpoint-*", plan.component)
        return Subnets(
            None,
            zone,
            pulumi.Output.from_input(existing.vpc_id),
            pulumi.Output.from_input(existing.public_subnet_id),
            [pulumi.Output.from_input(subnet_id) for subnet_id in existing.private_subnet_ids],
        )
    zones = choose_zones(
        aws.region,
        settings.zones,
        behind_gateway=aws.behind_gateway,
        parent=plan.component,
        third=aws.has_groups,
    )
    check_type(aws.instance_type_name, zones if aws.has_groups else zones[:1], plan.component)
    network = Network(
        plan.name,
        {
            "zones": zones,
            "public_in_each_zone": aws.has_groups,
            "cidr": settings.cidr,
            "ipv6": settings.ipv6,
            "flow_logs_days": settings.flow_logs_days,
            "tags": plan.tags,
        },
        plan.child,
    )
    return Subnets(network, zones[0], network.vpc_id, network.public_subnet_id, network.private_subnet_ids)


def make_security_groups(plan: Plan, subnets: Subnets) -> SecurityGroups:
    """Make the groups of the machine and of what stands around it."""
    return SecurityGroups(
        plan.name,
        {
            "vpc_id": subnets.vpc_id,
            "edge": Edge(plan.aws.edge),
            "shell_access": ShellAccess(plan.aws.instance.shell_access),
            "ssh_from": plan.aws.instance.ssh_from or [],
            "database": plan.settings.database_on_aws,
            "cache": plan.aws.has_groups,
            "ipv6": plan.aws.network.ipv6,
            "tags": plan.tags,
        },
        plan.child,
    )


def make_alerts(plan: Plan) -> Alerts:
    """Make the topic of the alarms."""
    return Alerts(plan.name, {"email": plan.alert_email, "events": plan.aws.has_groups, "tags": plan.tags}, plan.child)


def make_dns(plan: Plan) -> Dns:
    """Find or make the hosted zone; none with another DNS provider."""
    settings = plan.aws.dns
    args: DnsArgs = {"create": settings.create_zone, "protect": plan.aws.protect, "tags": plan.tags}
    if settings.provider == "route53":
        args["zone"] = settings.zone or plan.settings.pod.domain
    with in_stack_keys(stack_keys.DNS):
        return Dns(plan.name, args, plan.child)


def make_mail(plan: Plan, alerts: Alerts) -> Mail | None:
    """Make the identity in Amazon SES; None where a relay of the podmin takes the pod's mail."""
    mail, settings = plan.settings.pod.mail, plan.aws.mail
    if mail is None or not mail.by_ses:
        return None
    with in_stack_keys(stack_keys.MAIL):
        return Mail(
            plan.name,
            {
                "domain": mail.sender_domain,
                "sender": mail.sender_address,
                "alerts_topic_arn": alerts.topic_arn,
                "existing_identity": settings.existing_identity,
                "mail_from": settings.mail_from,
                "dmarc": settings.dmarc,
                "tags": plan.tags,
            },
            plan.child,
        )


def set_mail_records(plan: Plan, mail: Mail | None, dns: Dns) -> Sequence[pulumi.Output[DnsRecord]]:
    """Set the records of the mail; returns those that a person has to set instead."""
    pending = []
    for record in mail.records if mail is not None else ():
        if dns.zone_id is None:
            pending.append(pending_record(record["name"], record["type"], record["values"]))
        else:
            name = f"{plan.name}-mail-{record['key']}"
            create_record(name, dns.zone_id, record["name"], record["type"], record["values"], plan.child)
    return pending


def set_domain_record(plan: Plan, machine: Machine, dns: Dns) -> Sequence[pulumi.Output[DnsRecord]]:
    """Point the pod's domain at the machine; returns the record if a person has to set it instead."""
    domain = plan.settings.pod.domain
    # no AAAA, also with IPv6 in the VPC: the pod itself does not answer on IPv6 (docs/tls.md)
    if dns.zone_id is None:
        return [pending_record(domain, "A", [machine.public_ip])]
    create_record(f"{plan.name}-domain", dns.zone_id, domain, "A", [machine.public_ip], plan.taking_over)
    return []


def make_database(plan: Plan, subnets: Subnets, groups: SecurityGroups, alerts: Alerts) -> Database | None:
    """Make the database; None where it runs on the machine."""
    settings = plan.aws.database
    if not plan.settings.database_on_aws:
        return None
    args: DatabaseArgs = {
        "subnet_ids": subnets.private_ids,
        "security_group_ids": [] if groups.database_id is None else [groups.database_id],
        "password_parameter": f"{parameter_path(plan.aws, plan.settings.pod)}/databasePassword",
        "engine": DatabaseEngine(settings.engine),
        "allow_major_upgrade": "version" in settings.model_fields_set,
        "min_acu": settings.min_acu,
        "max_acu": settings.max_acu,
        "instance_class": settings.instance_class,
        "storage_gib": settings.storage_gib,
        "standby": plan.aws.has_groups,
        "backup_days": settings.backup_days,
        "protect": plan.aws.protect,
        "tags": plan.tags,
    }
    if "version" in settings.model_fields_set:
        args["version"] = settings.version
    if settings.min_acu == 0:
        args["auto_pause_seconds"] = settings.auto_pause_seconds
    if settings.pauses:
        args["weekly_acu_hours"] = float(weekly_acu_hours(plan.settings))
        args["topic_arn"] = alerts.topic_arn
    if settings.restore_from is not None:
        args["restore_from"] = settings.restore_from
    return Database(plan.name, args, plan.child)


def make_uploads(plan: Plan) -> Uploads | None:
    """Make the bucket of the uploads; None where they are on the data volume."""
    if not plan.settings.uploads_in_bucket:
        return None
    return Uploads(plan.name, {"protect": plan.aws.protect, "tags": plan.tags}, plan.child)


def make_backups(plan: Plan) -> Backups:
    """Make the bucket of the backups, if the pod has any, and the snapshots of the data volume."""
    settings = plan.aws.backups
    return Backups(
        plan.name,
        {
            "snapshots_of": plan.settings.pod.domain,
            "make_bucket": plan.settings.backup_bucket,
            "object_lock_days": settings.object_lock_days,
            "volume_snapshot_days": settings.volume_snapshot_days,
            "protect": plan.aws.protect,
            "tags": plan.tags,
        },
        plan.child,
    )


def make_parameters(
    plan: Plan,
    database: Database | None,
    uploads: Uploads | None,
    backups: Backups,
    mail: Mail | None,
    cache: Cache | None = None,
) -> Parameters:
    """Make the parameters by which the machine finds the other parts."""
    facts: dict[str, pulumi.Input[str]] = {}
    if cache is not None:
        facts[CACHE_HOST.name] = cache.host
    if database is not None:
        facts["databaseHost"] = database.host
    if uploads is not None:
        facts[UPLOADS_BUCKET.name] = uploads.bucket
    if backups.repository is not None:
        facts["backupRepository"] = pulumi.Output.concat(backups.repository, "/pod")
    secrets: dict[str, pulumi.Input[str]] = {**plan.secrets}
    if mail is not None:
        secrets |= {"smtpUsername": mail.user, "smtpPassword": mail.password}
    needed = machine_parameters(plan.aws, plan.settings.pod)
    with in_stack_keys(stack_keys.PARAMETERS):
        return Parameters(
            plan.name,
            {
                "path": parameter_path(plan.aws, plan.settings.pod),
                "secrets": {
                    parameter.name: secrets[parameter.name] for parameter in needed if parameter.name in secrets
                },
                "facts": facts,
                "existing": {parameter.name: parameter.existing for parameter in needed if parameter.existing},
                "tags": plan.tags,
            },
            plan.child,
        )


def render_parts(plan: Plan) -> Parts:
    """Render the machine, which gets no secret by its config. Raises RunError for what is wrong with the config."""
    rendered = render_known(plan.settings, plan.settings.machines[0], {})
    if rendered.parts is None:
        raise ValueError("a machine on AWS without a bundle of its own")
    return rendered.parts


def make_image_build(plan: Plan, alerts: Alerts) -> ImageBuild | None:
    """Build the images that the settings do not name; None where they name all."""
    pod = plan.settings.pod
    context = pod_context(plan.settings, plan.settings.machines[0], {})
    if not isinstance(context, AwsContext) or not context.built_images:
        return None
    builds = stack_builds(context)
    return ImageBuild(
        plan.name,
        {
            "project": image_project(pod),
            "images": {
                name: {
                    "containerfile": each.build.containerfile,
                    "arguments": each.build.arguments,
                    "tag": each.build.tag,
                    "start": each.start,
                }
                for name, each in builds.items()
            },
            "architecture": plan.aws.architecture,
            "parameters": {name: image_parameter(plan.aws, pod, name, each.build.tag) for name, each in builds.items()},
            "topic_arn": alerts.topic_arn,
            "refresh": pod.image_refresh,
            "tags": plan.tags,
        },
        plan.child,
    )


def make_bundle(plan: Plan, parts: Parts) -> Bundle:
    """Offer the bundle to the machine."""
    return Bundle(
        plan.name,
        {
            "config": parts.bundle,
            "hash": parts.bundle_hash,
            "path": parameter_path(plan.aws, plan.settings.pod),
            "tags": plan.tags,
        },
        plan.child,
    )


def told_value(plan: Plan, name: str) -> str | None:
    """Ask what a machine has written into a parameter; None where the parameter is not there."""
    try:
        found = pulumi_aws.ssm.get_parameter(
            name=f"{parameter_path(plan.aws, plan.settings.pod)}/{name}",
            with_decryption=False,
            opts=pulumi.InvokeOptions(parent=plan.component),
        )
    # the first run has no such parameter, and who only previews may not be allowed to read it
    except Exception:
        return None
    return found.insecure_value


def applied_bundle(plan: Plan) -> str | None:
    """Ask which bundle the machine runs: its hash. None where there is no machine yet, or none that has told."""
    value = told_value(plan, BUNDLE_APPLIED)
    return None if value == NONE_APPLIED else value


def pending_upgrade(plan: Plan, parts: Parts) -> str | None:
    """What a person has to do so that the machine takes the offered bundle; None where it runs that one already."""
    applied = applied_bundle(plan)
    if applied in {None, parts.bundle_hash}:
        return None
    upgrade = plan.settings.pod.upgrade
    step = f"it takes that one at {upgrade.time}, or now by" if upgrade.automatic else "to take that one, run there:"
    return f"the machine runs bundle {applied}, the stack offers {parts.bundle_hash}; {step} sudo diaspora-pod upgrade"


def make_machine(
    plan: Plan,
    parts: Parts,
    subnets: Subnets,
    groups: SecurityGroups,
    alerts: Alerts,
    uploads: Uploads | None,
    backups: Backups,
    parameters: Parameters,
    bundle: Bundle,
    image_build: ImageBuild | None,
) -> Machine:
    """Make the machine, which may use the other parts."""
    settings = plan.aws.instance
    args: MachineArgs = {
        "zone": subnets.zone,
        "subnet_id": subnets.public_id,
        "security_group_ids": [groups.machine_id],
        "instance_type": plan.aws.instance_type_name,
        "image": {
            "architecture": plan.aws.architecture,
            "stream": settings.release.stream,
            "version": settings.release.version,
        },
        "ignition": parts.own,
        "statements": [
            *(uploads.statements if uploads is not None else ()),
            *backups.statements,
            *parameters.statements,
            *bundle.statements,
            *(image_build.statements if image_build is not None else ()),
        ],
        "root_gib": settings.root_gib,
        "data_gib": settings.data_gib,
        "topic_arn": alerts.topic_arn,
        "elastic_ip": not plan.settings.behind_gateway,
        "volume_tags": backups.volume_tags,
        "protect": plan.aws.protect,
        "tags": plan.tags,
    }
    if settings.image_id is not None:
        args["image"]["id"] = settings.image_id
    if groups.endpoint_id is not None:
        args["shell_endpoint"] = {"subnet_id": subnets.private_ids[0], "security_group_id": groups.endpoint_id}
    with in_stack_keys(stack_keys.MACHINE):
        return Machine(plan.name, args, plan.taking_over)


def make_certificate(plan: Plan, dns: Dns) -> Certificate:
    """Make the certificate of the domain; without waiting for it where a person has to do something first."""
    dns_is_managed = plan.aws.dns.provider == "route53" and not plan.aws.dns.create_zone
    return Certificate(
        plan.name,
        {"domain": plan.settings.pod.domain, "zone_id": dns.zone_id, "wait": dns_is_managed, "tags": plan.tags},
        plan.child,
    )


def make_http_api(
    plan: Plan, subnets: Subnets, groups: SecurityGroups, dns: Dns, certificate: Certificate, machine: Machine
) -> HttpApi:
    """Make API Gateway in front of the machine."""
    if groups.link_id is None:
        raise ValueError("edge gateway without a group for the VPC link")
    return HttpApi(
        plan.name,
        {
            "domain": plan.settings.pod.domain,
            "zone_id": dns.zone_id,
            "certificate_arn": certificate.arn,
            "certificate_issued": certificate.issued,
            "subnet_ids": subnets.private_ids,
            "security_group_id": groups.link_id,
            "address": machine.private_ip,
            "requests_per_second": plan.aws.http_api.requests_per_second,
            "log_days": plan.aws.http_api.log_days,
            "tags": plan.tags,
        },
        plan.taking_over,
    )


def make_budget(plan: Plan) -> Budget:
    """Make the budget."""
    return Budget(
        plan.name,
        {"monthly_usd": plan.aws.monthly_budget_usd, "email": plan.alert_email, "tags": plan.tags},
        plan.child,
    )
