"""Tags: everything that a stack makes carries the same ones, and a name of its own."""

from collections.abc import Mapping

import pulumi

Tags = pulumi.Input[Mapping[str, pulumi.Input[str]]]


def named(tags: Tags | None, name: str) -> Tags:
    """The tags of a resource: those of the stack, and `Name`, which the console shows first."""
    return merged(tags, {"Name": name})


def merged(tags: Tags | None, more: Tags | None) -> Tags:
    """Both sets of tags; the second set has priority."""
    first: Tags = {} if tags is None else tags
    second: Tags = {} if more is None else more
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return {**first, **second}
    return pulumi.Output.all(first, second).apply(lambda both: {**both[0], **both[1]})
