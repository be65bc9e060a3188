"""Contents as data URLs (RFC 2397): in the clear, packed, and read back.

Every data URL of a config that the project makes is written here, but those in what the Butane translator returns.
These are packed by whatever zlib a computer has, so they are written again: `decode_contents`, or `repacked`.

Packing is done by libdeflate, which the package `deflate` contains. Its output follows from the contents alone, on
every processor and with every Python; zlib's differs between versions of zlib, zlib-ng and Python.
"""

import base64
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import deflate

# Besides letters, digits and -_.~ what a person reads more easily as it is, and what is safe with Go's net/url too: it
# would take ? and # for the end of the contents.
_SAFE = "/:;=,@&+$!*'()"
# What is shorter in the clear stays readable, and costs no time.
_WORTH_PACKING = 1024
# The lowest of libdeflate's three best levels: the others take longer and save less than one part in a thousand.
_LEVEL = 10


def is_data(resource: object) -> bool:
    """Tell whether a part of a config is a resource with a data URL."""
    return isinstance(resource, dict) and str(resource.get("source", "")).startswith("data:")


def contents(resource: Mapping[str, Any]) -> bytes:
    """Decode the data URL of a resource. Raises ValueError for other addresses and for what cannot be decoded."""
    header, comma, payload = resource["source"].partition(",")
    if not header.startswith("data:") or not comma:
        raise ValueError("not a data URL")
    data = unquote_to_bytes(payload)
    if header.endswith(";base64"):
        data = base64.b64decode(data, validate=True)
    if resource.get("compression") != "gzip":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"not gzip: {error}") from None


def undecodable(part: Any, path: str = "$") -> Iterator[tuple[str, str]]:
    """Find the data URLs in a part of a config that cannot be decoded: where each is, and why."""
    if is_data(part):
        try:
            contents(part)
        except ValueError as error:
            yield path, str(error)
    elif isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from undecodable(value, f"{path}.{key}")


def plain(data: bytes) -> Mapping[str, str]:
    """A resource with contents in the clear."""
    return {"source": f"data:,{quote(data, safe=_SAFE)}"}


@lru_cache(maxsize=64)  # the machines of a stack share their bundle
def shortest(data: bytes) -> Mapping[str, str]:
    """A resource with contents in the shortest form; what is short is left in the clear."""
    clear = plain(data)
    if len(clear["source"]) <= _WORTH_PACKING:
        return clear
    packed = {"compression": "gzip", "source": _in_base64(deflate.gzip_compress(data, _LEVEL))}
    return min(clear, {"source": _in_base64(data)}, packed, key=lambda form: len(form["source"]))


def decode_contents(part: Any) -> Any:
    """Write all data URLs in a part of a config in the clear, whichever compressor packed them."""
    return _rewritten(part, lambda resource: _plain(resource["source"], resource.get("compression")))


def repacked(part: Any) -> Any:
    """Write all data URLs in a part of a config as this module packs them."""
    return _rewritten(part, lambda resource: _repacked(resource["source"], resource.get("compression")))


def _rewritten(part: Any, form: Callable[[Mapping[str, Any]], Mapping[str, str]]) -> Any:
    if isinstance(part, list):
        return [_rewritten(entry, form) for entry in part]
    if not isinstance(part, dict):
        return part
    if not is_data(part):
        return {key: _rewritten(value, form) for key, value in part.items()}
    rest = {key: value for key, value in part.items() if key not in {"source", "compression"}}
    return {**rest, **form(part)}


@lru_cache(maxsize=256)
def _plain(source: str, compression: str | None) -> Mapping[str, str]:
    return plain(contents({"source": source, "compression": compression}))


@lru_cache(maxsize=64)
def _repacked(source: str, compression: str | None) -> Mapping[str, str]:
    return shortest(contents({"source": source, "compression": compression}))


def _in_base64(data: bytes | bytearray) -> str:
    return f"data:;base64,{base64.b64encode(data).decode('ascii')}"
