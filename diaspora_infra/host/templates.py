"""Templates: a folder a feature under `templates/`, inside it the machine's own file tree.

A file that ends in `.j2` is rendered by Jinja2, any other is taken as it is. What lies under `/etc/systemd/system`
becomes a systemd unit (enabled when it has an `[Install]` section), everything else a file.
"""

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import jinja2

from diaspora_infra.host.fragment import Fragment

UNIT_FOLDER = PurePosixPath("/etc/systemd/system")
# On Fedora CoreOS /usr/local is writable (it leads to /var/usrlocal).
PROGRAM_FOLDERS = (PurePosixPath("/usr/local/bin"), PurePosixPath("/usr/local/libexec/diaspora"))


def templates_folder() -> Path:
    """Find the templates: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def render_tree(feature: str, **values: Any) -> Fragment:
    """Render all files of a feature's folder with `values` into a fragment."""
    files: list[dict[str, Any]] = []
    units: list[dict[str, Any]] = []
    for path, source in _sources(feature):
        text = source(values)
        if path.parent == UNIT_FOLDER:
            units.append(unit(path.name, text))
        elif path.parent.parent == UNIT_FOLDER and path.parent.suffix == ".d":
            units.append({"name": path.parent.stem, "dropins": [{"name": path.name, "contents": text}]})
        else:
            files.append(file(str(path), text, mode=0o755 if path.parent in PROGRAM_FOLDERS else 0o644))
    return {
        **({"storage": {"files": files}} if files else {}),
        **({"systemd": {"units": units}} if units else {}),
    }


def file(path: str, text: str, *, mode: int = 0o644) -> dict[str, Any]:
    """Describe a file as Butane does. It replaces what the operating system ships at that path."""
    return {"path": path, "mode": mode, "overwrite": True, "contents": {"inline": text}}


def unit(name: str, text: str) -> dict[str, Any]:
    """Describe a systemd unit as Butane does."""
    enabled = {"enabled": True} if re.search(r"^\[Install\]$", text, re.MULTILINE) else {}
    return {"name": name, **enabled, "contents": text}


@cache
def _sources(feature: str) -> list[tuple[PurePosixPath, Callable[[dict[str, Any]], str]]]:
    return list(_load(feature))


_OPTIONS: dict[str, Any] = {
    "undefined": jinja2.StrictUndefined,
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
}


class _BytecodeCache(jinja2.FileSystemBytecodeCache):
    """Compiled templates, beside the bytecode of this module and like it: kept where that is possible."""

    def __init__(self) -> None:
        super().__init__(str(Path(importlib.util.cache_from_source(__file__)).parent))

    def get_source_checksum(self, source: str) -> str:
        """Tell templates apart that were compiled with other options."""
        return super().get_source_checksum(f"{_OPTIONS}{source}")

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Write a template's bytecode."""
        with suppress(OSError):  # a folder that this user may not write
            if not sys.dont_write_bytecode:
                super().dump_bytecode(bucket)


def _load(feature: str) -> Iterator[tuple[PurePosixPath, Callable[[dict[str, Any]], str]]]:
    folder = templates_folder() / feature
    if not folder.is_dir():
        raise FileNotFoundError(f"no templates for the feature {feature!r} in {folder}")
    environment = jinja2.Environment(  # noqa: S701  # nothing here is HTML
        loader=jinja2.FileSystemLoader(folder), bytecode_cache=_BytecodeCache(), **_OPTIONS
    )
    for source in sorted(folder.rglob("*")):
        if not source.is_file():
            continue
        target = PurePosixPath("/") / source.relative_to(folder).as_posix()
        if target.suffix == ".j2":
            yield target.with_suffix(""), environment.get_template(str(target.relative_to("/"))).render
        else:
            yield target, _constant(source.read_text(encoding="utf-8"))


def _constant(text: str) -> Callable[[dict[str, Any]], str]:
    return lambda _values: text
