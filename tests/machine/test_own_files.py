"""Owners and labels of the files on the data partition: the program, beside the real systemd-tmpfiles."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.host.pod import LIBEXEC, files, pod_context, pod_fragment, write_tree
from tests.machine.pod_programs import RequireProgram, link_programs

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may change owners")

FRAGMENT = pod_fragment(pod_context())
LABEL = "system_u:object_r:container_file_t:s0"
PROGRAMS = ("bash", "chown", "find", "mkdir", "mv", "sync")
# Files of a time when PostgreSQL and Redis were one user, and diaspora* was core.
OLD = {
    "postgresql/base/1/112": (999, 999),
    "redis/appendonlydir/appendonly.aof": (999, 999),
    "uploads/images/a cat.jpg": (1000, 1000),
    "uploads/images/line\nbreak": (1000, 1000),
    "log/production.log": (1000, 1000),
    "sidekiq/schedule.yml": (1000, 1000),
    "tls/certificate-1/privkey.pem": (0, 101),
    "certbot/live/README": (102, 102),
}
NEW = {
    "postgresql": (811, 811),
    "redis": (812, 812),
    "uploads": (813, 813),
    "log": (813, 813),
    "sidekiq": (813, 813),
    "tls": (0, 814),
    "certbot": (815, 815),
}


@dataclass
class Partition:
    """A machine with a data partition, whose calls of some programs are written down."""

    root: Path
    record: Path

    @property
    def data(self) -> Path:
        return self.root / "var/mnt/data"

    def calls(self, program: str) -> list[list[str]]:
        file = self.record / program
        return [line.split("\t") for line in file.read_text().splitlines()] if file.exists() else []

    def own(self, *arguments: str | Path, selinux: bool = False) -> "subprocess.CompletedProcess[str]":
        for file in self.record.iterdir():
            file.unlink()
        bash = shutil.which("bash")
        assert bash
        return subprocess.run(
            [bash, self.root / LIBEXEC / "own-files", *arguments],
            env={
                "PATH": str(self.root / "bin"),
                "RECORD": str(self.record),
                "DIASPORA_DATA": str(self.data),
                "DIASPORA_CONFIGURATION": str(self.root / "etc/diaspora"),
                "DIASPORA_SELINUX": str(self.root) if selinux else "/nowhere",
            },
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def succeed(self, *arguments: str | Path, selinux: bool = False) -> str:
        done = self.own(*arguments, selinux=selinux)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def stand_in(self, name: str, *, then: str = "exit 0") -> None:
        program = self.root / "bin" / name
        program.unlink(missing_ok=True)
        # a line for each call; file names of the tests have no tabs
        program.write_text(
            "#!/bin/bash\n"
            f"""words=("${{@//$'\\n'/?}}")\n(IFS=$'\\t'; echo "${{words[*]}}") >> "$RECORD/{name}"\n{then}\n"""
        )
        program.chmod(0o755)

    def owners(self, folder: Path | None = None) -> dict[str, set[tuple[int, int]]]:
        """The owners of everything in each folder."""
        found: dict[str, set[tuple[int, int]]] = {}
        for path in sorted((folder or self.data).rglob("*")):
            entry = path.lstat()
            name = path.relative_to(folder or self.data).parts[0]
            found.setdefault(name, set()).add((entry.st_uid, entry.st_gid))
        return {name: owners for name, owners in found.items() if name in NEW}


def fill(folder: Path) -> None:
    for name, owner in OLD.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        for entry in (path, *path.relative_to(folder).parents):
            if entry != Path():
                os.chown(folder / entry, *owner)


@pytest.fixture
def partition(tmp_path: Path) -> Partition:
    made = Partition(write_tree(FRAGMENT, tmp_path / "root"), tmp_path / "record")
    for folder in (made.data, made.root / "bin", made.record):
        folder.mkdir(parents=True)
    link_programs(made.root / "bin", PROGRAMS)
    for name in ("chown", "find"):
        found = shutil.which(name)
        made.stand_in(name, then=f'exec {found} "$@"')
    made.stand_in("chcon")
    fill(made.data)
    return made


def tmpfiles(root: Path, program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [program, f"--root={root}", "--create", "--prefix=/var/mnt/data", str(root / "etc/diaspora/directories.conf")],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_existing_files_get_their_owners_once(partition: Partition) -> None:
    before = (partition.data / "uploads/images/a cat.jpg").stat().st_mtime_ns
    output = partition.succeed()
    assert partition.owners() == {name: {owner} for name, owner in NEW.items()}
    assert f"setting the owner in {partition.data}/uploads: done, 4 files" in output.splitlines()
    assert (partition.data / "uploads/images/a cat.jpg").stat().st_mtime_ns == before
    # later starts do not walk through the files
    assert partition.succeed() == ""
    assert (partition.calls("find"), partition.calls("chown")) == ([], [])


def test_files_that_are_right_are_not_touched(partition: Partition) -> None:
    """A new change time would make the backup read every file again."""
    partition.succeed()
    file = partition.data / "uploads/images/a cat.jpg"
    before = file.stat().st_ctime_ns
    (partition.data / "state/owners").unlink()
    partition.succeed()
    assert partition.calls("chown") == []
    assert len(partition.calls("find")) == len(NEW) + 1
    assert file.stat().st_ctime_ns == before


def test_owners_change_after_systemd_tmpfiles_has_changed_the_folders(
    partition: Partition, require_program: RequireProgram
) -> None:
    """As the unit does it: systemd-tmpfiles meets files with other owners than their folders, and later only ours."""
    program = require_program("systemd-tmpfiles", "systemd")
    unit = files(FRAGMENT)["/etc/systemd/system/diaspora-data.service"]
    order = [line.split("/")[-1] for line in unit.splitlines() if line.startswith("ExecStart=")]
    assert order[-2:] == ["directories.conf", "own-files"]
    for _ in range(2):
        done = tmpfiles(partition.root, program)
        assert (done.returncode, done.stderr) == (0, "")
        partition.succeed()
        found = partition.owners()
        assert {name: found[name] for name in NEW} == {name: {owner} for name, owner in NEW.items()}


@pytest.mark.parametrize("number", [1, 3])
def test_interrupted_change_is_completed_or_taken_back(partition: Partition, number: int) -> None:
    """Another version has other owners, fails in the middle of the files, and is rolled back."""
    real = shutil.which("chown")
    table = partition.root / "etc/diaspora/directories.conf"
    today = table.read_text()
    partition.succeed()
    table.write_text(today.replace("813", "1000").replace("812", "999").replace("811", "999"))
    partition.stand_in("chown", then=f'(($(wc -l < "$RECORD/chown") != {number})) || exit 1\nexec {real} "$@"')
    (partition.root / "bin/wc").symlink_to(shutil.which("wc") or "")
    assert partition.own().returncode == 1
    partition.stand_in("chown", then=f'exec {real} "$@"')
    # as it began in the folder where it failed
    stopped = ("postgresql", "redis", "uploads")[number - 1]
    os.chown(next(path for path in (partition.data / stopped).rglob("*") if path.is_file()), 999, 999)
    if number == 3:
        partition.succeed()
        assert partition.owners()["uploads"] == {(1000, 1000)}
        assert partition.owners()["postgresql"] == {(999, 999)}
    table.write_text(today)
    partition.succeed()
    assert partition.owners() == {name: {owner} for name, owner in NEW.items()}


def test_restored_folders_are_changed_before_they_take_their_place(partition: Partition) -> None:
    partition.succeed()
    folder = partition.data / "backup/restore"
    fill(folder)
    (folder / "secrets").mkdir()
    partition.succeed(folder)
    assert partition.owners(folder) == {name: {owner} for name, owner in NEW.items()}
    assert (folder / "secrets").stat().st_uid == 0
    # each restoration anew
    os.chown(folder / "uploads/images", 1000, 1000)
    partition.succeed(folder)
    assert partition.owners(folder)["uploads"] == {(813, 813)}


def test_links_are_not_followed(partition: Partition) -> None:
    outside = partition.root / "outside"
    outside.write_text("not of the pod")
    (partition.data / "uploads/link").symlink_to(outside)
    partition.succeed(selinux=True)
    assert outside.stat().st_uid == 0
    assert (partition.data / "uploads/link").lstat().st_uid == 813
    assert all(call[0] == "--no-dereference" for call in partition.calls("chcon") + partition.calls("chown"))


def test_every_file_is_labelled_once(partition: Partition) -> None:
    output = partition.succeed(selinux=True)
    labelled = {path for call in partition.calls("chcon") for path in call[2:]}
    assert all(call[1] == LABEL for call in partition.calls("chcon"))
    for name in OLD:
        assert f"{partition.data}/{name}".replace("\n", "?") in labelled
    assert f"setting the SELinux label in {partition.data}/uploads: done, 4 files" in output.splitlines()
    # the folders themselves at each start: systemd-tmpfiles gives them the default
    assert partition.succeed(selinux=True) == ""
    again = [path for call in partition.calls("chcon") for path in call[2:]]
    assert sorted(again) == sorted(f"{partition.data}/{name}" for name in [*NEW, "sidekiq/schedule.yml"])


def test_labels_follow_when_selinux_is_turned_on(partition: Partition) -> None:
    partition.succeed()
    assert partition.calls("chcon") == []
    partition.succeed(selinux=True)
    assert f"{partition.data}/uploads/images/a cat.jpg" in {path for call in partition.calls("chcon") for path in call}


def test_mount_that_takes_no_labels_is_left_alone(partition: Partition) -> None:
    partition.stand_in("chcon", then="echo 'Operation not supported' >&2; exit 1")
    partition.succeed(selinux=True)
    assert partition.owners()["uploads"] == {(813, 813)}


def test_shellcheck_reports_nothing(partition: Partition, require_program: RequireProgram) -> None:
    program = partition.root / LIBEXEC / "own-files"
    done = subprocess.run(
        [require_program("shellcheck", "shellcheck"), program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")
