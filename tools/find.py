"""Looks for a tool on PATH and asks for its version."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tools.cache import cache_root
from tools.manifest import Tool

QUESTION_SECONDS = 20


def find(tool: Tool) -> dict[str, Path] | None:
    """The tool's programs on PATH, if all are there and the first one's version fits."""
    found = {program: shutil.which(program, path=outer_path()) for program in tool.programs}
    paths = {program: Path(path).absolute() for program, path in found.items() if path}
    if len(paths) < len(found):
        return None
    version = ask_version([str(paths[tool.name]), *tool.version_args])
    return paths if accepts(tool.on_path, version) else None


def rejection_reason(tool: Tool) -> str | None:
    """Why a program of that name on PATH is not used; None if there is none."""
    found = shutil.which(tool.name, path=outer_path())
    if found is None:
        return None
    others = "".join(f" together with {program}" for program in tool.programs[1:])
    return f"{found} is not used: {tool.on_path} is required{others}"


def outer_path() -> str:
    """PATH without the folders of our own cache."""
    own = cache_root()
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if entry and not Path(entry).is_relative_to(own))


def accepts(condition: str, version: tuple[int, ...] | None) -> bool:
    """Whether a version meets a condition such as `>=3.200.0` or `==0.29.0`; an unknown version never does."""
    required = parse_version(condition)
    if version is None or required is None:
        return False
    return version == required if condition.startswith("==") else version >= required


def ask_version(command: list[str]) -> tuple[int, ...] | None:
    """The first `1.2.3` that a command prints, or None if it fails or prints none."""
    # pulumi would otherwise ask the network for a newer version of itself
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=QUESTION_SECONDS, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return parse_version(answer.stdout + answer.stderr)


def parse_version(text: str) -> tuple[int, ...] | None:
    """The first three numbers with dots in a text; a third one that is missing counts as 0."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(number or 0) for number in match.groups()) if match else None
