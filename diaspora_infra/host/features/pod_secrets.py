"""Secrets: those that the machine makes for itself, and those that the user gives."""

from diaspora_infra.config import ConfigError, Pod, Problem
from diaspora_infra.host.fragment import Context, Fragment, combine
from diaspora_infra.host.templates import file, render_tree


def pod_secrets(context: Context) -> Fragment:
    """Make passwords at the first boot; put the SMTP password, if there is one, where the machine finds it."""
    fragment = render_tree("pod_secrets")
    if not has_smtp_password(context.settings.pod):
        return fragment
    password = context.secrets["smtpPassword"]
    _check_variable("smtpPassword", password)
    # The named exception: what only the user knows has to travel in the config.
    folder = {"path": "/etc/diaspora/secrets", "mode": 0o700}
    given = file("/etc/diaspora/secrets/smtp_password", password, mode=0o600)
    return combine([fragment, {"storage": {"directories": [folder], "files": [given]}}])


def has_smtp_password(pod: Pod) -> bool:
    """Tell whether the pod logs in at a mail relay."""
    return pod.mail is not None and pod.mail.smtp.username is not None


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
