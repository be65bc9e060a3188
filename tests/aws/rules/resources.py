"""Resources as a program asks for them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

REGION = "eu-west-1"


class Asked(NamedTuple):
    """A resource that a program asks for."""

    token: str
    name: str
    inputs: Mapping[str, Any]
    id: str = ""
    urn: str = ""
    depends: Mapping[str, Sequence[str]] = {}
    """URNs of the resources that had a part in an input."""


Resources = list[Asked]
Rule = Callable[[Resources], Iterator[str]]


def of(resources: Iterable[Asked], *tokens: str) -> Iterator[Asked]:
    """Those of some types."""
    return (each for each in resources if each.token in tokens)


def ids(resources: Iterable[Asked], *tokens: str) -> set[str]:
    """Ids of those of some types."""
    return {each.id for each in of(resources, *tokens)}


def statements(resource: Asked, name: str = "policy") -> list[dict[str, Any]]:
    """Statements of a policy in an input."""
    found: list[dict[str, Any]] = json.loads(resource.inputs[name])["Statement"]
    return found


def several(value: Any) -> list[Any]:
    """What may be one value or a list of values, as a list."""
    return value if isinstance(value, list) else [value]
