"""A bucket in the simulated account, and the machine's mount of it: a real s3fs with the rendered options.

The container of s3fs is a mount namespace of its own here, with what the rendered unit gives it. Only the address, the
credentials and the style of addresses are others; the machine is a folder that is a shared mount, as / is on a machine.
"""

import http.client
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lab.aws.account import Account
from tests.host.pod import LIBEXEC
from tests.support.processes import stop

REGION = "eu-west-1"
BUCKET = "pod-uploads-1a2b"
PASSWORD = "planted-secret-key"


class Door(BaseHTTPRequestHandler):
    """A proxy to the simulator that records requests and can be stopped."""

    server: "Doors"
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        """Forward a request unless its method is refused."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, {key.lower(): text for key, text in self.headers.items()}))
        if self.command in self.server.refused:
            self.answer(403, {}, b"<Error><Code>AccessDenied</Code></Error>")
            return
        if self.command == "PUT":
            time.sleep(self.server.delay)
        inner = http.client.HTTPConnection("127.0.0.1", self.server.simulator, timeout=20)
        inner.request(self.command, self.path, body, dict(self.headers.items()))
        response = inner.getresponse()
        headers = {key: text for key, text in response.getheaders() if key.lower() not in SKIPPED}
        length = response.getheader("Content-Length") if self.command == "HEAD" else None
        self.answer(response.status, headers, response.read(), length)
        inner.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - the names of http.server

    def answer(self, status: int, headers: dict[str, str], body: bytes, length: str | None = None) -> None:
        self.send_response(status)
        for key, text in headers.items():
            self.send_header(key, text)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


SKIPPED = {"content-length", "transfer-encoding", "connection", "date", "server"}


class Doors(ThreadingHTTPServer):
    """The door on a port, to the simulator on another."""

    daemon_threads = True

    def __init__(self, port: int, simulator: int) -> None:
        super().__init__(("127.0.0.1", port), Door)
        self.simulator = simulator
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.refused: set[str] = set()
        # seconds before a file is taken
        self.delay = 0.0
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def shut(self) -> None:
        self.shutdown()
        self.server_close()


def make_bucket(account: Account) -> Any:
    """The bucket as Uploads makes it, as far as s3fs can tell; returns a client."""
    account.reset()
    client = account.client("s3", REGION)
    client.create_bucket(
        Bucket=BUCKET,
        CreateBucketConfiguration={"LocationConstraint": REGION},
        ObjectOwnership="BucketOwnerEnforced",
    )
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


@dataclass
class Uploads:
    """The mount on a machine, whose data volume is `data`, and whose files are in `root`."""

    data: Path
    root: Path
    s3fs: str
    client: Any
    doors: Doors
    process: "subprocess.Popen[bytes] | None" = None
    said: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.data / "uploads"

    @property
    def inside(self) -> Path:
        """The folder that stands in for the container's filesystem."""
        return self.data.parent / "inside"

    def names(self) -> list[str]:
        """Names of the objects in the bucket."""
        found = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return sorted(entry["Key"] for entry in found)

    def content(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def program(self, action: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run uploads-mount."""
        return subprocess.run(
            ["/bin/bash", self.root / LIBEXEC / "uploads-mount", action],
            env={"PATH": os.environ["PATH"], "DIASPORA_DATA": str(self.data), **variables},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def share(self) -> None:
        """Make the data volume a shared mount."""
        self.data.mkdir(parents=True, exist_ok=True)
        for options in (["--bind", str(self.data)], ["--make-private"], ["--make-shared"]):
            subprocess.run(["mount", *options, self.data], check=True, capture_output=True)

    def begin(self, bucket: str = BUCKET) -> None:
        """Run the commands of the unit before and in its container, with the volumes of the unit."""
        assert self.program("prepare").returncode == 0
        for name in ("uploads", "tmp"):
            (self.inside / name).mkdir(parents=True, exist_ok=True)
        (self.data / "tmp/uploads").mkdir(parents=True, exist_ok=True)
        password = self.inside / "password"
        password.write_text(f"simulator:{PASSWORD}")
        password.chmod(0o600)
        text = (self.root / "etc/diaspora/uploads/start").read_text()
        for old, new in (
            (f"https://s3.{REGION}.amazonaws.com", f"http://127.0.0.1:{self.doors.server_port}"),
            ("iam_role=auto", f"passwd_file={password},use_path_request_style"),
            ("exec s3fs", f"exec {self.s3fs}"),
            ("/mnt/uploads", str(self.inside / "uploads")),
            ("/mnt/tmp", str(self.inside / "tmp")),
        ):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        start = self.inside / "start"
        start.write_text(text)
        binds = "".join(
            f'mount --bind "{self.data}/{source}" "{self.inside}/{target}" && '
            for source, target in (("uploads", "uploads"), ("tmp/uploads", "tmp"))
        )
        # as the container: nothing but these folders can be written to, and of root's rights only the one to mount
        limits = "mount -o remount,bind,ro / && exec setpriv --no-new-privs --bounding-set=-all,+sys_admin"
        with (self.inside / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation=unchanged", "sh", "-c", f"{binds} {limits} sh {start}"],
                env={"PATH": os.environ["PATH"], "UPLOADS_BUCKET": bucket},
                stdout=log, stderr=log,
            )  # fmt: skip

    def start(self) -> None:
        """The whole start of the unit."""
        self.begin()
        done = self.program("wait", DIASPORA_TRIES="300", DIASPORA_PAUSE="0.1")
        assert done.returncode == 0, done.stderr + self.log()

    def stop(self) -> None:
        """The whole stop of the unit."""
        if self.process:
            stop(self.process)
            self.process = None
        assert self.program("clear").returncode == 0

    def kill(self) -> None:
        """Kill s3fs."""
        assert self.process
        self.process.kill()
        self.process.wait(timeout=30)
        self.process = None

    def remove(self) -> None:
        """Remove everything, also where a test has failed in the middle."""
        if self.process:
            self.kill()
        for mount in (self.folder, self.data):
            subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
        shutil.rmtree(self.inside, ignore_errors=True)

    def log(self) -> str:
        return (self.inside / "log").read_text(errors="replace")


def uploads_of(
    data: Path, root: Path, s3fs: str, account: Account, port: int, *, kind: type[Uploads] = Uploads
) -> Iterator[Uploads]:
    """An empty bucket and a machine on which nothing is mounted yet; everything goes at the end."""
    simulator = re.search(r"\d+$", account.endpoint)
    assert simulator
    made = kind(data, root, s3fs, make_bucket(account), Doors(port, int(simulator[0])))
    made.share()
    try:
        yield made
    finally:
        made.remove()
        made.doors.shut()
