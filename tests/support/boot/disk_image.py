"""Reading a disk image from outside: its partition table, and the files of a partition. Needs root."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

SECTOR = 512


@dataclass(frozen=True)
class Partition:
    """An entry of a GPT; `start` and `size` are bytes."""

    number: int
    start: int
    size: int
    uuid: str


def partitions(disk: Path) -> dict[str, Partition]:
    """The partitions of a disk image by their labels, which must all differ."""
    shown = subprocess.run(["sfdisk", "--json", disk], check=True, capture_output=True, timeout=60).stdout
    table = json.loads(shown)["partitiontable"]
    assert (table["label"], table["sectorsize"]) == ("gpt", SECTOR)
    found = {
        entry["name"]: Partition(
            number=int(entry["node"].removeprefix(str(disk))),
            start=entry["start"] * SECTOR,
            size=entry["size"] * SECTOR,
            uuid=entry["uuid"],
        )
        for entry in table["partitions"]
    }
    assert len(found) == len(table["partitions"])
    return found


@contextmanager
def mounted_xfs(disk: Path, label: str) -> Iterator[Path]:
    """Lend the files of a partition; nothing is written, not even a journal replayed."""
    entry = partitions(disk)[label]
    options = f"ro,norecovery,nouuid,loop,offset={entry.start},sizelimit={entry.size}"
    with TemporaryDirectory(prefix="disk-") as name:
        subprocess.run(["mount", "-t", "xfs", "-o", options, disk, name], check=True, timeout=60)
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True, timeout=60)
