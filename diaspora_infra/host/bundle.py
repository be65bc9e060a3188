"""The pod's part of an Ignition config, packed into one entry of `ignition.config.merge`.

The machine's part stays as it is; what the pod's features add becomes an Ignition config of its own, compressed as a
whole. Ignition unpacks it without a network (a data URL) and merges it, so the machine gets the same files. Packed, a
config is half as large, which counts where it is stored for every machine; and the pod's part has one hash.
"""

import json
from collections.abc import Mapping
from typing import Any

from diaspora_infra.host.data_url import Budget, contents, decode_contents, is_data, packed, shortest
from diaspora_infra.host.fragment import Fragment

Ignition = dict[str, Any]

# The lists that are split, with the key that names an entry. Disks, users and the like are the machine's alone.
KEYED_LISTS = (
    ("storage", "directories", "path"),
    ("storage", "files", "path"),
    ("storage", "links", "path"),
    ("systemd", "units", "name"),
)


def pack(ignition: Ignition, pod: Fragment) -> Ignition:
    """Move what `pod` (a Butane fragment) names out of an Ignition config into a packed bundle."""
    rest, bundle = split(ignition, pod)
    return add_bundle(rest, decode_contents(bundle))


def split(ignition: Ignition, pod: Fragment) -> tuple[Ignition, Ignition]:
    """Part an Ignition config into the machine's own part and the bundle: what `pod` (a Butane fragment) names."""
    bundle: Ignition = {"ignition": {"version": ignition["ignition"]["version"]}}
    rest = dict(ignition)
    for section, entries, key in KEYED_LISTS:
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
    """Merge a config into another as a packed entry, before what the user merges: that comes last and wins.

    The bundle's contents are in the clear: packed as a whole, they become smaller than one by one.
    """
    return _merge_first(ignition, shortest(_bytes(bundle)))


def add_own(ignition: Ignition, own: Ignition) -> tuple[Ignition, str]:
    """Merge what a machine has for itself, before anything else that is merged; returns its text in base64 as well.

    Its contents are in the clear. A packed text in base64 is safe in every place.
    """
    resource = packed(_bytes(own))
    return _merge_first(ignition, resource), resource["source"].removeprefix(OWN_PREFIX)


OWN_PREFIX = "data:;base64,"


def _bytes(ignition: Ignition) -> bytes:
    return json.dumps(ignition, separators=(",", ":"), ensure_ascii=False).encode()


def _merge_first(ignition: Ignition, resource: Mapping[str, str]) -> Ignition:
    config = ignition["ignition"].get("config", {})
    merge = [{**resource}, *config.get("merge", ())]
    return {**ignition, "ignition": {**ignition["ignition"], "config": {**config, "merge": merge}}}


def beside(ignition: Ignition, bundle: Ignition) -> Ignition:
    """Put the bundle's entries beside the machine's own, in an order that depends on their names alone."""
    whole = dict(ignition)
    for section, entries, key in KEYED_LISTS:
        present = (*ignition.get(section, {}).get(entries, ()), *bundle.get(section, {}).get(entries, ()))
        if present:
            whole[section] = {**whole.get(section, {}), entries: sorted(present, key=lambda entry: str(entry[key]))}
    return whole


def unpack(ignition: Ignition, budget: Budget | None = None) -> Ignition:
    """Put the content of bundles (and of any other data URL to merge) back beside the rest of an Ignition config.

    Entries are added, not merged: right for a bundle, which shares none with the rest. Raises ValueError.
    """
    budget = budget or Budget()
    merge = ignition.get("ignition", {}).get("config", {}).get("merge") or []
    packed = [entry for entry in merge if is_data(entry)]
    if not packed:
        return ignition
    whole: Ignition = json.loads(json.dumps(ignition))
    whole["ignition"]["config"]["merge"] = [entry for entry in merge if entry not in packed]
    for entry in packed:
        for section, tables in unpack(json.loads(contents(entry, budget)), budget).items():
            if section == "ignition":
                continue
            for key, value in tables.items():
                present = whole.setdefault(section, {}).setdefault(key, type(value)())
                present += value
    return whole
