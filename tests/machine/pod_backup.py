"""A machine whose podman runs the real programs: PostgreSQL, Redis and restic of the system under test.

podman and systemctl are stand-ins. podman reads the options that the machine's programs give it as podman would, and
starts the program on this system instead of in a container: environment, secrets and working folder are those of the
options. What it cannot show is therefore what containers add: other users, labels, capabilities.
"""

import json
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.host.pod import LIBEXEC
from tests.machine.later import LATER, write_program
from tests.machine.pod_programs import link_programs
from tests.machine.test_pod_postgresql import Postgresql

PASSWORD = "correct horse battery"
REDIS_PASSWORD = "0123456789abcdef"
# Of coreutils and of bash, the programs of the backup and the restoration need these.
PROGRAMS = (
    "bash", "cat", "chmod", "chown", "cp", "cut", "date", "df", "du", "find", "flock", "grep", "gzip", "head", "jq",
    "mkdir", "mktemp", "mv", "od", "rm", "sed", "sleep", "sort", "stat", "sync", "tail", "tar", "timeout", "touch",
    "tr", "wc", "zstd",
)  # fmt: skip
# what lies in db/migrate of the image
MIGRATIONS = (
    "0_create_schema.rb",
    "20200101000000_add_things.rb",
    "20230506123456_cleanup.rb",
    "20240101000000_last.rb",
)

