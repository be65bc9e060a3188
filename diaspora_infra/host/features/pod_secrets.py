"""Secrets: those that the machine makes for itself, and those that the user gives."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from diaspora_infra.config import SECRETS, ConfigError, Pod, Problem
from diaspora_infra.config.secrets import SES_SECRETS, Secret, placed, travelling_secrets
from diaspora_infra.host.fragment import Context, Fragment, combine
from diaspora_infra.host.on_aws import aws_of, has_external_database
from diaspora_infra.host.templates import file, render_tree

GIVEN = "/etc/diaspora/secrets"
PLACED = "/var/mnt/data/secrets/given"

# The folders of drop-ins for what needs a secret of the podmin, and the key that keeps it from starting without one:
# a container waits quietly, a backup that cannot be made is an error.
_WAITING = {
    "application": (("/etc/containers/systemd/diaspora-.container.d",), "ConditionPathExists"),
    "relay": (("/etc/containers/systemd/relay.container.d",), "ConditionPathExists"),
    "backup": (
        ("/etc/systemd/system/diaspora-backup.service.d", "/etc/systemd/system/diaspora-backup-check.service.d"),
        "AssertPathExists",
    ),
}


def pod_secrets(context: Context) -> Fragment:
    """Make passwords at the first boot; put the secrets of the user, if there are any, where the machine finds them."""
    pod = context.settings.pod
    on_aws = aws_of(context) is not None
    needed = [secret for secret in (*SECRETS, *SES_SECRETS) if secret.needed(pod)]
    table = [(secret, _place(pod, secret, on_aws=on_aws)) for secret in needed]
    rows = [_row(secret, place) for secret, place in table]
    if has_external_database(context):
        # takes the place of the password that the machine makes for a database of its own
        rows.append("databasePassword database_password line database parameters")
    waiting = list(_waiting(secret for secret, place in table if place != "config"))
    tree = render_tree("pod_secrets", secrets=rows)
    fragment = combine([tree, {"storage": {"files": waiting}}])
    given = travelling_secrets(context.settings)
    if not given:
        return fragment
    # The named exception: what only the user knows has to travel in the config.
    folder = {"path": GIVEN, "mode": 0o700}
    files = [
        file(f"{GIVEN}/{file_name(secret.key)}", _content(secret, context.secrets[secret.key]), mode=0o600)
        for secret in given
    ]
    return combine([fragment, {"storage": {"directories": [folder], "files": files}}])


def _place(pod: Pod, secret: Secret, *, on_aws: bool) -> str:
    """Where the machine has a secret from: its config, the podmin's hand, or the parameters of AWS."""
    if placed(pod, secret) and secret in SECRETS:
        return "machine"
    return "parameters" if on_aws else "config"


def _row(secret: Secret, place: str) -> str:
    """What the machine has to know about a secret: a line of secrets.conf."""
    form = "key" if secret.key == "backupSshKey" else "variable" if secret.variable else "line"
    return f"{secret.key} {file_name(secret.key)} {form} {_user(secret)} {place}"


def _user(secret: Secret) -> str:
    if secret.key == "smarthostPassword":
        return "relay"
    return "application" if secret.variable else "backup"


def _waiting(secrets: Iterable[Secret]) -> Iterator[dict[str, Any]]:
    """Drop-ins that keep services from starting as long as a secret of theirs is not on the machine."""
    lines: dict[tuple[str, str], list[str]] = {}
    for secret in secrets:
        folders, key = _WAITING[_user(secret)]
        for folder in folders:
            lines.setdefault((folder, key), []).append(f"{PLACED}/{file_name(secret.key)}")
    for (folder, key), paths in lines.items():
        conditions = "".join(f"{key}={path}\n" for path in paths)
        yield file(f"{folder}/30-secrets.conf", f"# what is missing: diaspora-pod secret list\n[Unit]\n{conditions}")


def given_secrets(pod: Pod) -> Iterator[Secret]:
    """The secrets that diaspora* takes as environment variables, but for those that the machine makes for itself."""
    return (secret for secret in (*SECRETS, *SES_SECRETS) if secret.variable and secret.needed(pod))


def podman_name(secret: Secret) -> str:
    """Name of a secret in podman, such as diaspora-smtp-password."""
    return f"diaspora-{file_name(secret.key).replace('_', '-')}"


def file_name(key: str) -> str:
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
        raise ConfigError([Problem(key, "not a private key; set the whole text of the file, such as id_ed25519")])
    # ssh takes a key without its last line break for a damaged one
    return f"{text}\n"


def _check_variable(key: str, value: str) -> None:
    """Refuse what diaspora* would not read as text from an environment variable."""
    if value in {"true", "false"}:
        raise ConfigError([Problem(key, "diaspora* reads true and false as truth values; choose another value")])
    if "," in value:
        raise ConfigError(
            [Problem(key, "holds a comma, which diaspora* reads as a list; choose a value without a comma")]
        )


def _check_line(key: str, value: str) -> None:
    if not value:
        raise ConfigError([Problem(key, "empty; set a value")])
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ConfigError([Problem(key, "holds a line break or control character; allowed: one line of text")])
