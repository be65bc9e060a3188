"""Another computer's zlib, for a Python that a test starts."""

import os
from pathlib import Path

from lab.engine import PROJECT


def other_zlib() -> dict[str, str]:
    """Environment variables with which Python packs to other bytes, as with zlib-ng or another version of zlib."""
    folder = Path(__file__).parent / "other_zlib"
    paths = [str(folder), str(PROJECT), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
