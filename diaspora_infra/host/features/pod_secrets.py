"""Secrets: those that the machine makes for itself, and those that the user gives."""

import re
from collections.abc import Iterator

from diaspora_infra.config import SECRETS, ConfigError, Pod, Problem, needed_secrets
from diaspora_infra.config.secrets import Secret
from diaspora_infra.host.fragment import Context, Fragment, combine
from diaspora_infra.host.templates import file, render_tree

GIVEN = "/etc/diaspora/secrets"


def pod_secrets(context: Context) -> Fragment:
    """Make passwords at the first boot; put the secrets of the user, if there are any, where the machine finds them."""
    fragment = render_tree("pod_secrets")
    given = needed_secrets(context.settings)
    if not given:
        return fragment
    # The named exception: what only the user knows has to travel in the config.
    folder = {"path": GIVEN, "mode": 0o700}
    files = [
        file(f"{GIVEN}/{_file_name(secret.key)}", _content(secret, context.secrets[secret.key]), mode=0o600)
        for secret in given
    ]
    return combine([fragment, {"storage": {"directories": [folder], "files": files}}])


def given_secrets(pod: Pod) -> Iterator[Secret]:
    """The secrets of the user that diaspora* takes as environment variables."""
    return (secret for secret in SECRETS if secret.variable and secret.needed(pod))


def podman_name(secret: Secret) -> str:
    """Name of a secret in podman, such as diaspora-smtp-password."""
    return f"diaspora-{_file_name(secret.key).replace('_', '-')}"


def _file_name(key: str) -> str:
    """Write smtpPassword as smtp_password; podman knows it as diaspora-smtp-password."""
    return re.sub("([A-Z])", r"_\1", key).lower()


def _content(secret: Secret, value: str) -> str:
    if secret.key == "backupSshKey":
        return _private_key(secret.key, value)
    _check_line(secret.key, value)
    if secret.variable:
        _check_variable(secret.key, value)
    return value


def _private_key(key: str, value: str) -> str:
    text = value.strip()
    if not re.fullmatch("-----BEGIN [A-Z ]*PRIVATE KEY-----\n.*\n-----END [A-Z ]*PRIVATE KEY-----", text, re.DOTALL):
        raise ConfigError([Problem(key, "not a private key; allowed: the whole text of the file, such as id_ed25519")])
    # ssh takes a key without its last line break for a damaged one
    return f"{text}\n"


def _check_variable(key: str, value: str) -> None:
    """Refuse what diaspora* would not read as text from an environment variable."""
    if value in {"true", "false"}:
        raise ConfigError([Problem(key, "diaspora* would not read it as text; allowed: anything but true and false")])
    if "," in value:
        raise ConfigError([Problem(key, "holds a comma, which diaspora* takes for a list; allowed: no comma")])


def _check_line(key: str, value: str) -> None:
    if not value:
        raise ConfigError([Problem(key, "empty; allowed: at least one character")])
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ConfigError([Problem(key, "holds a line break or control character; allowed: one line of text")])
