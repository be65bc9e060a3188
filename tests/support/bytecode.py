"""Bytecode for copies of the project: it is kept, because to compile all packages of a new copy takes seconds."""

import sys
from pathlib import Path

from lab.engine import PROJECT

KEPT = PROJECT / ".venv" / "bytecode"


def kept_bytecode(folder: Path) -> dict[str, str]:
    """A variable with which Python keeps the bytecode of what is in `folder` under the folder's name in `KEPT`.

    Python takes it for a module of the same size and time: uv links the same files into each environment.
    """
    prefix = folder.with_name(f"{folder.name}-bytecode")
    for place, name in ((folder, folder.name), (Path(sys.base_prefix), "python")):
        link = prefix / place.relative_to("/")
        if not link.is_symlink():
            kept = KEPT / name
            kept.mkdir(parents=True, exist_ok=True)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(kept)
    return {"PYTHONPYCACHEPREFIX": str(prefix)}
