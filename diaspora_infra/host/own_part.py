"""What a machine of a network boot has for itself: its networks, and the files, links and units of its own snippets.

It is packed into one entry of `ignition.config.merge`, so that the rest of the config is the same text on many machines
(`pxe/template.py`). Nothing in it has a name that the rest or the bundle has too: merging adds, and changes nothing.
"""

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import unquote

from diaspora_infra.host.bundle import KEYED_LISTS, split
from diaspora_infra.host.fragment import Fragment

Ignition = dict[str, Any]


def separate(
    ignition: Ignition, networks: Fragment, shared: Ignition | None, secrets: Collection[str]
) -> tuple[Ignition, Ignition | None]:
    """Part a config (contents in the clear, no bundle) into the rest and what the machine has for itself, if anything.

    `networks` names the machine's connections; `shared` is the config without the machine's own snippets, None where
    there are none. An entry that holds one of `secrets` stays in the rest: anybody can read what is separate, in the
    metadata of a group.
    """
    named: Fragment = {}
    for section, entries, key in KEYED_LISTS:
        own = {entry[key] for entry in networks.get(section, {}).get(entries, ())}
        both = {entry[key] for entry in (shared or ignition).get(section, {}).get(entries, ())}
        named.setdefault(section, {})[entries] = [
            entry
            for entry in ignition.get(section, {}).get(entries, ())
            if (entry[key] in own or entry[key] not in both) and not _holds_any(entry, secrets)
        ]
    rest, moved = split(ignition, named)
    if moved.keys() == {"ignition"}:
        return ignition, None
    return {key: value for key, value in rest.items() if value}, moved


def _holds_any(part: Any, secrets: Collection[str]) -> bool:
    return any(secret in text for text in _texts(part) for secret in secrets)


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
        yield unquote(part)
    elif isinstance(part, dict | list):
        for entry in part.values() if isinstance(part, dict) else part:
            yield from _texts(entry)
