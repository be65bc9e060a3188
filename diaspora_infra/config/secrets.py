"""Every secret of a pod: what values it takes, who owns it, who needs it, and where it goes.

Those of the user are top-level keys of the stack config, set with `pulumi config set --secret`.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from diaspora_infra.config.checking import run_checks
from diaspora_infra.config.pod.diaspora_text import is_text
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.problems import ConfigError, Problem
from diaspora_infra.config.provisioning.server import ProvisioningSettings
from diaspora_infra.config.settings import AwsSettings, Settings

NAMESPACE = "diaspora-infra"


MATCH_NOTHING = "(?!)"
"""A pattern that nothing matches."""

Form = Literal["line", "variable", "key"]
"""One line of text; a line that diaspora* takes as an environment variable; a private SSH key."""
Service = Literal["application", "relay", "backup", "database", "registry"]
"""Who needs a secret, and has to restart when it changes."""
Owner = Literal["user", "aws"]
"""Who knows a secret first: the user, or AWS, together with what it opens. Those that the machine generates for itself
are `GENERATED`."""
Source = Literal["config", "machine", "parameters"]
"""Where the machine has a secret from: its Ignition config, the podmin's hand, or Parameter Store."""


@dataclass(frozen=True)
class Secret:
    """A secret that comes to the machine from outside.

    `needed` tells whether a pod cannot do without it; `misplaced_path_pattern` matches the paths where users may look
    for it; `variable` is the environment variable in which diaspora* takes it, and any other goes to `service`.
    """

    key: str
    description: str
    needed: Callable[[Pod], bool]
    misplaced_path_pattern: str = MATCH_NOTHING
    variable: str | None = None
    service: Service = "backup"
    private_key: bool = False
    owner: Owner = "user"

    @property
    def form(self) -> Form:
        """What values it takes."""
        if self.private_key:
            return "key"
        return "variable" if self.variable else "line"

    @property
    def user(self) -> Service:
        """Who needs it."""
        return "application" if self.variable else self.service

    @property
    def file_name(self) -> str:
        """Name of its file on the machine, such as smtp_password."""
        return file_name(self.key)

    @property
    def podman_name(self) -> str:
        """Its name in podman, such as diaspora-smtp-password."""
        return f"diaspora-{self.file_name.replace('_', '-')}"

    def content(self, value: str) -> str:
        """What its file holds. Raises ConfigError for a value that it does not take; no message shows the value."""
        if self.private_key:
            return _private_key(self.key, value)
        _check_line(self.key, value)
        if self.variable:
            _check_variable(self.key, value)
        return value

    @property
    def command(self) -> str:
        """The command that sets it."""
        return f"pulumi config set --secret {NAMESPACE}:{self.key}"

    @property
    def stand_in(self) -> str:
        """A value of the right form, where only the form counts."""
        if self.private_key:
            return "-----BEGIN PRIVATE KEY-----\nstand-in\n-----END PRIVATE KEY-----"
        return "stand-in"


