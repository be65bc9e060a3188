"""Resources as the rules see them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

Level = Literal["advisory", "mandatory"]


class Unknown:
    """A value that is only known when `pulumi up` has made another resource."""


UNKNOWN = Unknown()


class NotKnownError(Exception):
    """A rule needs a value that a preview does not know; `key` is its path."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} is unknown")
        self.key = key


@dataclass(frozen=True)
class Resource:
    """What a program asks for."""

    kind: str
    """The type, such as `aws:ec2/instance:Instance`."""
    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Inputs, with keys in camelCase; `UNKNOWN` where a preview knows no value."""
    protect: bool = False
    urn: str = ""
    depends: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """URNs of the resources from which an input comes, by its key; only rules on a whole stack get them."""

    def get(self, key: str, default: Any = None) -> Any:
        """An input, or the default where there is none. Raises NotKnownError where a part of it is unknown."""
        value = self.inputs.get(key)
        for path in _unknown(value, key):
            raise NotKnownError(path)
        return default if value is None else value

    def list(self, key: str) -> Sequence[Any]:
        """An input that is a list, or one object, which the provider's SDK may give for a list of one."""
        value = self.get(key, [])
        return value if isinstance(value, list) else [value]


def _unknown(value: Any, path: str) -> Iterator[str]:
    if value is UNKNOWN:
        yield path
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _unknown(each, f"{path}.{key}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _unknown(each, f"{path}[{number}]")


def fits(text: str, patterns: Iterable[str]) -> bool:
    """Whether a text is one of the patterns, such as `t4g.*`."""
    return any(fnmatchcase(text, str(pattern)) for pattern in patterns)
