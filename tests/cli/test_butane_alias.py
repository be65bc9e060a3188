"""The alias `diaspora_infra.butane` of the separate package `butane`."""

import subprocess
import sys
from pathlib import Path

import butane
from diaspora_infra import butane as alias


def test_alias_has_the_names_of_the_butane_package() -> None:
    assert alias.__all__ == butane.__all__
    for name in alias.__all__:
        assert getattr(alias, name) is getattr(butane, name)


def test_command_runs_under_both_module_names(tmp_path: Path) -> None:
    (tmp_path / "pod.bu").write_text("variant: fcos\nversion: 1.5.0\n")
    for name in ("butane", "diaspora_infra.butane"):
        command = [sys.executable, "-m", name, "pod.bu"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ('{"ignition":{"version":"3.4.0"}}\n', "")
