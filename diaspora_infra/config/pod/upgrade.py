"""The `pod.upgrade` key: automatic upgrades of the pod."""

from collections.abc import Iterable

from pydantic import Field

from diaspora_infra.config.host.host import Machine
from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.pxe.pxe import PxeMachine
from diaspora_infra.config.types import ClockTime


class Upgrade(Model):
    """Upgrades of the pod. `diaspora-pod upgrade` on the machine starts one at any time."""

    automatic: bool = False
    """Upgrade every day if the server (on AWS the stack) has a new version of the pod for this machine."""
    time: ClockTime = Field(default="04:30")
    """Time of the upgrade in the time zone of the machine, with a random delay of up to a quarter of an hour. It
    may not overlap a window of `host.updates`. With `pod.imageRefresh` (not on AWS), also when the machine looks
    whether its image is to be built again."""


def check_upgrade(upgrade: Upgrade, machines: Iterable[Machine], *, on_aws: bool, refreshed: bool) -> list[Problem]:
    """Automatic upgrades of a machine without a server for its config; on AWS the stack offers one.

    `refreshed` tells whether images are built again.
    """
    problems = []
    served = [on_aws or (isinstance(machine, PxeMachine) and machine.install != "off") for machine in machines]
    if upgrade.automatic and not all(served):
        problems.append(
            Problem(
                "pod.upgrade.automatic",
                "not every machine has a server for its config; "
                "set false, or use target aws, or pxe without install: off",
            )
        )
    if upgrade.time != Upgrade().time and not upgrade.automatic and (on_aws or not refreshed):
        problems.append(Problem("pod.upgrade.time", "only used with automatic: true; remove it"))
    return problems
