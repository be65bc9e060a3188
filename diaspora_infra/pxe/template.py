"""One text for many machines: matchbox fills it in with the metadata of a machine's group.

matchbox serves the `generic_config` of a profile at /generic, filled in by Go's text/template (with `missingkey=error`)
with the metadata and the selector of the group. It escapes nothing, and shows the metadata to anybody at /metadata. So
only values of `SAFE` become metadata, each in a place where such a value stands for itself: in a data URL. What is
filled in here is compared with the machine's config, byte for byte, before anything reaches a server.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from diaspora_infra.host.bundle import OWN_PREFIX
from diaspora_infra.host.data_url import contents, plain
from diaspora_infra.host.identity import MACHINE_FILE, machine_file_text, part_hashes
from diaspora_infra.host.render import as_text

SAFE = re.compile(r"[A-Za-z0-9.:/+=-]+")
"""Letters, digits, base64, and what names and addresses have: nothing that JSON, a data URL or a shell reads."""
HOSTNAME_FILE = "/etc/hostname"
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")  # as matchbox writes it, which parses what it is given
_ACTION = re.compile(r'\{\{(?:\.([a-z0-9]+)|"(\{\{)")\}\}')
_OPEN = "{{"
LITERAL = '{{"{{"}}'
"""What stands for two braces of a config."""


@dataclass(frozen=True)
class Templated:
    """A text with places to fill in, and the metadata that one machine's group has for them."""

    text: str
    metadata: Mapping[str, str]


class TemplateError(ValueError):
    """A text that matchbox would not fill in."""


def templated(name: str, mac: str, ignition: str, own: str = "") -> Templated:
    """Write a machine's Ignition config as a template; without places to fill in where these are not as expected.

    `own` is what the machine has for itself (`host.own_part`), as the config has it: packed, in base64.
    """
    found = _with_places(name, mac, ignition, own)
    if found is not None and _fills(found, mac, ignition):
        return found
    literal = Templated(ignition.replace(_OPEN, LITERAL), {})
    if not _fills(literal, mac, ignition):
        raise TemplateError(f"{name}: the config cannot be written as a template")
    return literal


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """Fill a template in as matchbox does. Raises TemplateError for what is not one of this module's."""
    return "".join(_pieces(text, values))


def _pieces(text: str, values: Mapping[str, str]) -> Iterator[str]:
    position = 0
    while (start := text.find(_OPEN, position)) >= 0:
        yield text[position:start]
        action = _ACTION.match(text, start)
        if action is None:
            raise TemplateError("an action that is not known")
        key, literal = action.groups()
        if key is not None and key not in values:
            raise TemplateError(f"no value for {key}")
        yield literal if key is None else values[key]
        position = action.end()
    yield text[position:]


def _fills(found: Templated, mac: str, ignition: str) -> bool:
    try:
        # the selector wins over metadata
        return filled_in(found.text, {**found.metadata, "mac": mac}) == ignition
    except TemplateError:
        return False


def _with_places(name: str, mac: str, ignition: str, own: str) -> Templated | None:
    document = json.loads(ignition)
    try:
        files = {entry["path"]: entry.get("contents") for entry in document["storage"]["files"]}
        hostname = contents(files[HOSTNAME_FILE]).decode().removesuffix("\n")
        facts = json.loads(contents(files[MACHINE_FILE]))
        metadata = {"name": name, "hostname": hostname, "digest": facts["parts"][HOSTNAME_FILE]}
        hashes = _own_hashes(own)
    except (KeyError, ValueError, TypeError):
        return None
    places = _Places(ignition)
    parts = {**facts["parts"], HOSTNAME_FILE: places["digest"]}
    # a part of which something stayed in the rest has another hash
    for number, part in enumerate((part for part, digest in hashes.items() if parts.get(part) == digest), start=1):
        metadata[f"digest{number}"] = hashes[part]
        parts[part] = places[f"digest{number}"]
    if own:
        metadata["own"] = own
        for entry in document["ignition"]["config"]["merge"]:
            if entry["source"] == f"{OWN_PREFIX}{own}":
                entry["source"] = f"{OWN_PREFIX}{places['own']}"
    if not _MAC.fullmatch(mac) or not all(SAFE.fullmatch(value) for value in metadata.values()):
        return None
    address = facts["config"] and facts["config"].replace(mac, places["mac"])
    facts |= {"name": places["name"], "config": address, "parts": parts}
    files[HOSTNAME_FILE] |= plain(f"{places['hostname']}\n".encode())
    files[MACHINE_FILE] |= plain(machine_file_text(facts).encode())
    return Templated(places.filled(as_text(document)), metadata)


class _Places:
    """Marks in a document where its text gets an action: letters and digits that the text has nowhere else."""

    def __init__(self, ignition: str) -> None:
        self._mark = next(mark for mark in (f"place{number}x" for number in count()) if mark not in ignition)
        self._keys: list[str] = []

    def __getitem__(self, key: str) -> str:
        self._keys.append(key)
        return f"{self._mark}{key}x"

    def filled(self, text: str) -> str:
        """Write the actions, and what looks like one as a literal."""
        text = text.replace(_OPEN, LITERAL)
        for key in self._keys:
            text = text.replace(f"{self._mark}{key}x", "{{." + key + "}}")
        return text


def _own_hashes(own: str) -> dict[str, str]:
    """The hash of each part that a machine has for itself, as the file about the machine names it."""
    return (
        dict(part_hashes(json.loads(contents({"compression": "gzip", "source": f"{OWN_PREFIX}{own}"})))) if own else {}
    )
