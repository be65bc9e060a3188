"""What matchbox serves: addresses of a machine, the meaning of an Ignition config, and what it cannot serve."""

import hashlib
import json
from functools import lru_cache
from typing import Any

from diaspora_infra.host.bundle import contents, unpack
from diaspora_infra.host.identity import ignition_url as ignition_url

# matchbox 0.11 answers 200 with an empty config for Ignition 3.5.0 and later.
NEWEST_IGNITION = (3, 4, 0)


class NotServableError(ValueError):
    """An Ignition config that matchbox would not serve unchanged. The text is one line."""


def ipxe_url(matchbox_url: str, mac: str) -> str:
    """Address of a machine's iPXE script."""
    return f"{matchbox_url}/ipxe?mac={mac}"


def check_servable(ignition: str, name: str) -> None:
    """Refuse what matchbox would turn into an empty config. Raises NotServableError."""
    allowed = "an Ignition config of version 3.0.0 to 3.4.0"
    try:
        document = json.loads(ignition)
        version = document["ignition"]["version"]
        numbers = tuple(int(part) for part in version.split("."))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotServableError(f"{name}: the ignition is not an Ignition config; allowed: {allowed}") from None
    if not ((3, 0, 0) <= numbers <= NEWEST_IGNITION):
        raise NotServableError(
            f"{name}: matchbox would serve an empty config for Ignition {version}; allowed: {allowed}"
        )
    try:
        meaning_digest(ignition)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise NotServableError(f"{name}: Ignition cannot decode a data URL of this config; fix its encoding") from None


def meaning(ignition: str) -> Any:
    """Reduce a config to what it means.

    Bundles are unpacked, contents decoded, empty values dropped (matchbox adds and drops them), and what Ignition
    does not care to have in order is sorted.
    """
    return _meaning(unpack(json.loads(ignition)))


@lru_cache(maxsize=8)  # a config is checked, and hashed soon after
def meaning_digest(ignition: str) -> str:
    """Digest the meaning: 12 hex digits that stay the same whichever compressor packed the contents."""
    text = json.dumps(meaning(ignition), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _meaning(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("source"), str) and value["source"].startswith("data:"):
            return _resource(value)
        kept = {key: _meaning(entry) for key, entry in value.items()}
        return {key: entry for key, entry in kept.items() if entry not in (None, "", [], {})}
    if isinstance(value, list):
        return sorted((_meaning(entry) for entry in value), key=_name) if _named(value) else [*map(_meaning, value)]
    return value


def _named(entries: list[Any]) -> bool:
    return all(isinstance(entry, dict) and isinstance(_name(entry), str) for entry in entries)


def _name(entry: dict[str, Any]) -> Any:
    return entry.get("path", entry.get("name"))


def _resource(value: dict[str, Any]) -> dict[str, Any]:
    rest = {key: entry for key, entry in value.items() if key not in {"source", "compression"}}
    return {**_meaning(rest), "data": contents(value).decode("utf-8", "backslashreplace")}
