"""The data volume on AWS: real disks (loop devices), real filesystems. Only the output of lsblk is mocked."""

import hashlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.host.features.data_volume import DEVICE_UNIT, data_volume
from diaspora_infra.host.features.storage import storage
from tests.conftest import IN_CI
from tests.host.aws_pod import aws_context
from tests.host.pod import LIBEXEC, files, pod_context, write_tree
from tests.machine.pod_programs import RequireProgram

MIB = 1024 * 1024
BLOCK = 4096
PROGRAMS = (
    ("losetup", "mount"), ("mkfs.xfs", "xfsprogs"), ("mkfs.ext4", "e2fsprogs"), ("xfs_growfs", "xfsprogs"),
    ("blkid", "util-linux"), ("wipefs", "util-linux"), ("jq", "jq"), ("mount", "mount"),
)  # fmt: skip

VOLUME = data_volume(aws_context().of_machine)

SYSTEM_NVME = {
    "path": "/dev/nvme0n1",
    "type": "disk",
    "mountpoints": [None],
    "children": [
        {"path": "/dev/nvme0n1p1", "type": "part", "mountpoints": [None]},
        {"path": "/dev/nvme0n1p3", "type": "part", "mountpoints": ["/boot"]},
        {"path": "/dev/nvme0n1p4", "type": "part", "mountpoints": ["/var", "/sysroot/ostree/deploy", "/sysroot", "/"]},
    ],
}
SYSTEM_XEN = json.loads(json.dumps(SYSTEM_NVME).replace("nvme0n1p", "xvda").replace("nvme0n1", "xvda"))
ZRAM = {"path": "/dev/zram0", "type": "disk", "mountpoints": ["[SWAP]"]}
IDLE_ZRAM = {"path": "/dev/zram1", "type": "disk", "mountpoints": [None]}


def disk(path: str, *mountpoints: str) -> dict[str, Any]:
    return {"path": path, "type": "disk", "mountpoints": list(mountpoints) or [None]}


