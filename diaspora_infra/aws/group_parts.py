"""The parts of a pod on several machines that a pod on one machine does not have."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws import stack_keys
from diaspora_infra.aws.account import account_id, dns_suffix, partition, region
from diaspora_infra.aws.alarms import create_alarm
from diaspora_infra.aws.alerts import Alerts
from diaspora_infra.aws.backups import Backups
from diaspora_infra.aws.cache import Cache
from diaspora_infra.aws.certificate import Certificate
from diaspora_infra.aws.database import Database
from diaspora_infra.aws.dns import Dns
from diaspora_infra.aws.image_build import ImageBuild
from diaspora_infra.aws.load_balancer import LoadBalancer
from diaspora_infra.aws.machine import create_shell_endpoint
from diaspora_infra.aws.machine_group import MachineGroup, MachineGroupArgs
from diaspora_infra.aws.parameters import Parameters
from diaspora_infra.aws.pod_parts import Plan, Subnets
from diaspora_infra.aws.policy import Statement
from diaspora_infra.aws.security_groups import SecurityGroups
from diaspora_infra.aws.stack_keys import in_stack_keys
from diaspora_infra.aws.tags import named
from diaspora_infra.aws.uploads import Uploads
from diaspora_infra.config import Machine
from diaspora_infra.config.aws.aws import JOB, WEB
from diaspora_infra.config.aws.parameter_names import (
    CACHE_TOKEN,
    DEPLOYMENT,
    NOT_DEPLOYED,
    QUEUE_AGE,
    generated_path,
    machines_log_group,
    metrics_namespace,
    parameter_path,
)
from diaspora_infra.pulumi_config import render_known

HEALTH_PATH = "/health"
"""nginx on a web machine answers it when diaspora* answers."""
READY_SECONDS = {WEB: 900, JOB: 1800}
"""Time in which a new machine of a role must become ready; the one for jobs migrates the database first."""
QUEUE_SECONDS = 900
"""Time for which a background job may wait. Most are done in a second; some bursts take minutes."""


@dataclass(frozen=True)
class Shared:
    """What the machines of all roles use."""

    subnets: Subnets
    groups: SecurityGroups
    alerts: Alerts
    uploads: Uploads | None
    backups: Backups
    parameters: Parameters
    image_build: ImageBuild | None
    database: Database | None
    cache: Cache
    own: Sequence[Statement]
    """What every role may do beside that: secrets that are made once, and logs."""


def make_cache(plan: Plan, subnets: Subnets, groups: SecurityGroups, alerts: Alerts) -> Cache:
    """Make the cache, which holds the background jobs."""
    if groups.cache_id is None:
        raise ValueError("a cache without a security group")
    return Cache(
        plan.name,
        {
            "subnet_ids": subnets.private_ids,
            "security_group_ids": [groups.cache_id],
            "password_parameter": f"{parameter_path(plan.aws, plan.settings.pod)}/{CACHE_TOKEN.name}",
            "node_type": plan.aws.ha.cache_node_type,
            "topic_arn": alerts.topic_arn,
            "protect": plan.aws.protect,
            "tags": plan.tags,
        },
        plan.child,
    )


def make_load_balancer(
    plan: Plan, subnets: Subnets, groups: SecurityGroups, alerts: Alerts, dns: Dns, certificate: Certificate
) -> LoadBalancer:
    """Make the load balancer in front of the web machines."""
    if groups.load_balancer_id is None or subnets.network is None:
        raise ValueError("a load balancer without a security group or a network of its own")
    return LoadBalancer(
        plan.name,
        {
            "domain": plan.settings.pod.domain,
            "zone_id": dns.zone_id,
            "certificate_arn": certificate.arn,
            "certificate_issued": certificate.issued,
            "vpc_id": subnets.vpc_id,
            "subnet_ids": subnets.network.public_subnet_ids,
            "security_group_id": groups.load_balancer_id,
            "health_path": HEALTH_PATH,
            "ipv6": plan.aws.network.ipv6,
            "topic_arn": alerts.topic_arn,
            "tags": plan.tags,
        },
        plan.taking_over,
    )


def make_shell_endpoint(plan: Plan, subnets: Subnets, groups: SecurityGroups) -> None:
    """Make the way to a shell on the machines, unless they have another one or none."""
    if groups.endpoint_id is not None:
        endpoint_args = {"subnet_id": subnets.private_ids[0], "security_group_id": groups.endpoint_id}
        create_shell_endpoint(plan.name, endpoint_args, plan.tags, plan.taking_over)  # type: ignore[arg-type]


def make_logs(plan: Plan) -> Sequence[Statement]:
    """Make the log group of the machines, if logs are kept; returns what they need to write to it."""
    days = plan.aws.ha.log_days
    if not days:
        return []
    group = aws.cloudwatch.LogGroup(
        f"{plan.name}-machines",
        name=machines_log_group(plan.settings.pod),
        retention_in_days=days,
        tags=named(plan.tags, f"{plan.name} machines"),
        opts=plan.child,
    )
    return [
        {
            "Sid": "SendLogs",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": pulumi.Output.concat(group.arn, ":*"),
        }
    ]


def make_deployment(plan: Plan) -> aws.ssm.Parameter:
    """Make the parameter in which the job machine says how far the database is."""
    return aws.ssm.Parameter(
        f"{plan.name}-{DEPLOYMENT}",
        name=f"{parameter_path(plan.aws, plan.settings.pod)}/{DEPLOYMENT}",
        type="String",
        value=NOT_DEPLOYED,
        tags=named(plan.tags, f"{plan.name} {DEPLOYMENT}"),
        # that machine writes the value
        opts=pulumi.ResourceOptions.merge(plan.child, pulumi.ResourceOptions(ignore_changes=["value"])),
    )


def generated_statements(plan: Plan) -> Sequence[Statement]:
    """Write secrets that all machines share, each once: nobody may replace one. Reading is that of all parameters."""
    component = plan.component
    here = pulumi.Output.all(partition(component), region(component), account_id(component))
    made = here.apply(
        lambda parts: "arn:{}:ssm:{}:{}:parameter{}/*".format(*parts, generated_path(plan.aws, plan.settings.pod))
    )
    return [
        {"Sid": "MakeSecrets", "Effect": "Allow", "Action": "ssm:PutParameter", "Resource": made},
        {
            "Sid": "KeepSecrets",
            "Effect": "Deny",
            "Action": "ssm:PutParameter",
            "Resource": made,
            "Condition": {"StringEquals": {"ssm:Overwrite": "true"}},
        },
        {
            "Sid": "EncryptSecrets",
            "Effect": "Allow",
            "Action": "kms:Encrypt",
            # the key of Parameter Store is made by AWS with the first secret of an account, so it has no known id
            "Resource": here.apply(lambda parts: "arn:{}:kms:{}:{}:key/*".format(*parts)),
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": pulumi.Output.concat("ssm.", region(component), ".", dns_suffix(component))
                },
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/aws/ssm"},
                "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": made},
            },
        },
    ]


def make_job_group(plan: Plan, shared: Shared) -> MachineGroup:
    """Make the one machine for everything but requests: migrations, background jobs, backups, the administrator."""
    deployment = make_deployment(plan)
    tell: Statement = {
        "Sid": "TellDeployment",
        "Effect": "Allow",
        "Action": "ssm:PutParameter",
        "Resource": deployment.arn,
    }
    send: Statement = {
        "Sid": "SendMetrics",
        "Effect": "Allow",
        "Action": "cloudwatch:PutMetricData",
        # AWS knows no narrower permission than one for all metrics in a namespace
        "Resource": "*",
        "Condition": {"StringEquals": {"cloudwatch:namespace": metrics_namespace(plan.settings.pod)}},
    }
    args = _group_args(plan, shared, JOB, [*shared.backups.statements, tell, send])
    _queue_alarm(plan, shared.alerts)
    return _make_group(plan, shared, JOB, {**args, "size": 1, "overlap": False}, [])


def _queue_alarm(plan: Plan, alerts: Alerts) -> None:
    """Tell when background jobs wait, whatever is the reason: Sidekiq hangs, migrates, or is too slow."""
    create_alarm(
        f"{plan.name}-queue",
        alerts.topic_arn,
        named(plan.tags, f"{plan.name} queue"),
        plan.child,
        alarm_description="Background jobs wait for over 15 minutes, or the job machine does not say how long",
        namespace=metrics_namespace(plan.settings.pod),
        metric_name=QUEUE_AGE,
        statistic="Maximum",
        comparison_operator="GreaterThanThreshold",
        threshold=QUEUE_SECONDS,
        period=300,
        evaluation_periods=3,
        # A machine that is there and reaches no cache does no jobs, and no other alarm tells. Another machine sends
        # before three periods are over; where none comes, this is a second mail beside that of the alarm `missing`.
        treat_missing_data="breaching",
    )


def make_web_group(plan: Plan, shared: Shared, balancer: LoadBalancer, job: MachineGroup) -> MachineGroup:
    """Make the machines that answer requests, after the one that migrates the database."""
    args = _group_args(plan, shared, WEB, [])
    more: MachineGroupArgs = {
        **args,
        "size": plan.aws.ha.web_machines,
        "target_group_arns": [balancer.target_group_arn],
    }
    return _make_group(plan, shared, WEB, more, [job])


def _group_args(plan: Plan, shared: Shared, role: str, statements: Sequence[Statement]) -> MachineGroupArgs:
    """What a group of each role gets; `statements` are those of this one alone."""
    settings, network = plan.aws.instance, shared.subnets.network
    if network is None:
        raise ValueError("groups of machines without a network of their own")
    uploads, images = shared.uploads, shared.image_build
    args: MachineGroupArgs = {
        "subnet_ids": network.public_subnet_ids,
        "security_group_ids": [shared.groups.machine_id],
        "instance_type": plan.aws.instance_type_name,
        "image": {
            "architecture": plan.aws.architecture,
            "stream": settings.release.stream,
            "version": settings.release.version,
        },
        "ignition": render_known(plan.settings, _machine(plan, role), {}).ignition,
        "ready_seconds": READY_SECONDS[role],
        "root_gib": settings.root_gib,
        "topic_arn": shared.alerts.topic_arn,
        "tags": {**plan.tags, "Role": role},
        "statements": [
            *(uploads.statements if uploads is not None else ()),
            *shared.parameters.statements,
            *(images.statements if images is not None else ()),
            *shared.own,
            *statements,
        ],
    }
    if settings.image_id is not None:
        args["image"]["id"] = settings.image_id
    return args


def _make_group(
    plan: Plan, shared: Shared, role: str, args: MachineGroupArgs, after: Sequence[pulumi.Resource]
) -> MachineGroup:
    # a machine that starts before these are there is given up by the hook before they are
    needed = [part for part in (shared.parameters, shared.database, shared.cache) if part is not None]
    options = pulumi.ResourceOptions.merge(plan.child, pulumi.ResourceOptions(depends_on=[*needed, *after]))
    with in_stack_keys(stack_keys.MACHINE):
        return MachineGroup(f"{plan.name}-{role}", args, options)


def make_news(plan: Plan, alerts: Alerts, groups: Mapping[str, MachineGroup], database: Database | None) -> None:
    """Tell of what no metric shows: machines that could not be replaced, and a database that has failed over."""
    stack = pulumi.get_stack()
    _tell(
        plan,
        alerts,
        "change-failed",
        # the events of EC2 Auto Scaling (user guide, Instance refresh events)
        group_names(groups).apply(
            lambda found: {
                "source": ["aws.autoscaling"],
                "detail-type": ["EC2 Auto Scaling Instance Refresh Failed"],
                "detail": {"AutoScalingGroupName": sorted(found.values())},
            }
        ),
        f"New machines of {plan.settings.pod.domain} do not become ready, and the former ones go on. "
        f"See: diaspora-infra status {stack}",
    )
    if database is None:
        return
    _tell(
        plan,
        alerts,
        "database-failover",
        # the events of RDS (user guides, event categories)
        database.identifier.apply(
            lambda found: {
                "source": ["aws.rds"],
                "detail-type": ["RDS DB Instance Event", "RDS DB Cluster Event"],
                "detail": {"SourceIdentifier": [{"prefix": found}], "EventCategories": ["failover"]},
            }
        ),
        f"The database of {plan.settings.pod.domain} fails over, or has done so. Its standby takes over by itself.",
    )


def _tell(plan: Plan, alerts: Alerts, name: str, pattern: pulumi.Output[Mapping[str, object]], text: str) -> None:
    """Send a text to the podmin for each event of a pattern."""
    rule = aws.cloudwatch.EventRule(
        f"{plan.name}-{name}",
        description=f"Tells the podmin: {name}",
        event_pattern=pattern.apply(json.dumps),
        tags=named(plan.tags, f"{plan.name} {name}"),
        opts=plan.child,
    )
    aws.cloudwatch.EventTarget(
        f"{plan.name}-{name}", rule=rule.name, arn=alerts.topic_arn, input=json.dumps(text), opts=plan.child
    )


def _machine(plan: Plan, role: str) -> Machine:
    return next(machine for machine in plan.settings.machines if machine.name == role)


def group_names(groups: Mapping[str, MachineGroup]) -> pulumi.Output[Mapping[str, str]]:
    """Names of the Auto Scaling groups, by the roles of their machines."""
    return pulumi.Output.all(**{role: group.group_name for role, group in groups.items()})
