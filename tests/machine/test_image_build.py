"""The build of the image of diaspora* on the machine: its program, with a podman that says what a test wants.

tests/machine/test_pod_machine.py builds with the real podman.
"""

import contextlib
import fcntl
import hashlib
import http.server
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest

from diaspora_infra.host.diaspora_image import diaspora_image
from tests.host.pod import LIBEXEC, files, pod_context, pod_fragment, write_tree
from tests.machine.pod_programs import RequireProgram, link_programs

CONTEXT = pod_context(image=None)
IMAGE = diaspora_image(CONTEXT.of_pod)
BASE = "docker.io/library/ruby:3.3.10-slim-bookworm"
PROGRAMS = (
    "bash", "cat", "chmod", "curl", "date", "flock", "grep", "head", "jq", "mkdir", "mv", "rm", "sed", "sha256sum",
    "sleep", "stat", "sync", "tail", "timeout", "touch",
)  # fmt: skip
# The store is a folder with a file for each image; the file `output` has what a build prints, `result` how it ends.
PODMAN = """#!/bin/bash
echo "$*" >> "$RECORD/calls"
image=${*: -1}
case "$1 $2" in
    "image exists") [[ -e $RECORD/images/${image//\\//_} ]] ;;
    "image inspect")
        [[ -e $RECORD/images/${image//\\//_} ]] || exit 125
        case $* in
            *Created.Unix*) cat "$RECORD/created" ;;
            *Architecture*) cat "$RECORD/architecture" ;;
            *) echo 1048576 ;;
        esac
        ;;
    "info --format") echo amd64 ;;
    "image rm") rm "$RECORD/images/${image//\\//_}" ;;
    "images --format")
        [[ $image == localhost/diaspora ]] || exit 125
        # real podman lists all names of these images
        for file in "$RECORD"/images/*; do file=${file##*/}; echo "${file/_//}"; done
        ;;
    "image prune" | "ps --all" | "images --quiet") ;;
    "pull --quiet") echo > "$RECORD/images/${image//\\//_}" ;;
    "load --quiet")
        case $(< "$image") in
            image) echo > "$RECORD/images/IMAGE"; echo "Loaded image: IMAGE" ;;
            other) echo "Loaded image: localhost/diaspora:other" ;;
            *) echo "Error: payload does not match any of the supported image formats" >&2; exit 125 ;;
        esac
        ;;
    "save --quiet") file=${4#--output=}; printf image > "$file"; [[ ! -e $RECORD/no-save ]] ;;
    "--cgroup-manager=cgroupfs build")
        cat "$RECORD/output"
        [[ ! -e $RECORD/while-building ]] || source "$RECORD/while-building"
        [[ ! -e $RECORD/result ]] || exit "$(< "$RECORD/result")"
        [[ $* =~ --tag=([^ ]+) ]]
        name=${BASH_REMATCH[1]}
        echo > "$RECORD/images/${name//\\//_}"
        ;;
    *) exit 125 ;;
esac
""".replace("Loaded image: IMAGE", f"Loaded image: {IMAGE}").replace("IMAGE", IMAGE.replace("/", "_"))
SYSTEMCTL = '#!/bin/bash\necho "systemctl $*" >> "$RECORD/calls"\n'
DF = """#!/bin/bash
echo Size
case $* in
    *size=1M*) cat "$RECORD/free" ;;
    *size=1024*avail*/data*) echo $(($(< "$RECORD/free-data") / 1024)) ;;
    *size=1024*avail*) echo 50000000 ;;
    *) cat "$RECORD/free-data" ;;
esac
"""
STEPS = """\
[1/2] STEP 1/2: FROM docker.io/library/ruby:3.3.10-slim-bookworm AS gems
[1/2] STEP 2/2: RUN bundle install --jobs "$(nproc)" && rm -rf vendor/bundle/ruby/3.3.0/cache
"""
LAST = 'stage 1 of 2, step 2 of 2 (RUN bundle install --jobs "$(nproc)" && rm -rf vendor/bundle)'


