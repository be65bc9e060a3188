"""A Butane document to an Ignition document: keys get their Ignition names, local and inline contents are embedded."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from butane import data_url
from butane.decode import Document
from butane.files import FileError
from butane.ignition import Ignition, version_text
from butane.origins import camel_path
from butane.report import Path
from butane.schema import IGNITION_MINORS, SCALARS, Struct
from butane.translation import NO_FILES, Work

_LINE_END = re.compile("\r?\n")


def convert(work: Work) -> None:
    """Make the Ignition document of everything but the sugar that needs the whole document."""
    work.ignition = _convert(work.shape, work.document, (), work)
    version = version_text(IGNITION_MINORS[work.minor])
    work.ignition["ignition"] = {**work.ignition.get("ignition", {}), "version": version}
    work.origins.made[("ignition", "version")] = ("version",)


def _convert(shape: Struct, value: Document, path: Path, work: Work) -> Ignition:
    made: Ignition = {}
    fields = shape.fields
    for key, item in value.items():
        field = fields[key]
        if not field.json:
            continue
        if field.type in SCALARS:
            made[field.json] = item
        elif field.many:
            child = shape.of(field)
            made[field.json] = [
                _convert(child, element, (*path, key, index), work) for index, element in enumerate(item)
            ]
        else:
            made[field.json] = _convert(shape.of(field), item, (*path, key), work)
    embed = _EMBED.get(shape.name)
    if embed is not None:
        embed(value, made, path, work)
    return made


def _read(name: str, path: Path, work: Work) -> bytes | None:
    """Return the contents of a local file; a problem goes to the report."""
    if work.files is None:
        work.report.error(path, NO_FILES)
        return None
    try:
        return work.files.read(name)
    except FileError as problem:
        work.report.error(path, str(problem))
        return None


def _embed_resource(value: Document, made: Ignition, path: Path, work: Work) -> None:
    for key in ("local", "inline"):
        if key not in value:
            continue
        if key == "local":
            contents = _read(value[key], (*path, key), work)
            if contents is None:
                return
        else:
            contents = value[key].encode("utf-8", "surrogateescape")
        place = camel_path(path)
        if work.minor == 0:
            made["source"], compression = data_url.escape_only(contents), None
        else:
            made["source"], compression = data_url.encode(contents, made.get("compression"))
        work.origins.made[(*place, "source")] = (*path, key)
        if compression is not None:
            made["compression"] = compression
            work.origins.made[(*place, "compression")] = (*path, key)


def _embed_keys(value: Document, made: Ignition, path: Path, work: Work) -> None:
    names = value.get("ssh_authorized_keys_local")
    if not names:
        return
    source = (*path, "ssh_authorized_keys_local")
    if work.files is None:
        work.report.error(source, NO_FILES)
        return
    place = (*camel_path(path), "sshAuthorizedKeys")
    keys: list[Any] = list(made.get("sshAuthorizedKeys", ()))
    work.origins.only[place] = source
    for index in range(len(keys)):
        work.origins.made[(*place, index)] = (*path, "ssh_authorized_keys", index)
    for index, name in enumerate(names):
        contents = _read(name, (*source, index), work)
        for line in _LINE_END.split(_text(contents or b"")):
            if line:
                work.origins.made[(*place, len(keys))] = (*source, index)
                keys.append(line)
    made["sshAuthorizedKeys"] = keys


def _embed_contents(value: Document, made: Ignition, path: Path, work: Work) -> None:
    name = value.get("contents_local")
    if not name:
        return
    contents = _read(name, (*path, "contents_local"), work)
    if contents is not None:
        made["contents"] = _text(contents)
        work.origins.made[(*camel_path(path), "contents")] = (*path, "contents_local")


def _text(contents: bytes) -> str:
    return contents.decode("utf-8", "surrogateescape")


_EMBED: Final[dict[str, Callable[[Document, Ignition, Path, Work], None]]] = {
    "resource": _embed_resource,
    "passwd_user": _embed_keys,
    "unit": _embed_contents,
    "dropin": _embed_contents,
}