@dataclass
class Disks:
    """Loop devices that the machine uses as disks."""

    folder: Path
    program: Path
    devices: list[str] = field(default_factory=list)

    def new(self, mib: int = 400) -> str:
        """A blank disk."""
        image = self.folder / f"disk{len(self.devices)}"
        image.touch()
        os.truncate(image, mib * MIB)
        made = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, check=True)
        self.devices.append(made.stdout.strip())
        return self.devices[-1]

    def shown(self, *disks: dict[str, Any]) -> None:
        """Set the output of lsblk: the system disk and these disks."""
        new = self.folder / "lsblk.new"
        new.write_text(json.dumps({"blockdevices": [SYSTEM_NVME, ZRAM, IDLE_ZRAM, *disks]}))
        new.rename(self.folder / "lsblk.json")

    def find(self, seconds: float = 20) -> subprocess.CompletedProcess[str]:
        bash = shutil.which("bash")
        assert bash
        return subprocess.run(
            [bash, str(self.program)],
            env={"PATH": f"{self.folder}/bin:{os.environ['PATH']}:/usr/sbin:/sbin", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def found(self) -> str:
        done = self.find()
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def refused(self) -> str:
        done = self.find()
        assert done.returncode == 1, done
        assert done.stderr.rstrip().endswith("nothing was changed"), done
        return done.stderr


@pytest.fixture
def disks(tmp_path: Path, require_program: RequireProgram) -> Iterator[Disks]:
    for program, package in PROGRAMS:
        require_program(program, package)
    root = write_tree(VOLUME, tmp_path / "root")
    (tmp_path / "bin").mkdir()
    lsblk = tmp_path / "bin/lsblk"
    lsblk.write_text(f"#!/bin/sh\n[ \"$*\" = '--json --output PATH,TYPE,MOUNTPOINTS' ] && cat {tmp_path}/lsblk.json\n")
    lsblk.chmod(0o755)
    made = Disks(tmp_path, root / LIBEXEC / "find-data-volume")
    try:
        try:
            made.new(1)
        except subprocess.CalledProcessError as error:
            if IN_CI:
                pytest.fail(f"no loop device: {error.stderr}")
            pytest.skip(f"no loop device: {error.stderr}")
        yield made
    finally:
        for device in made.devices:
            subprocess.run(["losetup", "--detach", device], check=False)


def content(device: str) -> str:
    """A hash of all of a disk but its zeros: the holes of its image take no time."""
    subprocess.run(["blockdev", "--flushbufs", device], check=True, timeout=60)
    image = Path("/sys/block", Path(device).name, "loop/backing_file").read_text().strip()
    found = hashlib.sha256()
    with Path(image).open("rb") as opened:
        size, end = os.fstat(opened.fileno()).st_size, 0
        while end < size:
            try:
                start = os.lseek(opened.fileno(), end, os.SEEK_DATA)
            except OSError:
                # nothing but a hole is left
                break
            end = os.lseek(opened.fileno(), start, os.SEEK_HOLE)
            for offset in range(start, end, BLOCK):
                block = os.pread(opened.fileno(), BLOCK, offset)
                if block.strip(b"\0"):
                    found.update(offset.to_bytes(8, "big") + block)
    return found.hexdigest()


def probe(device: str, tag: str) -> str:
    command = ["blkid", "--probe", "--match-tag", tag, "--output", "value", device]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/usr/sbin:/sbin"}).stdout


def test_blank_disk_is_formatted_once(disks: Disks) -> None:
    device = disks.new()
    disks.shown(disk(device))
    assert "blank" in disks.found()
    assert (probe(device, "TYPE").strip(), probe(device, "LABEL").strip()) == ("xfs", "data")
    before = content(device)
    assert disks.found() == f"the data volume is {device}\n"
    assert content(device) == before


def test_data_on_the_volume_is_kept(disks: Disks, tmp_path: Path) -> None:
    device = disks.new()
    disks.shown(disk(device))
    disks.found()
    folder = tmp_path / "mounted"
    folder.mkdir()
    with mounted(device, folder):
        (folder / "domain").write_text("pod.example.org\n")
    disks.found()
    with mounted(device, folder):
        assert (folder / "domain").read_text() == "pod.example.org\n"
        # a second start of the service, while the volume is in use
        disks.shown(disk(device, "/var/mnt/data"))
        assert disks.found() == f"the data volume is {device}\n"


def test_boot_waits_for_the_volume_to_be_attached(disks: Disks) -> None:
    device = disks.new()
    disks.shown()
    answers: list[str] = []
    waiting = threading.Thread(target=lambda: answers.append(disks.found()))
    waiting.start()
    time.sleep(1.5)
    assert not answers
    disks.shown(disk(device))
    waiting.join(30)
    assert answers
    assert answers[0].startswith("waiting for the data volume to be attached\n")
    assert probe(device, "LABEL").strip() == "data"


def ext4(device: str) -> None:
    subprocess.run(["mkfs.ext4", "-q", "-L", "data", device], check=True, timeout=60, env=SBIN)


def foreign_xfs(device: str) -> None:
    subprocess.run(["mkfs.xfs", "-q", "-L", "other", device], check=True, timeout=60, env=SBIN)


def partitioned(device: str) -> None:
    subprocess.run(["sfdisk", "--quiet", device], input="label: gpt\n,\n", text=True, check=True, timeout=60, env=SBIN)


def unknown_bytes(device: str) -> None:
    with Path(device).open("r+b") as opened:
        opened.seek(70_000)
        opened.write(b"somebody's own format")


SBIN = {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}


@pytest.mark.parametrize(
    ("fill", "says"),
    [
        (ext4, "is labelled data, but holds ext4"),
        (foreign_xfs, "LABEL=other"),
        (partitioned, "PTTYPE=gpt"),
        (unknown_bytes, "data of an unknown kind"),
    ],
)
def test_disk_with_foreign_data_is_not_changed(disks: Disks, fill: Callable[[str], None], says: str) -> None:
    device = disks.new()
    fill(device)
    before = content(device)
    disks.shown(disk(device))
    assert says in disks.refused()
    assert content(device) == before


@pytest.mark.parametrize("program", ["wipefs", "head"])
def test_disk_that_cannot_be_read_is_not_taken_for_a_blank_one(disks: Disks, program: str) -> None:
    device = disks.new(1)
    unknown_bytes(device)
    before = content(device)
    disks.shown(disk(device))
    failing = disks.folder / "bin" / program
    failing.write_text("#!/bin/sh\nexit 1\n")
    failing.chmod(0o755)
    assert "something that cannot be read" in disks.refused()
    assert content(device) == before


def test_two_blank_disks_are_refused_unchanged(disks: Disks) -> None:
    first, second = disks.new(), disks.new()
    disks.shown(disk(first), disk(second))
    assert f"{first} {second}" in disks.refused()
    assert not probe(first, "TYPE")
    assert not probe(second, "TYPE")


def test_labelled_disk_is_chosen_among_two(disks: Disks) -> None:
    first, second = disks.new(), disks.new()
    disks.shown(disk(second))
    disks.found()
    disks.shown(disk(first), disk(second))
    assert disks.found() == f"the data volume is {second}\n"
    disks.shown(disk(first))
    disks.found()
    disks.shown(disk(first), disk(second))
    assert "more than one disk is labelled data" in disks.refused()


@pytest.mark.parametrize("system", [SYSTEM_NVME, SYSTEM_XEN])
def test_system_disk_is_never_taken_as_data_volume(disks: Disks, system: dict[str, Any]) -> None:
    (disks.folder / "lsblk.json").write_text(json.dumps({"blockdevices": [system, ZRAM]}))
    with pytest.raises(subprocess.TimeoutExpired) as ended:
        disks.find(2.5)
    assert b"waiting" in (ended.value.stdout or b"")


def test_filesystem_grows_with_the_volume(disks: Disks, tmp_path: Path) -> None:
    device = disks.new(400)
    disks.shown(disk(device))
    disks.found()
    folder = tmp_path / "mounted"
    folder.mkdir()
    (command,) = [
        line.removeprefix("ExecStart=")
        for line in files(VOLUME)["/etc/systemd/system/diaspora-data-grow.service"].splitlines()
        if line.startswith("ExecStart=")
    ]
    words = command.replace("/var/mnt/data", str(folder)).split()
    with mounted(device, folder):
        before = os.statvfs(folder).f_blocks
        subprocess.run(words, check=True, capture_output=True, timeout=60)
        assert os.statvfs(folder).f_blocks == before
        os.truncate(tmp_path / f"disk{disks.devices.index(device)}", 800 * MIB)
        subprocess.run(["losetup", "--set-capacity", device], check=True)
        subprocess.run(words, check=True, capture_output=True, timeout=60)
        assert os.statvfs(folder).f_blocks > 1.9 * before


class mounted:  # noqa: N801  # reads as a verb
    """A device, mounted on a folder for a while."""

    def __init__(self, device: str, folder: Path) -> None:
        self.device, self.folder = device, folder

    def __enter__(self) -> None:
        done = subprocess.run(["mount", "-t", "xfs", self.device, self.folder], capture_output=True, text=True)
        if done.returncode and "unknown filesystem" in done.stderr:
            pytest.skip("this kernel has no xfs")
        assert done.returncode == 0, done.stderr

    def __exit__(self, *_error: object) -> None:
        with suppress(subprocess.CalledProcessError):
            subprocess.run(["umount", self.folder], check=True)


def test_ignition_config_does_not_contain_the_volume() -> None:
    fragment = VOLUME
    assert set(fragment["storage"]) == {"files"}
    assert "data-volume" not in str(storage(pod_context().of_machine))


def test_mount_requires_the_volume_and_waits_without_timeout() -> None:
    units = {unit["name"]: unit for unit in VOLUME["systemd"]["units"]}
    mount = units["var-mnt-data.mount"]["contents"].splitlines()
    assert {"Requires=diaspora-data-volume.service", "After=diaspora-data-volume.service"} <= set(mount)
    assert "What=/dev/disk/by-label/data" in mount
    unit = subprocess.run(
        ["systemd-escape", "--path", "--suffix=device", "/dev/disk/by-label/data"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert unit == DEVICE_UNIT
    patience = files(VOLUME)[f"/etc/systemd/system/{DEVICE_UNIT}.d/10-patience.conf"]
    assert "JobRunningTimeoutSec=infinity" in patience
    assert "TimeoutStartSec=infinity" in units["diaspora-data-volume.service"]["contents"]
