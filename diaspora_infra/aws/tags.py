"""Tags: everything that a stack makes carries the same ones, and a name of its own."""

from collections.abc import Mapping


def named(tags: Mapping[str, str], name: str) -> dict[str, str]:
    """The tags of a resource: those of the stack, and `Name`, which the console shows first."""
    return {**tags, "Name": name}
