"""The `pod.backup` key: where backups go, when, and how long they are kept."""

import re
from typing import Annotated, Literal

from pydantic import Field

from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import ClockTime, Form, NonEmpty, SshKey

Kind = Literal["local", "s3", "sftp", "rest"]

_HOST = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_PATH = "[A-Za-z0-9._~/-]+"
_PORT = "(?::[0-9]{1,5})?"
# No user and password in the address: it stands in a file that anyone on the machine can read.
_REPOSITORY = "|".join(
    (
        "local",
        f"s3:(?:https?://)?{_HOST}{_PORT}/{_PATH}",
        f"sftp://[A-Za-z0-9_][A-Za-z0-9._-]*@{_HOST}{_PORT}/{_PATH}",
        f"rest:https?://{_HOST}{_PORT}/(?:{_PATH})?",
    )
)
Repository = Annotated[
    str,
    Form(
        _REPOSITORY,
        "local, s3:https://HOST/BUCKET, sftp://USER@HOST/PATH or rest:https://HOST/PATH, without a password in it",
    ),
]


class Retention(Model):
    """How many snapshots are kept; older ones are removed after each backup."""

    days: int = Field(default=7, ge=1, le=3650)
    """Days of which the last snapshot is kept."""
    weeks: int = Field(default=5, ge=0, le=520)
    """Weeks of which the last snapshot is kept."""
    months: int = Field(default=12, ge=0, le=120)
    """Months of which the last snapshot is kept."""


class Backup(Model):
    """Encrypted backups of the whole pod, made by restic. Their password is the secret `backupPassword`."""

    repository: Repository = "local"
    """Where snapshots are kept. `local` is a folder of the data partition, which protects against mistakes but not
    against the loss of the disk; the others are S3 (with `backupAccessKey` and `backupSecretKey`), SFTP (with
    `backupSshKey`; `sftp://USER@HOST//PATH` for a path from the root) and rest-server."""
    username: NonEmpty | None = None
    """Account at a rest-server; with it the secret `backupRestPassword` is required."""
    host_key: SshKey | None = None
    """Public key of the SFTP server, without its name: what `ssh-keyscan HOST` prints behind the name."""
    time: ClockTime = "03:30"
    """When the daily backup starts, in the time zone of the machine, or up to half an hour later."""
    retention: Retention = Retention()
    """How many snapshots are kept."""

    restore_first: bool = False
    """On a machine with an empty data partition, restore the last backup before the pod starts for the first time.
    While the repository cannot be reached, or has no backup, the pod does not start and the machine tries again. Not
    with `local`."""

    @property
    def kind(self) -> Kind:
        """What sort of repository this is."""
        kinds: tuple[Kind, ...] = ("s3", "sftp", "rest")
        return next((kind for kind in kinds if self.repository.startswith(f"{kind}:")), "local")

    @property
    def sftp_server(self) -> tuple[str, str, int]:
        """User, host and port of the SFTP server. Raises ValueError for other repositories."""
        found = re.fullmatch("sftp://([^@]+)@([^:/]+)(?::([0-9]+))?/.*", self.repository)
        if found is None:
            raise ValueError("not an SFTP repository")
        return found[1], found[2], int(found[3] or 22)


def check_backup(backup: Backup | None, *, bucket: bool = False) -> list[Problem]:
    """Settings of the backup that do not work together; with `bucket` its repository is one that the stack makes."""
    if backup is None:
        return []
    problems = []
    if backup.kind == "sftp" and backup.host_key is None:
        problems.append(
            Problem(
                "pod.backup.hostKey",
                "required with an SFTP repository; set what `ssh-keyscan HOST` prints after the name",
            )
        )
    if backup.kind == "local" and backup.restore_first and not bucket:
        problems.append(
            Problem(
                "pod.backup.restoreFirst",
                "an empty data partition has no local repository; set false, or choose another repository",
            )
        )
    if backup.kind != "sftp" and backup.host_key is not None:
        problems.append(Problem("pod.backup.hostKey", "only used with an SFTP repository; remove it"))
    if backup.kind != "rest" and backup.username is not None:
        problems.append(Problem("pod.backup.username", "only used with a rest-server repository; remove it"))
    return problems
