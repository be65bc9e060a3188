"""The `pxe` key: machines that boot over the network from a matchbox server."""

from typing import Annotated, Literal

from pydantic import Field

from diaspora_infra.config.files import FileNames
from diaspora_infra.config.host.host import Machine
from diaspora_infra.config.model import Model
from diaspora_infra.config.types import (
    DEFAULT_RELEASE,
    ConfigHash,
    Console,
    Endpoint,
    HttpUrl,
    KernelArgument,
    Mac,
    NonEmpty,
    OffWord,
    ReleaseVersion,
    StreamField,
)
from diaspora_infra.config.types import Stream as _Stream


class Matchbox(Model):
    """The matchbox server."""

    http_url: HttpUrl
    """Address that machines boot from, such as http://matchbox.lan:8080."""
    rpc_endpoint: Endpoint
    """Address of the gRPC API, HOST:PORT, such as matchbox.lan:8081."""
    ca_file: NonEmpty = "~/.matchbox/ca.crt"
    """Certificate of the authority that signed the server's certificate (PEM); relative to the project folder."""
    client_cert_file: NonEmpty = "~/.matchbox/client.crt"
    """Client certificate (PEM)."""
    client_key_file: NonEmpty = "~/.matchbox/client.key"
    """Key of the client certificate (PEM)."""


class PxeMachine(Machine):
    """A machine that boots over the network."""

    mac: Mac
    """MAC address of the network card that the machine boots from."""
    install: Annotated[Literal["once", "always", "off"], OffWord] = "once"
    """`once`: install at a network boot; the firmware tries the disk first. `always`: reinstall at every network boot
    (requires `host.updates.strategy: off`). `off`: serve nothing, the machine boots from its disk."""
    console: list[Console] = []
    """Consoles of the installer and of the installed system, such as ttyS0,115200n8; the last one shows the messages.
    `console=` is added."""
    kernel_arguments: list[KernelArgument] = []
    """Further kernel arguments of the installer."""
    installed_config: ConfigHash | None = None
    """Config hash of the last installation (the stack output `machines.NAME.config`). Machines whose config has changed
    since then are listed in the output `needsReinstall`."""


class Release(Model):
    """The Fedora CoreOS release that is installed."""

    stream: StreamField = _Stream.STABLE
    """Update stream; a stream other than stable also requires `version`."""
    version: ReleaseVersion = DEFAULT_RELEASE
    """Release; the machine then updates itself (see `host.updates`). The third number identifies the stream: 1 next,
    2 testing, 3 stable."""
    source: Literal["releases", "matchbox"] = "matchbox"
    """Source of kernel and images: the `assets` folder of matchbox (`diaspora-infra assets download` fills it), or
    Fedora's release servers, which needs an iPXE with HTTPS: your own build, for UEFI only."""


class Pxe(Model):
    """Machines that boot over the network."""

    matchbox: Matchbox
    """The matchbox server."""
    release: Release = Release.model_construct()
    """The Fedora CoreOS release that is installed."""
    machines: list[PxeMachine] = Field(min_length=1)
    """The machines; required without `machineFiles`."""
    machine_files: FileNames = []
    """Files with one machine or a list of machines each, which follow those in `machines`: names and patterns such as
    machines/*.yaml, relative to the project folder and inside of it. In stack files only."""
