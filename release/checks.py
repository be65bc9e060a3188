"""Checks of a release: its version, the metadata, the bytes of a second build, and an installation."""

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from release.errors import ReleaseError
from release.notes import sections_of
from release.packages import PROJECT, build_wheels, run, uv

EXAMPLE = PROJECT / "examples/qemu/Pulumi.qemu.yaml"


def check_tag(tag: str, version: str, changes: str) -> None:
    """Refuse a tag of another version, and a version that CHANGES.md does not describe."""
    if not re.fullmatch(r"v\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?", tag):
        raise ReleaseError(f"tag {tag}: not a version; allowed: such as v{version}")
    if tag != f"v{version}":
        raise ReleaseError(f"tag {tag}: the version is {version}; change it in pyproject.toml, or the tag")
    if version not in sections_of(changes):
        raise ReleaseError(f"CHANGES.md: no section {version}; rename the section Unreleased")


def check_metadata(wheels: Sequence[Path]) -> None:
    """Let twine check the metadata as PyPI does, README included."""
    run([sys.executable, "-m", "twine", "check", "--strict", *wheels])


def check_same_bytes(wheels: Sequence[Path]) -> None:
    """Build the wheels again: anybody can make the same bytes of the same commit."""
    with tempfile.TemporaryDirectory() as name:
        again = build_wheels(Path(name))
        different = [
            one.name for one, other in zip(wheels, again, strict=True) if one.read_bytes() != other.read_bytes()
        ]
    if different:
        raise ReleaseError(f"{', '.join(different)}: another build gives other bytes; do not build from changing files")


def check_installation(wheels: Sequence[Path]) -> None:
    """Install the wheels into an empty environment, and start what they bring."""
    with tempfile.TemporaryDirectory() as name:
        environment = Path(name) / "venv"
        uv("venv", "--python", sys.executable, environment)
        constraints = Path(name) / "constraints.txt"
        versions = run([sys.executable, "-m", "pip", "freeze", "--exclude-editable"])
        constraints.write_text(versions, encoding="utf-8")
        uv("pip", "install", "--python", environment / "bin/python", "--constraint", constraints, *wheels)
        run([environment / "bin/diaspora-infra", "check", EXAMPLE], cwd=Path(name))
        run([environment / "bin/butane-py", "--help"], cwd=Path(name))
        run([environment / "bin/pulumi-resource-diaspora-infra", "--help"], cwd=Path(name))
