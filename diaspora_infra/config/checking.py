"""How checks run on settings of which some values may not be valid.

A check that reads such a value ends with InvalidValueError: the value has its own message, and every other check goes
on. So a check looks at one thing, and reads nothing that it does not need.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ParamSpec, TypeVar

from diaspora_infra.config.model import InvalidValueError
from diaspora_infra.config.problems import Problem

_Settings = ParamSpec("_Settings")
_Part = TypeVar("_Part")
_Value = TypeVar("_Value")


def run_checks(
    checks: Iterable[Callable[_Settings, Iterable[Problem]]], *args: _Settings.args, **kwargs: _Settings.kwargs
) -> Iterator[Problem]:
    """What the checks find in the same settings, each as far as what it reads is valid."""
    for check in checks:
        try:
            yield from check(*args, **kwargs)
        except InvalidValueError:
            continue


def readable(parts: Iterable[_Part], read: Callable[[_Part], _Value]) -> Mapping[int, _Value]:
    """What can be read of the entries of a list, by position; an invalid value leaves a gap."""
    found = {}
    for index, part in enumerate(parts):
        try:
            found[index] = read(part)
        except InvalidValueError:
            continue
    return found
