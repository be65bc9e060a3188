"""The units of the long jobs, run by the systemd of a machine: failing, slow and killed ones, and lost connections.

The programs of the jobs are stand-ins here: what they do is tested with their real ones elsewhere.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import skip_unless
from tests.host.pod import LIBEXEC, files, pod_context, pod_fragment, read_quadlet
from tests.machine.pod_services import BACKUP
from tests.support.trixie import TrixieMachine, trixie_machine

UNITS = "/etc/systemd/system"
PROGRAMS = f"/{LIBEXEC}"
UNDER_TEST = ("diaspora-image", "diaspora-import", "diaspora-inhibit", "diaspora-restore", "diaspora-upgrade")
# restore and import: the first argument says what to do
STAND_IN = """\
#!/usr/bin/bash
if [[ $1 == --tidy ]]; then
    echo tidied >> /run/tidied
    exit
fi
echo begun
printf '<%s>' "$PWD" "$@"
echo
case $1 in
    fails) exit 3 ;;
    killed) kill -KILL $$ ;;
    slow) until [[ -e /run/go ]]; do sleep 0.1; done ;;
esac
echo done
"""
UPGRADE = """\
#!/usr/bin/bash
mkdir -p /var/mnt/data/upgrade/programs
touch /var/mnt/data/upgrade/state
echo 'rm /var/mnt/data/upgrade/state; echo "$1" > /run/recovered' > /var/mnt/data/upgrade/programs/upgrade
kill -KILL $$
"""
WAITS = """\
[Service]
Type=oneshot
ExecStart=/usr/bin/sh -c 'until [ -e /run/first ]; do sleep 0.1; done'
"""
# systemctl, which returns its answer when the queued restore runs; the restore ends after the next answer
STARTS_AFTER_THE_ANSWER = """\
#!/usr/bin/bash
/usr/bin/systemctl "$@"
code=$?
if [[ $1 == show && -e /run/first ]]; then
    touch /run/go
elif [[ $* == *InvocationID* && $(/usr/bin/systemctl show --property=Job --value diaspora-restore.service) ]]; then
    touch /run/first
    until [[ $(/usr/bin/systemctl is-active diaspora-restore.service) == activating ]]; do sleep 0.05; done
fi
exit $code
"""
# systemctl, before whose next answer the restore that is followed ends, and another one begins
BEGINS_ANOTHER_BEFORE_THE_QUESTION = """\
#!/usr/bin/bash
if [[ $1 == show && ! -e /run/go && $(/usr/bin/systemctl is-active diaspora-restore.service) == activating ]]; then
    # it is followed from now on
    if [[ ! -e /run/first ]]; then
        touch /run/first
        until [[ ! -e /run/diaspora-jobs/restore.arguments ]]; do sleep 0.05; done
        exec /usr/bin/systemctl "$@"
    fi
    touch /run/go
    until [[ $(/usr/bin/systemctl is-active diaspora-restore.service) != *activating ]]; do sleep 0.05; done
    rm /run/diaspora-jobs/restore.result
    printf '%s\\0' / another > /run/diaspora-jobs/restore.arguments
    /usr/bin/systemctl start --no-block diaspora-restore.service
fi
exec /usr/bin/systemctl "$@"
"""
# systemctl, before which somebody else starts the import
STARTS_BEFORE_THE_COMMAND = """\
#!/usr/bin/bash
if [[ $1 == start && ! -e /run/first ]]; then
    touch /run/first
    mv /run/diaspora-jobs/import.arguments /run/import.arguments
    /usr/bin/systemctl start diaspora-import.service
    mv /run/import.arguments /run/diaspora-jobs/import.arguments
    exit
