"""Machine: an EC2 instance with Fedora CoreOS, its data volume, its role, and its alarms."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.account import partition, region
from diaspora_infra.aws.alarms import create_alarm
from diaspora_infra.aws.boot_config import boot_config
from diaspora_infra.aws.defaults import INSTANCE, PROTECT
from diaspora_infra.aws.images import ImageArgs, find_image
from diaspora_infra.aws.machine_launch import CREDIT_SPECIFICATION, CREDITS_CHARGED, METADATA_OPTIONS, instance_profile
from diaspora_infra.aws.machine_role import machine_role
from diaspora_infra.aws.tags import Tags, merged, named

DATA_DEVICE = "/dev/sdf"
"""Name under which AWS lists the data volume; the machine sees an NVMe disk with a name of its own."""


class ShellEndpointArgs(TypedDict):
    """Where the Instance Connect Endpoint is."""

    subnet_id: pulumi.Input[str]
    """Any subnet of the VPC."""
    security_group_id: pulumi.Input[str]
    """Group that reaches port 22 of the machine."""


class MachineArgs(TypedDict):
    """What a Machine needs."""

    zone: pulumi.Input[str]
    """Availability zone, that of the subnet. The data volume can never leave it."""
    subnet_id: pulumi.Input[str]
    """Subnet with a route to the internet."""
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Groups of the machine."""
    instance_type: pulumi.Input[str]
    """Instance type, such as t4g.micro."""
    image: ImageArgs
    """The Fedora CoreOS image, of the instance type's architecture."""
    ignition: pulumi.Input[str]
    """The Ignition config; a change replaces the machine, not its data. It must hold no secret: every program on the
    machine can read it. One that is longer than 16 KiB, or only known later, is handed over by a bucket."""
    statements: NotRequired[pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]]]
    """What the machine may do in the account: statements of an IAM policy. An output must hold one or more."""
    root_gib: NotRequired[pulumi.Input[int]]
    """Size of the root volume in GiB; 10 when not set."""
    data_gib: NotRequired[pulumi.Input[int]]
    """Size of the data volume in GiB; 10 when not set."""
    topic_arn: NotRequired[pulumi.Input[str]]
    """Topic that is told when an alarm goes on and off."""
    elastic_ip: NotRequired[bool]
    """Give it an address that stays the same (`public_ip`); false when not set. A plain value, not an output."""
    shell_endpoint: NotRequired[ShellEndpointArgs]
    """Make an EC2 Instance Connect Endpoint, through which SSH comes from inside the VPC."""
    volume_tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Further tags of the data volume: those by which its snapshots are made."""
    protect: NotRequired[bool]
    """Refuse to delete the data volume; true when not set. Without it, a deletion leaves a last snapshot. A
    plain value, not an output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class Machine(pulumi.ComponentResource):
    """One machine. It is replaced when its Ignition config changes, and its data volume goes to the new one."""

    instance_id: pulumi.Output[str]
    """Id of the instance."""
    private_ip: pulumi.Output[str]
    """IPv4 address in the VPC."""
    public_ip: pulumi.Output[str]
    """IPv4 address on the internet. It changes when the machine is stopped, unless `elastic_ip` is set."""
    role_name: pulumi.Output[str]
    """Name of the machine's role."""
    role_arn: pulumi.Output[str]
    """ARN of the machine's role."""
    volume_id: pulumi.Output[str]
    """Id of the data volume."""

    def __init__(self, name: str, args: MachineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:Machine", name, {}, opts)
        self._name, self._args = name, args
        self._tags = args.get("tags")
        self._child = pulumi.ResourceOptions(parent=self)
        image = find_image(name, args["image"], self)
        config = boot_config(self, name, args["ignition"], self._tags)
        role, policies = machine_role(self, name, [args.get("statements", []), config.statements], self._tags)
        instance = self._instance(image, config.user_data, role, policies)
        volume = self._volume(instance)
        self._alarms(instance)
        self.public_ip = self._elastic_ip(instance) if args.get("elastic_ip", False) else instance.public_ip
        if endpoint := args.get("shell_endpoint"):
            create_shell_endpoint(self._name, endpoint, self._tags, self._child)
        self.instance_id, self.private_ip = instance.id, instance.private_ip
        self.role_name, self.role_arn, self.volume_id = role.name, role.arn, volume.id
        self.register_outputs(
            {
                "instanceId": self.instance_id,
                "privateIp": self.private_ip,
                "publicIp": self.public_ip,
                "roleName": self.role_name,
                "roleArn": self.role_arn,
                "volumeId": self.volume_id,
            }
        )

    def _instance(
        self, image: str, user_data: pulumi.Input[str], role: aws.iam.Role, policies: list[pulumi.Resource]
    ) -> aws.ec2.Instance:
        name, args = self._name, self._args
        profile = instance_profile(self, name, role, self._tags)
        return aws.ec2.Instance(
            f"{name}-machine",
            ami=image,
            instance_type=args["instance_type"],
            subnet_id=args["subnet_id"],
            vpc_security_group_ids=args["security_group_ids"],
            iam_instance_profile=profile.name,
            # without an address of its own a machine in a public subnet reaches nothing; the groups let nobody in by it
            associate_public_ip_address=True,
            user_data=user_data,
            # Ignition runs at the first boot only: on the old machine a new config would do nothing
            user_data_replace_on_change=True,
            root_block_device={
                "volume_type": "gp3",
                "volume_size": args.get("root_gib", INSTANCE.root_gib),
                "encrypted": True,
                "delete_on_termination": True,
                "tags": named(self._tags, f"{name} root"),
            },
            metadata_options=METADATA_OPTIONS,
            maintenance_options={"auto_recovery": "default"},
            credit_specification=CREDIT_SPECIFICATION,
            monitoring=False,
            tags=named(self._tags, name),
            # the data volume can only be attached once, so the old machine goes first
            opts=pulumi.ResourceOptions(
                parent=self,
                delete_before_replace=True,
                depends_on=policies,
                # a stopped machine has no address; after a refresh, that difference would replace the machine
                ignore_changes=["associatePublicIpAddress"],
            ),
        )

    def _volume(self, instance: aws.ec2.Instance) -> aws.ebs.Volume:
        name, protect = f"{self._name}-data", self._args.get("protect", PROTECT)
        volume = aws.ebs.Volume(
            name,
            availability_zone=self._args["zone"],
            size=self._args.get("data_gib", INSTANCE.data_gib),
            type="gp3",
            encrypted=True,
            final_snapshot=True,
            tags=merged(named(self._tags, f"{self._name} data"), self._args.get("volume_tags")),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=protect,
                retain_on_delete=protect,
                # the provider waits for the last snapshot, and 10 minutes are too short for a full volume
                custom_timeouts=pulumi.CustomTimeouts(delete="3h"),
            ),
        )
        aws.ec2.VolumeAttachment(
            name,
            device_name=DATA_DEVICE,
            volume_id=volume.id,
            instance_id=instance.id,
            # the machine unmounts it while it shuts down
            stop_instance_before_detaching=True,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        return volume

    def _alarms(self, instance: aws.ec2.Instance) -> None:
        """AWS's hardware or network fails, the machine moves; its own system fails, it is rebooted; its load costs."""
        where = pulumi.Output.all(partition(self), region(self))
        recover = where.apply(lambda names: alarm_action(names[0], names[1], "recover"))
        reboot = where.apply(lambda names: alarm_action(names[0], names[1], "reboot"))
        failed = {"statistic": "Maximum", "comparison_operator": "GreaterThanOrEqualToThreshold", "threshold": 1}
        self._alarm(
            "recover",
            instance,
            alarm_description="Move the machine to other hardware",
            metric_name="StatusCheckFailed_System",
            actions=[recover],
            period=60,
            evaluation_periods=2,
            **failed,
        )
        self._alarm(
            "reboot",
            instance,
            alarm_description="Reboot the machine",
            metric_name="StatusCheckFailed_Instance",
            actions=[reboot],
            period=60,
            evaluation_periods=3,
            **failed,
        )
        self._alarm(
            "credits",
            instance,
            alarm_description="AWS charges for CPU credits: the machine has been above its share for a day",
            **CREDITS_CHARGED,
        )

    def _alarm(self, name: str, instance: aws.ec2.Instance, **rule: Any) -> None:
        create_alarm(
            f"{self._name}-{name}",
            self._args.get("topic_arn"),
            named(self._tags, f"{self._name} {name}"),
            self._child,
            namespace="AWS/EC2",
            dimensions={"InstanceId": instance.id},
            treat_missing_data="missing",
            **rule,
        )

    def _elastic_ip(self, instance: aws.ec2.Instance) -> pulumi.Output[str]:
        name = f"{self._name}-address"
        address = aws.ec2.Eip(name, domain="vpc", tags=named(self._tags, self._name), opts=self._child)
        aws.ec2.EipAssociation(
            name,
            allocation_id=address.allocation_id,
            instance_id=instance.id,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        return address.public_ip


def create_shell_endpoint(name: str, args: ShellEndpointArgs, tags: Tags | None, opts: pulumi.ResourceOptions) -> None:
    """Make an Instance Connect Endpoint: `aws ec2-instance-connect ssh` reaches machines through it."""
    aws.ec2transitgateway.InstanceConnectEndpoint(
        f"{name}-shell",
        subnet_id=args["subnet_id"],
        security_group_ids=[args["security_group_id"]],
        # the machine sees the endpoint, whose group alone may come in
        preserve_client_ip=False,
        tags=named(tags, f"{name} shell"),
        opts=opts,
    )


def alarm_action(partition: str, region: str, action: str) -> str:
    """ARN of the action that EC2 takes when an alarm goes on: `recover` or `reboot`."""
    return f"arn:{partition}:automate:{region}:ec2:{action}"