@dataclass
class Machine:
    """A machine without the image of diaspora*."""

    folder: Path
    tree: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def archive(self) -> Path:
        return self.folder / f"data/images/{IMAGE.split('/')[1].replace(':', '-')}.tar"

    @property
    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def built(self) -> bool:
        return any(call.startswith("--cgroup-manager") for call in self.calls)

    def run(self, *arguments: str, program: str = "build-image") -> "subprocess.CompletedProcess[str]":
        bash = shutil.which("bash")
        assert bash
        return subprocess.run(
            [bash, self.tree / LIBEXEC / program, *arguments],
            env={
                "PATH": str(self.folder / "bin"),
                "RECORD": str(self.folder),
                "DIASPORA_CONFIGURATION": str(self.tree / "etc/diaspora"),
                "DIASPORA_DATA": str(self.folder / "data"),
                "DIASPORA_RUN": str(self.folder / "run"),
                "DIASPORA_SYSTEM": str(self.folder),
                "DIASPORA_GROUPS": str(self.folder / "groups"),
                "DIASPORA_CONSOLE": str(self.folder / "console"),
                "DIASPORA_BUILD_MEMORY": "1",
                "DIASPORA_FETCH_PAUSE": "0",
                **self.variables,
            },
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def build(self, unit: str = "diaspora-build") -> "subprocess.CompletedProcess[str]":
        return self.run("build", unit)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for name in ("bin", "images", "data/state", "run", "groups"):
        (tmp_path / name).mkdir(parents=True)
    made = Machine(tmp_path, write_tree(pod_fragment(CONTEXT), tmp_path / "tree"))
    link_programs(tmp_path / "bin", PROGRAMS)
    for name, text in (("podman", PODMAN), ("systemctl", SYSTEMCTL), ("df", DF), ("skopeo", "#!/bin/bash\n")):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "free").write_text("9000\n")
    (tmp_path / "free-data").write_text(f"{1 << 30}\n")
    (tmp_path / "output").write_text(STEPS)
    (tmp_path / "architecture").write_text("amd64\n")
    return made


def test_image_is_built_once_and_kept(machine: Machine) -> None:
    done = machine.build()
    assert (done.returncode, done.stderr) == (0, "")
    assert f"pull --quiet -- {BASE}" in machine.calls
    (command,) = [call for call in machine.calls if call.startswith("--cgroup-manager")]
    assert f"--tag={IMAGE} --file={machine.tree}/etc/diaspora/build/Containerfile" in command
    # the layers of finished steps
    assert machine.calls.index("image prune --force") > machine.calls.index(command)
    begun, *stages, built = (machine.folder / "console").read_text().splitlines()
    assert begun.startswith(f"diaspora*: building the image {IMAGE}, which may take an hour; to see how far it is: ")
    assert (stages, built) == (
        ["diaspora*: building the image, stage 1 of 2"],
        f"diaspora*: the image {IMAGE} is built",
    )
    assert machine.calls[-1] == "systemctl start --no-block diaspora-image-archive.service"
    assert machine.run("status").stdout == ""

    assert machine.run("keep").returncode == 0
    digest = hashlib.sha256(machine.archive.read_bytes()).hexdigest()
    assert (machine.archive.parent / f"{machine.archive.name}.sha256").read_text() == (
        f"{digest}  {machine.archive.name}\n"
    )
    calls = len(machine.calls)
    for again in (machine.build(), machine.run("keep")):
        assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert {call.split(" --")[0] for call in machine.calls[calls:]} == {"image exists"}


def keep(machine: Machine) -> None:
    """The archive of an image that was built before."""
    machine.build()
    assert machine.run("keep").returncode == 0
    shutil.rmtree(machine.folder / "images")
    (machine.folder / "images").mkdir()
    (machine.folder / "calls").unlink()


def test_image_is_loaded_from_its_archive(machine: Machine) -> None:
    keep(machine)
    done = machine.build()
    assert (done.returncode, done.stdout) == (0, f"loading the image {IMAGE} from {machine.archive}\n")
    assert not machine.built()
    # nothing else is needed: no network, no room for a build
    assert not [call for call in machine.calls if call.startswith("pull")]


