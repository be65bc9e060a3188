"""MachineGroup: several machines with Fedora CoreOS and one config, which AWS replaces when one fails or has to change.

A change of the config makes a new version of the launch template, and EC2 Auto Scaling replaces the machines one by one
(instance refresh). The provider starts that and does not wait for it. A refresh that fails stops, and the machines that
it has not replaced yet stay.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.account import account_id, partition, region
from diaspora_infra.aws.alarms import create_alarm
from diaspora_infra.aws.arguments import ArgumentError, raise_all
from diaspora_infra.aws.boot_config import boot_config
from diaspora_infra.aws.defaults import INSTANCE
from diaspora_infra.aws.images import ImageArgs, find_image
from diaspora_infra.aws.machine_launch import CREDIT_SPECIFICATION, CREDITS_CHARGED, METADATA_OPTIONS, instance_profile
from diaspora_infra.aws.machine_role import machine_role
from diaspora_infra.aws.policy import Statement
from diaspora_infra.aws.tags import named

SIZE = 2
OVERLAP = True
NOT_HELD_BACK = 0
READY_HOOK = "ready"
"""Lifecycle hook that holds a new machine back until it says that it is ready."""
WARM_UP_SECONDS = 120
"""Time after which a machine that is ready counts, so that the next one may be replaced."""
ROOT_DEVICE = "/dev/xvda"
"""Root device of the images of Fedora CoreOS."""
_LONGEST_HOOK = 7200
"""The longest heartbeat of a lifecycle hook (API reference, PutLifecycleHook)."""


class MachineGroupArgs(TypedDict):
    """What a MachineGroup needs."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets with a route to the internet; the machines are spread over their zones."""
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Groups of the machines."""
    instance_type: pulumi.Input[str]
    """Instance type, such as t4g.small."""
    image: ImageArgs
    """The Fedora CoreOS image, of the instance type's architecture."""
    ignition: pulumi.Input[str]
    """The Ignition config of all of them; a change replaces them. It must hold no secret: every program on a machine
    can read it. One that is longer than 16 KiB, or only known later, is handed over by a bucket."""
    size: NotRequired[pulumi.Input[int]]
    """How many machines; 2 when not set."""
    overlap: NotRequired[bool]
    """Start the new machine before the old one goes; true when not set. Without it all old ones go first: for work that
    must never be done twice at a time. A plain value, not an output."""
    target_group_arns: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Target groups that the machines join, such as `target_group_arn` of a LoadBalancer."""
    ready_seconds: NotRequired[int]
    """Time in which a new machine must say that it is ready, by `autoscaling:CompleteLifecycleAction` for the lifecycle
    hook `ready` of its group, which it may ask for by `autoscaling:DescribeAutoScalingInstances`; until then it gets no
    requests. One that does not is given up, and after some of these the change stops. 0 when not set: a machine counts
    as soon as it runs. A plain value, not an output."""
    statements: NotRequired[pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]]]
    """What the machines may do in the account: statements of an IAM policy. An output must hold one or more."""
    root_gib: NotRequired[pulumi.Input[int]]
    """Size of the root volume in GiB; 10 when not set."""
    topic_arn: NotRequired[pulumi.Input[str]]
    """Topic that is told when an alarm goes on and off."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it, the machines too."""