STAND_IN = (
    LATER
    + '''
json, pwd, re, subprocess, time = map(Later, ("json", "pwd", "re", "subprocess", "time"))
record = settings["record"]
arguments = sys.argv[1:]
name = os.path.basename(sys.argv[0])
line = " ".join([name, *arguments])
write(record + "/calls", line.replace("\\n", " ") + "\\n", "a")
KILL = 9


def told(file, otherwise=""):
    """What the test has put down in this file."""
    return read(record + "/" + file) if os.path.exists(record + "/" + file) else otherwise


def run(command, environment, account=None, folder=None):
    """Run a program to its end, or to where the test wants it, or all, to be killed."""
    fault = json.loads(told("fault")) if told("fault") else None
    if not fault or not re.search(fault["match"], line):
        return spawn(command, environment, account=account, folder=folder)
    os.unlink(record + "/fault")
    if fault["when"] == "fail":
        return 1
    if fault["when"] == "before":
        os.killpg(0, KILL)
    if fault["when"] == "after":
        spawn(command, environment, account=account, folder=folder)
        os.killpg(0, KILL)
    assert not account
    seen = fault["until"]
    process = subprocess.Popen(command, env=environment, cwd=folder)
    while process.poll() is None:
        # a file of restic has this name once it is whole
        if os.path.isdir(seen) and any(len(name) == 64 for name in os.listdir(seen)):
            process.kill()
            process.wait()
            os.killpg(0, KILL)
        time.sleep(0.0005)
    write(record + "/fault-came-too-late", "")
    return process.returncode


def execute(words):
    while words[0].startswith("-"):
        assert words.pop(0) in ("--interactive", "--tty"), line
    container, program, *words = words
    if container == "postgresql":
        environment = {"PATH": "/usr/bin:/bin", "PGHOST": settings["pg_host"], "PGPORT": str(settings["pg_port"])}
        program = program if program == "awk" else settings["pg_programs"] + "/" + program
        words = [word.replace("--username=postgres", "--username=" + settings["administrator"]) for word in words]
        account = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        return run([program, *words], environment, account, "/")
    if container == "diaspora-task":
        return run([program, *words], {"PATH": "/usr/bin:/bin"}, folder=record + "/task")
    if container == "diaspora-web":
        assert [program, *words] == ["bash", "/usr/local/bin/web-healthy", "3000", "/users/sign_in"], line
        return int(told("page-status", "0"))
    assert (container, program) == ("redis", "redis-cli"), line
    environment = {"PATH": "/usr/bin:/bin", "REDISCLI_AUTH": settings["redis_password"]}
    return run(["redis-cli", "-p", str(settings["redis_port"]), *words], environment)


def container(words):
    environment, folder = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere"}, None
    files = {}
    while words[0].startswith("-"):
        option, _, value = words.pop(0).partition("=")
        if option == "--env":
            key, _, text = value.partition("=")
            environment[key] = text
        elif option == "--workdir":
            folder = value
        elif option == "--secret":
            secret, *rest = value.split(",")
            fields = dict(entry.split("=") for entry in rest)
            stored = record + "/secret-" + secret
            if fields.get("type") == "env":
                environment[fields["target"]] = read(stored)
            else:
                files["/run/secrets/" + secret] = stored
        elif option == "--volume":
            assert os.path.isdir(value.split(":")[0]), line
        elif option == "--user":
            words.pop(0)
        elif option == "--":
            break
    image = words.pop(0)
    if words[:2] == ["bash", "-c"]:
        assert words[2:] == ["ls /srv/diaspora/db/migrate"], line
        print(told("migrations"), flush=True)
        return run(["true"], environment)
    assert "/restic:" in image, line
    environment = {key: files.get(value, value) for key, value in environment.items()}
    if settings["elsewhere"]:
        environment["RESTIC_REPOSITORY"] = settings["elsewhere"]
    return run([settings["restic"], *words], environment, folder=folder)


def unit_of_job(name):
    """Do what the unit of a job does, with its output in the journal, as a shell would."""
    job = 'bash "$0" run "$1" > "$2" 2>&1; status=$?; outcome=success; if ((status)); then outcome=exit-code; fi; '
    job += 'INVOCATION_ID=1 SERVICE_RESULT=$outcome EXIT_STATUS=$status exec bash "$0" ended "$1"'
    return spawn(["bash", "-c", job, settings["programs"] + "/job", name, record + "/journal"])


def systemctl(words):
    os.makedirs(record + "/states", exist_ok=True)
    verb, *units = words
    units = [unit for unit in units if not unit.startswith("-")]
    if verb == "start" and "diaspora-backup.service" in units:
        return unit_of_job("backup") if "--no-block" in words else spawn(settings["backup"])
    if verb == "show":
        # units that are started run at once, and jobs have already ended
        if "--value" in words:
            print(told("states/" + units[0], "inactive") if "--property=ActiveState" in words else "")
        else:
            print("ActiveState=" + told("states/" + units[0], "active") + "\\nJob=")
        return 0
    if verb == "is-active":
        state = told("states/" + units[0], "active")
        print(state)
        return 0 if state == "active" else 3
    if told("fault") and re.search(json.loads(told("fault"))["match"], line):
        os.unlink(record + "/fault")
        return 1
    return 0


def copy(source, target):
    with open(source, "rb") as opened, open(target, "wb") as made:
        made.write(opened.read())


if name == "systemctl":
    status = systemctl(arguments)
elif name == "journalctl":
    if "--sync" not in arguments:
        print(told("journal").removesuffix("\\n"))
    status = 0
elif arguments[:2] == ["secret", "create"]:
    copy("/dev/stdin" if arguments[-1] == "-" else arguments[-1], record + "/secret-" + arguments[-2])
    status = 0
elif arguments[:2] == ["secret", "rm"]:
    os.unlink(record + "/secret-" + arguments[2])
    status = 0
elif arguments[0] == "inspect":
    print(told("states/health-" + arguments[-1], "healthy"))
    status = 0
elif arguments[0] == "exec":
    status = execute(arguments[1:])
elif arguments[0] == "run":
    status = container(arguments[1:])
else:
    status = 125
leave(status if status >= 0 else 128 - status)
'''
)


