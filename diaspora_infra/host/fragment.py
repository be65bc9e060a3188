"""Fragments: what one feature adds to a machine, in the shape of a Butane document without its header."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from diaspora_infra.config import Machine, ProvisioningSettings, Settings

Fragment = dict[str, Any]


@dataclass(frozen=True)
class MachineContext:
    """What a feature of any machine may look at, with a pod or without."""

    settings: Settings | ProvisioningSettings
    machine: Machine


@dataclass(frozen=True)
class Context(MachineContext):
    """What a feature of a pod may look at: besides, the secrets that the user gave (key to value)."""

    settings: Settings
    secrets: Mapping[str, str]


MachineFeature = Callable[[MachineContext], Fragment]
Feature = Callable[[Context], Fragment]


def combine(fragments: Iterable[Fragment]) -> Fragment:
    """Join fragments: tables are joined key by key, lists one after the other."""
    joined: Fragment = {}
    for fragment in fragments:
        _add(joined, fragment, "")
    return joined


def _add(into: dict[str, Any], table: Mapping[str, Any], path: str) -> None:
    for key, value in table.items():
        present = into.get(key)
        if present is None:
            into[key] = {} if isinstance(value, Mapping) else list(value) if isinstance(value, list) else value
            if isinstance(value, Mapping):
                _add(into[key], value, f"{path}.{key}")
        elif isinstance(present, dict) and isinstance(value, Mapping):
            _add(present, value, f"{path}.{key}")
        elif isinstance(present, list) and isinstance(value, list):
            present.extend(value)
        else:
            raise ValueError(f"two features set {path}.{key}")