class MachineGroup(pulumi.ComponentResource):
    """Machines without data of their own: each may go at any moment, and another one takes its place.

    What the option `depends_on` names is made or changed before the machines start or are replaced.
    """

    group_name: pulumi.Output[str]
    """Name of the Auto Scaling group."""
    launch_template_version: pulumi.Output[int]
    """Number of the launch template's version that new machines start from."""
    role_name: pulumi.Output[str]
    """Name of the machines' role."""
    role_arn: pulumi.Output[str]
    """ARN of the machines' role."""

    def __init__(self, name: str, args: MachineGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_all([*_problems(name, args)])
        super().__init__("diaspora-infra:index:MachineGroup", name, {}, opts)
        self._name, self._args, self._tags = name, args, args.get("tags")
        self._child = pulumi.ResourceOptions(parent=self)
        # the engine holds back a component for these, and not what is in it
        self._after = pulumi.ResourceOptions(depends_on=None if opts is None else opts.depends_on)
        image = find_image(name, args["image"], self)
        # machines that start while the others are replaced, or after that failed, still ask for the former config
        config = boot_config(self, name, args["ignition"], self._tags, keep_former=True)
        statements = [args.get("statements", []), config.statements, self._hook_statements()]
        role, policies = machine_role(self, name, statements, self._tags)
        template = self._launch_template(image, config.user_data, role)
        group = self._group(template, policies)
        self._alarms(group)
        self.group_name, self.launch_template_version = group.name, template.latest_version
        self.role_name, self.role_arn = role.name, role.arn
        self.register_outputs(
            {
                "groupName": self.group_name,
                "launchTemplateVersion": self.launch_template_version,
                "roleName": self.role_name,
                "roleArn": self.role_arn,
            }
        )

    @property
    def _group_resource(self) -> str:
        return f"{self._name}-machines"

    def _hook_statements(self) -> list[Statement]:
        """Let a machine say that it is ready. The group depends on the role: its name is only known in part here."""
        if not self._args.get("ready_seconds", NOT_HELD_BACK):
            return []
        group = pulumi.Output.format(
            "arn:{0}:autoscaling:{1}:{2}:autoScalingGroup:*:autoScalingGroupName/{3}-*",
            partition(self),
            region(self),
            account_id(self),
            self._group_resource,
        )
        actions = ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"]
        return [
            {"Sid": "TellReady", "Effect": "Allow", "Action": actions, "Resource": group},
            # a machine asks for the name of its group; AWS knows no narrower permission for this
            {
                "Sid": "FindGroup",
                "Effect": "Allow",
                "Action": "autoscaling:DescribeAutoScalingInstances",
                "Resource": "*",
            },
        ]

    def _launch_template(self, image: str, user_data: pulumi.Input[str], role: aws.iam.Role) -> aws.ec2.LaunchTemplate:
        name, args = self._name, self._args
        profile = instance_profile(self, name, role, self._tags)
        return aws.ec2.LaunchTemplate(
            self._group_resource,
            image_id=image,
            instance_type=args["instance_type"],
            iam_instance_profile={"arn": profile.arn},
            user_data=pulumi.Output.from_input(user_data).apply(lambda text: base64.b64encode(text.encode()).decode()),
            update_default_version=True,
            network_interfaces=[
                {
                    "device_index": 0,
                    # without an address of its own a machine in a public subnet reaches nothing
                    "associate_public_ip_address": "true",
                    "security_groups": args["security_group_ids"],
                    "delete_on_termination": "true",
                }
            ],
            block_device_mappings=[
                {
                    "device_name": ROOT_DEVICE,
                    "ebs": {
                        "volume_type": "gp3",
                        "volume_size": args.get("root_gib", INSTANCE.root_gib),
                        "encrypted": "true",
                        "delete_on_termination": "true",
                    },
                }
            ],
            metadata_options=METADATA_OPTIONS,
            credit_specification=CREDIT_SPECIFICATION,
            tag_specifications=[
                {"resource_type": "instance", "tags": named(self._tags, name)},
                {"resource_type": "volume", "tags": named(self._tags, f"{name} root")},
            ],
            tags=named(self._tags, name),
            opts=self._child,
        )

    def _group(self, template: aws.ec2.LaunchTemplate, policies: Sequence[pulumi.Resource]) -> aws.autoscaling.Group:
        args, overlap = self._args, self._args.get("overlap", OVERLAP)
        size = args.get("size", SIZE)
        # one more, so that a new machine can start before an old one goes
        room = pulumi.Output.from_input(size).apply(lambda count: count + 1) if overlap else size
        ready_seconds = args.get("ready_seconds", NOT_HELD_BACK)
        return aws.autoscaling.Group(
            self._group_resource,
            min_size=size,
            max_size=room,
            desired_capacity=size,
            vpc_zone_identifiers=args["subnet_ids"],
            target_group_arns=args.get("target_group_arns"),
            # not ELB: an application that fails everywhere, for example without its database, would be replaced again
            # and again; the load balancer sends no requests there, and its alarm tells
            health_check_type="EC2",
            health_check_grace_period=ready_seconds or WARM_UP_SECONDS,
            default_instance_warmup=WARM_UP_SECONDS,
            # the number, not $Latest: only then does a change start a refresh
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            instance_refresh=_refresh(overlap=overlap),
            initial_lifecycle_hooks=[_ready_hook(ready_seconds)] if ready_seconds else None,
            # rebalancing starts a machine before it ends another one
            suspended_processes=None if overlap else ["AZRebalance"],
            enabled_metrics=[aws.autoscaling.Metric.GROUP_IN_SERVICE_INSTANCES],
            metrics_granularity=aws.autoscaling.MetricsGranularity.ONE_MINUTE,
            # the alarms tell of machines that do not come
            wait_for_capacity_timeout="0",
            tags=pulumi.Output.from_input(named(self._tags, self._name)).apply(_group_tags),
            opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=self, depends_on=policies), self._after),
        )

    def _alarms(self, group: aws.autoscaling.Group) -> None:
        """Tell when machines are missing for longer than a replacement takes, and when CPU credits cost."""
        self._alarm(
            "missing",
            group,
            alarm_description="Machines of the group are missing: new ones do not start, or do not become ready",
            namespace="AWS/AutoScaling",
            metric_name="GroupInServiceInstances",
            statistic="Maximum",
            comparison_operator="LessThanThreshold",
            threshold=self._args.get("size", SIZE),
            period=60,
            evaluation_periods=15,
            treat_missing_data="breaching",
        )
        self._alarm(
            "credits",
            group,
            alarm_description="AWS charges for CPU credits: a machine has been above its share for a day",
            namespace="AWS/EC2",
            **CREDITS_CHARGED,
            treat_missing_data="missing",
        )

    def _alarm(self, name: str, group: aws.autoscaling.Group, **rule: Any) -> None:
        create_alarm(
            f"{self._name}-{name}",
            self._args.get("topic_arn"),
            named(self._tags, f"{self._name} {name}"),
            self._child,
            dimensions={"AutoScalingGroupName": group.name},
            **rule,
        )


