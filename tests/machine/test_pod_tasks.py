"""Tasks of the podmin in a container of the application, and the application's own log."""

import fcntl
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.host.pod import LIBEXEC, containers, files, pod_context, pod_fragment, values, write_tree
from tests.machine.pod_backup import PASSWORD, Pod
from tests.machine.test_pod_postgresql import Postgresql
from tests.support.processes import stop

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may run diaspora-pod")

FRAGMENT = pod_fragment(pod_context(backup={}, secrets={"backupPassword": PASSWORD}))
# a server that nobody asks
NO_SERVER = Postgresql(0, Path("/nowhere"), Path("/nowhere"))
PROGRAM = """#!/bin/bash
read -r line
printf '%s|' "${0##*/}" "$@" "$line"
exit 7
"""
RESTART = "systemctl restart diaspora-task.service"
STOP = "systemctl stop diaspora-task.service"


@pytest.fixture
def here(tmp_path: Path) -> Pod:
    pod = Pod(tmp_path, write_tree(FRAGMENT, tmp_path / "tree"), NO_SERVER, 0, "")
    pod.prepare()
    (tmp_path / "run").mkdir()
    (pod.record / "task/bin").mkdir(parents=True)
    for name in ("rake", "rails"):
        program = pod.record / "task/bin" / name
        program.write_text(PROGRAM)
        program.chmod(0o755)
    (pod.data / "log").mkdir()
    pod.extra = {"DIASPORA_RUN": str(tmp_path / "run")}
    (pod.record / "calls").unlink()
    return pod


def given(pod: Pod, text: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run diaspora-pod with this on its standard input."""
    environment = {
        "PATH": str(pod.folder / "bin"), "DIASPORA_DATA": str(pod.data), "DIASPORA_PROGRAMS": str(pod.tree / LIBEXEC),
        **pod.extra,
    }  # fmt: skip
    return subprocess.run(
        ["bash", pod.tree / "usr/local/bin/diaspora-pod", *arguments],
        env=environment, input=text, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


class TestTask:
    def test_task_gets_arguments_input_and_a_container_of_its_own(self, here: Pod) -> None:
        done = given(here, "yes\n", "rake", "accounts:migration[a b,$c]", "-q")
        assert (done.returncode, done.stderr) == (7, "")
        assert done.stdout == "rake|accounts:migration[a b,$c]|-q|yes|"
        assert [here.calls[0], here.calls[-1]] == [RESTART, STOP]
        assert here.calls[1].startswith("podman exec --interactive diaspora-task bash -c ")
        assert (here.record / "task/tmp/pids").is_dir()

    def test_console_is_that_of_rails(self, here: Pod) -> None:
        assert given(here, "1 + 1\n", "console").stdout == "rails|console|1 + 1|"
        assert here.calls[-1] == STOP

    def test_container_that_does_not_start_is_named(self, here: Pod) -> None:
        here.fault("restart diaspora-task", "fail")
        done = here.command("rake", "x")
        assert (done.returncode, done.stderr) == (
            2,
            "diaspora-pod: the container does not start; see: diaspora-pod logs diaspora-task\n",
        )
        assert here.calls == [RESTART, STOP]

    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("run/diaspora-task.lock", "another task or console is running"),
            ("data/state", "the pod is being upgraded or restored; try again later"),
        ],
    )
    def test_one_at_a_time_and_not_during_an_upgrade(self, here: Pod, path: str, words: str) -> None:
        lock = here.folder / path
        if not lock.is_dir():
            lock.touch()
        opened = os.open(lock, os.O_RDONLY)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX)
            done = here.command("rake", "x")
        finally:
            os.close(opened)
        assert (done.returncode, done.stderr) == (2, f"diaspora-pod: {words}\n")
        assert here.calls == []
        assert here.command("rake", "x").returncode == 7

    def test_upgrade_can_begin_while_a_console_is_open(self, here: Pod) -> None:
        (here.record / "task/bin/rake").write_text("#!/bin/bash\nexec flock --nonblock $1 true\n")
        assert here.command("rake", str(here.data / "state")).returncode == 0

    def test_task_without_a_name_is_refused(self, here: Pod) -> None:
        done = here.command("rake")
        assert (done.returncode, done.stderr) == (
            2,
            "diaspora-pod: a task is missing; diaspora-pod rake -T lists them\n",
        )

    def test_container_is_the_application_s_and_starts_only_by_hand(self) -> None:
        found = containers(FRAGMENT)
        task, web = found["diaspora-task"], found["diaspora-web"]
        for key in ("Image", "Secret", "Network", "User", "Group", "WorkingDir", "ReadOnly"):
            assert values(task["Container"], key) == values(web["Container"], key)
        assert "Install" not in task
        assert not values(task["Service"], "Restart")
        assert "diaspora-task.service" in files(FRAGMENT)[f"/{LIBEXEC}/upgrade"], "it is stopped before the dump"


class TestApplicationLog:
    def test_last_lines_are_shown(self, here: Pod) -> None:
        (here.data / "log/production.log").write_text("".join(f"{number}\n" for number in range(300)))
        lines = here.command("logs", "application").stdout.splitlines()
        assert lines == [str(number) for number in range(100, 300)]
        assert here.command("logs", "application", "-n", "1").stdout == "299\n"

    def test_log_is_followed_into_the_file_of_the_next_day(self, here: Pod) -> None:
        log = here.data / "log/production.log"
        log.write_text("yesterday\n")
        seen = here.folder / "seen"
        with seen.open("w") as output:
            process = subprocess.Popen(
                ["bash", here.tree / "usr/local/bin/diaspora-pod", "logs", "application", "-f"],
                env={"PATH": str(here.folder / "bin"), "DIASPORA_DATA": str(here.data)}, stdout=output, stderr=output,
            )  # fmt: skip
        try:
            for text in ("yesterday", "today"):
                for _ in range(200):
                    if text in seen.read_text():
                        break
                    time.sleep(0.05)
                assert text in seen.read_text()
                if text == "yesterday":
                    # as the logging gem does
                    (here.data / "log/production.20260101.log").write_text(log.read_text())
                    log.write_text("today\n")
        finally:
            stop(process)

    @pytest.mark.parametrize(
        ("options", "words"),
        [(["--since", "today"], "unknown option --since of the application's log; allowed: -f, -n LINES"),
         ([], "{log} does not exist yet; see: diaspora-pod logs diaspora-web")],
    )  # fmt: skip
    def test_wrong_options_and_missing_log_are_refused(self, here: Pod, options: list[str], words: str) -> None:
        done = here.command("logs", "application", *options)
        expected = words.format(log=here.data / "log/production.log")
        assert (done.returncode, done.stderr) == (2, f"diaspora-pod: {expected}\n")
