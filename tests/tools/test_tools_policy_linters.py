import re

import pytest

from tools import policy_linters
from tools.errors import ToolError


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The recorded calls of a stand-in for uv, which creates a Python in the given folder."""
    uv, log = tmp_path / "uv", tmp_path / "uv.log"
    script = f'#!/bin/sh\necho "$1" >> {log}\n[ "$1" != venv ] || for last; do :; done\nmkdir -p "$last/bin"\n'
    uv.write_text(script + '[ "$1" != venv ] || touch "$last/bin/python"\n')
    uv.chmod(0o755)
    monkeypatch.setattr(policy_linters, "uv", lambda: uv)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return log


def test_environment_is_created_once_for_the_same_pins(log, tmp_path, monkeypatch):
    first = policy_linters.policy_linters_python()
    assert first.exists()
    assert policy_linters.policy_linters_python() == first
    assert log.read_text().split() == ["venv", "pip"]
    other = tmp_path / "requirements.txt"
    other.write_text("checkov==1\n")
    monkeypatch.setattr(policy_linters, "REQUIREMENTS", other)
    assert policy_linters.policy_linters_python() != first


def test_failure_is_reported_in_one_line_and_leaves_nothing(log, tmp_path, monkeypatch):
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'error: no such wheel' >&2\nexit 1\n")
    with pytest.raises(ToolError, match=r"^policy linters: uv venv failed: .*no such wheel"):
        policy_linters.policy_linters_python()
    assert not list((tmp_path / "cache/tools").glob("policy-linters-*"))


def test_every_package_is_pinned_with_hashes():
    text = policy_linters.REQUIREMENTS.read_text()
    for requirement in re.findall(
        r"^[a-z-]+==\S+", policy_linters.REQUIREMENTS.with_suffix(".in").read_text(), re.MULTILINE
    ):
        assert f"\n{requirement} " in text
    blocks = re.split(r"\n(?=[a-z])", text)[1:]
    assert len(blocks) > 50
    assert all("==" in block and "--hash=sha256:" in block for block in blocks)
