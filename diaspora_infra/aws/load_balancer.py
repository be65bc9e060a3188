"""LoadBalancer: HTTPS by an Application Load Balancer, which shares requests among the machines that are healthy."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.alarms import create_alarm
from diaspora_infra.aws.arguments import ArgumentError, if_issued, raise_all
from diaspora_infra.aws.defaults import NETWORK
from diaspora_infra.aws.dns import DnsRecord, create_alias, pending_alias
from diaspora_infra.aws.security_groups import HTTP_PORT, HTTPS_PORT
from diaspora_infra.aws.tags import named

HEALTH_PATH = "/.well-known/nodeinfo"
"""A page that the application answers without the database: nginx alone does not make a machine healthy, and a database
that fails over does not make all of them unhealthy."""
HEALTH_INTERVAL_SECONDS = 15
HEALTH_TIMEOUT_SECONDS = 5
"""Less than the interval, or Elastic Load Balancing refuses it (API reference, CreateTargetGroup)."""
DRAIN_SECONDS = 30
"""Time that requests have to end when their machine goes."""
IDLE_SECONDS = 60
"""Time without a byte after which a connection is closed. The web server behind must wait longer."""
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.3 and 1.2 (Application Load Balancer guide, security policies)."""

_MAX_NAME_LENGTH = 20
"""Load balancers and target groups have names of up to 32 characters: this one, `-web`, and the engine's digits."""


