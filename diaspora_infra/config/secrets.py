"""Secrets that the user gives: top-level keys of the stack config, set with `pulumi config set --secret`."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.provisioning.server import ProvisioningSettings
from diaspora_infra.config.settings import Settings
from diaspora_infra.config.types import Target

NAMESPACE = "diaspora-infra"


NEVER = "(?!)"
"""A pattern that nothing matches."""


@dataclass(frozen=True)
class Secret:
    """A secret key of the stack config.

    `needed` tells whether a pod cannot do without it; `mistaken` matches the paths where users may look for it;
    `variable` is the environment variable in which diaspora* takes it.
    """

    key: str
    description: str
    needed: Callable[[Pod], bool]
    mistaken: str = NEVER
    variable: str | None = None

    @property
    def command(self) -> str:
        """The command that sets it."""
        return f"pulumi config set --secret {NAMESPACE}:{self.key}"

    @property
    def stand_in(self) -> str:
        """A value of the right form, where only the form counts."""
        if self.key == "backupSshKey":
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
    ),
    Secret(
        "backupRestPassword",
        "Password of `pod.backup.username` at the rest-server.",
        lambda pod: pod.backup is not None and pod.backup.kind == "rest" and pod.backup.username is not None,
        r"pod\.backup(\.|_?)rest_?pass(word)?",
    ),
)

SES_SECRETS = (
    Secret("smtpUsername", "SMTP user at Amazon SES.", lambda pod: _by_ses(pod), variable="MAIL_SMTP_USERNAME"),
    Secret("smtpPassword", "Password of that user.", lambda pod: _by_ses(pod), variable="MAIL_SMTP_PASSWORD"),
)
"""Secrets that are made together with the SMTP user of Amazon SES; nobody gives them."""


def _by_ses(pod: Pod) -> bool:
    return pod.mail is not None and pod.mail.by_ses


SECRET_KEYS = frozenset(secret.key for secret in SECRETS)


def needed_secrets(settings: Settings | ProvisioningSettings) -> list[Secret]:
    """The secrets that have to be given to the stack; none with the settings of a provisioning server."""
    if isinstance(settings, ProvisioningSettings):
        return []
    existing = settings.aws.existing_parameters if settings.target is Target.AWS and settings.aws else {}
    return [
        secret
        for secret in SECRETS
        if secret.needed(settings.pod) and not placed(settings.pod, secret) and secret.key not in existing
    ]


def travelling_secrets(settings: Settings | ProvisioningSettings) -> list[Secret]:
    """The secrets that travel in the machine's config; on AWS none does, the machine reads them itself."""
    return [] if settings.target is Target.AWS else needed_secrets(settings)


def placed(pod: Pod, secret: Secret) -> bool:
    """Tell whether the podmin places a secret on the machine, so that it does not travel in the config."""
    return bool({"all", secret.key} & set(pod.secrets_on_machine))


def check_secrets(pod: Pod, given: Collection[str], existing: Collection[str] = ()) -> list[Problem]:
    """Secrets that are missing, given twice, or named in vain.

    `given` are the keys of those in the stack config, `existing` of those that are in Parameter Store already.
    """
    problems = _existing_in_vain(pod, given, existing)
    for secret in SECRETS:
        if placed(pod, secret) and secret.key in given:
            problems.append(
                Problem(
                    secret.key,
                    "set in the stack, but pod.secretsOnMachine lists it; "
                    f"run: pulumi config rm {NAMESPACE}:{secret.key}, or remove it from pod.secretsOnMachine",
                )
            )
        elif secret.needed(pod) and not placed(pod, secret) and secret.key not in {*given, *existing}:
            problems.append(
                Problem(
                    secret.key,
                    f"required; {secret.description} Run: {secret.command}, "
                    f"or add {secret.key} to pod.secretsOnMachine",
                )
            )
    return problems + _named_in_vain(pod)


def _existing_in_vain(pod: Pod, given: Collection[str], existing: Collection[str]) -> list[Problem]:
    problems = []
    for secret in SECRETS:
        path = f"aws.existingParameters.{secret.key}"
        if secret.key not in existing:
            continue
        if not secret.needed(pod):
            problems.append(Problem(path, "no setting uses this secret; remove it"))
        elif placed(pod, secret):
            problems.append(Problem(path, "also listed in pod.secretsOnMachine; remove one of the two"))
        elif secret.key in given:
            problems.append(
                Problem(
                    path,
                    f"also set in the stack; run: pulumi config rm {NAMESPACE}:{secret.key}, or remove this key",
                )
            )
    return problems


def _named_in_vain(pod: Pod) -> list[Problem]:
    names = pod.secrets_on_machine
    if "all" in names and len(names) > 1:
        return [Problem("pod.secretsOnMachine", "lists all and single names; keep either all or the names")]
    needed = {"all", *(secret.key for secret in SECRETS if secret.needed(pod))}
    return [
        Problem(
            f"pod.secretsOnMachine[{index}]",
            f"no setting uses {name}; remove it",
        )
        for index, name in enumerate(names)
        if name not in needed
    ]


def meant_secret(path: str) -> Secret | None:
    """The secret that somebody has written at a path where no secret belongs."""
    return next((secret for secret in SECRETS if re.fullmatch(secret.mistaken, path, re.IGNORECASE)), None)
