from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import ToolError, ensure
from tools.find import accepts, ask_version, find, parse_version, rejection_reason

EXACT = """
[butane]
version = "0.29.0"
sets = ["test"]
on_path = "==0.29.0"
version_args = ["--version"]
"""

PAIR = """
[engine]
version = "3.200.0"
sets = ["up"]
on_path = ">=3.200.0"
version_args = ["version"]

[[engine.build]]
package = "."
takes = "1 s"

[[engine.build]]
program = "host"
package = "."
takes = "1 s"
"""


@pytest.mark.parametrize(
    ("printed", "taken"),
    [
        ("Butane 0.29.0", True),
        ("Butane v0.29.0", True),
        ("Butane 0.29.1", False),
        ("Butane 0.28.0", False),
        ("was not built properly", False),
    ],
)
def test_exact_tool_is_found_on_path_only_in_that_version(fake_program, write_manifest, printed, taken):
    program = fake_program("butane", printed)
    manifest = write_manifest(EXACT)
    assert find(manifest.tool("butane")) == ({"butane": program} if taken else None)


def test_program_with_failing_version_command_is_not_used(fake_program, write_manifest):
    fake_program("butane", "Butane 0.29.0", status=3)
    manifest = write_manifest(EXACT)
    assert find(manifest.tool("butane")) is None


def test_missing_tool_is_reported_by_name(write_manifest):
    with pytest.raises(ToolError, match=r"^butane: not on PATH as ==0\.29\.0"):
        ensure(["butane"], write_manifest(EXACT))


def test_wrong_version_on_path_is_reported(fake_program, write_manifest, capsys):
    program = fake_program("butane", "Butane 0.20.0")
    with pytest.raises(ToolError):
        ensure(["butane"], write_manifest(EXACT))
    assert f"{program} is not used: ==0.29.0 is required" in capsys.readouterr().err


def test_program_not_on_path_gives_no_note(write_manifest):
    assert rejection_reason(write_manifest(EXACT).tool("butane")) is None


@pytest.mark.parametrize("version", ["v3.200.0", "v3.272.1"])
def test_paired_programs_are_found_together(fake_program, write_manifest, version):
    engine, host = fake_program("engine", version), fake_program("host")
    manifest = write_manifest(PAIR)
    assert ensure(["engine"], manifest) == {"engine": engine, "host": host}
    assert ensure(["host"], manifest) == {"engine": engine, "host": host}


def test_old_engine_leaves_its_host_unused(fake_program, write_manifest):
    fake_program("engine", "v3.199.0")
    fake_program("host")
    assert find(write_manifest(PAIR).tool("host")) is None


def test_engine_without_its_host_is_not_used(fake_program, write_manifest):
    program = fake_program("engine", "v3.200.0")
    tool = write_manifest(PAIR).tool("engine")
    assert find(tool) is None
    assert rejection_reason(tool) == f"{program} is not used: >=3.200.0 is required together with host"


def test_tool_cache_on_path_is_not_searched(write_manifest, cache: Path, monkeypatch):
    program = cache / "tools" / "butane-0.29.0-0" / "bin" / "butane"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 0.29.0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    manifest = write_manifest(EXACT)
    assert find(manifest.tool("butane")) is None


def test_version_of_missing_program_is_none(tmp_path: Path):
    assert ask_version([str(tmp_path / "missing"), "version"]) is None


versions = st.tuples(*[st.integers(0, 9999)] * 3)


@given(required=versions, installed=versions)
def test_version_conditions_compare_numbers(required, installed):
    text = ".".join(map(str, required))
    assert accepts(f">={text}", installed) == (installed >= required)
    assert accepts(f"=={text}", installed) == (installed == required)


@given(version=versions, before=st.sampled_from(["", "v", "go version go", "Ignition "]))
def test_version_is_parsed_from_program_output(version, before):
    assert parse_version(before + ".".join(map(str, version)) + " linux/amd64\n") == version
    assert parse_version(f"{before}{version[0]}.{version[1]}\n") == (version[0], version[1], 0)
