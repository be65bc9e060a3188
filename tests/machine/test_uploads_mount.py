"""The bucket with the uploads, mounted by a real s3fs with the rendered options; and pods without the mount."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from diaspora_infra.host.container_users import container_users
from lab.aws.account import Account
from lab.matchbox import free_ports
from tests.host.aws_pod import aws_context
from tests.host.pod import QUADLETS, files, pod_fragment, read_quadlet, values, write_tree
from tests.machine.pod_programs import RequireProgram
from tests.machine.uploads_bucket import BUCKET, PASSWORD, Doors, Uploads, uploads_of

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")

FRAGMENT = pod_fragment(aws_context())
USERS = container_users(aws_context().settings.pod)
APPLICATION, NGINX = USERS.diaspora.host, USERS.nginx.host


@pytest.fixture
def uploads(account: Account, tmp_path: Path, require_program: RequireProgram) -> Iterator[Uploads]:
    # other users have to get to the mount, and pytest closes its folder to them
    folder = Path(tempfile.mkdtemp(prefix="uploads-"))
    folder.chmod(0o755)
    try:
        root = write_tree(FRAGMENT, tmp_path / "root")
        yield from uploads_of(folder / "data", root, require_program("s3fs", "s3fs"), account, *free_ports(1))
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def mounted(uploads: Uploads) -> Uploads:
    uploads.start()
    return uploads


def by(user: int, script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a script as an unprivileged user of a container."""
    return subprocess.run(
        ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--bounding-set=-all",
         "sh", "-euc", f"cd {folder}; {script}"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_application_writes_to_the_bucket_and_nginx_reads(mounted: Uploads) -> None:
    folder = mounted.folder
    script = "umask 077; mkdir images; printf picture > images/a.jpg; mv images/a.jpg images/b.jpg; mkdir -p tmp"
    done = by(APPLICATION, script, folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert mounted.content("images/b.jpg") == b"picture"
    assert [key for key in mounted.names() if not key.endswith("/")] == ["images/b.jpg"]
    assert by(NGINX, "cat images/b.jpg", folder).stdout == "picture"
    assert by(NGINX, "printf x > images/c.jpg", folder).returncode != 0
    assert by(APPLICATION, "rm images/b.jpg", folder).returncode == 0
    # gone, and there as an old version
    versions = mounted.client.list_object_versions(Bucket=BUCKET, Prefix="images/b.jpg")
    assert versions["DeleteMarkers"][0]["IsLatest"]
    assert versions["Versions"]


def test_foreign_objects_are_owned_by_the_application_user(mounted: Uploads) -> None:
    mounted.client.put_object(Bucket=BUCKET, Key="images/deep/copied.jpg", Body=b"copied")
    found = (mounted.folder / "images/deep/copied.jpg").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (APPLICATION, APPLICATION, 0o755)
    assert by(NGINX, "cat images/deep/copied.jpg", mounted.folder).stdout == "copied"
    assert by(APPLICATION, "mv images/deep/copied.jpg images/moved.jpg", mounted.folder).returncode == 0
    assert mounted.content("images/moved.jpg") == b"copied"


def test_large_file_is_uploaded_in_parts(mounted: Uploads) -> None:
    """Account archives are larger than one part."""
    content = os.urandom(60 * 1024 * 1024)
    (mounted.folder / "archive.gz").write_bytes(content)
    assert mounted.content("archive.gz") == content
    assert [command for command, path, _ in mounted.doors.asked if "uploads" in path and command == "POST"]


def test_requests_have_no_acl_and_use_only_the_bucket(mounted: Uploads) -> None:
    """The bucket takes no ACLs: S3 refuses a request with one."""
    by(APPLICATION, "mkdir images; printf x > images/a; chmod 600 images/a; mv images/a images/b", mounted.folder)
    asked = mounted.doors.asked
    assert [path for command, path, _ in asked if command == "PUT"]
    assert not [
        headers for _, _, headers in asked if any(name.startswith(("x-amz-acl", "x-amz-grant")) for name in headers)
    ]
    assert {path.split("?")[0].split("/")[1] for _, path, _ in asked} == {BUCKET}
    assert all("/eu-west-1/s3/aws4_request" in headers["authorization"] for _, _, headers in asked)


def test_mount_shows_no_secret_and_allows_no_execution(mounted: Uploads) -> None:
    assert mounted.process
    words = Path(f"/proc/{mounted.process.pid}/cmdline").read_bytes()
    assert b"umask=0022" in words
    assert PASSWORD.encode() not in words
    options = [line.split()[5] for line in Path("/proc/self/mountinfo").read_text().splitlines()
               if line.split()[4] == str(mounted.folder)]  # fmt: skip
    assert [set(text.split(",")) >= {"nosuid", "nodev", "noexec"} for text in options] == [True]


def test_bucket_content_survives_a_restart(mounted: Uploads) -> None:
    assert by(APPLICATION, "mkdir images; printf one > images/a", mounted.folder).returncode == 0
    mounted.stop()
    assert mounted.program("check").returncode == 1
    assert not list(mounted.folder.iterdir())
    mounted.start()
    assert (mounted.folder / "images/a").read_text() == "one"
    assert by(APPLICATION, "printf two > images/b", mounted.folder).returncode == 0
    assert mounted.content("images/b") == b"two"


def test_dead_mount_blocks_writes_until_a_restart(mounted: Uploads) -> None:
    assert by(APPLICATION, "mkdir images; printf one > images/a", mounted.folder).returncode == 0
    mounted.kill()
    done = mounted.program("check")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1, f"the bucket with the uploads does not answer on {mounted.folder}",
    )  # fmt: skip
    assert by(APPLICATION, "printf lost > x", mounted.folder).returncode != 0
    mounted.stop()
    assert by(APPLICATION, "printf lost > x", mounted.folder).returncode != 0
    assert not list(mounted.folder.iterdir())
    mounted.start()
    assert (mounted.folder / "images/a").read_text() == "one"
    assert mounted.program("check").returncode == 0


def test_stale_mount_is_replaced_at_start(mounted: Uploads) -> None:
    """s3fs ended without cleanup, for example by a power cut."""
    mounted.kill()
    mounted.start()
    assert by(APPLICATION, "printf one > a", mounted.folder).returncode == 0
    assert mounted.content("a") == b"one"


def test_mount_retries_while_s3_is_unreachable(mounted: Uploads) -> None:
    mounted.client.put_object(Bucket=BUCKET, Key="a.jpg", Body=b"picture")
    port, simulator = mounted.doors.server_port, mounted.doors.simulator
    mounted.doors.shut()

    def back() -> None:
        mounted.doors = Doors(port, simulator)

    timer = threading.Timer(1, back)
    timer.start()
    assert (mounted.folder / "a.jpg").read_bytes() == b"picture"
    timer.join()
    assert mounted.program("check").returncode == 0


def test_containers_do_not_start_without_the_mount(uploads: Uploads) -> None:
    """The commands that the units run before their containers."""
    uploads.folder.mkdir()
    for drop_in in ("diaspora-.container.d", "nginx.container.d"):
        sections = read_quadlet(files(FRAGMENT)[f"{QUADLETS}/{drop_in}/20-uploads.conf"])
        (line,) = values(sections["Service"], "ExecStartPre")
        shell, program, action = line.split()
        words = [shell, f"{uploads.root}{program}", action]
        environment = {"PATH": os.environ["PATH"], "DIASPORA_DATA": str(uploads.data)}

        def status(words: list[str] = words, environment: dict[str, str] = environment) -> int:
            return subprocess.run(words, env=environment, capture_output=True, check=False, timeout=60).returncode

        assert status() == 1
        uploads.start()
        assert status() == 0
        uploads.stop()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", uploads.folder], check=True)
        assert status() == 1, "another filesystem is not the bucket"


def test_mount_is_refused_over_existing_files(uploads: Uploads) -> None:
    uploads.folder.mkdir()
    (uploads.folder / "picture").touch()
    done = uploads.program("prepare")
    assert done.returncode == 1
    assert "holds files, which the bucket would hide; see docs/aws-machine.md" in done.stderr
    assert (uploads.folder / "picture").exists()


def test_missing_bucket_is_reported(uploads: Uploads) -> None:
    uploads.begin(bucket="another-bucket")
    assert uploads.process
    uploads.process.wait(timeout=30)
    done = uploads.program("wait", DIASPORA_TRIES="1")
    assert (done.returncode, done.stderr) == (1, f"the bucket with the uploads is not mounted on {uploads.folder}\n")


def test_unwritable_bucket_stops_the_start(uploads: Uploads) -> None:
    uploads.doors.refused = {"PUT"}
    uploads.begin()
    deadline = time.monotonic() + 30
    while uploads.program("check").returncode:
        assert time.monotonic() < deadline, uploads.log()
        time.sleep(0.2)
    done = uploads.program("wait", DIASPORA_TRIES="1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "the bucket with the uploads is not writable"