@dataclass
class Pod:
    """A machine: its data partition, the rendered programs, and the servers of its containers."""

    folder: Path
    tree: Path
    server: Postgresql
    redis_port: int
    restic: str
    extra: dict[str, str] = field(default_factory=dict)
    administrator: str = "postgres"
    """The role that the machine's programs administer the database as; on AWS it is `diaspora`, no superuser."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def record(self) -> Path:
        return self.folder / "record"

    @property
    def repository(self) -> Path:
        return self.data / "backup" / "repository"

    def prepare(self, *, data: bool = True, elsewhere: Path | None = None) -> None:
        """Make the folders that the machine has before any program of the backup runs.

        Without `data` the data partition is left out. `elsewhere` is the folder that the repository's address means.
        """
        for name in ("record", "given", "etc", "bin"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if data:
            for name in ("state", "secrets", "uploads", "redis"):
                (self.data / name).mkdir(parents=True, exist_ok=True)
            (self.data / "secrets").chmod(0o700)
            (self.data / "secrets" / "oidc_key.pem").write_text(f"key of {self.folder}")
            (self.data / "domain").write_text("pod.example.org\n")
        (self.record / "migrations").write_text("\n".join(MIGRATIONS))
        (self.folder / "given" / "backup_password").write_text(PASSWORD)
        shutil.copytree(self.tree / "etc/diaspora", self.folder / "etc", dirs_exist_ok=True)
        link_programs(self.folder / "bin", PROGRAMS)
        self.prepare_programs(elsewhere=elsewhere)
        if data:
            assert self.run("make-secrets").returncode == 0

    def prepare_programs(self, *, elsewhere: Path | None = None) -> None:
        """Write the stand-ins and their settings."""
        bash = shutil.which("bash")
        settings = {
            "record": str(self.record),
            "pg_host": str(self.server.folder),
            "pg_port": self.server.port,
            "pg_programs": str(self.server.programs),
            "administrator": self.administrator,
            "redis_port": self.redis_port,
            "redis_password": REDIS_PASSWORD,
            "restic": self.restic,
            "elsewhere": str(elsewhere or ""),
            "backup": [bash, str(self.tree / LIBEXEC / "backup")],
            "programs": str(self.tree / LIBEXEC),
        }
        for name in ("podman", "systemctl", "journalctl"):
            write_program(self.folder / "bin" / name, STAND_IN, settings)

    def run(
        self, program: str, *arguments: str, prefix: str = LIBEXEC, stdin: int = subprocess.DEVNULL
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program of the machine to its end, in a process group of its own."""
        bash = shutil.which("bash")
        assert bash
        process = subprocess.Popen(
            [bash, str(self.tree / prefix / program), *arguments],
            env={
                "PATH": str(self.folder / "bin"),
                "LC_ALL": "C",
                "DIASPORA_DATA": str(self.data),
                "DIASPORA_GIVEN_SECRETS": str(self.folder / "given"),
                "DIASPORA_CONFIGURATION": str(self.folder / "etc"),
                "DIASPORA_PROGRAMS": str(self.tree / LIBEXEC),
                "DIASPORA_RUN": str(self.folder / "run"),
                "DIASPORA_MACHINE_ID": "0" * 32,
                "DIASPORA_SELINUX": "/nowhere",
                **self.extra,
            },
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=180)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        assert PASSWORD not in out + err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def succeed(self, program: str, *arguments: str, prefix: str = LIBEXEC) -> str:
        done = self.run(program, *arguments, prefix=prefix)
        assert done.returncode == 0, done
        return done.stdout

    def job(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run restore or import as its unit does: then tidy up, unless everything was killed at once."""
        done = self.run(program, *arguments)
        if done.returncode == -signal.SIGKILL:
            return done
        tidied = self.run(program, "--tidy")
        assert tidied.returncode == 0, tidied
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout + tidied.stdout, done.stderr + tidied.stderr
        )

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run diaspora-pod."""
        return self.run("diaspora-pod", *arguments, prefix="usr/local/bin")

    def fault(self, match: str, when: str, until: Path | None = None) -> None:
        """Let the first matching call fail, or kill the whole process group before, after or during the call."""
        (self.record / "fault").write_text(json.dumps({"match": match, "when": when, "until": str(until)}))

    @property
    def calls(self) -> list[str]:
        file = self.record / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def ask_restic(self, *arguments: str) -> str:
        """Run restic directly, without the programs under test."""
        done = subprocess.run(
            [self.restic, "--no-cache", "--repo", self.repository, *arguments],
            env={"PATH": "/usr/bin:/bin", "RESTIC_PASSWORD": PASSWORD, "HOME": "/nowhere"},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def snapshots(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.ask_restic("snapshots", "--json")) or []
        return found

    def locks(self) -> list[Path]:
        """Locks in the repository; those that are still being written have longer names."""
        return [path for path in (self.repository / "locks").iterdir() if len(path.name) == 64]

    def saved(self) -> list[str]:
        """The files of the last snapshot."""
        lines = self.ask_restic("ls", "--json", "latest").splitlines()
        entries = [json.loads(line) for line in lines]
        return sorted(entry["path"] for entry in entries if entry.get("type") == "file")