def _refresh(*, overlap: bool) -> aws.autoscaling.GroupInstanceRefreshArgsDict:
    """How machines are replaced, without a rollback.

    The provider gives the group its new version before the refresh starts, and a rollback returns to the version that
    the group had then: to the new one, again and again (hashicorp/terraform-provider-aws issue 34189).
    """
    return {
        "strategy": "Rolling",
        "preferences": {
            "min_healthy_percentage": 100 if overlap else 0,
            "max_healthy_percentage": 200 if overlap else 100,
            "instance_warmup": str(WARM_UP_SECONDS),
            "auto_rollback": False,
            # machines of the new version stay
            "skip_matching": True,
        },
    }


def _ready_hook(seconds: int) -> aws.autoscaling.GroupInitialLifecycleHookArgsDict:
    return {
        "name": READY_HOOK,
        "lifecycle_transition": "autoscaling:EC2_INSTANCE_LAUNCHING",
        "heartbeat_timeout": int(seconds),
        "default_result": "ABANDON",
    }


def _group_tags(tags: Mapping[str, pulumi.Input[str]]) -> list[aws.autoscaling.GroupTagArgsDict]:
    """Tags in the form of Auto Scaling. The launch template gives the machines theirs."""
    return [{"key": key, "value": tags[key], "propagate_at_launch": False} for key in sorted(tags)]


def _problems(component: str, args: MachineGroupArgs) -> Iterator[ArgumentError]:
    """What AWS would refuse late. Outputs are left to AWS."""
    seconds, size = args.get("ready_seconds", NOT_HELD_BACK), args.get("size", SIZE)
    if seconds and not 30 <= seconds <= _LONGEST_HOOK:
        yield ArgumentError(component, "ready_seconds", f"{seconds:g}", f"allowed: 30 to {_LONGEST_HOOK}, or 0")
    if isinstance(size, int | float) and not 1 <= size <= 50:
        yield ArgumentError(component, "size", f"{size:g}", "allowed: 1 to 50")
