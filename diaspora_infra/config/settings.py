"""All settings of a stack: as the user wrote them, and what a stack of each target is built from."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from diaspora_infra.config.aws.aws import JOB, WEB, Aws
from diaspora_infra.config.aws.derived import built_images
from diaspora_infra.config.host.host import Host, Machine
from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.provisioning.server import Provisioning
from diaspora_infra.config.pxe.pxe import Pxe
from diaspora_infra.config.types import Target, TargetField


class IgnitionExport(Model):
    """Machines whose Ignition config is only exported: QEMU, VirtualBox, other clouds."""

    machines: list[Machine] = Field(default=[Machine.model_construct(name="pod")], min_length=1)
    """The machines."""


def aws_machines(aws: Aws) -> Sequence[Machine]:
    """The one machine of a stack on AWS, or one for each group of machines, whose name is the role of its machines."""
    names = (WEB, JOB) if aws.has_groups else ("pod",)
    return [Machine(name=name, architecture=aws.architecture) for name in names]


class WrittenSettings(Model):
    """One stack. Only what the user wrote, with the defaults of the keys.

    `derive` makes `Settings` of it, in which the keys of other targets are gone.
    """

    target: TargetField
    """`pxe`: machines that boot over the network. `aws`: a low-cost stack on AWS. `ignition`: only export the Ignition
    configs. `provisioning`: the server that other machines boot from; such a stack has `host` and `provisioning` and
    no pod."""
    pod: Pod
    """The diaspora* pod; required unless the target is `provisioning`."""
    host: Host
    """Settings of every machine."""
    pxe: Pxe | None = None
    """Network boot; required with target `pxe`."""
    aws: Aws | None = None
    """The pod on AWS; required with target `aws`."""
    ignition: IgnitionExport = IgnitionExport.model_construct()
    """Machines of target `ignition`."""
    provisioning: Provisioning | None = None
    """A provisioning server; required with target `provisioning`. Beside a pod only the command
    `diaspora-infra provisioning files` reads it."""


class _PodStack(Model):
    """A stack with a pod, with what differs between the targets as properties."""

    pod: Pod
    """The diaspora* pod."""
    host: Host
    """Settings of every machine."""
    file_names: Mapping[str, str] = Field(default={}, exclude=True)
    """Entries of lists that are in files of their own, such as host.snippets[0], and what messages call them."""

    @property
    def database_on_aws(self) -> bool:
        """AWS runs the database, and the machine only leads to it."""
        return False

    @property
    def behind_gateway(self) -> bool:
        """API Gateway is in front of the machine and has the certificate."""
        return False

    @property
    def uploads_in_bucket(self) -> bool:
        """Uploads are in the bucket that the stack makes, and not on the data partition."""
        return False

    @property
    def backup_bucket(self) -> bool:
        """The pod's backups go to the bucket that the stack makes."""
        return False

    @property
    def existing_parameters(self) -> Mapping[str, str]:
        """Secrets that are in Parameter Store already: their keys, and the names of the parameters."""
        return {}


class PxeSettings(_PodStack):
    """A pod on machines that boot over the network (target `pxe`)."""

    target: Literal[Target.PXE] = Target.PXE
    """`pxe`."""
    pxe: Pxe
    """Network boot."""

    @property
    def machines(self) -> Sequence[Machine]:
        """The machines."""
        return self.pxe.machines


class AwsSettings(_PodStack):
    """A pod on AWS (target `aws`)."""

    target: Literal[Target.AWS] = Target.AWS
    """`aws`."""
    aws: Aws
    """The pod on AWS."""

    @property
    def machines(self) -> Sequence[Machine]:
        """The one machine, or one for each group of machines."""
        return aws_machines(self.aws)

    @property
    def database_on_aws(self) -> bool:
        """AWS runs the database, and the machine only leads to it."""
        return self.aws.database_on_aws

    @property
    def behind_gateway(self) -> bool:
        """API Gateway is in front of the machine and has the certificate."""
        return self.aws.behind_gateway

    @property
    def uploads_in_bucket(self) -> bool:
        """Uploads are in the bucket that the stack makes, and not on the data partition."""
        return self.aws.uploads_in_bucket

    @property
    def backup_bucket(self) -> bool:
        """The pod's backups go to the bucket that the stack makes."""
        return self.aws.backups.bucket and self.pod.backup is not None

    @property
    def built_images(self) -> Sequence[str]:
        """Names of the images that the stack builds, because the settings name none."""
        return built_images(self.aws, self.pod)

    @property
    def existing_parameters(self) -> Mapping[str, str]:
        """Secrets that are in Parameter Store already: their keys, and the names of the parameters."""
        return {str(key): name for key, name in self.aws.existing_parameters.items()}


class IgnitionSettings(_PodStack):
    """A pod on machines whose Ignition config is only exported (target `ignition`)."""

    target: Literal[Target.IGNITION] = Target.IGNITION
    """`ignition`."""
    ignition: IgnitionExport
    """The machines."""

    @property
    def machines(self) -> Sequence[Machine]:
        """The machines."""
        return self.ignition.machines


Settings = PxeSettings | AwsSettings | IgnitionSettings
"""The settings of a stack with a pod, by its target."""
