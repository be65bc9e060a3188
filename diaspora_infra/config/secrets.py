"""Secrets that the user gives: top-level keys of the stack config, set with `pulumi config set --secret`."""

from collections.abc import Callable
from dataclasses import dataclass

from diaspora_infra.config.settings import Settings


@dataclass(frozen=True)
class Secret:
    """A secret key of the stack config."""

    key: str
    description: str
    needed: Callable[[Settings], bool]


SECRETS = (
    Secret(
        "smtpPassword",
        "Password of `pod.mail.smtp.username` at the mail relay.",
        lambda settings: settings.pod.mail is not None and settings.pod.mail.smtp.username is not None,
    ),
)

SECRET_KEYS = frozenset(secret.key for secret in SECRETS)


def needed_secrets(settings: Settings) -> list[Secret]:
    """The secrets that these settings cannot do without."""
    return [secret for secret in SECRETS if secret.needed(settings)]
