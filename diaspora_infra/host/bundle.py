"""The pod's part of an Ignition config, packed into one entry of `ignition.config.merge`.

The machine's part stays as it is; what the pod's features add becomes an Ignition config of its own, compressed as a
whole. Ignition unpacks it without a network (a data URL) and merges it, so the machine gets the same files. Packed, a
config is half as large, which counts where it is stored for every machine; and the pod's part has one hash.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from diaspora_infra.host.fragment import Fragment

Ignition = dict[str, Any]

# The lists that are split, with the key that names an entry. Disks, users and the like are the machine's alone.
_LISTS = (
    ("storage", "directories", "path"),
    ("storage", "files", "path"),
    ("storage", "links", "path"),
    ("systemd", "units", "name"),
)


def pack(ignition: Ignition, pod: Fragment) -> Ignition:
    """Move what `pod` (a Butane fragment) names out of an Ignition config into a packed bundle."""
    return add_bundle(*split(ignition, pod))


def split(ignition: Ignition, pod: Fragment) -> tuple[Ignition, Ignition]:
    """Part an Ignition config into the machine's own part and the bundle: what `pod` (a Butane fragment) names."""
    bundle: Ignition = {"ignition": {"version": ignition["ignition"]["version"]}}
    rest = dict(ignition)
    for section, entries, key in _LISTS:
        names = {entry[key] for entry in pod.get(section, {}).get(entries, ())}
        present = ignition.get(section, {}).get(entries, ())
        if moved := [entry for entry in present if entry[key] in names]:
            bundle.setdefault(section, {})[entries] = moved
            kept = [entry for entry in present if entry[key] not in names]
            rest[section] = {**rest[section], entries: kept}
            if not kept:
                del rest[section][entries]
    return rest, bundle


def add_bundle(ignition: Ignition, bundle: Ignition) -> Ignition:
    """Merge a config into another as a packed entry, before what the user merges: that comes last and wins."""
    config = ignition["ignition"].get("config", {})
    merge = [{"compression": "gzip", "source": _packed(bundle)}, *config.get("merge", ())]
    return {**ignition, "ignition": {**ignition["ignition"], "config": {**config, "merge": merge}}}


def unpack(ignition: Ignition) -> Ignition:
    """Put the content of bundles (and of any other data URL to merge) back beside the rest of an Ignition config.

    Entries are added, not merged: right for a bundle, which shares none with the rest.
    """
    merge = ignition.get("ignition", {}).get("config", {}).get("merge") or []
    packed = [entry for entry in merge if (entry.get("source") or "").startswith("data:")]
    if not packed:
        return ignition
    whole: Ignition = json.loads(json.dumps(ignition))
    whole["ignition"]["config"]["merge"] = [entry for entry in merge if entry not in packed]
    for entry in packed:
        for section, tables in unpack(json.loads(contents(entry))).items():
            if section == "ignition":
                continue
            for key, value in tables.items():
                present = whole.setdefault(section, {}).setdefault(key, type(value)())
                present += value
    return whole


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


def in_the_clear(ignition: Ignition) -> Ignition:
    """Write the contents of all files in the clear, whichever compressor packed them."""
    return {
        section: {
            entries: [_with_plain_contents(entry) for entry in table] if isinstance(table, list) else table
            for entries, table in tables.items()
        }
        if isinstance(tables, dict)
        else tables
        for section, tables in ignition.items()
    }


def _packed(bundle: Ignition) -> str:
    return _packed_url(json.dumps(in_the_clear(bundle), separators=(",", ":"), ensure_ascii=False))


@lru_cache(maxsize=4)  # the machines of a stack share their bundle
def _packed_url(text: str) -> str:
    return f"data:;base64,{base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode('ascii')}"


def _with_plain_contents(entry: Any) -> Any:
    """Write an entry's contents in the clear: packed as a whole, they become smaller than one by one."""
    resource = entry.get("contents") if isinstance(entry, dict) else None
    if not isinstance(resource, dict) or not str(resource.get("source", "")).startswith("data:"):
        return entry
    plain = {key: value for key, value in resource.items() if key != "compression"}
    return {**entry, "contents": {**plain, "source": _plain_url(resource["source"], resource.get("compression"))}}


@lru_cache(maxsize=256)
def _plain_url(source: str, compression: str | None) -> str:
    return f"data:,{quote(contents({'source': source, 'compression': compression}))}"
