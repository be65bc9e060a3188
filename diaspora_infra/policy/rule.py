"""What a rule is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diaspora_infra.policy.resources import Level, Resource

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Setting:
    """What the config of the pack can change of a rule."""

    default: Any
    """A list of texts or numbers, or a number."""
    description: str


@dataclass(frozen=True, kw_only=True)
class _Named:
    name: str
    description: str
    """One line, for the page and for the engine's output."""
    level: Level = "mandatory"
    settings: Mapping[str, Setting]

    @property
    def defaults(self) -> dict[str, Any]:
        """The values of the settings without a config."""
        return {name: setting.default for name, setting in self.settings.items()}


@dataclass(frozen=True, kw_only=True)
class Rule(_Named):
    """A rule on one resource. Its messages name keys and how to fix them, never a value: they end up in logs."""

    kinds: frozenset[str]
    """The types that it looks at; all where empty."""
    check: Callable[[Resource, Settings], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class StackRule(_Named):
    """A rule on all resources of a stack, which reads only what a program gives: a preview knows that."""

    check: Callable[[Sequence[Resource], Settings], Iterator[tuple[str, str]]]
    """Gives messages, each with the URN of its resource, or with nothing where it is about the stack."""
