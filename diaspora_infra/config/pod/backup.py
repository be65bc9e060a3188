"""The `pod.backup` key: repository, schedule and retention of backups."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from diaspora_infra.config.checking import run_checks
from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import NAME_OF_HOST, PORT, ClockTime, Form, NonEmpty, SshKey

Kind = Literal["local", "s3", "sftp", "rest"]

_PATH = "[A-Za-z0-9._~/-]+"
_SERVER = f"{NAME_OF_HOST}(?::{PORT})?"
# No user and password in the address: it stands in a file that anyone on the machine can read.
_REPOSITORY = "|".join(
    (
        "local",
        f"s3:(?:https?://)?{_SERVER}/{_PATH}",
        f"sftp://[A-Za-z0-9_][A-Za-z0-9._-]*@{_SERVER}/{_PATH}",
        f"rest:https?://{_SERVER}/(?:{_PATH})?",
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
    """Retention of snapshots; older snapshots are removed after each backup."""

    days: int = Field(default=7, ge=1, le=3650)
    """Number of daily snapshots to keep."""
    weeks: int = Field(default=5, ge=0, le=520)
    """Number of weekly snapshots to keep."""
    months: int = Field(default=12, ge=0, le=120)
    """Number of monthly snapshots to keep."""


class Backup(Model):
    """Encrypted backups of the whole pod with restic. The password is the secret `backupPassword`."""

    repository: Repository = "local"
    """Where snapshots are stored. `local` is a folder of the data partition, which protects against mistakes but not
    against the loss of the disk; the others are S3 (with `backupAccessKey` and `backupSecretKey`), SFTP (with
    `backupSshKey`; `sftp://USER@HOST//PATH` for a path from the root) and rest-server."""
    username: NonEmpty | None = None
    """Account at a rest-server; with it the secret `backupRestPassword` is required."""
    host_key: SshKey | None = None
    """Public key of the SFTP server, without its name: the output of `ssh-keyscan HOST` after the name."""
    time: ClockTime = "01:30"
    """Start of the daily backup, in the time zone of the machine, with a random delay of up to half an hour. It may not
    overlap a window of `host.updates`."""
    retention: Retention = Retention.model_construct()
    """Retention of snapshots."""

    restore_first: bool = False
    """On a machine with an empty data partition, restore the latest backup before the first start of the pod. While the
    repository is unreachable or has no backup, the pod does not start, and the machine retries. Not with `local`."""

    @property
    def kind(self) -> Kind:
        """The type of the repository."""
        kinds: tuple[Kind, ...] = ("s3", "sftp", "rest")
        return next((kind for kind in kinds if self.repository.startswith(f"{kind}:")), "local")

    @property
    def sftp_server(self) -> tuple[str, str, int]:
        """User, host and port of the SFTP server. Raises ValueError for other repositories."""
        found = re.fullmatch("sftp://([^@]+)@([^:/]+)(?::([0-9]+))?/.*", self.repository)
        if found is None:
            raise ValueError("not an SFTP repository")
        return found[1], found[2], int(found[3] or 22)


def check_backup(backup: Backup | None) -> Iterator[Problem]:
    """Settings of the backup that do not work together."""
    if backup is not None:
        yield from run_checks((_host_key, _username), backup)


def check_restore_first(backup: Backup | None, *, bucket: bool) -> Iterator[Problem]:
    """A restore that finds nothing; with `bucket` the repository is one that the stack makes."""
    if backup is not None and backup.kind == "local" and backup.restore_first and not bucket:
        yield Problem(
            "pod.backup.restoreFirst",
            "an empty data partition has no local repository; set false, or choose another repository",
        )


def _host_key(backup: Backup) -> Iterator[Problem]:
    if backup.kind == "sftp" and backup.host_key is None:
        yield Problem(
            "pod.backup.hostKey",
            "required with an SFTP repository; set the output of `ssh-keyscan HOST` after the name",
        )
    if backup.kind != "sftp" and backup.host_key is not None:
        yield Problem("pod.backup.hostKey", "only used with an SFTP repository; remove it")


def _username(backup: Backup) -> Iterator[Problem]:
    if backup.kind != "rest" and backup.username is not None:
        yield Problem("pod.backup.username", "only used with a rest-server repository; remove it")
