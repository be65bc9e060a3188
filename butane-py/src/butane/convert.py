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
from butane.translation import NO_FILES, TranslationState

_LINE_END = re.compile("\r?\n")


def convert(state: TranslationState) -> None:
    """Make the Ignition document of everything but the sugar that needs the whole document."""
    state.ignition = _convert(state.shape, state.document, (), state)
    version = version_text(IGNITION_MINORS[state.minor])
    state.ignition["ignition"] = {**state.ignition.get("ignition", {}), "version": version}
    state.origins.generated[("ignition", "version")] = ("version",)


def _convert(shape: Struct, value: Document, path: Path, state: TranslationState) -> Ignition:
    ignition: Ignition = {}
    fields = shape.fields
    for key, item in value.items():
        field = fields[key]
        if not field.json:
            continue
        if field.type in SCALARS:
            ignition[field.json] = item
        elif field.many:
            child = shape.of(field)
            ignition[field.json] = [
                _convert(child, element, (*path, key, index), state) for index, element in enumerate(item)
            ]
        else:
            ignition[field.json] = _convert(shape.of(field), item, (*path, key), state)
    embed = _EMBED.get(shape.name)
    if embed is not None:
        embed(value, ignition, path, state)
    return ignition


def _read(name: str, path: Path, state: TranslationState) -> bytes | None:
    """Return the contents of a local file; a problem goes to the report."""
    if state.files is None:
        state.report.error(path, NO_FILES)
        return None
    try:
        return state.files.read(name)
    except FileError as problem:
        state.report.error(path, str(problem))
        return None


def _embed_resource(value: Document, ignition: Ignition, path: Path, state: TranslationState) -> None:
    for key in ("local", "inline"):
        if key not in value:
            continue
        if key == "local":
            contents = _read(value[key], (*path, key), state)
            if contents is None:
                return
        else:
            contents = value[key].encode("utf-8", "surrogateescape")
        place = camel_path(path)
        if state.minor == 0:
            ignition["source"], compression = data_url.escape_only(contents), None
        else:
            ignition["source"], compression = data_url.encode(
                contents, ignition.get("compression"), compress=state.compress
            )
        state.origins.generated[(*place, "source")] = (*path, key)
        if compression is not None:
            ignition["compression"] = compression
            state.origins.generated[(*place, "compression")] = (*path, key)


def _embed_keys(value: Document, ignition: Ignition, path: Path, state: TranslationState) -> None:
    names = value.get("ssh_authorized_keys_local")
    if not names:
        return
    source = (*path, "ssh_authorized_keys_local")
    if state.files is None:
        state.report.error(source, NO_FILES)
        return
    place = (*camel_path(path), "sshAuthorizedKeys")
    keys: list[Any] = list(ignition.get("sshAuthorizedKeys", ()))
    state.origins.only[place] = source
    for index in range(len(keys)):
        state.origins.generated[(*place, index)] = (*path, "ssh_authorized_keys", index)
    for index, name in enumerate(names):
        contents = _read(name, (*source, index), state)
        for line in _LINE_END.split(_text(contents or b"")):
            if line:
                state.origins.generated[(*place, len(keys))] = (*source, index)
                keys.append(line)
    ignition["sshAuthorizedKeys"] = keys


def _embed_contents(value: Document, ignition: Ignition, path: Path, state: TranslationState) -> None:
    name = value.get("contents_local")
    if not name:
        return
    contents = _read(name, (*path, "contents_local"), state)
    if contents is not None:
        ignition["contents"] = _text(contents)
        state.origins.generated[(*camel_path(path), "contents")] = (*path, "contents_local")


def _text(contents: bytes) -> str:
    return contents.decode("utf-8", "surrogateescape")


_EMBED: Final[dict[str, Callable[[Document, Ignition, Path, TranslationState], None]]] = {
    "resource": _embed_resource,
    "passwd_user": _embed_keys,
    "unit": _embed_contents,
    "dropin": _embed_contents,
}
