"""Questions about S3: has the machine written, and does the pod show what is there."""

import datetime
from typing import Any
from urllib.parse import quote

from diaspora_infra.smoke.answer import Answer, not_asked, not_ok, ok
from diaspora_infra.smoke.world import World, days

_BUCKET = "s3/bucket:Bucket"
_REPOSITORY = "pod"
"""The folder of restic's repository in the bucket."""
_BACKUP_LATE = datetime.timedelta(hours=50)
"""Daily, and it may take an hour."""


def backups(world: World) -> Answer:
    """The last thing that restic writes for a backup is a file of its own: the newest shows when the machine wrote."""
    bucket = world.stack.first(_BUCKET, "Backups")
    if bucket is None:
        return not_asked("the stack has no bucket for backups")
    found = _objects(world, bucket.id, f"{_REPOSITORY}/snapshots/", all_pages=True)
    fix = "`sudo diaspora-pod backup` on the machine makes one and says what fails; `sudo diaspora-pod logs backup`"
    if not found:
        return not_ok("no backup", "the machine has never written to the bucket to the end of a backup", fix)
    age = world.age(max(entry["LastModified"] for entry in found))
    seen = f"{len(found)} backups, the newest {days(age)} old"
    if age < _BACKUP_LATE:
        return ok(seen, "the machine could write to the bucket then")
    return not_ok(seen, "the daily backups are not made", fix)


def uploads(world: World) -> Answer:
    """The machine writes the folder `tmp` when it first mounts the bucket; a picture is read by HTTPS."""
    bucket = world.stack.first(_BUCKET, "Uploads")
    if bucket is None:
        return not_asked("the stack has no bucket for uploads")
    fix = "`sudo diaspora-pod logs uploads` on the machine (docs/aws-machine.md#uploads)"
    if not (folder := _objects(world, bucket.id, "tmp/")):
        return not_ok("the folder tmp/ is missing", "the machine has never written to the bucket", fix)
    written = f"the machine wrote tmp/ {days(world.age(folder[0]['LastModified']))} ago"
    pictures = [entry for entry in _objects(world, bucket.id, "images/") if entry["Size"] > 0]
    if not pictures:
        return ok(f"{written}, no picture yet", "reading was not asked: there is no picture")
    newest = max(pictures, key=lambda entry: entry["LastModified"])
    page = world.page(f"/uploads/{quote(newest['Key'])}")
    seen = f"{written}; a picture of {newest['LastModified']:%Y-%m-%d} by HTTPS: status {page.status}"
    if page.status == 200:
        return ok(seen)
    return not_ok(seen, "the pod does not show what is in the bucket", fix)


def _objects(world: World, bucket: str, prefix: str, *, all_pages: bool = False) -> list[Any]:
    """Objects of a bucket, up to 1,000 of them unless all are wanted."""
    s3 = world.client("s3")
    if not all_pages:
        return [*s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [entry for page in pages for entry in page.get("Contents", ())]
