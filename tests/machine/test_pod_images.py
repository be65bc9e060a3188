"""Pulls of images, and the removal of old ones: the programs, with a podman that has a registry and a store."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.host.aws_pod import aws_context
from tests.host.pod import LIBEXEC, containers, files, pod_context, pod_fragment, values, write_tree
from tests.machine.pod_programs import RequireProgram, link_programs
from tests.support.configs import mail

DIASPORA, REDIS = "registry.example.org/diaspora:0.9.1.0", "docker.io/library/redis:7.4-bookworm"
GIB = 1048576
PROGRAMS = ("bash", "flock", "jq", "mkdir", "mv", "rm", "sleep", "tail", "timeout")
# The store is a folder with a file for each image; a file of the registry says how the pull goes.
PODMAN = """#!/bin/bash
echo "$*" >> "$STORE/calls"
image=${*: -1}
file=${image//\\//_}
case "$1 $2" in
    "image exists") [[ -e $STORE/images/$file ]] ;;
    "image rm") [[ ! -e $STORE/in-use/$file ]] || exit 2; rm "$STORE/images/$file" ;;
    "image prune") ;;
    "tag "*) cp "$STORE/images/${2//\\//_}" "$STORE/images/${3//\\//_}" ;;
    "untag "*) rm "$STORE/images/${3//\\//_}" ;;
    "pull --quiet")
        echo one >> "$STORE/running"
        [[ $(wc -l < "$STORE/running") == 1 ]] || echo "two pulls at once" >> "$STORE/mistakes"
        echo $((${USED:-5000000} + 512000)) > "$STORE/used"
        sleep "${SECONDS_OF_PULL:-0}"
        rm "$STORE/running"
        [[ -e $STORE/registry/$file ]] || { printf 'Trying to pull\\nError: no such host\\n' >&2; exit 125; }
        echo > "$STORE/images/$file"
        ;;
    *) exit 125 ;;
esac
"""
DF = """#!/bin/bash
echo Size
case $* in
    *avail*) echo $(($(< "$STORE/free"))) ;;
    *used*) cat "$STORE/used" ;;
esac
"""
SKOPEO = """#!/bin/bash
echo "skopeo $*" >> "$STORE/calls"
cat "$STORE/manifest"
"""


# What the stack says of its images: nothing yet where the test wants it, else where the image is.
STACK_IMAGE = """#!/bin/bash
echo "stack-image $1" >> "$STORE/calls"
if [[ -s $STORE/builds ]]; then
    read -r status < "$STORE/builds"
    sed -i 1d "$STORE/builds"
    echo "AWS builds the image $1" >&2
    exit "$status"
