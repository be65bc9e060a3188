"""The files and units that the backup adds to a machine."""

import dataclasses
import re
from typing import Any

import pytest

from diaspora_infra.config import ConfigError
from diaspora_infra.config.images import IMAGES
from diaspora_infra.host.features.backup import backup
from diaspora_infra.host.features.pod_secrets import pod_secrets
from tests.host.pod import files, pod_context, pod_fragment
from tests.support.configs import SSH_KEY

PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----"
SECRETS = {
    "backupPassword": "correct horse, battery",
    "backupAccessKey": "AKIAEXAMPLE",
    "backupSecretKey": "wJalr/XUtn",
    "backupSshKey": PRIVATE,
    "backupRestPassword": "staple",
}
RESTIC = "/usr/local/libexec/diaspora/restic"


def texts(**settings: Any) -> dict[str, str]:
    return files(pod_fragment(pod_context(backup=settings, secrets=SECRETS)))


def test_backup_is_off_without_the_setting() -> None:
    assert backup(pod_context().of_pod) == {}


def test_restic_image_is_pinned() -> None:
    reference = IMAGES["restic"].reference
    assert reference
    assert f'"${{options[@]}}" -- {reference} "$@"' in texts()[RESTIC]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"backup_password"}),
        ({"repository": "s3:https://h/b"}, {"backup_password", "backup_access_key", "backup_secret_key"}),
        ({"repository": "sftp://p@h/b", "hostKey": SSH_KEY}, {"backup_password", "backup_ssh_key"}),
        ({"repository": "rest:https://h/", "username": "a b"}, {"backup_password", "backup_rest_password"}),
    ],
)
def test_secrets_are_root_only_files_and_not_in_programs(settings: dict[str, Any], expected: set[str]) -> None:
    fragment = pod_fragment(pod_context(backup=settings, secrets=SECRETS))
    given = [entry for entry in fragment["storage"]["files"] if entry["path"].startswith("/etc/diaspora/secrets/")]
    assert {entry["path"].rpartition("/")[2] for entry in given} == expected
    assert {entry["mode"] for entry in given} == {0o600}
    assert [entry["path"] for entry in fragment["storage"]["directories"]] == ["/etc/diaspora/secrets"]
    rest = "".join(text for path, text in files(fragment).items() if not path.startswith("/etc/diaspora/secrets/"))
    for value in SECRETS.values():
        assert value not in rest
    # each is handed to the container by its podman name
    named = set(re.findall(r"--secret=diaspora-([a-z-]+),", files(fragment)[RESTIC]))
    assert named == {name.replace("_", "-") for name in expected}


def test_sftp_host_key_is_checked() -> None:
    found = texts(repository="sftp://pod@nas.lan:2222//backup", hostKey=SSH_KEY)
    assert found["/etc/diaspora/backup/known_hosts"] == f"backup {SSH_KEY}\n"
    assert "StrictHostKeyChecking=yes" in found[RESTIC]
    assert "-p 2222 " in found[RESTIC]
    assert 'pod@nas.lan -s sftp" "$@"' in found[RESTIC]


def test_rest_username_is_quoted_for_the_shell() -> None:
    assert (
        "\"--env=RESTIC_REST_USERNAME=\"'a b$(id)'\n"
        in texts(repository="rest:https://h/", username="a b$(id)")[RESTIC]
    )


def test_time_and_retention_follow_the_settings() -> None:
    found = texts(time="01:45", retention={"days": 3, "weeks": 2, "months": 1})
    assert "OnCalendar=*-*-* 01:45\n" in found["/etc/systemd/system/diaspora-backup.timer"]
    assert "--keep-daily=3 --keep-weekly=2 --keep-monthly=1" in found["/usr/local/libexec/diaspora/backup"]


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("backupPassword", "", "backupPassword: empty; set a value"),
        ("backupPassword", "a\nb",
         "backupPassword: holds a line break or control character; allowed: one line of text"),
        ("backupSshKey", "ssh-ed25519 AAAA", "backupSshKey: not a private key; set the whole text of the file, such "
                                             "as id_ed25519"),
    ],
)  # fmt: skip
def test_unusable_secret_is_refused_without_being_shown(key: str, value: str, problem: str) -> None:
    context = pod_context(backup={"repository": "sftp://p@h/b", "hostKey": SSH_KEY}, secrets=SECRETS)
    with pytest.raises(ConfigError) as raised:
        pod_secrets(dataclasses.replace(context, secrets=SECRETS | {key: value}).of_pod)
    assert str(raised.value) == problem


def test_private_key_file_ends_with_a_line_break() -> None:
    context = pod_context(backup={"repository": "sftp://p@h/b", "hostKey": SSH_KEY}, secrets=SECRETS)
    found = {entry["path"]: entry["contents"]["inline"] for entry in pod_secrets(context.of_pod)["storage"]["files"]}
    assert found["/etc/diaspora/secrets/backup_ssh_key"] == f"{PRIVATE}\n"
