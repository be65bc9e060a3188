"""What matchbox serves: addresses of a machine, an Ignition config's text and meaning, and what it cannot serve."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from diaspora_infra.host.bundle import unpack
from diaspora_infra.host.data_url import Budget, TooLargeError, contents, is_data, repacked
from diaspora_infra.host.identity import generic_url as generic_url
from diaspora_infra.pxe.install import Boot

# matchbox 0.11 answers 200 with an empty config for Ignition 3.5.0 and later.
NEWEST_IGNITION = (3, 4, 0)

_DIGITS = 12
_ROUNDS = 100_000


class NotServableError(ValueError):
    """An Ignition config that matchbox would not serve unchanged. The text is one line."""


def ignition_url(matchbox_url: str, mac: str) -> str:
    """Address of the Ignition config of a `PxePod`."""
    return f"{matchbox_url}/ignition?mac={mac}"


def ipxe_url(matchbox_url: str, mac: str) -> str:
    """Address of a machine's iPXE script."""
    return f"{matchbox_url}/ipxe?mac={mac}"


def check_servable(ignition: str, name: str) -> None:
    """Refuse what matchbox would turn into an empty config. Raises NotServableError."""
    allowed = "an Ignition config of version 3.0.0 to 3.4.0"
    try:
        document = json.loads(ignition)
        version = document["ignition"]["version"]
        numbers = tuple(int(part) for part in version.split("."))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotServableError(f"{name}: the ignition is not an Ignition config; allowed: {allowed}") from None
    if not ((3, 0, 0) <= numbers <= NEWEST_IGNITION):
        raise NotServableError(
            f"{name}: matchbox would serve an empty config for Ignition {version}; allowed: {allowed}"
        )
    try:
        meaning_digest(ignition)
    except TooLargeError as error:
        raise NotServableError(f"{name}: the ignition has {error}; let the machine fetch them, or pack less") from None
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise NotServableError(f"{name}: Ignition cannot decode a data URL of this config; fix its encoding") from None


@lru_cache(maxsize=8)  # a revision is made of it, and it is served soon after
def as_served(ignition: str) -> str:
    """Write a config as it is put on the server: canonical JSON, and each content packed by our own compressor.

    So the text follows from what the contents are, not from who packed them and who wrote the JSON.
    """
    return json.dumps(repacked(json.loads(ignition)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def revision_of(name: str, ignition: str, boot: Boot, *, secret: bool) -> str:
    """Hash what a machine is told: 12 hex digits for the names of its profile and group.

    Another compressor makes no other revision (see `as_served`). Names can be read by anyone. Where the config holds a
    secret, the hash is made slow, so that nobody can try out passwords.
    """
    content = "\0".join([as_served(ignition), boot.kernel, *boot.initrds, *boot.args])
    return public_hash(content, name, secret=secret)


def public_hash(text: str, salt: str, *, secret: bool) -> str:
    """Hash what may be a secret so that the hash may be shown: 12 hex digits."""
    if not secret:
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    return hashlib.pbkdf2_hmac("sha256", text.encode(), salt.encode(), _ROUNDS).hex()[:_DIGITS]


def public_hasher(secrets: Iterable[str], salt: str) -> Callable[[str], str]:
    """Make a function that hashes texts to 12 hex digits that may be shown.

    `secrets` are those that the texts may hold: whoever tries out values needs a slow hash for each of them, but many
    texts of one stack cost only one.
    """
    values = [*secrets]
    if not values:
        return lambda text: public_hash(text, salt, secret=False)
    key = hashlib.pbkdf2_hmac("sha256", "\0".join(values).encode(), salt.encode(), _ROUNDS)
    return lambda text: hmac.digest(key, text.encode(), "sha256").hex()[:_DIGITS]


def meaning(ignition: str) -> Any:
    """Reduce a config to what it means.

    Bundles are unpacked, contents decoded, empty values dropped (matchbox adds and drops them), and what Ignition
    does not care to have in order is sorted.
    """
    budget = Budget()
    return _meaning(unpack(json.loads(ignition), budget), budget)


@lru_cache(maxsize=8)  # a config is checked, and hashed soon after
def meaning_digest(ignition: str) -> str:
    """Digest the meaning: 12 hex digits that stay the same whichever compressor packed the contents."""
    text = json.dumps(meaning(ignition), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _meaning(value: Any, budget: Budget) -> Any:
    if isinstance(value, dict):
        if is_data(value):
            return _resource(value, budget)
        kept = {key: _meaning(entry, budget) for key, entry in value.items()}
        return {key: entry for key, entry in kept.items() if entry not in (None, "", [], {})}
    if isinstance(value, list):
        entries = [_meaning(entry, budget) for entry in value]
        return sorted(entries, key=_name) if _named(value) else entries
    return value


def _named(entries: list[Any]) -> bool:
    return all(isinstance(entry, dict) and isinstance(_name(entry), str) for entry in entries)


def _name(entry: dict[str, Any]) -> Any:
    return entry.get("path", entry.get("name"))


def _resource(value: dict[str, Any], budget: Budget) -> dict[str, Any]:
    rest = {key: entry for key, entry in value.items() if key not in {"source", "compression"}}
    data = contents(value, budget)
    try:
        return {**_meaning(rest, budget), "data": data.decode()}
    except UnicodeDecodeError:
        return {**_meaning(rest, budget), "bytes": data.hex()}  # under another name: a text may be the same digits
