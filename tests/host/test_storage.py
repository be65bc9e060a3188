"""The disk layout; a reinstall finds the data again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diaspora_infra.host.features.storage import storage
from tests.host.contexts import context

# Where root starts in the Fedora CoreOS image: behind the first MiB, BIOS-BOOT (1), EFI-SYSTEM (127) and a /boot of
# 384 MiB, or of the 2048 that may come.
ROOT_START_MIB = (513, 2177)
DEFAULT = storage(context())["storage"]


def test_data_partition_follows_the_root_partition_on_the_boot_disk() -> None:
    assert DEFAULT["disks"] == [
        {
            "device": "/dev/disk/by-id/coreos-boot-disk",
            "partitions": [
                # the order is that in which they are made: root then ends where data starts
                {"number": 5, "start_mib": 13 * 1024, "label": "data"},
                {"number": 4, "label": "root", "size_mib": 0, "resize": True},
            ],
        }
    ]


@given(st.integers(8, 1024), st.integers(0, 65536))
def test_root_ends_before_data_and_nothing_is_wiped(root_gib: int, data_gib: int) -> None:
    layout = storage(context(storage={"rootGib": root_gib, "dataGib": data_gib}))["storage"]
    data, root = layout["disks"][0]["partitions"]
    assert data["start_mib"] == (root_gib + 1) * 1024, "machines have their data there"
    today, later = (data["start_mib"] - start for start in ROOT_START_MIB)
    assert today > root_gib * 1024
    assert (later >= 8 * 1024) is (root_gib >= 10)
    assert root["size_mib"] == 0
    assert data.get("size_mib", 0) == data_gib * 1024
    assert "wipe" not in str(layout["disks"])
    assert [filesystem["wipe_filesystem"] for filesystem in layout["filesystems"]] == [False]


def test_data_partition_has_no_size_by_default() -> None:
    # a size of 0 would be worked out anew: on a disk that grew it would no longer match the partition
    assert "size_mib" not in DEFAULT["disks"][0]["partitions"][0]


def test_data_disk_holds_one_data_partition() -> None:
    layout = storage(context(storage={"dataDisk": "/dev/sdb", "dataGib": 100}))["storage"]
    assert layout["disks"] == [
        {"device": "/dev/sdb", "partitions": [{"number": 1, "label": "data", "size_mib": 100 * 1024}]}
    ]
    assert layout["filesystems"] == DEFAULT["filesystems"]


@pytest.mark.parametrize("label", ["boot", "root", "BIOS-BOOT", "EFI-SYSTEM"])
def test_data_does_not_use_system_labels(label: str) -> None:
    assert not DEFAULT["filesystems"][0]["label"].startswith(label)
    assert not DEFAULT["filesystems"][0]["device"].endswith(label)


def test_failed_data_mount_does_not_stop_the_boot() -> None:
    units = {unit["name"]: unit for unit in storage(context())["systemd"]["units"]}
    unit = units["var-mnt-data.mount"]
    lines = unit["contents"].splitlines()
    assert unit["enabled"]
    assert "Where=/var/mnt/data" in lines
    assert "What=" + DEFAULT["filesystems"][0]["device"] in lines
    assert "Options=nofail" in lines
    assert "WantedBy=local-fs.target" in lines
    assert not [line for line in lines if line.startswith("RequiredBy=")]
