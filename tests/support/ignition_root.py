"""Applies Ignition configs to small root folders, with the provisioner that runs on a machine's first boot.

Partitions and filesystems cannot be made here (Ignition waits for devices of a systemd that runs as the first
process), so that part of a config is left out: what would lie on the data partition becomes a plain folder of the root.
"""

import json
import os
import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools import tool_path

Ignition = dict[str, Any]

RESULT = "/etc/.ignition-result.json"
"""Ignition's note about the run, with its date and the boot; no two runs write the same."""
CORE_UID = 1000
# What useradd needs, and the account, groups and presets that Fedora CoreOS has before it reads a user's config.
ROOT_FILES = {
    "etc/passwd": f"root:x:0:0:root:/root:/bin/bash\ncore:x:{CORE_UID}:{CORE_UID}::/home/core:/bin/bash\n",
    "etc/group": f"root:x:0:\nadm:x:4:\nwheel:x:10:\nsudo:x:16:\ncore:x:{CORE_UID}:\n",
    "etc/shadow": "root:*:1::::::\ncore:*:1::::::\n",
    "etc/gshadow": "root:::\nadm:::\nwheel:::\nsudo:::\ncore:!::\n",
    "etc/login.defs": "UID_MIN 1000\nGID_MIN 1000\nUSERGROUPS_ENAB yes\n",
    "usr/lib/systemd/system-preset/99-default-disable.preset": "disable *\n",
}
# What needs devices.
_DISK_KEYS = ("disks", "raid", "luks", "filesystems")


class RefusedError(Exception):
    """Ignition stopped; the text is the stage and what its log calls critical."""


@dataclass(frozen=True)
class Node:
    """A file, directory, link, or something special, say a socket. `content`: a file's bytes or a link's target."""

    kind: str
    mode: int
    owner: tuple[int, int]
    content: bytes = b""


def new_root(root: Path) -> Path:
    """Make a root folder with accounts and nothing else."""
    for path, text in ROOT_FILES.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    home = root / "home/core"
    home.mkdir(parents=True)
    os.chown(home, CORE_UID, CORE_UID)
    return root


def without_disks(config: Ignition) -> Ignition:
    """Leave out partitions and filesystems."""
    storage = {key: value for key, value in config.get("storage", {}).items() if key not in _DISK_KEYS}
    return {**config, "storage": storage}


@contextmanager
def applied(config: Ignition) -> Iterator[Path]:
    """Apply a config to a new root folder as the first boot does, and lend the root. Raises RefusedError."""
    with TemporaryDirectory(prefix="ignition-") as name:
        folder = Path(name)
        # Ignition writes a user's keys as that user, who must be able to get here; pytest's own folders are closed.
        folder.chmod(0o711)
        root, run = new_root(folder / "root"), folder / "run"
        run.mkdir(mode=0o700)
        (run / "config.ign").write_text(json.dumps(without_disks(config)))
        for stage in ("fetch", "files"):
            _run_stage(stage, root, run)
        yield root


def _run_stage(stage: str, root: Path, run: Path) -> None:
    options: dict[str, str | Path] = {
        "--stage": stage,
        "--platform": "file",
        "--root": root,
        "--config-cache": run / "cache.json",
        "--state-file": run / "state.json",
    }
    done = subprocess.run(
        [tool_path("ignition"), "--log-to-stdout", *(f"{name}={value}" for name, value in options.items())],
        env={
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
            "IGNITION_CONFIG_FILE": str(run / "config.ign"),
            "SOURCE_DATE_EPOCH": "86400",  # else useradd writes today's date into /etc/shadow
        },
        umask=0o022,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # where Ignition prints the whole config, with its secrets, when it fails
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        critical = [line for line in done.stdout.splitlines() if line.startswith("CRITICAL")]
        raise RefusedError("\n".join([f"{stage}: status {done.returncode}", *critical]).replace(str(root), ""))


def read_tree(root: Path, leave_out: Sequence[str] = ()) -> dict[str, Node]:
    """Read all of a root folder but Ignition's note, by the path that the machine would see.

    What is below the paths of `leave_out` is not read.
    """
    found = {}
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        for name in (*folders, *files):
            found[f"/{(here / name).relative_to(root)}"] = _node(here / name)
        folders[:] = [name for name in folders if f"/{(here / name).relative_to(root)}" not in leave_out]
    found.pop(RESULT, None)
    return found


def _node(path: Path) -> Node:
    status = path.lstat()
    mode, owner = stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid)
    if path.is_symlink():
        return Node("link", mode, owner, os.fsencode(path.readlink()))
    if path.is_dir():
        return Node("directory", mode, owner)
    if not path.is_file():
        return Node("special", mode, owner)
    return Node("file", mode, owner, path.read_bytes())
