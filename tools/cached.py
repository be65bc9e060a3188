"""What is made once and kept in the cache of the tools, under a hash of what it is made of."""

import hashlib
import stat
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from tools.cache import cache_root, make_entry
from tools.progress import step


def cached(name: str, make: Callable[[Path], None], *recipe: ModuleType | Path | str) -> Path:
    """The folder `name`-HASH in the cache; `make` fills it when it is missing.

    The hash is that of the recipe: the text of modules, files, and folders with all that is in them, and plain text.
    """
    key = hashlib.sha256("\0".join(_text(part) for part in recipe).encode()).hexdigest()[:16]
    entry = cache_root() / f"{name}-{key}"

    def make_and_say(folder: Path) -> None:
        with step(f"making {name}", f"making {name}", f"made {name}"):
            make(folder)

    make_entry(entry, name, make_and_say)
    return entry


def _text(part: ModuleType | Path | str) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, ModuleType):
        return Path(part.__file__ or "").read_text(encoding="utf-8")
    if part.is_dir():
        return "\0".join(
            f"{path.relative_to(part)}\0{_text(path)}" for path in sorted(part.rglob("*")) if _counts(path)
        )
    mode = stat.S_IMODE(part.lstat().st_mode)
    return str(part.readlink()) if part.is_symlink() else f"{mode:o}\0{part.read_text(encoding='utf-8')}"


def _counts(path: Path) -> bool:
    return path.is_symlink() or path.is_file()
