"""All settings of a stack."""

from collections.abc import Sequence

from pydantic import Field

from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.host.host import Host, Machine
from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.provisioning.server import Provisioning
from diaspora_infra.config.pxe.pxe import Pxe
from diaspora_infra.config.types import Target, TargetField


class IgnitionExport(Model):
    """Machines whose Ignition config is only exported: QEMU, VirtualBox, other clouds."""

    machines: list[Machine] = Field(default=[Machine(name="pod")], min_length=1)
    """The machines."""


def aws_machine(aws: Aws) -> Machine:
    """The one machine of a stack on AWS."""
    return Machine(name="pod", architecture=aws.architecture)


class Settings(Model):
    """One stack."""

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
    ignition: IgnitionExport = IgnitionExport()
    """Machines of target `ignition`."""
    provisioning: Provisioning | None = None
    """A provisioning server; required with target `provisioning`. Beside a pod only the command
    `diaspora-infra provisioning files` reads it."""

    @property
    def machines(self) -> Sequence[Machine]:
        """The machines of the chosen target."""
        if self.target is Target.PXE:
            return self.pxe.machines if self.pxe else ()
        if self.target is Target.AWS:
            return (aws_machine(self.aws),) if self.aws else ()
        return self.ignition.machines