@pytest.mark.parametrize("damage", ["content", "digest", "no digest"])
def test_damaged_archive_is_refused(machine: Machine, damage: str) -> None:
    keep(machine)
    digest = machine.archive.parent / f"{machine.archive.name}.sha256"
    if damage == "content":
        machine.archive.write_text("imagE")
    elif damage == "digest":
        digest.write_text(f"{'0' * 64}  {machine.archive.name}\n")
    else:
        digest.unlink()
    done = machine.build()
    assert done.returncode == 0
    assert done.stdout.startswith(f"the archive {machine.archive} is damaged, and is not used\n")
    assert not [call for call in machine.calls if call.startswith("load")]
    assert machine.built()
    assert not machine.archive.exists()


class Web(http.server.BaseHTTPRequestHandler):
    """A web server with an archive, an endless file, and pages."""

    files: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/archive")
            self.end_headers()
            return
        if self.path not in self.files:
            self.send_error(404)
            return
        body = self.files[self.path]
        self.send_response(200)
        # a connection that ends too early
        self.send_header("Content-Length", str(len(body) + (100 if self.path == "/cut" else 0)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stays silent."""


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


FILES = {"/archive": b"image", "/cut": b"image", "/page": b"<html>", "/large": b"x" * 1_200_000, "/other": b"other"}


def offer(machine: Machine, url: str, content: bytes = b"image") -> None:
    """Let the settings of the machine name an archive."""
    Web.files, Web.asked[:] = FILES, []
    digest = hashlib.sha256(content).hexdigest()
    (machine.tree / "etc/diaspora/build/archive").write_text(f"{digest} {url}\n")


@pytest.mark.parametrize("path", ["/archive", "/moved"])
def test_archive_that_the_settings_name_takes_the_place_of_a_build(machine: Machine, web: str, path: str) -> None:
    offer(machine, f"{web}{path}")
    done = machine.build()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"fetching the image {IMAGE} from {web}{path}\nloading the image {IMAGE} from {machine.archive}\n"
    )
    assert not machine.built()
    assert (machine.folder / "images" / IMAGE.replace("/", "_")).exists()
    # it is kept, as one that the machine has built: a reinstallation fetches nothing
    (machine.folder / "images" / IMAGE.replace("/", "_")).unlink()
    Web.asked.clear()
    assert machine.build().stdout == f"loading the image {IMAGE} from {machine.archive}\n"
    assert Web.asked == []


OTHER_DIGEST = "has another SHA-256 than pod.imageArchive, and is not used"


@pytest.mark.parametrize(
    ("path", "content", "why", "tries"),
    [
        ("/archive", b"imagE", OTHER_DIGEST, 1),
        ("/page", b"image", OTHER_DIGEST, 1),
        ("/cut", b"image", "cannot be fetched (curl: (18) ", 3),
        (
            "/missing",
            b"image",
            "cannot be fetched (curl: (22) The requested URL returned error: 404), and is not used",
            3,
        ),
        ("/large", b"image", "is larger than the 1 MiB that the data partition has for it, and is not used", 1),
        ("/other", b"other", "has another image (Loaded image: localhost/diaspora:other), and is not used", 1),
        ("/page", b"<html>", "cannot be loaded: Error: payload does not match any of the supported image formats", 1),
        (None, b"image", "cannot be fetched (curl: (7) ", 0),
    ],
)
def test_archive_that_is_not_the_right_one_is_refused_and_the_machine_builds(
    machine: Machine, web: str, path: str | None, content: bytes, why: str, tries: int
) -> None:
    offer(machine, f"{web}{path}" if path else "http://127.0.0.1:9/archive", content)
    (machine.folder / "free-data").write_text(f"{(65 << 20) + 1024}\n")
    done = machine.build()
    assert (done.returncode, done.stderr) == (0, "")
    assert why in done.stdout
    assert why in (machine.folder / "console").read_text()
    assert len(Web.asked) == tries
    assert machine.built()
    # nothing of it is left
    assert list(machine.archive.parent.iterdir()) == []


def test_archive_leaves_room_for_the_pod(machine: Machine, web: str) -> None:
    offer(machine, f"{web}/archive")
    (machine.folder / "free-data").write_text(f"{50 << 20}\n")
    assert "is larger than the 0 MiB that the data partition has for it, and is not used" in machine.build().stdout
    assert list(machine.archive.parent.iterdir()) == []


def test_archive_for_another_architecture_is_refused(machine: Machine, web: str) -> None:
    offer(machine, f"{web}/archive")
    (machine.folder / "architecture").write_text("arm64\n")
    done = machine.build()
    assert f"{machine.archive} has an image for another architecture than amd64, and is not used" in done.stdout
    assert machine.built()


def test_archive_that_fills_the_disk_when_it_is_loaded_stays(machine: Machine, web: str) -> None:
    offer(machine, f"{web}/archive")
    podman = machine.folder / "bin/podman"
    podman.write_text(
        PODMAN.replace("image) echo", "image) echo 'Error: x: no space left on device' >&2; exit 125; echo")
    )
    (machine.folder / "free").write_text("100\n")
    done = machine.build()
    assert done.returncode == 1
    assert f"{machine.archive} cannot be loaded: Error: x: no space left on device" in done.stdout
    assert "needs about 5120 MiB on the system disk, and 100 MiB are free" in done.stderr
    podman.write_text(PODMAN)
    Web.asked.clear()
    assert machine.build().returncode == 0
    assert (Web.asked, machine.built()) == ([], False)


def test_small_machine_waits_for_the_right_archive(machine: Machine, web: str) -> None:
    offer(machine, f"{web}/page")
    machine.variables = {"DIASPORA_BUILD_MEMORY": str(1 << 30)}
    done = machine.build()
    assert done.returncode == 1
    assert OTHER_DIGEST in done.stdout
    Web.files = {"/page": b"image"}
    assert machine.build().returncode == 0


def test_interrupted_archive_is_written_again(machine: Machine) -> None:
    machine.build()
    (machine.folder / "no-save").touch()
    assert machine.run("keep").returncode == 1
    assert not machine.archive.exists()
    (machine.folder / "no-save").unlink()
    assert machine.run("keep").returncode == 0
    assert sorted(path.suffix for path in machine.archive.parent.iterdir()) == [".sha256", ".tar"]


def test_archive_needs_room(machine: Machine) -> None:
    machine.build()
    (machine.folder / "free-data").write_text("1000\n")
    done = machine.run("keep")
    assert done.returncode == 1
    assert done.stderr.startswith("the data partition has too little room: 0 MiB are free, the archive of the image ")
    assert not [call for call in machine.calls if call.startswith("save")]


def test_failed_build_says_where_and_is_told(machine: Machine) -> None:
    (machine.folder / "output").write_text(f"{STEPS}Error: building at STEP: exit status 7\n")
    (machine.folder / "result").write_text("7")
    done = machine.build()
    why = f"building the image {IMAGE} failed at {LAST}: Error: building at STEP: exit status 7"
    assert (done.returncode, done.stderr) == (1, f"{why} (see: diaspora-pod logs diaspora-build)\n")
    assert (machine.folder / "console").read_text().splitlines()[-1] == f"diaspora*: {done.stderr.rstrip()}"
    status = machine.run("status")
    assert status.returncode == 1
    assert f": {why}; see: diaspora-pod logs diaspora-build" in status.stdout
    assert machine.calls[-1] == "systemctl start --no-block diaspora-alert@diaspora-build.service"
    # what is finished stays for the next try
    assert "image prune --force" not in machine.calls
    # an upgrade tells it itself
    machine.build("diaspora-build-next")
    assert machine.calls[-1].startswith("--cgroup-manager")
    # the next try is the good one
    (machine.folder / "result").unlink()
    assert machine.build().returncode == 0
    assert (machine.run("status").returncode, machine.run("status").stdout) == (0, "")


def test_full_disk_is_named(machine: Machine) -> None:
    """In the words of podman, of coreutils, or of Ruby, with what is free after the step."""
    for words in (
        "tar: write error: No space left on device",
        "Error: committing the layer: write /var/tmp/x: no space left on device",
        "Errno::ENOSPC: No space left on device @ rb_sysopen",
    ):
        (machine.folder / "output").write_text(f"{STEPS}{words}\nError: building at STEP: exit status 2\n")
        (machine.folder / "result").write_text("2")
        done = machine.build()
        assert done.returncode == 1
        why = f"failed at {LAST}: the system disk ({machine.folder}) was full; 9000 MiB are free now; what takes room: "
        assert f"{why}sudo podman system df (see: " in done.stderr
    (machine.folder / "output").write_text(f"{STEPS}Error: building at STEP: exit status 2\n")
    assert "was full" not in machine.build().stderr


def test_image_is_built_again_from_the_beginning(machine: Machine) -> None:
    machine.build()
    calls = len(machine.calls)
    done = machine.run("again", "diaspora-build-again")
    assert (done.returncode, done.stderr) == (0, "")
    (command,) = [call for call in machine.calls[calls:] if call.startswith("--cgroup-manager")]
    # what a build that failed has left
    assert "image prune --force" in machine.calls[calls : machine.calls.index(command)]
    assert " --no-cache --pull=newer " in command
    assert {path.name for path in (machine.folder / "images").iterdir()} >= {
        IMAGE.replace("/", "_"),
        "localhost_diaspora:next",
    }
    # whoever asked for it tells a failure, and says why
    (machine.folder / "result").write_text("7")
    done = machine.run("again", "diaspora-build-again")
    assert (done.returncode, machine.calls[-1].startswith("systemctl")) == (1, False)
    assert (machine.folder / "run/diaspora-build/reason").read_text() == done.stderr.replace(
        " (see: diaspora-pod logs diaspora-build-again)", ""
    )
    assert machine.run("status").stdout == ""
    # finished steps of another build are none of it
    podman = machine.folder / "bin/podman"
    podman.write_text(PODMAN.replace('| "images --quiet")', ') ;;\n    "images --quiet") echo 0123456789ab'))
    (machine.folder / "free").write_text("5000\n")
    done = machine.run("again", "diaspora-build-again")
    assert "needs about 5120 MiB on the system disk, and 5000 MiB are free" in done.stderr


DAY = 86400


@pytest.mark.parametrize(
    ("built", "tried", "due"),
    [(31, None, True), (29, None, False), (31, 29, False), (61, 31, True), (-1, None, False), (None, None, False)],
)
def test_image_is_due_after_30_days_and_not_tried_again_before(
    machine: Machine, built: int | None, tried: int | None, due: bool
) -> None:
    now = int(time.time())
    if built is not None:
        (machine.folder / "images" / IMAGE.replace("/", "_")).touch()
        (machine.folder / "created").write_text(f"{now - built * DAY}\n")
    if tried is not None:
        (machine.folder / "data/state/image-refresh").write_text(f"{now - tried * DAY}\n")
    done = machine.run("due")
    assert (done.returncode, done.stdout, done.stderr) == (0 if due else 1, "", "")


def test_archive_of_an_older_build_is_written_again(machine: Machine) -> None:
    """Until the new one is complete, the old one stays, and is used."""
    machine.build()
    machine.run("keep")
    machine.archive.write_text("image")
    written = machine.archive.stat().st_ino
    assert machine.run("outdated").returncode == 0
    assert machine.calls[-1] == "systemctl start --no-block diaspora-image-archive.service"
    (machine.folder / "no-save").touch()
    assert machine.run("keep").returncode == 1
    assert machine.archive.stat().st_ino == written
    # after a power failure the next start of the pod goes on with it
    machine.build()
    assert machine.calls[-1] == "systemctl start --no-block diaspora-image-archive.service"
    (machine.folder / "no-save").unlink()
    assert machine.run("keep").returncode == 0
    assert machine.archive.stat().st_ino != written
    assert sorted(path.suffix for path in machine.archive.parent.iterdir()) == [".sha256", ".tar"]
    machine.build()
    assert "systemctl" not in machine.calls[-1]


def test_lack_of_memory_is_named(machine: Machine) -> None:
    group = Path("/proc/self/cgroup").read_text().split("0::", 1)[1].split("\n")[0].rsplit("/", 1)[0]
    events = machine.folder / f"groups{group}/memory.events"
    events.parent.mkdir(parents=True, exist_ok=True)
    events.write_text("oom 1\noom_kill 1\n")
    (machine.folder / "while-building").write_text(f"printf 'oom 2\\noom_kill 2\\n' > {events}\n")
    (machine.folder / "result").write_text("1")
    done = machine.build()
    assert f"failed at {LAST}: it needed more memory than a build may use" in done.stderr


def test_machine_that_is_too_small_says_what_is_missing(machine: Machine) -> None:
    (machine.folder / "free").write_text("5000\n")
    done = machine.build()
    assert done.returncode == 1
    assert "needs about 5120 MiB on the system disk, and 5000 MiB are free" in done.stderr
    (machine.folder / "free").write_text("6000\n")
    machine.variables = {"DIASPORA_BUILD_MEMORY": str(1 << 30)}
    done = machine.build()
    assert f"needs about {1 << 30} MiB of memory and swap, and " in done.stderr
    assert not machine.built()


def test_build_that_was_interrupted_needs_less_room(machine: Machine) -> None:
    podman = machine.folder / "bin/podman"
    podman.write_text(PODMAN.replace('| "images --quiet")', ') ;;\n    "images --quiet") echo 0123456789ab'))
    (machine.folder / "free").write_text("2000\n")
    assert machine.build().returncode == 0


def test_status_shows_the_step(machine: Machine) -> None:
    program = machine.tree / LIBEXEC / "build-image"
    # the end of the output reaches the reader a moment later
    (machine.folder / "while-building").write_text(
        f"for try in {{1..50}}; do bash {program} status > {machine.folder}/status\n"
        f'    [[ $(< {machine.folder}/status) != *"step 2"* ]] || break; sleep 0.1; done\n'
    )
    assert machine.build().returncode == 0
    text = (machine.folder / "status").read_text()
    assert text.startswith("image of diaspora*       is being built since 20")
    assert text.endswith(f": {LAST}\n")


def test_status_does_not_fail_while_a_build_begins_or_ends(machine: Machine) -> None:
    (machine.folder / "run/diaspora-build").mkdir()
    with (machine.folder / "run/diaspora-build/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = machine.run("status")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "image of diaspora*       is being built since now: the beginning\n"


def test_image_that_is_there_waits_for_no_build(machine: Machine) -> None:
    """A web server that starts again while an upgrade builds the next image."""
    machine.build()
    lock = machine.folder / "run/diaspora-build/lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert machine.build().returncode == 0


def test_upgrade_keeps_images_and_archives_of_two_versions(machine: Machine) -> None:
    """Not that of a version that was rolled back, of which nothing else remembers the image."""
    folder = machine.archive.parent
    folder.mkdir(parents=True)
    before = machine.folder / "before/etc/diaspora"
    before.mkdir(parents=True)
    (before / "images.conf").write_text("diaspora localhost/diaspora:0.9.1.0-bbb\n")
    names = (machine.archive.name, "diaspora-0.9.1.0-bbb.tar", "diaspora-0.9.0.0-ccc.tar")
    images = {IMAGE, "localhost/diaspora:0.9.1.0-bbb", "localhost/diaspora:0.9.2.0-rolled-back", "mine:1"}
    for image in images:
        (machine.folder / "images" / image.replace("/", "_")).touch()
    for name in names:
        (folder / name).touch()
        (folder / f"{name}.sha256").touch()
    (folder / f"{names[2]}.outdated").touch()
    assert machine.run(program="remove-images").returncode == 0
    assert (len(list(folder.iterdir())), len(list((machine.folder / "images").iterdir()))) == (7, 4)
    assert machine.run(str(before.parents[1]), program="remove-images").returncode == 0
    assert {path.name for path in folder.iterdir()} == {*names[:2], *(f"{name}.sha256" for name in names[:2])}
    left = {path.name.replace("_", "/") for path in (machine.folder / "images").iterdir()}
    assert left == {IMAGE, "localhost/diaspora:0.9.1.0-bbb", "mine:1"}


def test_own_image_needs_no_build() -> None:
    assert not [path for path in files(pod_fragment(pod_context())) if "build" in path]
    unit = files(pod_fragment(CONTEXT))["/etc/systemd/system/diaspora-build.service"]
    assert "TimeoutStartSec=infinity" in unit


def test_shellcheck_reports_nothing(machine: Machine, require_program: RequireProgram) -> None:
    program = machine.tree / LIBEXEC / "build-image"
    words = [require_program("shellcheck", "shellcheck"), program]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
