"""Whole pods that really start, on machines in namespaces (tests/support/pod_machine.py)."""

import json
import os
import re
import time
from pathlib import Path

import pytest

from diaspora_infra.config.images import DIASPORA_COMMITS, DIASPORA_VERSION
from tests.conftest import skip_unless
from tests.machine.former import FORMER
from tests.machine.pod_assertions import DATA, assert_runs, config, page, wait_for_archive
from tests.support.built_image import STEPS, stand_in
from tests.support.ignition_root import Ignition
from tests.support.pod_machine import data_disk, installed
from tests.support.trixie import TrixieMachine

SECRETS = ("database_password", "redis_password", "secret_key_base", "oidc_key.pem", "admin_password")


@pytest.fixture(autouse=True)
def needs_root() -> None:
    skip_unless(os.geteuid() == 0, "needs root: namespaces and mounts")


def with_bundle_of(machine: Ignition, pod: Ignition) -> Ignition:
    """The machine's own part of one config with the bundle of another."""
    merged = [pod["ignition"]["config"]["merge"][0], *machine["ignition"]["config"]["merge"][1:]]
    return {**machine, "ignition": {**machine["ignition"], "config": {"merge": merged}}}


def secrets(machine: TrixieMachine) -> dict[str, bytes]:
    """The secrets that the machine has generated."""
    folder = machine.root / DATA.lstrip("/") / "secrets"
    return {name: (folder / name).read_bytes() for name in SECRETS}


def owners(machine: TrixieMachine) -> dict[str, set[int]]:
    """The owners of everything below the folders of the data partition that containers write to."""
    data = machine.root / DATA.lstrip("/")
    folders = ("postgresql", "redis", "log", "uploads", "public")
    return {name: {path.lstat().st_uid for path in (data / name, *(data / name).rglob("*"))} for name in folders}


HANGING = "RUN sleep 1000"
BUILD = "/etc/diaspora/build/Containerfile"
BUILDER = "/usr/local/libexec/diaspora/build-image"
STORE = "/var/lib/containers"
REFRESH = "diaspora-image-refresh.service"


def wait_for(machine: TrixieMachine, text: str, seconds: float = 300) -> str:
    """The line of the status that has this text about the build, as soon as it is there."""
    end = time.monotonic() + seconds
    while True:
        # which is a part of the status; the whole starts podman a dozen times
        shown = machine.attempt("bash", BUILDER, "status").stdout
        if text in shown:
            shown = machine.attempt("diaspora-pod", "status").stdout
            if found := [line for line in shown.splitlines() if text in line]:
                return found[0]
        assert time.monotonic() < end, (text, shown)
        time.sleep(0.3)


def sleeping_in(machine: TrixieMachine, group: str) -> str:
    """The process that sleeps in a control group, once crun has started it there."""
    end = time.monotonic() + 120
    while True:
        processes = machine.attempt("cat", f"{group}/cgroup.procs").stdout.split()
        for process in processes:
            if machine.attempt("cat", f"/proc/{process}/cmdline").stdout.startswith("sleep\0"):
                return process
        assert time.monotonic() < end, processes
        time.sleep(0.2)


