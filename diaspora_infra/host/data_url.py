"""Contents as data URLs (RFC 2397): in the clear, packed, and read back.

Every data URL of a config that the project makes is written here, but those in what the Butane translator returns.
These are packed by whatever zlib a computer has, so they are written again: `decode_contents`, or `repacked`.

Packing is done by libdeflate, which the package `deflate` contains. Its output follows from the contents alone, on
every processor and with every Python; zlib's differs between versions of zlib, zlib-ng and Python.
"""

import base64
import gzip
import string
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

import deflate

from butane.data_url import escape

# Besides letters, digits and -_.~ what a person reads more easily as it is, and what is safe with Go's net/url too: it
# would take ? and # for the end of the contents.
_SAFE = f"{string.ascii_letters}{string.digits}-_.~/:;=,@&+$!*'()"
# What is shorter in the clear stays readable, and costs no time.
_WORTH_PACKING = 1024
# The lowest of libdeflate's three best levels: the others take longer and save less than one part in a thousand.
_LEVEL = 10


def is_data(resource: object) -> bool:
    """Tell whether a part of a config is a resource with a data URL."""
    return isinstance(resource, dict) and str(resource.get("source", "")).startswith("data:")


MAX_UNPACKED = 8 * 1024**2
"""Bytes to which all packed contents of one config may unpack: gzip makes a gigabyte of a megabyte."""


class TooLargeError(ValueError):
    """Packed contents that unpack to more than `MAX_UNPACKED`."""


@dataclass
class Budget:
    """What the packed contents of one config may still unpack to, in bytes."""

    left: int = MAX_UNPACKED


def contents(resource: Mapping[str, Any], budget: Budget | None = None) -> bytes:
    """Decode the data URL of a resource, and take what it unpacks to from the budget.

    Raises ValueError for other addresses and for what cannot be decoded, TooLargeError for what exceeds the budget.
    """
    header, comma, payload = resource["source"].partition(",")
    if not header.startswith("data:") or not comma:
        raise ValueError("not a data URL")
    data = _unescaped(payload) if len(payload) <= _WORTH_REMEMBERING else unquote_to_bytes(payload)
    if header.endswith(";base64"):
        data = base64.b64decode(data, validate=True)
    return _unpacked(data, budget or Budget()) if resource.get("compression") == "gzip" else data


_WORTH_REMEMBERING = 2**16
_unescaped = lru_cache(maxsize=256)(unquote_to_bytes)  # the machines of a stack have most contents in common


def _unpacked(data: bytes, budget: Budget) -> bytes:
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as file:
            unpacked = file.read(budget.left + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"not gzip: {error}") from None
    if len(unpacked) > budget.left:
        raise TooLargeError(f"packed contents of more than {MAX_UNPACKED // 1024**2} MiB")
    budget.left -= len(unpacked)
    return unpacked


def undecodable(part: Any, path: str = "$", budget: Budget | None = None) -> Iterator[tuple[str, ValueError]]:
    """Find the data URLs in a part of a config that cannot be decoded: where each is, and why."""
    budget = budget or Budget()
    if is_data(part):
        try:
            contents(part, budget)
        except ValueError as error:
            yield path, error
    elif isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from undecodable(value, f"{path}.{key}", budget)


def plain(data: bytes) -> Mapping[str, str]:
    """A resource with contents in the clear."""
    return {"source": f"data:,{escape(data, _SAFE)}"}


@lru_cache(maxsize=64)  # the machines of a stack share their bundle
def shortest(data: bytes) -> Mapping[str, str]:
    """A resource with contents in the shortest form; what is short is left in the clear."""
    clear = plain(data)
    if len(clear["source"]) <= _WORTH_PACKING:
        return clear
    return min(clear, {"source": _in_base64(data)}, packed(data), key=lambda form: len(form["source"]))


def packed(data: bytes) -> Mapping[str, str]:
    """A resource with packed contents, in base64."""
    return {"compression": "gzip", "source": _in_base64(deflate.gzip_compress(data, _LEVEL))}


def decode_contents(part: Any) -> Any:
    """Write all data URLs in a part of a config in the clear, whichever compressor packed them. Raises ValueError."""
    return _rewritten(part, _plain, Budget())


def repacked(part: Any) -> Any:
    """Write all data URLs in a part of a config as this module packs them. Raises ValueError."""
    return _rewritten(part, shortest, Budget())


def _rewritten(part: Any, form: Callable[[bytes], Mapping[str, str]], budget: Budget) -> Any:
    if isinstance(part, list):
        return [_rewritten(entry, form, budget) for entry in part]
    if not isinstance(part, dict):
        return part
    if not is_data(part):
        return {key: _rewritten(value, form, budget) for key, value in part.items()}
    rest = {key: value for key, value in part.items() if key not in {"source", "compression"}}
    return {**rest, **form(contents(part, budget))}


@lru_cache(maxsize=256)
def _plain(data: bytes) -> Mapping[str, str]:
    return plain(data)


def _in_base64(data: bytes | bytearray) -> str:
    return f"data:;base64,{base64.b64encode(data).decode('ascii')}"
