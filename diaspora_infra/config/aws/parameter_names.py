"""What a machine on AWS reads from Parameter Store: the names below the pod's path."""

from dataclasses import dataclass
from typing import Literal

from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.secrets import SECRETS, SES_SECRETS, Secret, placed

Form = Literal["fact", "line", "variable", "key"]
User = Literal["application", "relay", "backup", "database", "uploads"]


@dataclass(frozen=True)
class Parameter:
    """A parameter: its name below the path, what it may look like, and who has to restart when it changes.

    A `fact` is no secret. `variable` is a line that diaspora* takes as an environment variable, `key` a private key.
    `existing` is the whole name of a parameter that was there before the stack, and is read in its place.
    """

    name: str
    form: Form
    user: User
    existing: str | None = None


def parameter_path(aws: Aws, pod: Pod) -> str:
    """The path of the pod's parameters, without a slash at its end."""
    return aws.parameter_path or f"/diaspora/{pod.domain}"


DATABASE_PARAMETERS = (
    Parameter("databaseHost", "fact", "database"),
    Parameter("databasePassword", "line", "database"),
)
"""With a database of AWS: its address, and the password of its user `diaspora`."""

BACKUP_REPOSITORY = Parameter("backupRepository", "fact", "backup")
"""With a bucket for the pod's own backups: its address for restic, s3:https://s3.REGION.amazonaws.com/BUCKET/pod."""


UPLOADS_BUCKET = Parameter("uploadsBucket", "fact", "uploads")
"""With uploads in a bucket: its name."""


def machine_parameters(aws: Aws, pod: Pod) -> list[Parameter]:
    """Everything that the machine waits for. What the podmin places on the machine is not among it."""
    database = DATABASE_PARAMETERS if aws.database.engine != "onInstance" else ()
    bucket = (BACKUP_REPOSITORY,) if pod.backup and aws.backups.bucket else ()
    uploads = (UPLOADS_BUCKET,) if aws.uploads == "bucket" else ()
    given = [secret for secret in SECRETS if secret.needed(pod) and not placed(pod, secret)]
    made = [secret for secret in SES_SECRETS if secret.needed(pod)]
    existing = {str(key): name for key, name in aws.existing_parameters.items()}
    secrets = [_parameter(secret, existing.get(secret.key)) for secret in given]
    return [*database, *bucket, *uploads, *secrets, *(_parameter(secret) for secret in made)]


def _parameter(secret: Secret, existing: str | None = None) -> Parameter:
    form: Form = "key" if secret.key == "backupSshKey" else "variable" if secret.variable else "line"
    return Parameter(secret.key, form, _user(secret.key, bool(secret.variable)), existing)


def _user(key: str, is_variable: bool) -> User:
    if key == "smarthostPassword":
        return "relay"
    return "application" if is_variable else "backup"