def interrupted_build(machine: TrixieMachine) -> None:
    """The first start, while the containers of diaspora* wait for their image: a build that is cut, fails, fills the
    disk, and ends."""
    assert wait_for(machine, HANGING).endswith(": stage 2 of 2, step 5 of 6 (RUN sleep 1000)")
    # the limits of the unit reach the step: its control group is below that of the unit
    pid = sleeping_in(machine, "/sys/fs/cgroup/system.slice/diaspora-build.service/step")
    assert machine.run("cat", f"/proc/{pid}/oom_score_adj") == "900\n"
    assert machine.run("ionice", f"--pid={pid}") == "idle\n"
    # cut, and then a step that fails
    steps = machine.root / BUILD.lstrip("/")
    written = steps.read_text(encoding="utf-8")
    machine.put(BUILD, written.replace(HANGING, "RUN exit 7"))
    machine.run("systemctl", "kill", "--signal=KILL", "diaspora-build.service")
    line = wait_for(machine, "failed at stage 2 of 2, step 5 of 6 (RUN exit 7): ")
    assert line.endswith("while running runtime: exit status 7; see: diaspora-pod logs diaspora-build")
    # a step that needs more room than there is; enough for a build that goes on
    used = int(machine.run("df", "--block-size=1M", "--output=used", STORE).split()[1])
    machine.run("mount", "-o", f"remount,size={used + 1200}M", STORE)
    machine.put(BUILD, written.replace(HANGING, "RUN head -c 2G /dev/zero > /srv/too-large"))
    line = wait_for(machine, "was full")
    assert " failed at stage 2 of 2, step 5 of 6 (RUN head -c 2G " in line
    # what the step had written is gone
    assert 1000 < int(line.split("the system disk (/var) was full; ")[1].split(" MiB are free now")[0]) < 1300
    assert machine.run("systemctl", "is-active", "postgresql", "redis").split() == ["active", "active"]
    machine.put(BUILD, written.replace(HANGING, "RUN true"))
    machine.run("mount", "-o", "remount,size=50%", STORE)


def assert_was_built(machine: TrixieMachine) -> None:
    """The image has the content of all steps, those of the build that was cut too, and is kept."""
    show = ("podman", "exec", "diaspora-web", "cat")
    assert machine.run(*show, "/srv/diaspora/gems", "/srv/diaspora/commit").splitlines() == [
        "gems",
        DIASPORA_COMMITS[DIASPORA_VERSION],
    ]
    log = machine.run("diaspora-pod", "logs", "diaspora-build", "--output=cat")
    assert log[log.rindex("[1/2] STEP 1/2: ") :].count("--> Using cache ") == 4
    assert "working-container" not in machine.run("podman", "ps", "--all", "--external")
    # nobody has set pod.mail: the alert is in the journal, once
    alerts = machine.run("journalctl", "--unit=diaspora-alert@diaspora-build", "--output=cat", "--no-pager")
    assert alerts.count("alert for the podmin: diaspora-build has failed") == 1
    console = (machine.root / "dev/console").read_text(encoding="utf-8").splitlines()
    assert console[0].startswith("diaspora*: building the image localhost/diaspora:0.9.1.0-")
    assert console[-1].endswith(" is built")
    wait_for_archive(machine)


def image_of(machine: TrixieMachine, container: str = "diaspora-web") -> str:
    """The id of the image that a container runs."""
    return machine.run("podman", "inspect", "--format={{.Image}}", container).strip()


def archive(machine: TrixieMachine) -> dict[str, bytes]:
    """The files of the archive of the image, but for the image itself."""
    folder = machine.root / DATA.lstrip("/") / "images"
    # what is new is being written
    files = [path for path in folder.iterdir() if path.suffix != ".new"]
    return {path.name: path.read_bytes() if path.suffix != ".tar" else b"" for path in files}


def refresh(machine: TrixieMachine) -> None:
    """Another build of the image fails, and runs at last; the one of before stays until then."""
    first, kept = image_of(machine), archive(machine)
    reference = next(
        line.split()[1]
        for line in machine.run("cat", "/etc/diaspora/images.conf").splitlines()
        if " localhost/" in line
    )
    assert machine.run("podman", "image", "inspect", "--format={{.Created.Unix}}", reference).strip().isdigit()
    # it is not due
    machine.run("systemctl", "start", REFRESH)
    assert machine.run("systemctl", "show", "--property=Result", "--value", REFRESH) == "exec-condition\n"
    machine.put(f"/run/systemd/system/{REFRESH}.d/due.conf", "[Service]\nExecCondition=\n")
    machine.run("systemctl", "daemon-reload")
    machine.put(BUILD, STEPS.replace("RUN echo assets", "RUN exit 7; echo assets"))
    assert machine.attempt("systemctl", "start", REFRESH, seconds=300).returncode == 1
    assert (image_of(machine), archive(machine)) == (first, kept)
    machine.run("systemctl", "reset-failed", REFRESH)
    alerts = machine.run("journalctl", "--unit=diaspora-alert@diaspora-image-refresh", "--output=cat", "--no-pager")
    assert "alert for the podmin: diaspora-image-refresh has failed" in alerts
    assert "step 3 of 5 (RUN exit 7; echo assets " in alerts
    machine.put(BUILD, STEPS)
    machine.run("diaspora-pod", "upgrade", "--rebuild", seconds=300)
    page(machine, "/.well-known/nodeinfo")
    second = image_of(machine)
    assert second != first
    assert image_of(machine, "diaspora-sidekiq") == second
    end = time.monotonic() + 60
    while len(found := archive(machine)) != 2 or found == kept:
        assert time.monotonic() < end, found
        time.sleep(0.3)
    wait_for_archive(machine)
    # nothing of the first build is left, and no other name of the second
    images = machine.run("podman", "images", "--all", "--no-trunc", "--format={{.ID}} {{.Repository}}:{{.Tag}}")
    assert first not in images
    (built,) = [line for line in images.splitlines() if "localhost/diaspora:" in line]
    assert built == f"sha256:{second.removeprefix('sha256:')} {reference}"
    assert machine.run("podman", "images", "--quiet", "--filter=dangling=true") == ""


