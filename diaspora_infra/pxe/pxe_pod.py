"""PxePod: the matchbox profile and group of one machine."""

import hashlib
from typing import NotRequired, TypedDict

import pulumi
import pulumiverse_matchbox as matchbox

from diaspora_infra.config import Architecture, Stream
from diaspora_infra.pxe.install import Boot, InstallSettings, install_boot
from diaspora_infra.pxe.served import (
    NotServableError,
    check_servable,
    ignition_url,
    ipxe_url,
    meaning_digest,
)

_DIGITS = 12
_ROUNDS = 100_000


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
    stream: NotRequired[pulumi.Input[Stream]]
    """Update stream of the release; stable when not set."""
    architecture: NotRequired[pulumi.Input[Architecture]]
    """CPU architecture; x86_64 when not set."""
    disk: NotRequired[pulumi.Input[str]]
    """Disk to install on; /dev/sda when not set."""
    images_from_matchbox: NotRequired[pulumi.Input[bool]]
    """Load kernel and images from matchbox's assets instead of Fedora's release servers."""
    console: NotRequired[pulumi.Input[list[pulumi.Input[str]]]]
    """Consoles of the installer; the last one shows the messages."""
    kernel_arguments: NotRequired[pulumi.Input[list[pulumi.Input[str]]]]
    """Further kernel arguments of the installer."""
    serve: NotRequired[bool]
    """Make the group, so that the machine installs when it boots from the network; true when not set."""


class PxePod(pulumi.ComponentResource):
    """One machine on a matchbox server.

    Profile and group are named after the machine and a hash of what they say. A change therefore makes a new profile
    and group before the old ones go: the machine never finds the server without a config for it.
    """

    profile: pulumi.Output[str]
    """Name of the profile on the server."""
    ipxe_url: pulumi.Output[str]
    """Where the machine finds its iPXE script."""
    ignition_url: pulumi.Output[str]
    """Where the machine finds its Ignition config."""
    config: pulumi.Output[str]
    """Hash of what the Ignition config means: 12 hex digits."""

    def __init__(self, name: str, args: PxePodArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:PxePod", name, {}, opts)
        ignition = pulumi.Output.from_input(args["ignition"])
        boot = pulumi.Output.all(**{key: value for key, value in args.items() if key in _INSTALL_KEYS}).apply(
            lambda known: install_boot(**known)
        )
        checked = ignition.apply(lambda text: _checked(text, name))
        hashes = pulumi.Output.unsecret(
            pulumi.Output.all(checked, ignition.is_secret(), boot).apply(lambda known: _hashes(name, *known))
        )
        full_name = hashes.apply(lambda pair: f"{name}-{pair[0]}")
        child = pulumi.ResourceOptions(parent=self)
        profile = matchbox.Profile(
            name,
            name=full_name,
            kernel=boot.apply(lambda value: value.kernel),
            initrds=boot.apply(lambda value: list(value.initrds)),
            args=boot.apply(lambda value: list(value.args)),
            raw_ignition=checked,
            opts=child,
        )
        if args.get("serve", True):
            matchbox.Group(name, name=full_name, profile=profile.name, selector={"mac": args["mac"]}, opts=child)
        self.profile = profile.name
        address = pulumi.Output.all(args["matchbox_url"], args["mac"])
        self.ipxe_url = address.apply(lambda pair: ipxe_url(*pair))
        self.ignition_url = address.apply(lambda pair: ignition_url(*pair))
        self.config = hashes.apply(lambda pair: pair[1])
        # The outputs can all be derived from the children: registering them would only make the state larger.
        self.register_outputs({})


_INSTALL_KEYS = frozenset(InstallSettings.__annotations__)


def _checked(ignition: str, name: str) -> str:
    try:
        check_servable(ignition, name)
    except NotServableError as error:
        raise pulumi.RunError(str(error)) from None
    return ignition


def _hashes(name: str, ignition: str, secret: bool, boot: Boot) -> tuple[str, str]:
    """Hash the content for the names on the server, and its meaning for the record of an installation.

    Names are not secret. Where the config holds a secret, the hash is made slow, so that nobody can try passwords.
    """
    content = hashlib.sha256("\0".join([ignition, boot.kernel, *boot.initrds, *boot.args]).encode()).digest()
    meant = meaning_digest(ignition)
    if not secret:
        return content.hex()[:_DIGITS], meant
    return _slow(content, name), _slow(meant.encode(), name)


def _slow(data: bytes, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", data, salt.encode(), _ROUNDS).hex()[:_DIGITS]
