"""The `pod.upgrade` key: automatic upgrades of the pod."""

from collections.abc import Iterable, Iterator

from pydantic import Field

from diaspora_infra.config.checking import readable
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


def check_served(upgrade: Upgrade, machines: Iterable[Machine]) -> Iterator[Problem]:
    """Automatic upgrades of a machine without a server for its config; not for AWS, where the stack offers one."""
    if upgrade.automatic and not all(readable(machines, _has_server).values()):
        yield Problem(
            "pod.upgrade.automatic",
            "not every machine has a server for its config; set false, or use target aws, or pxe without install: off",
        )


def check_upgrade_time(upgrade: Upgrade, *, on_aws: bool, refreshed: bool) -> Iterator[Problem]:
    """A time at which nothing happens. `refreshed` tells whether images are built again."""
    if upgrade.time != Upgrade().time and not upgrade.automatic and (on_aws or not refreshed):
        yield Problem("pod.upgrade.time", "only used with automatic: true; remove it")


def _has_server(machine: Machine) -> bool:
    return isinstance(machine, PxeMachine) and machine.install != "off"