SECRETS = (
    Secret(
        "smtpPassword",
        "Password of `pod.mail.smtp.username` at the mail relay.",
        lambda pod: bool(pod.mail and pod.mail.smtp and pod.mail.smtp.username),
        r"pod\.(mail\.)?(smtp\.)?(smtp_?)?pass(word)?",
        "MAIL_SMTP_PASSWORD",
    ),
    Secret(
        "smarthostPassword",
        "Password of `pod.mail.relay.smarthost.username`.",
        lambda pod: bool(
            pod.mail and pod.mail.relay and pod.mail.relay.smarthost and pod.mail.relay.smarthost.username
        ),
        r"pod\.mail\.relay\.(smarthost\.)?(smarthost_?)?pass(word)?",
        service="relay",
    ),
    Secret(
        "camoKey",
        "Key that `pod.privacy.camo.root` shares with the pod.",
        lambda pod: pod.privacy.camo is not None,
        r"pod\.privacy\.camo\.key",
        "PRIVACY_CAMO_KEY",
    ),
    Secret(
        "twitterSecret",
        "Secret that belongs to `pod.services.twitter.key`.",
        lambda pod: pod.services.twitter is not None,
        r"pod\.services\.twitter\.secret",
        "SERVICES_TWITTER_SECRET",
    ),
    Secret(
        "tumblrSecret",
        "Secret that belongs to `pod.services.tumblr.key`.",
        lambda pod: pod.services.tumblr is not None,
        r"pod\.services\.tumblr\.secret",
        "SERVICES_TUMBLR_SECRET",
    ),
    Secret(
        "wordpressSecret",
        "Secret that belongs to `pod.services.wordpress.clientId`.",
        lambda pod: pod.services.wordpress is not None,
        r"pod\.services\.wordpress\.secret",
        "SERVICES_WORDPRESS_SECRET",
    ),
    Secret(
        "backupPassword",
        "Password of the encrypted backups. Also keep a copy outside of the machine.",
        lambda pod: pod.backup is not None,
        r"pod\.backup(\.|_?)(repository_?)?pass(word|phrase)?",
    ),
    Secret(
        "backupAccessKey",
        "Access key id for the S3 bucket in `pod.backup.repository`.",
        lambda pod: pod.backup is not None and pod.backup.kind == "s3",
        r"pod\.backup(\.|_?)access_?key(_?id)?",
    ),
    Secret(
        "backupSecretKey",
        "Secret access key for the S3 bucket in `pod.backup.repository`.",
        lambda pod: pod.backup is not None and pod.backup.kind == "s3",
        r"pod\.backup(\.|_?)secret(_?access)?_?key",
    ),
    Secret(
        "backupSshKey",
        "Private SSH key, without a passphrase, for the SFTP server in `pod.backup.repository`.",
        lambda pod: pod.backup is not None and pod.backup.kind == "sftp",
        r"pod\.backup(\.|_?)(ssh|sftp|private)_?key",
        private_key=True,
    ),
    Secret(
        "backupRestPassword",
        "Password of `pod.backup.username` at the rest-server.",
        lambda pod: pod.backup is not None and pod.backup.kind == "rest" and pod.backup.username is not None,
        r"pod\.backup(\.|_?)rest_?pass(word)?",
    ),
    Secret(
        "registryPassword",
        "Password or token of `pod.registry.username`.",
        lambda pod: pod.registry is not None,
        r"pod\.registry(\.|_?)(pass(word)?|token)",
        service="registry",
    ),
)

SES_SECRETS = (
    Secret(
        "smtpUsername", "SMTP user at Amazon SES.", lambda pod: _by_ses(pod), variable="MAIL_SMTP_USERNAME", owner="aws"
    ),
    Secret(
        "smtpPassword", "Password of that user.", lambda pod: _by_ses(pod), variable="MAIL_SMTP_PASSWORD", owner="aws"
    ),
)
"""Secrets that are made together with the SMTP user of Amazon SES; nobody gives them."""

DATABASE_PASSWORD = Secret(
    "databasePassword",
    "Password of the user `diaspora` at a database of AWS.",
    lambda _pod: True,
    service="database",
    owner="aws",
)
"""With a database of AWS it takes the place of the password that the machine generates."""

GENERATED = {"database_password": 24, "redis_password": 24, "secret_key_base": 40}
"""Files of the secrets that the machine generates at its first boot, and their random bytes. Keys that need a program
of their own are generated by its feature: OpenID Connect (diaspora), DKIM (relay), the first password (first_admin)."""


def _by_ses(pod: Pod) -> bool:
    return pod.mail is not None and pod.mail.by_ses


SECRET_KEYS = frozenset(secret.key for secret in SECRETS)


def secrets_from_outside(pod: Pod, *, database_on_aws: bool) -> list[Secret]:
    """The secrets that the machine does not generate for itself, whoever owns them."""
    found = [secret for secret in (*SECRETS, *SES_SECRETS) if secret.needed(pod)]
    return [*found, DATABASE_PASSWORD] if database_on_aws else found


def application_variables(pod: Pod) -> list[Secret]:
    """The secrets that diaspora* takes as environment variables, but for those that the machine generates."""
    return [secret for secret in secrets_from_outside(pod, database_on_aws=False) if secret.variable]


def source_of(secret: Secret, pod: Pod, *, on_aws: bool) -> Source:
    """Where the machine has a secret from."""
    if secret.owner == "user" and provided_on_machine(pod, secret):
        return "machine"
    return "parameters" if on_aws else "config"


def file_name(key: str) -> str:
    """Write smtpPassword as smtp_password, the name of its file on the machine."""
    return re.sub("([A-Z])", r"_\1", key).lower()


def needed_secrets(settings: Settings | ProvisioningSettings) -> list[Secret]:
    """The secrets that have to be given to the stack; none with the settings of a provisioning server."""
    if isinstance(settings, ProvisioningSettings):
        return []
    return [
        secret
        for secret in SECRETS
        if secret.needed(settings.pod)
        and not provided_on_machine(settings.pod, secret)
        and secret.key not in settings.existing_parameters
    ]


