"""Installs Debian packages with apt."""

import os
import shutil
import subprocess
from collections.abc import Mapping

from tools.error_hints import cause
from tools.errors import ToolError
from tools.progress import step


def install_packages(missing: Mapping[str, str]) -> None:
    """Installs missing packages with apt. Raises ToolError with their names."""
    packages = sorted(set(missing.values()))
    command = f"apt-get install {' '.join(packages)}"
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise ToolError(
            f"missing: {', '.join(sorted(missing))}; run as root: {command} (or use your system's packages)"
        )
    # RUNLEVEL=1 keeps the packages from starting their services
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with step(f"installing system packages: {' '.join(packages)}", "installing packages", "installed packages"):
        messages = ""  # an update that cannot reach its servers only warns, and the install then knows no such package
        for step_command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        ):
            result = subprocess.run(step_command, env=environment, capture_output=True, text=True, check=False)
            messages += result.stderr
            if result.returncode:
                raise ToolError(f"{command} failed: {cause(messages)}")
