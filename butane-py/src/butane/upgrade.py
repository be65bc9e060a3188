"""Ignition documents of one version as documents of a later one.

Facts: github.com/coreos/ignition v2.26.0 (config/v3_*/translate/translate.go). One thing differs on purpose:
from 3.4.0 to 3.5.0 the reference drops the advertisement of a Tang server; it is kept here.
"""

from __future__ import annotations

from typing import Any, Final

from butane.ignition import Ignition, version_text

_OPTIONAL_SINCE: Final = 3
_SPECIAL_MODES_SINCE: Final = 6


def upgrade(document: Ignition, old: int, new: int) -> Ignition:
    """Return an Ignition 3.`old` document as a 3.`new` one; what is shared with the old one is not changed."""
    upgraded = {**document, "ignition": {**document.get("ignition", {}), "version": version_text(new)}}
    storage = upgraded.get("storage")
    if storage is None:
        return upgraded
    if old < _OPTIONAL_SINCE <= new:
        storage = _make_optional(storage)
    if old < _SPECIAL_MODES_SINCE <= new:
        storage = _mask_modes(storage)
    return {**upgraded, "storage": storage}


def _make_optional(storage: Ignition) -> Ignition:
    """Set what could not be absent before, so that it still replaces the parent's value in a merge."""
    changed = dict(storage)
    _map(changed, "links", lambda link: {"target": "", **link})
    _map(changed, "raid", lambda raid: {"level": "", **raid})
    _map(changed, "luks", _luks)
    return changed


def _luks(luks: Ignition) -> Ignition:
    clevis = luks.get("clevis", {})
    if "custom" not in clevis:
        return luks
    return {**luks, "clevis": {**clevis, "custom": {"pin": "", "config": "", **clevis["custom"]}}}


def _mask_modes(storage: Ignition) -> Ignition:
    """Clear setuid, setgid and sticky bits, which had no effect before."""
    changed = dict(storage)
    for kind in ("files", "directories"):
        _map(changed, kind, lambda node: {**node, "mode": node["mode"] & ~0o7000} if "mode" in node else node)
    return changed


def _map(storage: Ignition, kind: str, change: Any) -> None:
    if kind in storage:
        storage[kind] = [change(element) for element in storage[kind]]
