"""The data partition on an enlarged disk, and beside another one with its label. Real disks, by loop devices."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from diaspora_infra.host.features import storage
from tests.conftest import skip_unless
from tests.host.contexts import context
from tests.host.pod import LIBEXEC, pod_context, pod_fragment, write_tree
from tests.machine.pod_programs import RequireProgram

MIB = 1 << 20
PROGRAMS = (
    ("losetup", "mount"), ("partx", "util-linux"), ("growpart", "cloud-guest-utils"), ("mkfs.xfs", "xfsprogs"),
    ("xfs_growfs", "xfsprogs"), ("jq", "jq"), ("sfdisk", "fdisk"),
)  # fmt: skip
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def run(*command: str | Path, **options: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, **options)  # type: ignore[call-overload]
    return str(done.stdout)


class Disk:
    """A disk with a data partition of 400 MiB, which is mounted; by default there is nothing behind it."""

    def __init__(self, folder: Path, behind: str = "") -> None:
        self.image = folder / "disk"
        self.image.touch()
        os.truncate(self.image, 402 * MIB if not behind else 500 * MIB)
        run("sfdisk", "-q", self.image, input=f'label: gpt\nstart=1MiB, size=400MiB, name="data"\n{behind}')
        self.device = run("losetup", "--find", "--show", "--partscan", self.image).strip()
        self.data = folder / "data"
        self.data.mkdir()
        run("partx", "--add", "--nr", "1", self.device)
        run("mkfs.xfs", "-q", "-L", "data", f"{self.device}p1")
        run("mount", "-t", "xfs", f"{self.device}p1", self.data)
        (self.data / "domain").write_text("pod.example.org\n")
        self.programs = write_tree(pod_fragment(pod_context()), folder / "tree") / LIBEXEC

    def remove(self) -> None:
        for command in (
            ["umount", str(self.data)],
            ["partx", "--delete", self.device],
            ["losetup", "--detach", self.device],
        ):
            subprocess.run(command, check=False, capture_output=True)

    def enlarge(self, mib: int) -> None:
        os.truncate(self.image, mib * MIB)
        run("losetup", "--set-capacity", self.device)

    def grow(self) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", self.programs / "grow-data"],
            env={"PATH": PATH, "LC_ALL": "C", "DIASPORA_DATA": str(self.data)},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def mib(self) -> int:
        """The size of the filesystem."""
        status = os.statvfs(self.data)
        return status.f_blocks * status.f_frsize // MIB


@pytest.fixture
def needed(require_program: RequireProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", PATH)
    for program, package in PROGRAMS:
        require_program(program, package)
    skip_unless(os.geteuid() == 0 and Path("/dev/loop-control").exists(), "needs root and loop devices")


@pytest.fixture
def disk(tmp_path: Path, needed: None, request: pytest.FixtureRequest) -> Iterator[Disk]:
    made = Disk(tmp_path, getattr(request, "param", ""))
    try:
        yield made
    finally:
        made.remove()


def test_partition_and_filesystem_grow_with_the_disk(disk: Disk) -> None:
    before = disk.mib
    disk.enlarge(900)
    done = disk.grow()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("CHANGED: partition=1 ")
    assert disk.mib > before + 450
    assert (disk.data / "domain").read_text() == "pod.example.org\n"
    table = json.loads(run("sfdisk", "--json", disk.image))["partitiontable"]["partitions"]
    assert [(entry["start"], entry["name"]) for entry in table] == [(2048, "data")]
    assert table[0]["size"] > 890 * 2048


def test_disk_of_the_same_size_is_no_failure(disk: Disk) -> None:
    before = disk.mib
    for _ in range(2):
        done = disk.grow()
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("NOCHANGE: ")
    assert disk.mib == before


@pytest.mark.parametrize("disk", ['start=401MiB, size=20MiB, name="more"\n'], indirect=True)
def test_partition_behind_it_is_not_overwritten(disk: Disk) -> None:
    before = run("sfdisk", "--json", disk.image)
    disk.enlarge(900)
    done = disk.grow()
    assert done.returncode == 0
    assert done.stdout.startswith("NOCHANGE: ")
    assert (
        json.loads(run("sfdisk", "--json", disk.image))["partitiontable"]["partitions"]
        == (json.loads(before)["partitiontable"]["partitions"])
    )


def test_failure_of_growpart_is_one_of_the_command(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    for text, name in (("echo FAILED: no space; exit 2", "2"), ("echo out of memory; exit 1", "1")):
        program = tmp_path / "bin/growpart"
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        monkeypatch.setattr(f"{__name__}.PATH", f"{tmp_path}/bin:{PATH}")
        assert disk.grow().returncode == 1, name


@pytest.fixture
def check(tmp_path: Path, needed: None) -> Path:
    """The program that the mount of the data partition requires."""
    return write_tree(storage(context()), tmp_path / "tree") / LIBEXEC / "check-data-partition"


def checked(check: Path, folder: Path, *labels: str | None) -> "subprocess.CompletedProcess[str]":
    """Run the check on a machine with a disk for each label; udev knows the labels, and there is none here."""
    devices = [
        {"path": f"/dev/sd{letter}", "type": "disk", "partlabel": None, "children": [
            {"path": f"/dev/sd{letter}1", "type": "part", "partlabel": label}
        ]}
        for letter, label in zip("abcdef", labels, strict=False)
    ]  # fmt: skip
    (folder / "tools").mkdir(exist_ok=True)
    (folder / "lsblk.json").write_text(json.dumps({"blockdevices": devices}))
    (folder / "tools/lsblk").write_text(
        f"#!/bin/sh\n[ \"$*\" = '--json --output PATH,TYPE,PARTLABEL' ] && cat {folder}/lsblk.json\n"
    )
    (folder / "tools/udevadm").write_text("#!/bin/sh\nexit 1\n")
    for name in ("lsblk", "udevadm"):
        (folder / "tools" / name).chmod(0o755)
    return subprocess.run(
        ["bash", check], env={"PATH": f"{folder}/tools:{PATH}"}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("labels", [(), (None,), ("data",), ("root", "data", "data-old"), ("other", None)])
def test_one_data_partition_is_mounted(check: Path, tmp_path: Path, labels: tuple[str | None, ...]) -> None:
    done = checked(check, tmp_path, *labels)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_two_data_partitions_are_refused_with_the_way_out(check: Path, tmp_path: Path) -> None:
    done = checked(check, tmp_path, "data", "root", "data")
    assert done.returncode == 1
    assert done.stderr.startswith("2 partitions are labelled data: /dev/sda1 /dev/sdc1; nothing was mounted.")
    assert "sgdisk --change-name=NUMBER:old DISK" in done.stderr


def test_real_lsblk_has_these_columns(needed: None) -> None:
    found = json.loads(run("lsblk", "--json", "--output", "PATH,TYPE,PARTLABEL"))["blockdevices"]
    assert all(entry.keys() >= {"path", "type", "partlabel"} for entry in found)


def test_mount_requires_the_check_and_waits_for_it() -> None:
    units = {entry["name"]: entry["contents"] for entry in storage(context())["systemd"]["units"]}
    name = "diaspora-data-partition.service"
    assert f"Requires={name}\nAfter={name}\n" in units["var-mnt-data.mount"]
    assert "ExecStart=/usr/bin/bash /usr/local/libexec/diaspora/check-data-partition\n" in units[name]
    device = subprocess.run(
        ["systemd-escape", "--path", "--suffix=device", "/dev/disk/by-partlabel/data"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert f"After={device}\n" in units[name]
