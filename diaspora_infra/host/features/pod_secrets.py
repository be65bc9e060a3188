"""Secrets: those that the machine makes for itself, and those that the user gives."""

import re
from collections.abc import Iterator

from diaspora_infra.config import SECRETS, ConfigError, Pod, Problem
from diaspora_infra.config.secrets import Secret
from diaspora_infra.host.fragment import Context, Fragment, combine
from diaspora_infra.host.templates import file, render_tree


def pod_secrets(context: Context) -> Fragment:
    """Make passwords at the first boot; put those that the user gives where the machine finds them."""
    given = [_given(secret, context.secrets[secret.key]) for secret in given_secrets(context.settings.pod)]
    fragment = render_tree("pod_secrets")
    if not given:
        return fragment
    # The named exception: what only the user knows has to travel in the config.
    folder = {"path": "/etc/diaspora/secrets", "mode": 0o700}
    return combine([fragment, {"storage": {"directories": [folder], "files": given}}])


def given_secrets(pod: Pod) -> Iterator[Secret]:
    """The secrets of the user that diaspora* takes as environment variables."""
    return (secret for secret in SECRETS if secret.variable and secret.needed(pod))


def podman_name(secret: Secret) -> str:
    """Name of a secret in podman, such as diaspora-smtp-password."""
    return f"diaspora-{_file_name(secret).replace('_', '-')}"


def _file_name(secret: Secret) -> str:
    return re.sub("([A-Z])", r"_\1", secret.key).lower()


def _given(secret: Secret, value: str) -> Fragment:
    _check_variable(secret.key, value)
    return file(f"/etc/diaspora/secrets/{_file_name(secret)}", value, mode=0o600)


def _check_variable(key: str, value: str) -> None:
    """Refuse what diaspora* would not read as text from an environment variable."""
    if not value:
        raise ConfigError([Problem(key, "empty; allowed: at least one character")])
    if value in {"true", "false"}:
        raise ConfigError([Problem(key, "diaspora* would not read it as text; allowed: anything but true and false")])
    if "," in value:
        raise ConfigError([Problem(key, "holds a comma, which diaspora* takes for a list; allowed: no comma")])
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ConfigError([Problem(key, "holds a line break or control character; allowed: one line of text")])