fi
exec /usr/bin/systemctl "$@"
"""
ALWAYS_FAILS = """\
[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
ExecStart=/usr/bin/false
Restart=on-failure
RestartSec=200ms
RestartMode=direct
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[TrixieMachine]:
    skip_unless(os.geteuid() == 0, "needs root: namespaces")
    with trixie_machine() as made:
        fragment = pod_fragment(BACKUP)
        for path, text in files(fragment).items():
            if path.startswith(("/usr/local/", "/etc/diaspora/")):
                made.put(path, text, 0o755)
        for unit in fragment["systemd"]["units"]:
            if unit["name"].startswith(UNDER_TEST):
                made.put(f"{UNITS}/{unit['name']}", unit["contents"])
        for name in ("restore", "import"):
            made.put(f"{PROGRAMS}/{name}", STAND_IN)
        made.put(f"{PROGRAMS}/upgrade", UPGRADE)
        # there are neither secrets nor images
        for name in ("secret", "pull-image"):
            made.put(f"{PROGRAMS}/{name}", "#!/usr/bin/bash\n")
        made.run("mkdir", "-p", "/var/mnt/data")
        made.run("mount", "-t", "tmpfs", "tmpfs", "/var/mnt/data")
        made.run("systemctl", "daemon-reload")
        yield made


@pytest.fixture(autouse=True)
def calm(machine: TrixieMachine) -> Iterator[None]:
    """No job runs before and after a test."""
    machine.run("rm", "-rf", "/run/go", "/run/first", "/run/tidied", "/run/recovered", "/run/diaspora-jobs")
    yield
    machine.run("touch", "/run/go")
    machine.attempt("systemctl", "stop", "diaspora-restore.service", "diaspora-import.service")


def pod(machine: TrixieMachine, *words: str, path: str = "/usr/sbin:/usr/bin") -> list[str]:
    return machine.command(
        "env", f"PATH={path}", "DIASPORA_JOB_PAUSE=0.1", "/usr/bin/bash", "/usr/local/bin/diaspora-pod", *words
    )


def run(machine: TrixieMachine, *words: str, path: str = "/usr/sbin:/usr/bin") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        pod(machine, *words, path=path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def state(machine: TrixieMachine, unit: str) -> str:
    return machine.attempt("systemctl", "is-active", unit).stdout.strip()


def inhibitors(machine: TrixieMachine) -> list[list[str]]:
    """Who holds what off, and how."""
    lines = machine.run("systemd-inhibit", "--list", "--no-legend", "--no-pager").splitlines()
    return [[line.split()[0], line.split()[5], line.split()[-1]] for line in lines if line.strip()]


def begin_slow(machine: TrixieMachine) -> "subprocess.Popen[str]":
    """Start a restore that waits for /run/go, on a terminal of its own, and wait until it runs."""
    process = subprocess.Popen(
        pod(machine, "restore", "--yes", "slow"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait(lambda: bool(machine.attempt("grep", "-q", "slow", "/run/diaspora-jobs/restore.arguments").returncode))
    wait(lambda: state(machine, "diaspora-restore.service") == "activating")
    return process


def test_command_prints_what_the_job_prints_and_gets_its_arguments_unchanged(machine: TrixieMachine) -> None:
    done = run(machine, "import", "--database", "a b", "new\nline", "$HOME `id` %n", "")
    assert done.returncode == 0, done
    assert done.stdout == "begun\n</><--database><a b><new\nline><$HOME `id` %n><>\ndone\n"
    assert machine.run("cat", "/run/tidied") == "tidied\n"
    assert machine.attempt("test", "-e", "/run/diaspora-jobs/import.arguments").returncode == 1


def test_result_of_the_unit_is_the_exit_code(machine: TrixieMachine) -> None:
    done = run(machine, "restore", "--yes", "fails")
    assert (done.returncode, done.stdout) == (3, "begun\n</><fails>\n")
    assert done.stderr.splitlines()[-1] == (
        "diaspora-pod: the restore failed (exit-code); see: diaspora-pod logs diaspora-restore"
    )
    again = run(machine, "follow", "restore")
    assert (again.returncode, again.stdout) == (3, done.stdout)


def test_killed_job_is_tidied_up_and_reported(machine: TrixieMachine) -> None:
    done = run(machine, "restore", "--yes", "killed")
    assert (done.returncode, done.stdout) == (1, "begun\n</><killed>\n")
    assert "the restore failed (signal)" in done.stderr
    assert machine.run("cat", "/run/tidied") == "tidied\n"


def test_output_of_the_last_run_is_not_printed_again(machine: TrixieMachine) -> None:
    """The unit waits for another one, and starts right after the command has asked for its state."""
    run(machine, "restore", "--yes", "fails")
    machine.put(f"{UNITS}/first.service", WAITS)
    machine.put(f"{UNITS}/diaspora-restore.service.d/after.conf", "[Unit]\nAfter=first.service\n")
    machine.put("/run/late/systemctl", STARTS_AFTER_THE_ANSWER, 0o755)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "--no-block", "first.service")
    try:
        done = run(machine, "restore", "--yes", "slow", path="/run/late:/usr/bin")
    finally:
        machine.run("rm", "-r", f"{UNITS}/diaspora-restore.service.d")
        machine.run("systemctl", "daemon-reload")
    assert machine.attempt("test", "-e", "/run/go").returncode == 0
    assert (done.returncode, done.stdout) == (0, "begun\n</><slow>\ndone\n")


def test_another_run_is_not_taken_for_the_one_that_was_followed(machine: TrixieMachine) -> None:
    machine.put("/run/late/systemctl", BEGINS_ANOTHER_BEFORE_THE_QUESTION, 0o755)
    done = run(machine, "restore", "--yes", "slow", path="/run/late:/usr/bin")
    assert (done.returncode, done.stdout) == (1, "begun\n</><slow>\ndone\n")
    assert "the restore was killed, or another one has begun since" in done.stderr
    # which has its own arguments, and goes on
    again = run(machine, "follow", "restore")
    assert (again.returncode, again.stdout) == (0, "begun\n</><another>\ndone\n")


def test_arguments_that_no_run_has_taken_are_not_for_the_next_one(machine: TrixieMachine) -> None:
    """A timer starts the unit between the command's look at it and its own start."""
    machine.put("/run/late/systemctl", STARTS_BEFORE_THE_COMMAND, 0o755)
    done = run(machine, "import", "--database", "x", path="/run/late:/usr/bin")
    assert (done.returncode, done.stdout) == (0, "begun\n</>\ndone\n")
    assert machine.attempt("test", "-e", "/run/diaspora-jobs/import.arguments").returncode == 1


def test_silence_of_systemd_is_not_taken_for_the_end_of_the_job(machine: TrixieMachine) -> None:
    machine.put("/run/late/systemctl", "#!/usr/bin/bash\nexit 1\n", 0o755)
    process = begin_slow(machine)
    done = run(machine, "follow", "restore", path="/run/late:/usr/bin")
    assert done.returncode == 1
    assert "systemd does not say whether the restore runs" in done.stderr
    machine.run("touch", "/run/go")
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_lost_connection_does_not_end_the_job(machine: TrixieMachine) -> None:
    process = begin_slow(machine)
    os.killpg(process.pid, signal.SIGHUP)
    assert process.wait(timeout=20) != 0
    process.communicate()
    assert state(machine, "diaspora-restore.service") == "activating"
    # the same command again
    with subprocess.Popen(
        pod(machine, "restore", "--yes", "fails"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as second:  # fmt: skip
        assert second.stderr and "the restore is running already" in second.stderr.readline()
        machine.run("touch", "/run/go")
        out, _ = second.communicate(timeout=30)
    assert (second.returncode, out) == (0, "begun\n</><slow>\ndone\n")
    done = run(machine, "follow")
    assert (done.returncode, done.stdout) == (0, "begun\n</><slow>\ndone\n")


def test_interrupt_ends_following_only(machine: TrixieMachine) -> None:
    process = begin_slow(machine)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert "no longer following; the restore goes on" in err
    assert state(machine, "diaspora-restore.service") == "activating"


def test_stopped_job_is_tidied_up(machine: TrixieMachine) -> None:
    process = begin_slow(machine)
    machine.run("systemctl", "stop", "diaspora-restore.service")
    process.communicate(timeout=20)
    assert process.returncode == 1
    assert machine.run("cat", "/run/tidied") == "tidied\n"


def test_machine_does_not_reboot_during_a_job(machine: TrixieMachine) -> None:
    process = begin_slow(machine)
    assert inhibitors(machine) == [["diaspora-restore", "shutdown:sleep", "block"]]
    refused = machine.attempt("systemctl", "reboot")
    assert refused.returncode == 1
    assert machine.run("systemctl", "list-jobs", "--no-legend").split()[-3:] == [
        "diaspora-restore.service", "start", "running",
    ]  # fmt: skip
    machine.run("touch", "/run/go")
    process.communicate(timeout=30)
    assert process.returncode == 0
    wait(lambda: inhibitors(machine) == [])


def test_job_that_cannot_start_is_reported(machine: TrixieMachine) -> None:
    machine.run("umount", "/var/mnt/data")
    try:
        done = run(machine, "restore", "--yes")
    finally:
        machine.run("mount", "-t", "tmpfs", "tmpfs", "/var/mnt/data")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the restore did not start, or was killed" in done.stderr
    # a timer that starts the unit later has no arguments
    assert machine.attempt("test", "-e", "/run/diaspora-jobs/restore.arguments").returncode == 1


def test_killed_upgrade_is_rolled_back_at_once(machine: TrixieMachine) -> None:
    done = run(machine, "upgrade")
    assert done.returncode == 1
    wait(lambda: machine.attempt("cat", "/run/recovered").stdout == "--recover\n")


def test_migration_holds_off_reboots_only_while_it_runs(machine: TrixieMachine) -> None:
    """Quadlet passes [Unit] and [Service] on; the container is what fails here."""
    quadlet = read_quadlet(files(pod_fragment(pod_context()))["/etc/containers/systemd/diaspora-migrate.container"])
    lines = [
        "[Unit]", "StartLimitIntervalSec=0",
        *(f"{key}={value}" for key, value in quadlet["Unit"] if "inhibit" in value),
        "[Service]", "Type=oneshot", "Restart=on-failure", "RestartMode=direct", "RestartSec=5",
        "ExecStart=/usr/bin/sh -c 'until [ -e /run/go ]; do sleep 0.1; done; exit 1'",
        *(f"{key}={value}" for key, value in quadlet["Service"] if key == "ExecStopPost" and "inhibit" in value),
    ]  # fmt: skip
    machine.put(f"{UNITS}/diaspora-migrate.service", "\n".join(lines))
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "--no-block", "diaspora-migrate.service")
    try:
        wait(lambda: inhibitors(machine) == [["diaspora-migrate", "shutdown:sleep", "block"]])
        machine.run("touch", "/run/go")
        wait(lambda: inhibitors(machine) == [])
        assert state(machine, "diaspora-migrate.service") == "activating"
        machine.run("rm", "/run/go")
        wait(lambda: inhibitors(machine) == [["diaspora-migrate", "shutdown:sleep", "block"]])
    finally:
        machine.run("systemctl", "stop", "diaspora-migrate.service")


class TestStartUnits:
    def start(self, machine: TrixieMachine, limit: int, *units: str) -> "subprocess.CompletedProcess[str]":
        words = ("env", "DIASPORA_START_PAUSE=0.1", "bash", f"{PROGRAMS}/start-units", str(limit), *units)
        return machine.attempt(*words, seconds=40)

    def put(self, machine: TrixieMachine, **units: str) -> None:
        for name, text in units.items():
            machine.put(f"{UNITS}/{name}.service", text)
        machine.run("systemctl", "daemon-reload")

    def test_running_units_are_a_success(self, machine: TrixieMachine) -> None:
        self.put(
            machine, first="[Service]\nExecStart=/usr/bin/sleep 60\n", second="[Service]\nExecStart=/usr/bin/sleep 60\n"
        )
        done = self.start(machine, 30, "first.service", "second.service")
        assert (done.returncode, done.stderr) == (0, "")
        assert state(machine, "second.service") == "active"
        machine.run("systemctl", "stop", "first.service", "second.service")

    def test_failing_dependency_is_named(self, machine: TrixieMachine) -> None:
        needs = "[Unit]\nRequires=always.service\nAfter=always.service\n[Service]\nExecStart=/usr/bin/sleep 60\n"
        self.put(machine, always=ALWAYS_FAILS, dependent=needs)
        # what the program is there for
        assert machine.attempt("timeout", "2", "systemctl", "start", "dependent.service").returncode == 124
        machine.run("systemctl", "stop", "dependent.service", "always.service")
        done = self.start(machine, 30, "dependent.service")
        machine.run("systemctl", "stop", "dependent.service", "always.service")
        assert (done.returncode, done.stderr) == (1, "always fails; see: diaspora-pod logs always\n")

    def test_unit_that_fails_once_is_named(self, machine: TrixieMachine) -> None:
        self.put(machine, once="[Service]\nType=oneshot\nExecStart=/usr/bin/false\n")
        done = self.start(machine, 30, "once.service")
        assert (done.returncode, done.stderr) == (1, "once fails; see: diaspora-pod logs once\n")

    def test_limit_ends_the_wait(self, machine: TrixieMachine) -> None:
        self.put(machine, slow="[Service]\nType=oneshot\nExecStart=/usr/bin/sleep 60\n")
        done = self.start(machine, 1, "slow.service")
        machine.run("systemctl", "stop", "slow.service")
        assert (done.returncode, done.stderr) == (
            1, "slow.service has not started after 1 seconds; see: diaspora-pod status\n",
        )  # fmt: skip
