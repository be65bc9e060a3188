"""The settings of the backup, and their conflicts."""

from typing import Any

import pytest

from diaspora_infra.config import ConfigError, load, needed_secrets
from diaspora_infra.config.pod.backup import Backup
from tests.support.configs import SSH_KEY, aws_config, ignition_config, pod

ALL = ("backupPassword", "backupAccessKey", "backupSecretKey", "backupSshKey", "backupRestPassword")
S3 = {"backupPassword", "backupAccessKey", "backupSecretKey"}
KEY = SSH_KEY.rpartition(" ")[0]


def lines(backup: dict[str, Any], given: tuple[str, ...] = ALL) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(ignition_config(pod=pod(backup=backup)), given)
    return str(raised.value).splitlines()


@pytest.mark.parametrize(
    ("backup", "kind", "secrets"),
    [
        ({}, "local", {"backupPassword"}),
        ({"repository": "local"}, "local", {"backupPassword"}),
        ({"repository": "s3:https://s3.example.org/pod"}, "s3", S3),
        ({"repository": "s3:s3.amazonaws.com/bucket/pod"}, "s3", S3),
        ({"repository": "sftp://pod@nas.lan/backup", "hostKey": KEY}, "sftp", {"backupPassword", "backupSshKey"}),
        ({"repository": "sftp://pod@nas.lan:2222//b", "hostKey": KEY}, "sftp", {"backupPassword", "backupSshKey"}),
        ({"repository": "rest:https://nas.lan:8000/"}, "rest", {"backupPassword"}),
        ({"repository": "rest:https://nas.lan/pod", "username": "p"}, "rest", {"backupPassword", "backupRestPassword"}),
    ],
)  # fmt: skip
def test_each_kind_of_repository_requires_its_secrets(backup: dict[str, Any], kind: str, secrets: set[str]) -> None:
    settings = load(ignition_config(pod=pod(backup=backup)), ALL)
    assert settings.pod.backup is not None
    assert settings.pod.backup.kind == kind
    assert {secret.key for secret in needed_secrets(settings)} == secrets
    missing = [line.split(":")[0] for line in lines(backup, ())]
    assert set(missing) == secrets


def test_backup_is_off_by_default() -> None:
    settings = load(ignition_config())
    assert settings.pod.backup is None
    assert needed_secrets(settings) == []


@pytest.mark.parametrize(
    "repository",
    ["", "/mnt", "s3:", "s3:bucket", "sftp:pod@nas.lan:/b", "sftp://nas.lan/b", "rest:https://user:secret@nas.lan/",
     "rest:nas.lan", "b2:bucket", "local/..", "s3:https://h/b c", "s3:https://h/$(id)", "sftp://-oProxy@nas.lan/b"],
)  # fmt: skip
def test_invalid_repository_is_refused(repository: str) -> None:
    (line,) = lines({"repository": repository})
    assert line.startswith("pod.backup.repository: ")
    assert "allowed: local, s3:https://HOST/BUCKET, sftp://USER@HOST/PATH or rest:https://HOST/PATH" in line


@pytest.mark.parametrize(
    ("backup", "line"),
    [
        ({"repository": "sftp://pod@nas.lan/b"}, "pod.backup.hostKey: required with an SFTP repository; set the "
                                                 "output of `ssh-keyscan HOST` after the name"),
        ({"restoreFirst": True}, "pod.backup.restoreFirst: an empty data partition has no local repository; set "
                                 "false, or choose another repository"),
        ({"hostKey": KEY}, "pod.backup.hostKey: only used with an SFTP repository; remove it"),
        ({"username": "pod"}, "pod.backup.username: only used with a rest-server repository; remove it"),
        ({"password": "x"}, "pod.backup.password: belongs in the secret backupPassword; remove this key and run: "
                            "pulumi config set --secret diaspora-infra:backupPassword"),
        ({"sshKey": "x"}, "pod.backup.sshKey: belongs in the secret backupSshKey; remove this key and run: pulumi "
                          "config set --secret diaspora-infra:backupSshKey"),
    ],
)  # fmt: skip
def test_each_mistake_is_reported_in_one_line(backup: dict[str, Any], line: str) -> None:
    assert lines(backup) == [line]


def test_aws_pod_may_restore_first_from_the_bucket_of_its_stack() -> None:
    """The bucket is not a folder of the data partition, although pod.backup.repository has its default."""
    changes = {"backup": {"restoreFirst": True}}
    found = load(aws_config(pod_changes=changes, region="eu-west-1"), ALL)
    assert found.pod.backup
    assert found.pod.backup.restore_first
    with pytest.raises(ConfigError, match="an empty data partition has no local repository"):
        load(aws_config(pod_changes=changes, region="eu-west-1", backups={"bucket": False}), ALL)


def test_sftp_address_is_split_into_user_host_and_port() -> None:
    assert Backup(repository="sftp://pod@nas.lan//b").sftp_server == ("pod", "nas.lan", 22)
    assert Backup(repository="sftp://pod@nas.lan:2222/b/c").sftp_server == ("pod", "nas.lan", 2222)
    with pytest.raises(ValueError, match="not an SFTP repository"):
        _ = Backup().sftp_server