def secrets_in_ignition(settings: Settings | ProvisioningSettings) -> list[Secret]:
    """The secrets that travel in the machine's config; on AWS none does, the machine reads them itself."""
    return [] if isinstance(settings, AwsSettings) else needed_secrets(settings)


def provided_on_machine(pod: Pod, secret: Secret) -> bool:
    """Tell whether the podmin places a secret on the machine, so that it does not travel in the config."""
    return bool({"all", secret.key} & set(pod.secrets_on_machine))


def missing_secrets(pod: Pod, given: Collection[str], *, groups: bool) -> Iterator[Problem]:
    """Secrets that are missing: `given` are those of the stack config and of Parameter Store.

    Machines in `groups` keep none that the podmin places there.
    """
    other = "aws.existingParameters" if groups else "pod.secretsOnMachine"
    for secret in SECRETS:
        yield from run_checks((_missing,), pod, secret, given, other)


def _missing(pod: Pod, secret: Secret, given: Collection[str], other: str) -> Iterator[Problem]:
    if secret.key not in given and secret.needed(pod) and not provided_on_machine(pod, secret):
        yield Problem(
            secret.key,
            f"required; {secret.description} Run: {secret.command}, or add {secret.key} to {other}",
        )


def secrets_given_twice(pod: Pod, given: Collection[str]) -> Iterator[Problem]:
    """Secrets in the stack config that the podmin is to place on the machine."""
    for secret in SECRETS:
        if secret.key in given and provided_on_machine(pod, secret):
            yield Problem(
                secret.key,
                "set in the stack, but pod.secretsOnMachine lists it; "
                f"run: pulumi config rm {NAMESPACE}:{secret.key}, or remove it from pod.secretsOnMachine",
            )


def parameters_in_vain(pod: Pod, given: Collection[str], existing: Collection[str]) -> Iterator[Problem]:
    """Secrets in Parameter Store that nobody reads there; `given` are those in the stack config."""
    for secret in SECRETS:
        if secret.key in existing:
            yield from run_checks((_in_vain,), pod, secret, given)


def _in_vain(pod: Pod, secret: Secret, given: Collection[str]) -> Iterator[Problem]:
    path = f"aws.existingParameters.{secret.key}"
    if not secret.needed(pod):
        yield Problem(path, "no setting uses this secret; remove it")
    elif provided_on_machine(pod, secret):
        yield Problem(path, "also listed in pod.secretsOnMachine; remove one of the two")
    elif secret.key in given:
        yield Problem(
            path, f"also set in the stack; run: pulumi config rm {NAMESPACE}:{secret.key}, or remove this key"
        )


def secrets_named_in_vain(pod: Pod) -> Iterator[Problem]:
    """Secrets that the podmin is to place on the machine, and that nobody reads there."""
    names = pod.secrets_on_machine
    if "all" in names and len(names) > 1:
        yield Problem("pod.secretsOnMachine", "lists all and single names; keep either all or the names")
        return
    for index, name in enumerate(names):
        yield from run_checks((_named_in_vain,), pod, index, name)


def _named_in_vain(pod: Pod, index: int, name: str) -> Iterator[Problem]:
    if any(secret.key == name and not secret.needed(pod) for secret in SECRETS):
        yield Problem(f"pod.secretsOnMachine[{index}]", f"no setting uses {name}; remove it")


def secret_for_path(path: str) -> Secret | None:
    """The secret that somebody has written at a path where no secret belongs."""
    return next(
        (secret for secret in SECRETS if re.fullmatch(secret.misplaced_path_pattern, path, re.IGNORECASE)), None
    )


def _private_key(key: str, value: str) -> str:
    text = value.strip()
    if not re.fullmatch("-----BEGIN [A-Z ]*PRIVATE KEY-----\n.*\n-----END [A-Z ]*PRIVATE KEY-----", text, re.DOTALL):
        raise ConfigError([Problem(key, "not a private key; set the whole text of the file, such as id_ed25519")])
    # ssh takes a key without its last line break for a damaged one
    return f"{text}\n"


def _check_variable(key: str, value: str) -> None:
    """Refuse what diaspora* would not read as text from an environment variable."""
    if not is_text(value):
        raise ConfigError(
            [Problem(key, "blank, true, false or nil, which diaspora* does not read as text; choose another value")]
        )
    if "," in value:
        raise ConfigError(
            [Problem(key, "holds a comma, which diaspora* reads as a list; choose a value without a comma")]
        )


def _check_line(key: str, value: str) -> None:
    if not value:
        raise ConfigError([Problem(key, "empty; set a value")])
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ConfigError([Problem(key, "holds a line break or control character; allowed: one line of text")])
