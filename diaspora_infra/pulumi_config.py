"""Settings and secrets of the running Pulumi stack."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi

from diaspora_infra.config import NAMESPACE, SECRET_KEYS, Machine, Settings, load, needed_secrets
from diaspora_infra.host import render

Secrets = Mapping[str, pulumi.Output[str]]


def load_stack_config() -> tuple[Settings, Secrets]:
    """Read the stack's config from the engine. Raises ConfigError with all problems."""
    config = pulumi.Config(NAMESPACE)
    names = pulumi.runtime.config.CONFIG.get()  # the only list of all keys that are set
    keys = {name.partition(":")[2] for name in names if name.startswith(f"{NAMESPACE}:")}
    given = keys & SECRET_KEYS
    settings = load({key: _plain(config.require(key)) for key in keys - SECRET_KEYS}, given)
    return settings, {secret.key: config.require_secret(secret.key) for secret in needed_secrets(settings)}


def render_machine(settings: Settings, machine: Machine, secrets: Secrets) -> pulumi.Input[str]:
    """Render a machine's Ignition; a secret output where it holds a secret."""
    if not secrets:
        return render(settings, machine, {}).ignition
    return pulumi.Output.all(**secrets).apply(lambda known: render(settings, machine, known).ignition)


def _plain(text: str) -> Any:
    """Turn what the engine hands over (JSON for tables, bare text for the rest) back into plain data."""
    try:
        return json.loads(text)
    except ValueError:
        return text
