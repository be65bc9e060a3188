"""Warnings about partitions of the boot disk, after all disks are read."""

from __future__ import annotations

from typing import Final

from butane.ignition import Ignition
from butane.report import Path, Report

_RESERVED: Final = {"BIOS-BOOT": 1, "PowerPC-PReP-boot": 1, "EFI-SYSTEM": 2, "boot": 3, "root": 4}
_ROOT_MIB: Final = 8192
_ROOT_SINCE = 3


def check_partitions(ignition: Ignition, minor: int, report: Report) -> None:
    """Warn of a root partition that is too small or hemmed in, and of the image's labels on other numbers."""
    for index, disk in enumerate(ignition.get("storage", {}).get("disks", ())):
        partitions = disk.get("partitions", ())
        for number, partition in enumerate(partitions):
            label = partition.get("label")
            path = ("storage", "disks", index, "partitions", number)
            if label == "root" and minor >= _ROOT_SINCE:
                _root(partition, [*partitions[:number], *partitions[number + 1 :]], path, report)
            wanted = _RESERVED.get(label)
            if wanted is not None and not disk.get("wipeTable") and partition.get("number") != wanted:
                report.warning(
                    (*path, "label"),
                    f"partition {label} of the image has the number {wanted}; this makes another one of that label",
                )


def _root(partition: Ignition, others: list[Ignition], path: Path, report: Report) -> None:
    size = partition.get("sizeMiB")
    if size:
        if size < _ROOT_MIB:
            report.warning((*path, "size_mib"), "the root partition should have 8 GiB or more")
    elif any(not other.get("startMiB") for other in others):
        report.warning(
            (*path, "label"),
            "the root partition fills the free space, but a partition without a start follows and stops it",
        )
