"""Uploads in a bucket: the units that wait for the mount, and pods without a bucket."""

import re

import pytest

from diaspora_infra.config import AwsSettings, ConfigError
from diaspora_infra.config.aws.parameter_names import UPLOADS_BUCKET, machine_parameters
from tests.host.aws_pod import aws_context
from tests.host.pod import (
    LIBEXEC,
    QUADLETS,
    Context,
    containers,
    files,
    pod_context,
    pod_fragment,
    read_quadlet,
    values,
)

BUCKET = aws_context()
BACKUP = {"pod_changes": {"backup": {}}, "secrets": {"backupPassword": "x"}}
VOLUME = aws_context(uploads="volume")
DROP_IN = {
    "nginx": f"{QUADLETS}/nginx.container.d/20-uploads.conf",
    "diaspora": f"{QUADLETS}/diaspora-.container.d/20-uploads.conf",
}
USES = {"nginx", "diaspora-web", "diaspora-sidekiq", "diaspora-migrate", "diaspora-administrator", "diaspora-task"}
CHECK = "/usr/bin/bash /usr/local/libexec/diaspora/uploads-mount check"


def uploads_of(context: Context) -> dict[str, list[str]]:
    """The volumes of each container that hold uploads."""
    found = {
        name: [volume for volume in values(sections["Container"], "Volume") if "/var/mnt/data/uploads" in volume]
        for name, sections in containers(pod_fragment(context)).items()
    }
    return {name: volumes for name, volumes in found.items() if volumes}


def test_containers_with_uploads_wait_for_and_check_the_mount() -> None:
    assert set(uploads_of(BUCKET)) == USES | {"uploads"}
    texts = files(pod_fragment(BUCKET))
    for name in USES:
        sections = read_quadlet(texts[DROP_IN["nginx" if name == "nginx" else "diaspora"]])
        assert dict(sections["Unit"]) == {"Requires": "uploads.service", "After": "uploads.service"}, name
        assert values(sections["Service"], "ExecStartPre") == [CHECK], name


@pytest.mark.parametrize("context", [VOLUME, pod_context()], ids=["volume", "metal"])
def test_pod_without_bucket_has_no_upload_mount(context: Context) -> None:
    assert set(uploads_of(context)) == USES
    texts = files(pod_fragment(context))
    assert not [path for path in texts if "uploads" in path]
    assert not [path for path, text in texts.items() if "uploads-mount" in text or "uploads.service" in text
                if not path.endswith("fetch-parameters")]  # fmt: skip
    assert re.search("^d +/var/mnt/data/uploads +0755 813", texts["/etc/diaspora/directories.conf"], re.MULTILINE)
    if isinstance(context.settings, AwsSettings):
        assert UPLOADS_BUCKET not in machine_parameters(context.settings.aws, context.settings.pod)


def test_bucket_holds_finished_uploads_only() -> None:
    found = uploads_of(BUCKET)
    assert found["uploads"] == ["/var/mnt/data/uploads:/mnt/uploads:rshared"]
    assert found["nginx"] == ["/var/mnt/data/uploads:/srv/uploads:ro"]
    assert found["diaspora-web"] == ["/var/mnt/data/uploads:/srv/diaspora/public/uploads"]
    shared = read_quadlet(files(pod_fragment(BUCKET))[DROP_IN["diaspora"]])["Container"]
    assert values(shared, "Volume") == ["/var/mnt/data/tmp/cached:/srv/diaspora/public/uploads/tmp"]


def test_mount_point_is_not_owned_by_the_application() -> None:
    """systemd-tmpfiles would change the owner of the folder, or fail to change that of the mount."""
    directories = files(pod_fragment(BUCKET))["/etc/diaspora/directories.conf"]
    assert "/var/mnt/data/uploads " not in directories
    assert re.search("^d +/var/mnt/data/tmp/cached +0700 813  813", directories, re.MULTILINE)


def test_bucket_name_and_credentials_are_read_at_run_time() -> None:
    texts = files(pod_fragment(BUCKET))
    start = texts["/etc/diaspora/uploads/start"]
    assert '"${UPLOADS_BUCKET:?}"' in start
    assert "iam_role=auto" in start
    assert "imdsv1only" not in start
    assert "https://s3.eu-west-1.amazonaws.com" in start
    assert "uploadsBucket uploads_bucket fact uploads" in texts["/etc/diaspora/parameters.conf"]
    unit = containers(pod_fragment(BUCKET))["uploads"]["Container"]
    assert values(unit, "EnvironmentFile") == ["/var/mnt/data/state/facts/facts.env"]
    assert values(unit, "Secret") == []


def test_uploads_image_is_that_of_the_settings() -> None:
    own = f"registry.example.org/own@sha256:{64 * '0'}"
    context = aws_context(uploadsImage=own)
    assert values(containers(pod_fragment(context))["uploads"]["Container"], "Image") == [own]


def test_nobody_elses_image_is_run_as_root_with_the_credentials_of_the_machine() -> None:
    context = aws_context(uploadsImage=None)
    (image,) = values(containers(pod_fragment(context))["uploads"]["Container"], "Image")
    assert re.fullmatch("localhost/s3fs:13[.]2-[0-9a-f]{12}", image), "built by the stack from containers/s3fs"


def test_backup_and_restore_without_bucket_skip_the_mount() -> None:
    texts = files(pod_fragment(aws_context(uploads="volume", **BACKUP)))
    for name in ("backup", "restic", "restore", "import", "switch-database"):
        assert "uploads-mount" not in texts[f"/{LIBEXEC}/{name}"]
        assert "uploads.service" not in texts[f"/{LIBEXEC}/{name}"]


def test_backup_waits_for_the_mount() -> None:
    drop_in = "/etc/systemd/system/diaspora-backup.service.d/10-uploads.conf"
    text = files(pod_fragment(aws_context(**BACKUP)))[drop_in]
    assert dict(read_quadlet(text)["Unit"]) == {"Wants": "uploads.service", "After": "uploads.service"}
    assert drop_in not in files(pod_fragment(BUCKET))


def test_unused_uploads_image_is_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        aws_context(uploads="volume", uploadsImage="registry.example.org/s3fs:1")
    assert str(refused.value) == "aws.uploadsImage: only used with uploads: bucket; remove it"


def test_mount_owner_is_the_application_user() -> None:
    context = aws_context(pod_changes={"imageLayout": {"uid": 4321}})
    texts = files(pod_fragment(context))
    assert "uid=813,gid=813" in texts["/etc/diaspora/uploads/start"]


def test_status_and_memory_limits_include_the_mount() -> None:
    texts = files(pod_fragment(BUCKET))
    assert "\nservices=(uploads " in texts["/usr/local/bin/diaspora-pod"]
    assert f"{QUADLETS}/uploads.container.d/20-memory.conf" in texts
