"""Render one machine: settings -> Butane document -> Ignition."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from diaspora_infra import butane
from diaspora_infra.config import ConfigError, Machine, Problem, Settings, needed_secrets
from diaspora_infra.host.features import FEATURES
from diaspora_infra.host.fragment import Context, combine

# matchbox 0.11 serves an empty config for Ignition 3.5 and later, so nothing may go above 3.4.0.
BUTANE_VERSION = "1.5.0"


@dataclass(frozen=True)
class Rendered:
    """A machine's config. `secret` tells whether something in it was given by the user as a secret."""

    document: dict[str, Any]
    ignition: str
    secret: bool

    def butane_text(self) -> str:
        """Write the Butane document (without the user's snippets) as YAML."""
        return document_text(self.document)


def render(settings: Settings, machine: Machine, secrets: Mapping[str, str]) -> Rendered:
    """Render one machine of a stack.

    `secrets` holds the values of the secret keys. Raises ConfigError when a secret is missing or a snippet is wrong.
    """
    needed = needed_secrets(settings)
    missing = [Problem(secret.key, "its value is needed to render") for secret in needed if secret.key not in secrets]
    if missing:
        raise ConfigError(missing)
    document = butane_document(Context(settings, machine, secrets))
    sources = [butane.Source(document, name="diaspora-infra")]
    sources += [butane.Source(text, name=path) for path, text in snippets(settings, machine)]
    try:
        merged = butane.merge(sources, strict=True, max_version=BUTANE_VERSION)
    except butane.ButaneError as error:
        raise ConfigError(Problem(entry.source, entry.detail) for entry in error.report.errors) from None
    return Rendered(document, merged.text(), secret=bool(needed))


def butane_document(context: Context) -> dict[str, Any]:
    """Join what all features add to this machine."""
    fragment = combine(feature(context) for feature in FEATURES)
    return {"variant": "fcos", "version": BUTANE_VERSION, **fragment}


def snippets(settings: Settings, machine: Machine) -> list[tuple[str, str]]:
    """List the user's snippets in the order of merging: where each stands in the config, and its text."""
    names = [entry.name for entry in settings.machines]
    own = f"{settings.target}.machines[{names.index(machine.name)}].snippets"
    return [
        *((f"host.snippets[{index}]", text) for index, text in enumerate(settings.host.snippets)),
        *((f"{own}[{index}]", text) for index, text in enumerate(machine.snippets)),
    ]


class _Dumper(yaml.SafeDumper):
    """YAML for people: texts of several lines as blocks, modes in octal."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


def _without_alias(_dumper: yaml.SafeDumper, _value: object) -> bool:
    return True


_Dumper.add_representer(str, _text)
_Dumper.ignore_aliases = _without_alias  # type: ignore[assignment]


def document_text(document: Mapping[str, Any]) -> str:
    """Write a Butane document as YAML."""
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
