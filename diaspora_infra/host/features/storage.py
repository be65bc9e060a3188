"""The data partition: on the system disk behind a small root, or on a disk of its own."""

from typing import Any

from diaspora_infra.host.fragment import Fragment, MachineContext, combine
from diaspora_infra.host.templates import render_tree

# Made by Fedora CoreOS for the disk that it booted from, whatever the disk is called.
BOOT_DISK = "/dev/disk/by-id/coreos-boot-disk"
# Partitions 1 to 4 are those of the Fedora CoreOS image: BIOS-BOOT, EFI-SYSTEM, boot, root.
ROOT_NUMBER, DATA_NUMBER = 4, 5
DATA_LABEL = "data"
DATA_FOLDER = "/var/mnt/data"
MIB_PER_GIB = 1024
# Of the space before the data partition, beside `rootGib`; never another number: machines with data have this one.
BEFORE_ROOT_GIB = 1


def storage(context: MachineContext) -> Fragment:
    """Lay out the disk, and mount the data partition.

    Nothing is ever wiped: where the partition is already there, at the same place with the same label and an xfs
    filesystem, it is kept with its data. Where something else is in its place, the first boot stops.
    """
    settings = context.settings.host.storage
    size = {"size_mib": settings.data_gib * MIB_PER_GIB} if settings.data_gib else {}
    data: dict[str, Any] = {"label": DATA_LABEL, **size}
    if settings.data_disk is not None:
        # Nothing follows root on the system disk: Fedora CoreOS lets it grow to the end.
        disk = {"device": settings.data_disk, "partitions": [{"number": 1, **data}]}
    else:
        # A fixed start, not "behind root": a reinstall must find the partition where it was.
        start = {"number": DATA_NUMBER, "start_mib": (settings.root_gib + BEFORE_ROOT_GIB) * MIB_PER_GIB}
        # Root ends where data starts, wherever it starts: a release with a larger /boot leaves less to root, and
        # nothing overlaps. Ignition makes the partitions in this order, so data comes first.
        root = {"number": ROOT_NUMBER, "label": "root", "size_mib": 0, "resize": True}
        disk = {"device": BOOT_DISK, "partitions": [{**start, **data}, root]}
    filesystem = {
        "device": f"/dev/disk/by-partlabel/{DATA_LABEL}",
        "format": "xfs",
        "label": DATA_LABEL,
        "path": DATA_FOLDER,
        "wipe_filesystem": False,
        # No `with_mount_unit`: Butane's unit is required by local-fs.target, so that a machine whose data disk
        # fails would stop in emergency mode, out of reach. The unit in templates/storage/ is only wanted.
    }
    return combine([{"storage": {"disks": [disk], "filesystems": [filesystem]}}, render_tree("storage")])