@pytest.mark.timeout(900)
def test_machine_of_former_version_is_upgraded_and_reinstalled(tmp_path: Path, memory_path: Path) -> None:
    """By its own programs, which have to accept the bundle of today. It starts after a power failure, and after a
    reinstallation."""
    former = json.loads(FORMER.read_text(encoding="utf-8"))
    today = config()
    with installed(former, data_disk(memory_path / "data.img"), tmp_path / "machine") as pod:
        with pod.started() as machine:
            assert_runs(machine)
            made = secrets(machine)
            assert owners(machine)["postgresql"] == {999}
            # what a change of the machine's own part needs, is said
            machine.put("/root/today.ign", json.dumps(today))
            done = machine.attempt("diaspora-pod", "upgrade", "/root/today.ign")
            assert (done.returncode, "reinstall needed: " in done.stderr) == (1, True), done
            # and what its programs cannot do: they would have to build the image
            machine.put("/root/today.ign", json.dumps(with_bundle_of(former, config(image=None))))
            done = machine.attempt("diaspora-pod", "upgrade", "/root/today.ign", seconds=300)
            assert done.returncode == 1
            assert done.stderr.splitlines()[-1].startswith("upgrade failed: the image localhost/diaspora:0.9.1.0-"), (
                done
            )
            assert done.stderr.endswith(" cannot be pulled\n")
            assert_runs(machine)
            machine.put("/root/today.ign", json.dumps(with_bundle_of(former, today)))
            done = machine.attempt("diaspora-pod", "upgrade", "/root/today.ign", seconds=300)
            assert done.returncode == 0, done
            assert_runs(machine)
            assert re.search(r"^last upgrade .* done: ", machine.run("diaspora-pod", "status"), re.MULTILINE)
        with pod.started() as machine:
            assert_runs(machine)
            found = owners(machine)
            assert found == {"postgresql": {811}, "redis": {812}, "log": {813}, "uploads": {813}, "public": {813}}
            assert secrets(machine) == made
    # without pod.image, the machine builds one when it is reinstalled
    with stand_in(STEPS.replace('RUN echo "${SOURCE', f'{HANGING}\nRUN echo "${{SOURCE')):
        building = config(image=None, imageRefresh=True, host={"memoryMib": 4096, "storage": {"rootGib": 14}})
    with installed(building, pod.data, tmp_path / "building") as again, again.started(interrupted_build) as machine:
        assert_runs(machine)
        assert_was_built(machine)
    # from the archive: a build would hang
    with installed(building, pod.data, tmp_path / "reinstalled") as again, again.started() as machine:
        assert_runs(machine)
        assert secrets(machine) == made
        assert "loading the image localhost/diaspora:" in machine.run("diaspora-pod", "logs", "diaspora-build")
        # neither is done twice
        once = ("diaspora-migrate.service", "diaspora-administrator.service")
        assert machine.run("systemctl", "show", "--property=ConditionResult", "--value", *once).split() == ["no", "no"]
        refresh(machine)
