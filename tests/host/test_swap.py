"""Swap: the settings, and the real run of the program that creates the swap file."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from diaspora_infra.host.features.swap import swap
from tests.host.contexts import context, file_text

PROGRAM = "/usr/local/bin/diaspora-swap-file"
# All that the program may call. swapon and swapoff are stood in for: they would change the machine that runs the test.
REAL_PROGRAMS = ("bash", "stat", "rm", "mv", "sync", "fallocate", "mkswap", "blkid")
MIB = 1024 * 1024


def test_no_swap_when_both_are_off() -> None:
    assert swap(context(swap={"zramMib": 0, "fileMib": 0})) == {}


def test_only_zram_is_on_by_default() -> None:
    fragment = swap(context())
    assert file_text(fragment, "/etc/systemd/zram-generator.conf").splitlines()[-2:] == [
        "[zram0]",
        "zram-size = min(ram / 2, 1024)",
    ]
    assert "systemd" not in fragment


def test_swap_file_is_created_on_the_data_partition() -> None:
    fragment = swap(context(swap={"zramMib": 0, "fileMib": 2048}))
    (unit,) = fragment["systemd"]["units"]
    (program,) = fragment["storage"]["files"]
    lines = unit["contents"].splitlines()
    assert (program["path"], program["mode"]) == (PROGRAM, 0o755)
    assert "RequiresMountsFor=/var/mnt/data" in lines
    assert f"ExecStart={PROGRAM} /var/mnt/data/swapfile 2048" in lines
    assert unit["enabled"]


class Machine:
    """A folder with only the allowed programs on PATH, and stand-ins for swapon and swapoff that keep a list."""

    def __init__(self, folder: Path, find: Callable[[str, str], str]) -> None:
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in REAL_PROGRAMS:
            (self.programs / name).symlink_to(find(name, "util-linux"))
        self.on = folder / "on"
        self.on.write_text("")
        self.replace(
            "swapon",
            'if [[ $1 == --show=NAME ]]; then while read -r name; do echo "$name"; done <"$ON"; exit; fi\n'
            '[[ $(stat --format=%a "$2") == 600 && $(blkid -p -s TYPE -o value "$2") == swap ]] && echo "$2" >>"$ON"',
        )
        self.replace("swapoff", 'echo "$2" >"$ON.off"; : >"$ON"')
        self.script = folder / "diaspora-swap-file"
        self.script.write_text(file_text(swap(context(swap={"fileMib": 1})), PROGRAM))
        self.file = folder / "data" / "swapfile"
        self.file.parent.mkdir()

    def replace(self, name: str, text: str) -> None:
        """Replace a program by a stand-in."""
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!{self.programs}/bash\nset -eu\n{text}\n")
        path.chmod(0o755)

    def restore(self, name: str) -> None:
        """Put the real program back."""
        path = self.programs / name
        path.unlink()
        path.symlink_to(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or "")

    def run(self, mib: int) -> int:
        command = [self.programs / "bash", self.script, self.file, str(mib)]
        environment = {"PATH": str(self.programs), "ON": str(self.on)}
        return subprocess.run(command, env=environment, check=False, timeout=60).returncode

    def is_on(self) -> bool:
        return self.on.read_text() == f"{self.file}\n"

    def is_swap(self) -> bool:
        data = self.file.read_bytes()
        return data[4086:4096] == b"SWAPSPACE2"


@pytest.fixture
def machine(tmp_path: Path, require_program: Callable[[str, str], str]) -> Machine:
    return Machine(tmp_path, require_program)


def test_swap_file_is_created_once_and_kept(machine: Machine) -> None:
    assert machine.run(2) == 0
    assert machine.is_on()
    assert machine.is_swap()
    assert machine.file.stat().st_size == 2 * MIB
    # all of it is there: a file with holes cannot be swapped to
    assert machine.file.stat().st_blocks * 512 >= 2 * MIB
    before = machine.file.stat().st_ino
    assert machine.run(2) == 0
    assert machine.file.stat().st_ino == before
    assert machine.is_on()


def test_changed_size_turns_swap_off_and_recreates_the_file(machine: Machine) -> None:
    machine.run(2)
    assert machine.run(3) == 0
    assert machine.file.stat().st_size == 3 * MIB
    assert machine.on.with_name("on.off").read_text() == f"{machine.file}\n"
    assert machine.is_on()


def test_non_swap_file_is_replaced(machine: Machine) -> None:
    machine.file.write_bytes(bytes(2 * MIB))
    assert machine.run(2) == 0
    assert machine.is_swap()


@pytest.mark.parametrize("failure", ["exit 1", "kill -KILL $PPID"])
def test_interrupted_run_leaves_no_swap_file_and_next_run_creates_one(machine: Machine, failure: str) -> None:
    machine.replace("mkswap", failure)
    assert machine.run(3) != 0
    assert not machine.file.exists()
    assert not machine.is_on()
    machine.restore("mkswap")
    assert machine.run(2) == 0
    assert machine.is_swap()
    assert machine.file.stat().st_size == 2 * MIB
    assert [path.name for path in machine.file.parent.iterdir()] == ["swapfile"]


def test_oversized_swap_file_leaves_nothing(machine: Machine) -> None:
    assert machine.run(2**40) != 0  # 2**60 bytes
    assert list(machine.file.parent.iterdir()) == []
