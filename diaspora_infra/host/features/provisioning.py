"""A provisioning server: matchbox, and dnsmasq for DHCP and TFTP, as containers.

Not in the list of features: it takes the place of the pod on a machine of its own, and its files also go to hosts that
are not Fedora CoreOS (host/provisioning_files.py).
"""

import ipaddress
from dataclasses import dataclass
from typing import Any

from diaspora_infra.config import Provisioning
from diaspora_infra.config.images import IMAGES
from diaspora_infra.config.provisioning.server import Dhcp, port_of
from diaspora_infra.host.diaspora_image import server_build
from diaspora_infra.host.features.image_build import build_files
from diaspora_infra.host.features.storage import DATA_FOLDER
from diaspora_infra.host.fragment import Fragment, combine
from diaspora_infra.host.templates import file, render_tree

# Nobody's on the machine. The image of matchbox has no user of its own, and root is not needed.
MATCHBOX_UID = 810
TFTP_FOLDER = "/var/lib/tftpboot"
"""Where the image of dnsmasq has the files of iPXE."""

# The numbers of option 93 (RFC 4578, with the erratum that UEFI on x86_64 is 7; firmware also sends 9).
_BIOS, _UEFI, _ARM64 = (0,), (7, 9), (11,)


@dataclass(frozen=True)
class Places:
    """Folders of the server. `mounted` is the mount point that must exist first."""

    matchbox: str
    certificates: str
    leases: str
    mounted: str | None = None


ON_DATA = Places(
    f"{DATA_FOLDER}/matchbox", f"{DATA_FOLDER}/matchbox-certificates", f"{DATA_FOLDER}/dnsmasq", DATA_FOLDER
)
"""On a machine of this project: the data partition, which survives a reinstallation."""
ON_ANY_HOST = Places("/var/lib/matchbox", "/etc/matchbox", "/var/lib/diaspora-dnsmasq")


def provisioning(settings: Provisioning, places: Places = ON_DATA) -> Fragment:
    """Run matchbox and, unless the settings turn it off, dnsmasq."""
    common: dict[str, Any] = {"places": places, "uid": MATCHBOX_UID}
    matchbox = render_tree(
        "matchbox",
        **common,
        image=_image(settings, "matchbox", settings.matchbox_image),
        http_port=port_of(settings.http_url),
        rpc_port=settings.rpc_port,
    )
    if settings.dhcp.mode == "off":
        return matchbox
    dnsmasq = render_tree(
        "dnsmasq",
        **common,
        image=_image(settings, "dnsmasq", settings.dnsmasq_image),
        dhcp=settings.dhcp,
        network=ipaddress.IPv4Network(settings.dhcp.network or ""),
        tftp=TFTP_FOLDER,
        files=boot_files(settings.dhcp),
        script=f"{settings.http_url}/boot.ipxe",
    )
    return combine([matchbox, dnsmasq])


def offered_image(settings: Provisioning) -> Fragment:
    """Build the image of diaspora*, and put its archive where matchbox serves it; only on a machine of this project."""
    if settings.diaspora_image is None:
        return {}
    build = server_build(settings.diaspora_image, settings.architecture)
    folder = f"{ON_DATA.matchbox}/assets"
    archive = f"diaspora-{build.tag}.tar"
    offer = render_tree("image_offer", folder=folder, archive=archive, url=f"{settings.http_url}/assets/{archive}")
    # remove-images writes to the folder `state`
    drop_in = f"[Service]\nEnvironment=DIASPORA_IMAGES={folder}\nExecStartPre=/usr/bin/mkdir -p {DATA_FOLDER}/state\n"
    drop_ins = [
        file(f"/etc/systemd/system/{unit}.service.d/20-offer.conf", drop_in)
        for unit in ("diaspora-build", "diaspora-image-archive")
    ]
    # the programs that build-image calls, and what they read
    pulls = render_tree("image_pulls", images={"diaspora": build.reference})["storage"]["files"]
    room = [entry for entry in render_tree("jobs")["storage"]["files"] if entry["path"].endswith("/check-room")]
    files = [*drop_ins, *pulls, *room]
    return combine([render_tree("image_build"), offer, build_files(build), {"storage": {"files": files}}])


def open_ports(settings: Provisioning) -> list[tuple[str, int]]:
    """The ports that machines and podmins reach, with their protocol."""
    matchbox = [("tcp", port_of(settings.http_url)), ("tcp", settings.rpc_port)]
    if settings.dhcp.mode == "off":
        return matchbox
    dhcp = (67,) if settings.dhcp.mode == "full" else (67, 4011)
    return [*matchbox, *(("udp", port) for port in (*dhcp, 69))]


def boot_files(dhcp: Dhcp) -> dict[int, str]:
    """The boot file of each architecture, by its number in option 93."""
    files = dhcp.boot_files
    found = {**dict.fromkeys(_BIOS, files.bios), **dict.fromkeys(_UEFI, files.uefi)}
    return found if files.uefi_arm64 is None else found | dict.fromkeys(_ARM64, files.uefi_arm64)


def _image(settings: Provisioning, name: str, own: str | None) -> str:
    return own or IMAGES[name].pinned(settings.architecture)
