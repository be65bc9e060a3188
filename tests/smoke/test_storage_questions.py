"""S3: backups, and the bucket of the uploads."""

import datetime

import pytest

from diaspora_infra.smoke.answer import Status
from tests.smoke.test_machine_questions import later
from tests.smoke.web import serving
from tests.smoke.worlds import REGION, asked, client, planted, stack, without, world

BUCKET = "s3/bucket:Bucket"
pytestmark = pytest.mark.usefixtures("account")


def bucket(component: str, *keys: str) -> str:
    """The bucket of a component in the simulated account, with these objects."""
    found = stack().first(BUCKET, component)
    assert found is not None
    s3 = client("s3")
    s3.create_bucket(Bucket=found.id, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in keys:
        s3.put_object(Bucket=found.id, Key=key, Body=b"" if key.endswith("/") else b"content")
    return found.id


@pytest.mark.parametrize(
    ("hours", "status", "observed"),
    [
        (2, Status.OK, "2 backups, the newest 2 h old"),
        (49, Status.OK, "2 backups, the newest 2 days old"),
        (51, Status.NOT_OK, "2 backups, the newest 2 days old"),
    ],
)
def test_age_of_the_newest_backup_decides(hours: float, status: Status, observed: str) -> None:
    bucket("Backups", "pod/snapshots/aa", "pod/snapshots/bb", "pod/data/00", "other/snapshots/cc")
    answer = asked("backups", world(client=client, now=later(hours + 0.01)))
    assert (answer.status, answer.observed) == (status, observed)


def test_backups_beyond_the_first_page_are_seen() -> None:
    moment = datetime.datetime.now(datetime.UTC)
    old, new = (
        {"Key": f"pod/snapshots/{days}", "Size": 7, "LastModified": moment - datetime.timedelta(days=days)}
        for days in (9, 0)
    )
    answers = planted(
        "s3", "list_objects_v2", {"Contents": [old], "IsTruncated": True, "NextContinuationToken": "more"}
    )
    answers.more("s3", "list_objects_v2", {"Contents": [new], "IsTruncated": False})
    answer = asked("backups", world(client=answers))
    assert (answer.status, answer.observed) == (Status.OK, "2 backups, the newest 0 h old")
    answers.done()


def test_bucket_without_a_finished_backup_is_not_ok() -> None:
    bucket("Backups", "pod/config", "pod/data/00")
    answer = asked("backups", world(client=client))
    assert (answer.status, answer.observed) == (Status.NOT_OK, "no backup")
    assert "sudo diaspora-pod backup" in answer.fix


def test_bucket_that_the_machine_never_mounted_is_not_ok() -> None:
    bucket("Uploads", "images/cat.jpg")
    answer = asked("uploads", world(client=client))
    assert (answer.status, answer.observed) == (Status.NOT_OK, "the folder tmp/ is missing")


def test_bucket_without_pictures_is_ok_and_says_what_was_not_asked() -> None:
    bucket("Uploads", "tmp/", "images/")
    answer = asked("uploads", world(client=client, now=later(5.01)))
    assert (answer.status, answer.observed) == (Status.OK, "the machine wrote tmp/ 5 h ago, no picture yet")
    assert answer.meaning == "reading was not asked: there is no picture"


@pytest.mark.parametrize(("status", "expected"), [(200, Status.OK), (404, Status.NOT_OK), (302, Status.NOT_OK)])
def test_newest_picture_is_read_through_the_pod(status: int, expected: Status) -> None:
    moment = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
    pictures = [
        {"Key": "images/", "Size": 0, "LastModified": moment + datetime.timedelta(days=3)},
        {"Key": "images/old.jpg", "Size": 7, "LastModified": moment},
        {"Key": "images/a cat?.jpg", "Size": 7, "LastModified": moment + datetime.timedelta(days=2)},
        {"Key": "images/older.jpg", "Size": 7, "LastModified": moment - datetime.timedelta(days=2)},
    ]
    answers = planted("s3", "list_objects_v2", {"Contents": [{"Key": "tmp/", "Size": 0, "LastModified": moment}]})
    answers.more("s3", "list_objects_v2", {"Contents": pictures})
    paths = []

    def web(_method: str, path: str, _body: bytes) -> tuple[int, dict[str, str], bytes]:
        paths.append(path)
        return status, {}, b"a cat"

    with serving(web) as connect:
        answer = asked("uploads", world(client=answers, connect=connect))
    assert (answer.status, paths) == (expected, ["/uploads/images/a%20cat%3F.jpg"])
    assert answer.observed.endswith(f"; a picture of 2026-11-03 by HTTPS: status {status}")


@pytest.mark.parametrize("key", ["backups", "uploads"])
def test_stack_without_the_bucket_is_not_asked(key: str) -> None:
    answer = asked(key, world(without(stack(), BUCKET)))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, False)


@pytest.mark.parametrize("key", ["backups", "uploads"])
def test_bucket_that_is_gone_is_not_ok(key: str) -> None:
    answer = asked(key, world(client=client))
    assert (answer.status, answer.fix) == (Status.NOT_OK, "run `pulumi up --refresh`")
    assert answer.observed == "AWS has no such resource (ListObjectsV2: NoSuchBucket)"