fi
echo secret > "$2"
echo {source}
"""
SOURCE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/pod-diaspora@sha256:0123"
BUILT = "localhost/diaspora:0.9.1.0-0123456789ab"


@dataclass
class Store:
    """A machine with some images, a registry and a system disk."""

    folder: Path
    tree: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def images(self) -> set[str]:
        return {path.name.replace("_", "/") for path in (self.folder / "images").iterdir()}

    def put(self, folder: str, *images: str) -> None:
        for image in images:
            (self.folder / folder / image.replace("/", "_")).touch()

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        bash = shutil.which("bash")
        assert bash
        program, *rest = arguments
        return subprocess.Popen(
            [bash, self.tree / LIBEXEC / program, *rest],
            env={
                "PATH": str(self.folder / "bin"),
                "STORE": str(self.folder),
                "DIASPORA_CONFIGURATION": str(self.tree / "etc/diaspora"),
                "DIASPORA_DATA": str(self.folder / "data"),
                "DIASPORA_RUN": str(self.folder),
                "DIASPORA_SYSTEM": str(self.folder),
                "DIASPORA_PULL_PAUSE": "0.2",
                **self.variables,
            },
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path, write_tree(pod_fragment(pod_context()), tmp_path / "tree"))
    for name in ("bin", "images", "registry", "in-use", "data/state"):
        (tmp_path / name).mkdir(parents=True)
    link_programs(tmp_path / "bin", (*PROGRAMS, "wc", "cat", "cp"))
    for name, text in (("podman", PODMAN), ("df", DF), ("skopeo", SKOPEO)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "free").write_text(str(8 * GIB))
    (tmp_path / "used").write_text("5000000")
    # 600 MiB compressed, of which jq makes KiB
    (tmp_path / "manifest").write_text('{"LayersData": [{"Size": 104857600}, {"Size": 524288000}]}')
    made.put("registry", DIASPORA, REDIS)
    return made


def test_pull_says_how_far_it_is(store: Store) -> None:
    store.variables = {"SECONDS_OF_PULL": "3", "DIASPORA_PULL_INTERVAL": "1"}
    done = store.run("pull-image", "wait", "redis")
    assert (done.returncode, done.stderr) == (0, "")
    first, *progress, last = done.stdout.splitlines()
    assert first == f"pulling {REDIS} of 600 MiB compressed"
    assert 1 <= len(progress) <= 3
    assert all(re.fullmatch(rf"pulling {REDIS}: 500 MiB on the disk after [1-4] s", line) for line in progress)
    assert last.startswith(f"{REDIS} is there after ")
    assert store.images == {REDIS}


def test_image_that_is_there_needs_no_network(store: Store) -> None:
    store.put("images", REDIS)
    done = store.run("pull-image", "wait", "redis")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert store.calls == [f"image exists -- {REDIS}"]


def test_pull_is_repeated_until_the_registry_answers(store: Store) -> None:
    (store.folder / "registry" / REDIS.replace("/", "_")).unlink()
    process = store.start("pull-image", "wait", "redis")
    end = time.monotonic() + 30
    while store.calls.count(f"pull --quiet -- {REDIS}") < 2:
        assert process.poll() is None and time.monotonic() < end, store.calls
        time.sleep(0.05)
    store.put("registry", REDIS)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert set(errors.splitlines()) == {f"the image {REDIS} cannot be pulled: Error: no such host"}
    assert store.images == {REDIS}


def test_one_try_fails_in_one_line(store: Store) -> None:
    done = store.run("pull-image", "now", "registry.example.org/other:1")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr == "the image registry.example.org/other:1 cannot be pulled: Error: no such host\n"


def test_one_image_at_a_time(store: Store) -> None:
    """Two pulls would each find the room that the other takes."""
    store.variables = {"SECONDS_OF_PULL": "1"}
    processes = [store.start("pull-image", "wait", name) for name in ("redis", "diaspora")]
    for process in processes:
        process.communicate(timeout=30)
        assert process.returncode == 0
    assert not (store.folder / "mistakes").exists()
    assert store.images == {REDIS, DIASPORA}


def test_pull_without_room_is_refused_with_what_is_missing(store: Store) -> None:
    (store.folder / "free").write_text(str(2 * GIB))
    done = store.run("pull-image", "now", REDIS)
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"the system disk has too little room for the image {REDIS}: 2.5 GiB are needed, 2.0 GiB are free, 0.5 GiB are"
        " missing; what takes room: sudo podman system df;"
    )
    assert not [call for call in store.calls if call.startswith("pull")]
    # the service waits, and goes on as soon as there is room
    process = store.start("pull-image", "wait", "redis")
    time.sleep(1)
    assert process.poll() is None
    (store.folder / "free").write_text(str(3 * GIB))
    process.communicate(timeout=30)
    assert (process.returncode, store.images) == (0, {REDIS})


@pytest.mark.parametrize("manifest", ["", "Error: no such host", "{}"])
def test_unknown_size_needs_room_for_a_small_image(store: Store, manifest: str) -> None:
    (store.folder / "manifest").write_text(manifest)
    (store.folder / "free").write_text(str(GIB))
    done = store.run("pull-image", "now", REDIS)
    assert "1.2 GiB are needed, 1.0 GiB are free, 0.2 GiB are missing" in done.stderr
    (store.folder / "free").write_text(str(2 * GIB))
    done = store.run("pull-image", "now", REDIS)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"pulling {REDIS}")


def test_lack_of_room_removes_images_of_earlier_versions(store: Store) -> None:
    old = "registry.example.org/diaspora:0.8"
    store.put("images", old, DIASPORA, "docker.io/library/mine:1")
    (store.folder / "data/state/images").write_text(f"{old}\n{DIASPORA}\n")
    free = f"{2 * GIB} + ($(ls {store.folder}/images | wc -l) < 3 ? {GIB} : 0)"
    (store.folder / "bin/ls").symlink_to(shutil.which("ls") or "")
    (store.folder / "bin/df").write_text(DF.replace('$(($(< "$STORE/free")))', f"$(({free}))"))
    done = store.run("pull-image", "now", REDIS)
    assert (done.returncode, done.stderr) == (0, "")
    assert store.images == {DIASPORA, REDIS, "docker.io/library/mine:1"}


def test_stopped_pull_is_started_again(store: Store) -> None:
    store.variables = {"SECONDS_OF_PULL": "20"}
    process = store.start("pull-image", "wait", "redis")
    while not (store.folder / "running").exists():
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=10) == 1
    # as systemd does: what is left of the control group
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    (store.folder / "running").unlink()
    store.variables = {}
    assert store.run("pull-image", "wait", "redis").returncode == 0


@pytest.fixture
def stack(store: Store) -> Store:
    """A machine on AWS whose stack builds the image of diaspora*."""
    (store.tree / LIBEXEC / "stack-image").write_text(STACK_IMAGE.format(source=SOURCE))
    (store.folder / "bin/sed").symlink_to(shutil.which("sed") or "")
    store.put("registry", SOURCE)
    return store


def test_image_of_the_stack_gets_the_name_that_the_pod_knows(stack: Store) -> None:
    done = stack.run("pull-image", "now", BUILT)
    assert (done.returncode, done.stderr) == (0, "")
    assert stack.images == {BUILT}
    (login,) = {word for call in stack.calls for word in call.split() if word.endswith(".auth")}
    assert f"pull --quiet --authfile {login} -- {SOURCE}" in stack.calls
    assert f"skopeo inspect --no-tags --authfile {login} docker://{SOURCE}" in stack.calls
    assert not Path(login).exists()
    # and other images need none
    assert stack.run("pull-image", "now", REDIS).returncode == 0
    assert f"pull --quiet -- {REDIS}" in stack.calls


def test_image_without_the_name_that_the_pod_knows_is_a_failure(stack: Store) -> None:
    podman = stack.folder / "bin/podman"
    podman.write_text(podman.read_text().replace('"tag "*)', '"tag "*) exit 125 ;;\n    "never "*)'))
    done = stack.run("pull-image", "now", BUILT)
    assert done.returncode == 1
    assert "is there after" not in done.stdout
    assert SOURCE in stack.images


def test_upgrade_waits_for_an_image_that_is_built(stack: Store) -> None:
    (stack.folder / "builds").write_text("75\n75\n")
    done = stack.run("pull-image", "now", BUILT)
    assert (done.returncode, done.stderr) == (0, f"AWS builds the image {BUILT}\n" * 2)
    assert stack.images == {BUILT}
    # not for one whose build has failed
    (stack.folder / "builds").write_text("75\n1\n")
    done = stack.run("pull-image", "next", BUILT)
    assert done.returncode == 1
    assert stack.calls.count(f"stack-image {BUILT}") == 5
    assert stack.images == {BUILT}
    assert stack.run("pull-image", "next", BUILT).returncode == 0
    assert stack.images == {BUILT, "localhost/diaspora:next"}


def version(folder: Path, images: Mapping[str, str]) -> Path:
    (folder / "etc/diaspora").mkdir(parents=True, exist_ok=True)
    text = "".join(f"{name} {reference}\n" for name, reference in images.items())
    (folder / "etc/diaspora/images.conf").write_text(f"# a comment\n{text}")
    return folder


def test_upgrade_keeps_the_images_of_two_versions(store: Store) -> None:
    """Three upgrades; an image of the podmin is never touched."""
    mine = "docker.io/library/mine:1"
    versions = [{"diaspora": f"registry.example.org/diaspora:{number}", "redis": REDIS} for number in range(4)]
    store.put("images", mine, *{image for each in versions for image in each.values()})
    for number in (1, 2, 3):
        version(store.tree, versions[number])
        before = version(store.folder / "before", versions[number - 1])
        done = store.run("remove-images", before)
        assert (done.returncode, done.stderr) == (0, "")
        kept = {f"registry.example.org/diaspora:{left}" for left in range(number - 1, 4)}
        assert store.images == {mine, REDIS, *kept}


def test_image_in_use_is_kept_and_removed_later(store: Store) -> None:
    old = "registry.example.org/diaspora:0.8"
    store.put("images", old)
    store.put("in-use", old)
    (store.folder / "data/state/images").write_text(f"{old}\n")
    assert store.run("remove-images").returncode == 0
    assert old in store.images
    (store.folder / "in-use" / old.replace("/", "_")).unlink()
    assert store.run("remove-images").returncode == 0
    assert store.images == set()


CONTEXTS = {
    "least": pod_context(),
    "built": pod_context(image=None),
    "relay": pod_context(
        mail={"senderAddress": "a@pod.example.org", "relay": {"image": "registry.example.org/relay:1"}},
        monitoring={"nodeExporter": True, "podmanExporter": True},
        tls={"mode": "own"},
    ),
    "backup": pod_context(mail=mail(), backup={}, secrets={"backupPassword": "x", "smtpPassword": "x"}),
    "bucket": aws_context(),
    "stack": aws_context(pod_changes={"image": None}, uploadsImage=None),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_every_container_waits_for_its_image(name: str) -> None:
    fragment = pod_fragment(CONTEXTS[name])
    texts = files(fragment)
    rows = [line.split() for line in texts["/etc/diaspora/images.conf"].splitlines() if not line.startswith("#")]
    images = {reference: image for image, reference in rows}
    assert len(images) == len(rows)
    for container, sections in containers(fragment).items():
        (reference,) = values(sections["Container"], "Image")
        folder = "diaspora-" if container.startswith("diaspora-") else container
        text = texts[f"/etc/containers/systemd/{folder}.container.d/15-image.conf"]
        unit = f"diaspora-image@{images[reference]}.service"
        assert text == f"[Unit]\nRequires={unit}\nAfter={unit}\n"
    # and so does what starts one by a program
    for path, program in (
        ("diaspora-signing-key", "diaspora"),
        ("diaspora-backup", "restic"),
        ("diaspora-backup-check", "restic"),
        ("diaspora-restore", "restic"),
        ("diaspora-restore-first", "restic"),
    ):
        if text := texts.get(f"/etc/systemd/system/{path}.service"):
            unit = f"diaspora-image@{program}.service"
            assert re.search(f"^Requires=.*{unit}", text, re.MULTILINE), path
            assert re.search(f"^After=.*{unit}", text, re.MULTILINE), path
    assert ("/etc/systemd/system/diaspora-backup.service" in texts) is (name == "backup")
    assert "TimeoutStartSec=infinity" in texts["/etc/systemd/system/diaspora-image@.service"]
    # every image that a program starts is among them; an upgrade has names of its own for other builds
    for path, text in texts.items():
        if path.startswith(f"/{LIBEXEC}/"):
            text = re.sub(r"localhost/(?:diaspora|s3fs):(?:next|before)\b", "", text)
            for reference in re.findall(r"(?:docker\.io|quay\.io|registry\.example\.org|localhost)/\S+:[\w.-]+", text):
                assert reference in images, path


def test_shellcheck_reports_nothing(store: Store, require_program: RequireProgram) -> None:
    programs = [store.tree / LIBEXEC / name for name in ("pull-image", "remove-images")]
    done = subprocess.run(
        [require_program("shellcheck", "shellcheck"), *programs], capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
