"""Files that are written as a whole or not at all, and a look at those that others may have left half-written."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write_whole(file: Path, text: str, mode: int = 0o644) -> None:
    """Write a file under another name first: a full disk or a kill leaves the old file."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
        Path(name).chmod(mode)
        Path(name).rename(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def is_json(file: Path, written: Mapping[str, str] | None = None) -> bool:
    """Tell whether a file can be read and holds JSON, once each text of `written` is replaced by what it stands for."""
    try:
        text = file.read_text(encoding="utf-8")
        for literal, meant in (written or {}).items():
            text = text.replace(literal, meant)
        json.loads(text)
    except (OSError, ValueError):
        return False
    return True
