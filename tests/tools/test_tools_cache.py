"""Damaged programs in the cache: found by their hash before they are used, and made again."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools import ToolError, ensure
from tools.cache import SUMS, damaged_file, make_entry
from tools.manifest import Manifest

MANIFEST = """
[demo]
version = "1.2.3"
sets = ["test"]
on_path = "==1.2.3"
version_args = ["version"]

[[demo.build]]
package = "."
takes = "1 s"
"""


@pytest.fixture
def demo(write_manifest, go_on_path) -> Manifest:
    """A tool with a module that needs no other module."""
    manifest = write_manifest(MANIFEST)
    module = manifest.folder / "demo"
    module.mkdir()
    (module / "go.mod").write_text("module tools/demo\n\ngo 1.21\n")
    (module / "main.go").write_text("package main\n\nfunc main() { print(`works`) }\n")
    return manifest


def works(program: Path) -> bool:
    return subprocess.run([program], capture_output=True, text=True, check=True).stderr == "works"


def cut_short(program: Path) -> None:
    program.write_bytes(program.read_bytes()[:1000])


def emptied(program: Path) -> None:
    program.write_bytes(b"")


def removed(program: Path) -> None:
    program.unlink()


def one_bit_wrong(program: Path) -> None:
    """With the size and the times of the good one, as a failing disk leaves it; only the inode is another."""
    status, content = program.stat(), bytearray(program.read_bytes())
    content[len(content) // 2] ^= 1
    program.unlink()
    program.write_bytes(content)
    program.chmod(status.st_mode)


def sums_emptied(program: Path) -> None:
    program.parents[1].joinpath(SUMS).write_text("")


def sums_no_text(program: Path) -> None:
    program.parents[1].joinpath(SUMS).write_bytes(b"\xff")


@pytest.mark.parametrize("damage", [cut_short, emptied, removed, one_bit_wrong, sums_emptied, sums_no_text])
def test_damaged_program_is_made_again(demo, capsys, damage):
    program = ensure(["demo"], demo)["demo"]
    damage(program)
    capsys.readouterr()
    assert ensure(["demo"], demo)["demo"] == program
    assert works(program)
    said, missing, built = capsys.readouterr().err.splitlines()
    where = program.parents[1] / SUMS if damage in (sums_emptied, sums_no_text) else program
    assert said == f"tools: demo: {where} is damaged (its SHA-256 has changed); making it again"
    assert (missing, built.partition(" in ")[0]) == (
        "tools: missing: demo (build, 1 s)",
        "tools: demo 1.2.3: built from source",
    )
    assert [path.name for path in program.parents[2].iterdir() if path.name.startswith(".")] == []


def test_damage_is_found_by_a_new_process(demo, python_environment, tmp_path):
    """Whatever the times of the file say: nothing is remembered between processes."""
    program = ensure(["demo"], demo)["demo"]
    one_bit_wrong(program)
    code = "import sys; from pathlib import Path; from tools.cache import damaged_file as damaged; "
    code += "print(damaged(Path(sys.argv[1]), 'bin/*'))"
    command = [sys.executable, "-c", code, str(program.parents[1])]
    assert subprocess.run(command, env=python_environment, capture_output=True, text=True).stdout == f"{program}\n"


def test_program_that_cannot_be_made_again_is_not_used(demo, go_on_path):
    cut_short(ensure(["demo"], demo)["demo"])
    go_on_path.unlink()
    go_on_path.write_text("#!/bin/sh\n[ $1 = version ] && echo go1.99.0 || exit 1\n")
    go_on_path.chmod(0o755)
    with pytest.raises(ToolError, match="go build failed"):
        ensure(["demo"], demo)


def test_entry_without_hashes_gets_those_of_its_programs(cache):
    entry = cache / "tools" / "demo-1"
    (entry / "bin").mkdir(parents=True)
    (entry / "bin" / "demo").write_text("one")
    assert damaged_file(entry, "bin/*") is None
    (entry / "bin" / "demo").write_text("two")
    assert damaged_file(entry, "bin/*") == entry / "bin" / "demo"


def test_entry_with_a_damaged_program_is_filled_again(cache):
    entry = cache / "go" / "go-1"

    def make(into: Path) -> None:
        (into / "bin").mkdir()
        (into / "bin" / "go").write_text("good")

    make_entry(entry, "go", make, "bin/*")
    (entry / "bin" / "go").write_text("bad")
    make_entry(entry, "go", make, "bin/*")
    assert (entry / "bin" / "go").read_text() == "good"
