"""PxePod: the matchbox profile and group of one machine."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumiverse_matchbox as matchbox

from diaspora_infra.config import Architecture, Stream
from diaspora_infra.config.problems import Problem, refused
from diaspora_infra.pulumi_config import InputError, check_inputs
from diaspora_infra.pxe.install import Boot, InstallSettings, install_boot
from diaspora_infra.pxe.served import (
    NotServableError,
    as_served,
    check_servable,
    ignition_url,
    ipxe_url,
    meaning_digest,
    public_hash,
    revision_of,
)


class PxePodArgs(TypedDict):
    """What a PxePod needs."""

    mac: pulumi.Input[str]
    """MAC address of the network card that the machine boots from."""
    ignition: pulumi.Input[str]
    """Ignition config of the machine, version 3.4.0 or lower; from this project or any other source."""
    matchbox_url: pulumi.Input[str]
    """Address that machines boot from, such as http://matchbox.lan:8080."""
    version: pulumi.Input[str]
    """Fedora CoreOS release to install, such as 44.20260802.3.1."""
    disk: pulumi.Input[str]
    """Disk to install on, such as /dev/disk/by-id/ata-EXAMPLE; all but a partition labelled `data` is erased."""
    stream: NotRequired[pulumi.Input[str]]
    """Update stream of the release: stable, testing or next; stable when not set."""
    architecture: NotRequired[pulumi.Input[str]]
    """CPU architecture: x86_64 or aarch64; x86_64 when not set."""
    images_from_matchbox: NotRequired[pulumi.Input[bool]]
    """Load kernel and images from matchbox; true when not set. Fedora's release servers need an iPXE with HTTPS."""
    console: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Consoles of the installer; the last one shows the messages. Those of the installed system are in `ignition`."""
    kernel_arguments: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Further kernel arguments of the installer."""
    serve: NotRequired[bool]
    """Make the group, so that the machine installs when it boots from the network; true when not set."""
    revision: NotRequired[str]
    """Ends the names of profile and group, and has to change with anything else. A hash of everything when not set."""


