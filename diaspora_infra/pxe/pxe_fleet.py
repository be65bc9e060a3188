"""PxeFleet: many machines on a matchbox server, which share as many profiles as they can."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NotRequired, TypedDict

import pulumi
import pulumiverse_matchbox as matchbox

from diaspora_infra.pxe.install import Boot
from diaspora_infra.pxe.served import public_hasher
from diaspora_infra.pxe.template import Templated, templated


@dataclass(frozen=True)
class FleetMachine:
    """A machine that is served."""

    name: str
    mac: str
    """MAC address of the network card that the machine boots from: lower case, with colons."""
    boot: Boot
    ignition: str
    """The Ignition config, of any version."""
    own: str = ""
    """What the machine has for itself in that config, as `host.render` tells it."""


class PxeFleetArgs(TypedDict):
    """What a PxeFleet needs. All of it has to be known: names follow from it."""

    machines: Sequence[FleetMachine]
    """The machines, each of another name."""
    secrets: NotRequired[Sequence[str]]
    """Values that the configs may hold. The texts of profiles are then secret, and hashes in names slow to try out."""


@dataclass(frozen=True)
class Placed:
    """What a machine has on the server: names of its group and profile, and the group's metadata."""

    machine: FleetMachine
    group: str
    profile: str
    metadata: Mapping[str, str]


class PxeFleet(pulumi.ComponentResource):
    """Machines on a matchbox server: a group for each, and a profile for each distinct text and way to boot.

    The text is a template that a group's metadata fills in (`pxe.template`); that of a machine for which there is no
    template holds the machine's config alone. Names carry a revision, a hash of what they say: a change makes new
    resources before the old ones go, and a machine never finds the server without a config for it.
    """

    placed: Sequence[Placed]
    """The machines as they are on the server, in their order."""
    groups: pulumi.Output[list[str]]
    """Names of the groups, once all of them are on the server."""

    def __init__(self, name: str, args: PxeFleetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:PxeFleet", name, {}, opts)
        secrets = args.get("secrets", ())
        # another stack on the same server may have the same texts, but not the same profiles
        stack = f"{pulumi.get_project()}/{pulumi.get_stack()}/{name}"
        revision = public_hasher(secrets, stack)
        found = [templated(each.name, each.mac, each.ignition, each.own) for each in args["machines"]]
        named = [
            _placed(name, machine, each, lambda *texts: revision("\0".join([stack, *texts])))
            for machine, each in zip(args["machines"], found, strict=True)
        ]
        self.placed = named
        child = pulumi.ResourceOptions(parent=self)
        profiles: dict[str, matchbox.Profile] = {}
        for placed, each in zip(named, found, strict=True):
            if placed.profile not in profiles:
                profiles[placed.profile] = _profile(placed, each.text, bool(secrets), child)
        # The engine keeps the program's stack for each resource, a kB and more where it is deep, and writes it again at
        # each step; that of a callback is short.
        self.groups = pulumi.Output.from_input(True).apply(partial(_groups, named, profiles, self))
        # The outputs can all be derived from the children: registering them would only make the state larger.
        self.register_outputs({})


def _placed(fleet: str, machine: FleetMachine, found: Templated, revision: Callable[..., str]) -> Placed:
    boot = machine.boot
    profile = f"{fleet}-{revision(found.text, boot.kernel, *boot.initrds, *boot.args)}"
    metadata = [text for pair in sorted(found.metadata.items()) for text in pair]
    return Placed(machine, f"{machine.name}-{revision(profile, machine.mac, *metadata)}", profile, found.metadata)


def _profile(placed: Placed, text: str, secret: bool, opts: pulumi.ResourceOptions) -> matchbox.Profile:
    boot = placed.machine.boot
    return matchbox.Profile(
        placed.profile,
        name=placed.profile,
        kernel=boot.kernel,
        initrds=list(boot.initrds),
        args=list(boot.args),
        generic_config=pulumi.Output.secret(text) if secret else text,
        opts=opts,
    )


def _groups(
    placed: Sequence[Placed], profiles: Mapping[str, matchbox.Profile], fleet: PxeFleet, _now: bool
) -> pulumi.Output[list[str]]:
    made = []
    for each in placed:
        group = matchbox.Group(
            each.group,
            name=each.group,
            profile=each.profile,
            selector={"mac": each.machine.mac},
            metadata=each.metadata or None,
            # not by the profile's output: its URN would be in the state a second time
            opts=pulumi.ResourceOptions(parent=fleet, depends_on=[profiles[each.profile]]),
        )
        made.append(group.name)
    return pulumi.Output.all(*made)