class LoadBalancerArgs(TypedDict):
    """What a LoadBalancer needs."""

    domain: pulumi.Input[str]
    """The pod's domain."""
    zone_id: NotRequired[pulumi.Input[str] | None]
    """Hosted zone for the domain's records, such as `zone_id` of a Dns. Without it another DNS provider answers for the
    domain, and a person has to set `records`."""
    certificate_arn: pulumi.Input[str]
    """Certificate of the domain, in this region."""
    certificate_issued: NotRequired[pulumi.Input[bool] | None]
    """While it is false nothing listens on port 443, and the domain is left out; true when not set."""
    vpc_id: pulumi.Input[str]
    """VPC of the machines."""
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets with a route to the internet, in two zones or more, such as `public_subnet_ids` of a Network."""
    security_group_id: pulumi.Input[str]
    """Group of the load balancer, such as `load_balancer_id` of SecurityGroups."""
    health_path: NotRequired[pulumi.Input[str]]
    """Path that a healthy machine answers with status 200; /.well-known/nodeinfo when not set."""
    ipv6: NotRequired[bool]
    """Answer to IPv6 too; its subnets must have it. False when not set. A plain value, not an output."""
    topic_arn: NotRequired[pulumi.Input[str]]
    """Topic that is told when an alarm goes on and off."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class LoadBalancer(pulumi.ComponentResource):
    """A load balancer on ports 80, which redirects, and 443; machines join it by its target group."""

    arn: pulumi.Output[str]
    """ARN of the load balancer."""
    dns_name: pulumi.Output[str]
    """Name under which AWS serves it."""
    target_group_arn: pulumi.Output[str]
    """ARN of the target group, such as for `target_group_arns` of a MachineGroup. It is known when the load balancer
    uses it."""
    records: pulumi.Output[Sequence[DnsRecord]]
    """DNS records that a person has to set; empty with a `zone_id`, and as long as the certificate is not issued."""

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_all([*_problems(name, args)])
        super().__init__("diaspora-infra:index:LoadBalancer", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._tags = named(args.get("tags"), name)
        balancer = aws.lb.LoadBalancer(
            f"{name}-web",
            load_balancer_type="application",
            security_groups=[args["security_group_id"]],
            subnets=args["subnet_ids"],
            ip_address_type="dualstack" if args.get("ipv6", NETWORK.ipv6) else "ipv4",
            # the signatures of federated requests cover the host
            preserve_host_header=True,
            drop_invalid_header_fields=True,
            idle_timeout=IDLE_SECONDS,
            # nothing in it is lost with it, and the data behind it has a protection of its own
            enable_deletion_protection=False,
            tags=self._tags,
            opts=self._child,
        )
        group = self._target_group()
        redirect = self._redirect(balancer)
        target = if_issued(args.get("certificate_issued"), lambda: self._serve(balancer, group))
        self._alarms(balancer, group)
        self.arn, self.dns_name = balancer.arn, balancer.dns_name
        # a group that no listener uses is no target group of the load balancer yet
        self.target_group_arn = pulumi.Output.all(group.arn, redirect.arn, target).apply(lambda parts: str(parts[0]))
        self.records = pulumi.Output.from_input([])
        if args.get("zone_id") is None:
            self.records = pending_alias(args["domain"], target)
        self.register_outputs(
            {
                "arn": self.arn,
                "dnsName": self.dns_name,
                "targetGroupArn": self.target_group_arn,
                "records": self.records,
            }
        )

    def _target_group(self) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            f"{self._name}-web",
            port=HTTP_PORT,
            protocol="HTTP",
            vpc_id=self._args["vpc_id"],
            target_type="instance",
            # federation comes in bursts, and some requests take seconds
            load_balancing_algorithm_type="least_outstanding_requests",
            deregistration_delay=DRAIN_SECONDS,
            health_check={
                "path": self._args.get("health_path", HEALTH_PATH),
                "matcher": "200",
                "interval": HEALTH_INTERVAL_SECONDS,
                "timeout": HEALTH_TIMEOUT_SECONDS,
                "healthy_threshold": 2,
                "unhealthy_threshold": 3,
            },
            tags=self._tags,
            opts=self._child,
        )

    def _redirect(self, balancer: aws.lb.LoadBalancer) -> aws.lb.Listener:
        return aws.lb.Listener(
            f"{self._name}-http",
            load_balancer_arn=balancer.arn,
            port=HTTP_PORT,
            protocol="HTTP",
            default_actions=[
                {
                    "type": "redirect",
                    "redirect": {"port": str(HTTPS_PORT), "protocol": "HTTPS", "status_code": "HTTP_301"},
                }
            ],
            tags=self._tags,
            opts=self._child,
        )

    def _serve(self, balancer: aws.lb.LoadBalancer, group: aws.lb.TargetGroup) -> pulumi.Output[str | None]:
        """Answer to the domain; returns the name that it must point to."""
        listener = aws.lb.Listener(
            f"{self._name}-https",
            load_balancer_arn=balancer.arn,
            port=HTTPS_PORT,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=self._args["certificate_arn"],
            default_actions=[{"type": "forward", "target_group_arn": group.arn}],
            tags=self._tags,
            opts=self._child,
        )
        zone_id = self._args.get("zone_id")
        if zone_id is not None:
            create_alias(
                f"{self._name}-web", zone_id, self._args["domain"], balancer.dns_name, balancer.zone_id, self._child
            )
        return pulumi.Output.all(balancer.dns_name, listener.arn).apply(lambda parts: str(parts[0]))

    def _alarms(self, balancer: aws.lb.LoadBalancer, group: aws.lb.TargetGroup) -> None:
        """Tell when a machine does not answer, and when nobody gets an answer."""
        both = {"LoadBalancer": balancer.arn_suffix, "TargetGroup": group.arn_suffix}
        self._alarm(
            "unhealthy",
            "A machine does not answer the load balancer",
            metric_name="UnHealthyHostCount",
            dimensions=both,
            statistic="Maximum",
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            # a machine that is replaced may be unhealthy for some minutes
            evaluation_periods=10,
            treat_missing_data="notBreaching",
        )
        self._alarm(
            "unanswered",
            "No machine answers the load balancer",
            metric_name="HealthyHostCount",
            dimensions=both,
            statistic="Maximum",
            comparison_operator="LessThanThreshold",
            threshold=1,
            evaluation_periods=2,
            # without a registered machine there is no value; the alarm of the machines tells that
            treat_missing_data="missing",
        )

    def _alarm(self, name: str, description: str, **rule: Any) -> None:
        create_alarm(
            f"{self._name}-{name}",
            self._args.get("topic_arn"),
            named(self._args.get("tags"), f"{self._name} {name}"),
            self._child,
            alarm_description=description,
            namespace="AWS/ApplicationELB",
            period=60,
            **rule,
        )


def _problems(component: str, args: LoadBalancerArgs) -> Iterator[ArgumentError]:
    """What AWS would refuse late. Outputs are left to AWS."""
    subnets = args["subnet_ids"]
    if len(component) > _MAX_NAME_LENGTH or component.startswith("internal-"):
        allowed = f"allowed: up to {_MAX_NAME_LENGTH} characters, and not internal- at the start"
        yield ArgumentError(component, "name", f"{component!r} is no name of a load balancer", allowed)
    if isinstance(subnets, Sequence) and len(subnets) < 2:
        yield ArgumentError(component, "subnet_ids", "a load balancer needs subnets in two zones", "give two or more")