class PxePod(pulumi.ComponentResource):
    """One machine on a matchbox server.

    Profile and group are named after the machine and a revision, a hash of what they say. A change therefore makes a
    new profile and group before the old ones go: the machine never finds the server without a config for it. Set
    `revision` where an input is an output, such as a secret: the hash is not known in time then.

    In Python, `revision_of` computes one.
    """

    profile: pulumi.Output[str]
    """Name of the profile on the server."""
    group: pulumi.Output[str] | None
    """Name of the group on the server; None where `serve` is false."""
    ipxe_url: pulumi.Output[str]
    """Where the machine finds its iPXE script."""
    ignition_url: pulumi.Output[str]
    """Where the machine finds its Ignition config."""
    config: pulumi.Output[str]
    """Hash of what the Ignition config means: c and 11 hex digits (the letter keeps YAML from reading a number)."""

    def __init__(self, name: str, args: PxePodArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_inputs(name, args, _REQUIRED)
        args = {**args, "matchbox_url": _without_slash(args["matchbox_url"])}
        super().__init__("diaspora-infra:index:PxePod", name, {}, opts)
        install = {key: value for key, value in args.items() if key in _INSTALL_KEYS}
        boot = pulumi.Output.all(**install).apply(lambda arguments: _boot(name, arguments))
        ignition = pulumi.Output.from_input(args["ignition"]).apply(lambda text: _checked(text, name))
        full_name = _full_name(name, args, boot, ignition)
        # A name that is known now is also the engine's name: the change of a machine is then a new resource and the end
        # of an old one, in this order with every version of the provider. Else it depends on how the provider replaces.
        own_name = full_name if isinstance(full_name, str) else name
        child = pulumi.ResourceOptions(parent=self)
        profile = matchbox.Profile(
            own_name,
            name=full_name,
            kernel=boot.apply(lambda value: value.kernel),
            initrds=boot.apply(lambda value: list(value.initrds)),
            args=boot.apply(lambda value: list(value.args)),
            raw_ignition=ignition,
            opts=child,
        )
        self.group = None
        if args.get("serve", True):
            selector = {"mac": args["mac"]}
            self.group = matchbox.Group(
                own_name, name=full_name, profile=profile.name, selector=selector, opts=child
            ).name
        self.profile = profile.name
        address = pulumi.Output.all(args["matchbox_url"], args["mac"])
        self.ipxe_url = address.apply(lambda pair: ipxe_url(*pair))
        self.ignition_url = address.apply(lambda pair: ignition_url(*pair))
        self.config = pulumi.Output.unsecret(
            pulumi.Output.all(ignition, ignition.is_secret()).apply(
                lambda text: f"c{public_hash(meaning_digest(text[0]), name, secret=text[1])[1:]}"
            )
        )
        # The outputs can all be derived from the children: registering them would only make the state larger.
        self.register_outputs({})


_INSTALL_KEYS = InstallSettings.__annotations__.keys() - {"endpoint"}

_REQUIRED = {
    "mac": "a MAC address, such as 52:54:00:00:00:01",
    "ignition": "the text of an Ignition config",
    "matchbox_url": "an address, such as http://matchbox.lan:8080",
    "version": "a release, such as 44.20260802.3.1",
    "disk": "the disk to install on, such as /dev/disk/by-id/ata-EXAMPLE",
}

_WORDS: Mapping[str, type[StrEnum]] = {"stream": Stream, "architecture": Architecture}
"""Arguments that take one of a few words."""

_LISTS = ("console", "kernel_arguments")
"""Arguments whose type takes text, too, as every text is a sequence of texts."""


def _without_slash(url: pulumi.Input[str]) -> pulumi.Input[str]:
    """Strip the slash at the end, as the settings do. A text stays a text: the resources' names follow from it."""
    if isinstance(url, str):
        return url.rstrip("/")
    return pulumi.Output.all(url).apply(lambda texts: texts[0].rstrip("/"))


def _boot(name: str, install: Mapping[str, Any]) -> Boot:
    """Tell a machine how to install. Raises InputError for what the types of the arguments cannot refuse."""
    for key, words in _WORDS.items():
        if key in install and install[key] not in list(words):
            raise _input_error(name, key, refused(install[key], ", ".join(words)))
    for key in _LISTS:
        if isinstance(install.get(key), str):
            raise _input_error(name, key, refused(install[key], "a list"))
    return install_boot(**install)


def _input_error(name: str, key: str, message: str) -> InputError:
    problem = Problem(key, message)
    return InputError(f"{name}: {problem}", [problem])


def _full_name(
    name: str, args: PxePodArgs, boot: pulumi.Output[Boot], ignition: pulumi.Output[str]
) -> str | pulumi.Output[str]:
    """End the machine's name with its revision, at once where that can be."""
    if "revision" in args:
        return f"{name}-{args['revision']}"
    install = {key: value for key, value in args.items() if key in _INSTALL_KEYS}
    text = args["ignition"]
    if isinstance(text, str) and all(_is_known(value) for value in install.values()):
        return f"{name}-{revision_of(name, _checked(text, name), _boot(name, install), secret=False)}"
    return pulumi.Output.unsecret(
        pulumi.Output.all(ignition, boot, ignition.is_secret()).apply(
            lambda values: f"{name}-{revision_of(name, values[0], values[1], secret=values[2])}"
        )
    )


def _is_known(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_known(entry) for entry in value)
    return isinstance(value, str | bool)


def _checked(ignition: str, name: str) -> str:
    """Refuse what the server could not serve; returns the text for it."""
    try:
        check_servable(ignition, name)
    except NotServableError as error:
        raise InputError(str(error), [Problem("ignition", str(error))]) from None
    return as_served(ignition)
