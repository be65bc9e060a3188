"""Where tests put what is written often, such as databases: in memory, where this computer has room there."""

import os
import shutil
import tempfile
from pathlib import Path

SHARED = Path("/dev/shm")
# bytes; more than all workers need at a time
ROOM = 8 << 30


def memory_folder() -> Path:
    """The folder of temporary files in memory; that of all temporary files where it is small or runs no programs."""
    if SHARED.is_mount() and shutil.disk_usage(SHARED).free > ROOM and not os.statvfs(SHARED).f_flag & os.ST_NOEXEC:
        return SHARED
    return Path(tempfile.gettempdir())
