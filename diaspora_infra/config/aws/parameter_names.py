"""What a machine on AWS reads from Parameter Store: the names below the pod's path."""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from diaspora_infra.config.aws.aws import JOB, WEB, Aws
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.secrets import (
    DATABASE_PASSWORD,
    Form,
    Secret,
    Service,
    file_name,
    secrets_from_outside,
    source_of,
)

ParameterForm = Literal["fact"] | Form
User = Literal["uploads"] | Service


@dataclass(frozen=True)
class Parameter:
    """A parameter: its name below the path, what it may look like, and who has to restart when it changes.

    A `fact` is no secret; the other forms are those of config/secrets.py. `existing` is the whole name of a parameter
    that was there before the stack, and is read in its place.
    """

    name: str
    form: ParameterForm
    user: User
    existing: str | None = None

    @property
    def file_name(self) -> str:
        """Name of its file on the machine, such as smtp_password."""
        return file_name(self.name)


def parameter_path(aws: Aws, pod: Pod) -> str:
    """The path of the pod's parameters, without a slash at its end."""
    return aws.parameter_path or f"/diaspora/{pod.domain}"


DATABASE_HOST = Parameter("databaseHost", "fact", "database")
"""With a database of AWS: its address."""

BACKUP_REPOSITORY = Parameter("backupRepository", "fact", "backup")
"""With a bucket for the pod's own backups: its address for restic, s3:https://s3.REGION.amazonaws.com/BUCKET/pod."""


UPLOADS_BUCKET = Parameter("uploadsBucket", "fact", "uploads")
"""With uploads in a bucket: its name."""

CACHE_HOST = Parameter("cacheHost", "fact", "application")
"""With groups of machines: the address of the cache, which answers on port 6379 by TLS."""

CACHE_TOKEN = Parameter("cacheToken", "variable", "application")
"""With groups of machines: the password of the cache, which has no users. The stack makes it."""


BUNDLE = "bundle"
"""Which bundle the stack offers: s3://BUCKET/KEY sha512-DIGEST HASH, on one line."""

BUNDLE_APPLIED = "bundleApplied"
"""The hash of the bundle that the machine runs; the machine writes it, and nobody else."""


DEPLOYMENT = "deployment"
"""With groups of machines: what the job machine says of the database, so that the web machines know it; it alone may
write it, and `NOT_DEPLOYED` is its value until it does."""

NOT_DEPLOYED = "none"

QUEUE_AGE = "QueueAge"
"""Metric of the job machine: seconds for which the oldest background job has waited."""

GENERATED = "generated"
"""Folder of the secrets that machines in groups make once, below the path: the first one that needs a secret writes it,
and all read it. The stack knows nothing of them."""


IMAGES = "images"
"""Folder of the parameters of images, below the path."""

NO_IMAGE = "none"
"""Value of the parameter of an image, until the first build has ended."""


IMAGE_MISSING = "image missing"
"""Detail type of the event by which a machine has images built."""


def generated_path(aws: Aws, pod: Pod) -> str:
    """The path of the secrets that machines in groups make, without a slash at its end."""
    return f"{parameter_path(aws, pod)}/{GENERATED}"


def machines_log_group(pod: Pod) -> str:
    """Name of the group of CloudWatch that machines in groups send their logs to."""
    return f"/diaspora/{pod.domain}/machines"


def metrics_namespace(pod: Pod) -> str:
    """Name of the space of CloudWatch in which machines in groups have metrics."""
    return f"diaspora-infra/{pod.domain}"


def images_path(aws: Aws, pod: Pod) -> str:
    """The path of the parameters of images, without a slash at its end."""
    return f"{parameter_path(aws, pod)}/{IMAGES}"


def image_parameter(aws: Aws, pod: Pod, name: str, tag: str) -> str:
    """Name of the parameter of an image: `REPOSITORY@DIGEST TAG`, written by the build.

    It is another one for another release, content or architecture. Where it is missing, the stack builds another image.
    """
    return f"{images_path(aws, pod)}/{name}-{tag}-{aws.architecture}"


def image_project(pod: Pod) -> str:
    """Name of the project that builds the pod's images: at most 64 letters, digits and dashes."""
    plain = re.sub("[^a-z0-9]", "-", pod.domain)
    short = plain if len(plain) <= 57 else f"{plain[:48]}-{hashlib.sha256(pod.domain.encode()).hexdigest()[:8]}"
    return f"images-{short}"


def event_source(project: str) -> str:
    """Source of the event by which a machine has the images of a project built."""
    return f"diaspora-infra.{project}"


def machine_parameters(aws: Aws, pod: Pod, role: str = JOB) -> list[Parameter]:
    """Everything that a machine of this role waits for. What the podmin places on the machine is not among it.

    A web machine makes no backup; every other one needs all.
    """
    secrets = [
        _parameter(secret, aws)
        for secret in secrets_from_outside(pod, database_on_aws=False)
        if source_of(secret, pod, on_aws=True) == "parameters"
    ]
    database = (DATABASE_HOST, _parameter(DATABASE_PASSWORD, aws)) if aws.database_on_aws else ()
    bucket = (BACKUP_REPOSITORY,) if pod.backup and aws.backups.bucket else ()
    uploads = (UPLOADS_BUCKET,) if aws.uploads_in_bucket else ()
    cache = (CACHE_HOST, CACHE_TOKEN) if aws.has_groups else ()
    found = [*database, *cache, *bucket, *uploads, *secrets]
    return [parameter for parameter in found if role != WEB or parameter.user != "backup"]


def _parameter(secret: Secret, aws: Aws) -> Parameter:
    existing = {str(key): name for key, name in aws.existing_parameters.items()} if secret.owner == "user" else {}
    return Parameter(secret.key, secret.form, secret.user, existing.get(secret.key))
