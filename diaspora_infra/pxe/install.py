"""The network boot of a machine: kernel, initrd and the arguments of coreos-installer.

File names and addresses: Fedora CoreOS documentation, "Installing on bare metal"; see docs/pxe.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from diaspora_infra.config import PxeMachine, PxeSettings
from diaspora_infra.host.features.storage import DATA_LABEL

RELEASES = "https://builds.coreos.fedoraproject.org/prod/streams"
# Folder below matchbox's assets where `source: matchbox` expects the release.
ASSETS = "assets/fedora-coreos"
# From this release on, the kernel's file name ends in .ARCH instead of -ARCH.
_DOTTED_KERNEL_SINCE = 42


@dataclass(frozen=True)
class Boot:
    """The content of an iPXE script: addresses of kernel and initrds, kernel arguments."""

    kernel: str
    initrds: Sequence[str]
    args: Sequence[str]


@dataclass(frozen=True)
class Images:
    """The files of one Fedora CoreOS release that a network installation needs, by address."""

    kernel: str
    initramfs: str
    rootfs: str
    metal: str


def image_names(version: str, architecture: str) -> Images:
    """Name the files of a release, such as fedora-coreos-44.20260802.3.1-live-kernel.x86_64."""
    stem = f"fedora-coreos-{version}"
    separator = "." if int(version.split(".")[0]) >= _DOTTED_KERNEL_SINCE else "-"
    return Images(
        kernel=f"{stem}-live-kernel{separator}{architecture}",
        initramfs=f"{stem}-live-initramfs.{architecture}.img",
        rootfs=f"{stem}-live-rootfs.{architecture}.img",
        metal=f"{stem}-metal.{architecture}.raw.xz",
    )


class InstallSettings(TypedDict):
    """Settings of an installation."""

    matchbox_url: str
    version: str
    stream: str
    architecture: str
    disk: str
    images_from_matchbox: bool
    console: list[str]
    kernel_arguments: list[str]
    endpoint: Literal["ignition", "generic"]


def install_settings(settings: PxeSettings, machine: PxeMachine) -> InstallSettings:
    """Collect the settings for the installation of a machine."""
    pxe = settings.pxe
    disk = machine.disk or settings.host.storage.disk
    if disk is None:
        raise ValueError(f"{machine.name} has no disk")  # loading refuses such settings
    return {
        "matchbox_url": pxe.matchbox.http_url,
        "version": pxe.release.version,
        "stream": pxe.release.stream,
        "architecture": machine.architecture,
        "disk": disk,
        "images_from_matchbox": pxe.release.source == "matchbox",
        "console": list(machine.console),
        "kernel_arguments": list(machine.kernel_arguments),
        "endpoint": "generic",
    }


def install_boot(
    *,
    matchbox_url: str,
    version: str,
    stream: str = "stable",
    disk: str,
    architecture: str = "x86_64",
    images_from_matchbox: bool = True,
    console: Sequence[str] = (),
    kernel_arguments: Sequence[str] = (),
    endpoint: Literal["ignition", "generic"] = "ignition",
) -> Boot:
    """Tell a machine to install Fedora CoreOS on `disk` and to keep the partition labelled `data`.

    Kernel and images are loaded from matchbox's assets; without `images_from_matchbox` from Fedora's release servers,
    by addresses that most builds of iPXE cannot use, because they lack HTTPS. `endpoint` is the path below which
    matchbox serves the Ignition config.
    """
    base = (
        f"{matchbox_url}/{ASSETS}" if images_from_matchbox else f"{RELEASES}/{stream}/builds/{version}/{architecture}"
    )
    names = image_names(version, architecture)
    args = [
        "initrd=main",  # UEFI finds the initrd by this name
        f"coreos.live.rootfs_url={base}/{names.rootfs}",
        "rd.neednet=1",  # the installer needs the network before it has a config
        "ip=dhcp",
        f"coreos.inst.install_dev={disk}",
        # iPXE fills in uuid and mac
        f"coreos.inst.ignition_url={matchbox_url}/{endpoint}?uuid=${{uuid}}&mac=${{mac:hexhyp}}",
        f"coreos.inst.save_partlabel={DATA_LABEL}",
        # without it the installer unpacks the image that the live system carries
        *([f"coreos.inst.image_url={base}/{names.metal}"] if images_from_matchbox else []),
        *(f"console={entry}" for entry in console),
        *kernel_arguments,
    ]
    return Boot(
        kernel=f"{base}/{names.kernel}",
        initrds=[f"--name main {base}/{names.initramfs}"],
        args=args,
    )
