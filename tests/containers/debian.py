"""What Debian has of the packages that Containerfiles install."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest


def installed_packages(text: str) -> list[list[str]]:
    """The packages that each `apt-get install` of a Containerfile names."""
    found = re.findall(r"apt-get install --yes --no-install-recommends ((?:[^&]|\\\n)*?)&&", text)
    return [names.replace("\\\n", " ").split() for names in found]


def assert_debian_12_has(names: Sequence[str], folder: Path) -> None:
    """Let apt resolve packages for a system with nothing on it: it finds names that moved, and conflicts."""
    if not Path("/etc/debian_version").read_text(encoding="utf-8").startswith("12."):
        pytest.skip("the base image is Debian 12, this computer is not")
    status = folder / "status"
    status.touch()
    # packages of Debian itself, where the sources of this computer have others of the same name
    settings = ["-o", f"Dir::State::status={status}", "-o", "APT::Default-Release=bookworm"]
    command = ["apt-get", *settings, "--simulate", "--no-install-recommends", "install", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    installed = set(re.findall(r"^Inst (\S+) ", done.stdout, re.MULTILINE))
    # a virtual name would install another package
    assert installed >= set(names)
