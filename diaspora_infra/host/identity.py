"""What a machine knows about its own config, so that it can tell later what has changed in it.

Two files, written as JSON: `machine.json` is in the machine's part, with the address of the config and a hash of each
thing that only a reinstallation changes; `bundle.json` is in the bundle, with the bundle's hash and what it puts where.
Hashes are over contents as they mean it, so that another compressor changes none.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from diaspora_infra.config import AwsSettings, PxeMachine, PxeSettings
from diaspora_infra.config.aws.parameter_names import BUNDLE, parameter_path
from diaspora_infra.host.data_url import contents, plain
from diaspora_infra.host.fragment import PodMachineContext
from diaspora_infra.host.templates import UNIT_FOLDER, file

Ignition = dict[str, Any]

MACHINE_FILE = "/etc/diaspora/machine.json"
BUNDLE_FILE = "/etc/diaspora/bundle.json"

_DIGITS = 16
# For hashes over passwords of the user: slow, because a hash may be shown where the password may not.
_ROUNDS = 100_000
_KEYFILES = "/etc/NetworkManager/system-connections/"
_DISKS = ("disks", "raid", "luks", "filesystems")


def generic_url(matchbox_url: str, mac: str) -> str:
    """Address of a machine's Ignition config on a matchbox server, as a stack of target `pxe` puts it there."""
    return f"{matchbox_url}/generic?mac={mac}"


def config_url(context: PodMachineContext) -> str | None:
    """Where a machine finds its own config later; None where no server has it.

    On AWS a parameter names it: `parameter:NAME`. A machine in a group never gets another one.
    """
    settings, machine = context.settings, context.machine
    if isinstance(settings, AwsSettings) and settings.aws.has_groups:
        return None
    if isinstance(settings, AwsSettings):
        return f"parameter:{parameter_path(settings.aws, settings.pod)}/{BUNDLE}"
    if not isinstance(settings, PxeSettings) or not isinstance(machine, PxeMachine) or machine.install == "off":
        return None
    return generic_url(settings.pxe.matchbox.http_url, machine.mac)


def machine_text(context: PodMachineContext, ignition: Ignition) -> str:
    """Write the machine's file about its own part of a config (all but the bundle, contents in the clear)."""
    content = {
        "name": context.machine.name,
        "domain": context.settings.pod.domain,
        "config": config_url(context),
        "parts": dict(sorted([*part_hashes(ignition), *_surroundings(context)])),
    }
    return machine_file_text(content)


def machine_file_text(content: Mapping[str, object]) -> str:
    """Write what that file holds."""
    return _text(content)


def _surroundings(context: PodMachineContext) -> Iterator[tuple[str, str]]:
    """Name what stands around a machine on AWS and changes in the same moment as the stack: with it, the machine does.

    No other bundle moves a database or uploads.
    """
    if isinstance(context.settings, AwsSettings):
        aws = context.settings.aws
        for name, value in (("database", aws.database.engine), ("edge", aws.edge), ("uploads", aws.uploads)):
            yield name, _digest(str(value))


def bundle_text(bundle: Ignition, *, secret: bool) -> str:
    """Write the bundle's file about itself (contents in the clear). `secret` tells whether the user gave something."""
    return _bundle_text(_canonical(_without(bundle, BUNDLE_FILE)), secret)


def hash_of(bundle: Ignition) -> str:
    """The hash of a bundle that has its file about itself."""
    (own,) = [entry for entry in bundle["storage"]["files"] if entry["path"] == BUNDLE_FILE]
    return str(json.loads(contents(own["contents"]))["hash"])


def with_file(ignition: Ignition, path: str, text: str) -> Ignition:
    """Put a file for root alone into an Ignition config, in place of one at that path."""
    entry = {"path": path, "mode": 0o600, "overwrite": True, "contents": {**plain(text.encode())}}
    rest = _without(ignition, path)
    storage = rest.get("storage", {})
    return {**rest, "storage": {**storage, "files": [*storage.get("files", ()), entry]}}


def as_fragment(path: str, text: str) -> dict[str, Any]:
    """Describe the same file as Butane does."""
    return {"storage": {"files": [file(path, text, mode=0o600)]}}


def part_hashes(ignition: Ignition) -> Iterator[tuple[str, str]]:
    """Name what a machine's own part holds, each with a hash: the words that a podmin reads when it has changed."""
    own = _without(ignition, MACHINE_FILE)
    storage, systemd = own.get("storage", {}), own.get("systemd", {})
    # the engine hands over the tables of a stack file in another order than the file has
    files = sorted(storage.get("files", ()), key=lambda entry: str(entry["path"]))
    named = {
        "disks": {key: storage[key] for key in _DISKS if storage.get(key)},
        "users": own.get("passwd") or {},
        "networks": [entry for entry in files if entry["path"].startswith(_KEYFILES)],
        "kernel arguments": own.get("kernelArguments") or {},
        "merged configs": {key: value for key, value in own["ignition"].items() if key != "version" and value},
    }
    yield from ((name, _digest(value)) for name, value in named.items() if value)
    others = [entry for entry in files if not entry["path"].startswith(_KEYFILES)]
    for entry in (*others, *storage.get("directories", ()), *storage.get("links", ())):
        yield entry["path"], _digest(entry)
    for unit in systemd.get("units", ()):
        yield unit["name"], _digest(unit)


@lru_cache(maxsize=8)  # the machines of a stack share their bundle
def _bundle_text(canonical: str, secret: bool) -> str:
    bundle = json.loads(canonical)
    if secret:
        digest = hashlib.pbkdf2_hmac("sha256", canonical.encode(), b"bundle", _ROUNDS).hex()[:_DIGITS]
    else:
        digest = hashlib.sha256(canonical.encode()).hexdigest()[:_DIGITS]
    units = bundle.get("systemd", {}).get("units", [])
    content = {
        "hash": digest,
        "paths": sorted({*_paths(bundle), BUNDLE_FILE}),
        "enabled": sorted(unit["name"] for unit in units if unit.get("enabled")),
    }
    return _text(content)


def _paths(bundle: Ignition) -> Iterator[str]:
    storage = bundle.get("storage", {})
    yield from (entry["path"] for entry in (*storage.get("files", ()), *storage.get("links", ())))
    for unit in bundle.get("systemd", {}).get("units", ()):
        path = f"{UNIT_FOLDER}/{unit['name']}"
        if unit.get("contents") or unit.get("mask"):
            yield path
        yield from (f"{path}.d/{dropin['name']}" for dropin in unit.get("dropins") or ())


def _without(ignition: Ignition, path: str) -> Ignition:
    storage = ignition.get("storage", {})
    if not any(entry["path"] == path for entry in storage.get("files", ())):
        return ignition
    return {**ignition, "storage": {**storage, "files": _others(storage["files"], path)}}


def _others(files: Iterable[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    return [entry for entry in files if entry["path"] != path]


def _digest(value: object) -> str:
    return hashlib.sha256(_canonical(value).encode()).hexdigest()[:_DIGITS]


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _text(content: Mapping[str, object]) -> str:
    return f"{json.dumps(content, separators=(',', ':'), ensure_ascii=False)}\n"
