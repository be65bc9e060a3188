"""A machine that is upgraded: its files in a folder, and stand-ins for systemd and podman around a real PostgreSQL.

The stand-in of systemctl keeps which units run, starts what a unit requires, and does what the unit would do: it runs
the machine's own scripts, the real server, and what a made-up image of diaspora* does to the database. It refuses to
start anything while unit files have changed since the last daemon-reload. The majors of PostgreSQL are made up too: one
program stands for all of them, and refuses the data of another major as the real ones do.
"""

import contextlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from diaspora_infra.config import load
from diaspora_infra.config.images import IMAGES, Image
from diaspora_infra.host import render
from diaspora_infra.host.templates import templates_folder
from tests.host.pod import LIBEXEC
from tests.machine.later import LATER, write_program
from tests.machine.pod_programs import link_programs
from tests.support.configs import machine, pod, pxe, pxe_config
from tests.support.ignition_root import Node, read_tree
from tests.support.processes import kill_tree

# the package has functions of the same names
postgresql_feature = importlib.import_module("diaspora_infra.host.features.postgresql")
upgrade_feature = importlib.import_module("diaspora_infra.host.features.upgrade")
READER = templates_folder() / "upgrade" / LIBEXEC / "read-bundle"

OLD_IMAGE = "registry.example.org/diaspora:1"
NEW_IMAGE = "registry.example.org/diaspora:2"
# Of coreutils, findutils, diffutils, util-linux and others that Fedora CoreOS has, an upgrade needs these.
PROGRAMS = (
    "base64", "bash", "cat", "chmod", "chown", "cmp", "comm", "cp", "curl", "cut", "date", "df", "find", "flock",
    "grep", "gzip", "head", "jq", "ln", "mkdir", "mv", "readlink", "rm", "sed", "sha256sum", "sleep", "sort", "stat",
    "sync", "tail", "timeout", "touch", "tr", "xargs",
)  # fmt: skip

# Moves, and lets everything die at a certain file.
MV = """#!/usr/bin/bash
if [[ -e {fault} ]]; then
    read -r when match < {fault}
    if [[ "$*" == *$match* ]]; then
        /usr/bin/rm {fault}
        if [[ $when == after ]]; then
            /usr/bin/mv "$@"
        elif [[ $1 == --target-directory=* ]]; then
            # what comes before the file
            for file in "${{@:2}}"; do
                [[ $file != *$match* ]] || break
                /usr/bin/mv "$1" "$file"
            done
        fi
        kill -KILL 0
    fi
fi
exec /usr/bin/mv "$@"
"""

STAND_IN = (
    LATER
    + '''
json, re, shutil = map(Later, ("json", "re", "shutil"))
import pwd

record, root, data, run = (settings[key] for key in ("record", "root", "data", "run"))
arguments = sys.argv[1:]
name = os.path.basename(sys.argv[0])
line = " ".join([name, *arguments]).replace("\\n", " ")
write(record + "/calls", line + "\\n", "a")
account = pwd.getpwnam("postgres")
PG = {"PATH": "/usr/bin:/bin", "PGHOST": settings["socket"], "PGPORT": str(settings["port"]), "LC_ALL": "C.UTF-8"}
KILL, STOP = 9, 19


def die():
    """Kill everything of this session: some programs have a process group of their own.

    All stop first: a program whose child was killed a moment earlier would go on.
    """
    for signal in (STOP, KILL):
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                try:
                    if os.getsid(int(entry)) == os.getsid(0):
                        os.kill(int(entry), signal)
                except ProcessLookupError:
                    pass
    os.kill(os.getpid(), KILL)


def fault(when):
    """Die with the program that called, or tell it to fail, where the test wants it."""
    file = record + "/fault"
    if not os.path.exists(file):
        return False
    wanted = json.loads(read(file))
    if wanted["when"] != when or not re.search(wanted["match"], line):
        return False
    if wanted["skip"]:
        wanted["skip"] -= 1
        write(file, json.dumps(wanted))
        return False
    os.unlink(file)
    if when != "fail":
        die()
    return True


def names():
    """What images that have another name were pulled as."""
    file = record + "/names"
    return json.loads(read(file)) if os.path.exists(file) else {}


def behaviour(image):
    return settings["images"][names().get(image, image)]


def unit_files():
    """All of them, each with the time of its last change, by which systemd knows that it would have to reload."""
    found = []
    tops = [root + "/etc/systemd/system", root + "/etc/containers/systemd", run + "/systemd/system"]
    while tops:
        top = tops.pop()
        for entry in os.scandir(top) if os.path.isdir(top) else ():
            if entry.is_dir(follow_symlinks=False):
                tops.append(entry.path)
            elif not entry.is_symlink():
                found.append(entry.path + " " + str(entry.stat().st_mtime_ns))
    return "\\n".join(sorted(found))


def pod():
    return json.loads(read(root + "/etc/diaspora/pod.json"))


def active(unit):
    file = record + "/units/" + unit
    return os.path.exists(file) and read(file) == "active"


def mark(unit, state):
    write(record + "/units/" + unit, state)


def script(program, *words):
    command = ["/usr/bin/bash", settings["programs"] + "/" + program, *words]
    return spawn(command, {**os.environ, "DIASPORA_DATA": data}) == 0


def sql(text, database="diaspora_production", *options):
    # not the psql on PATH, which is a script that looks for it
    command = [settings["pg_programs"] + "/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database]
    return spawn([*command, *options], PG, text=text, quiet=True, account=account, folder="/") == 0


def pg_ctl(folder, *words):
    command = [settings["pg_programs"] + "/pg_ctl", "-D", folder, "-w", *words]
    assert spawn(command, quiet=True, account=account, folder="/") == 0, command


def on_aws():
    """The server of the database is somewhere else, and knows no superuser of ours."""
    return os.path.exists(root + "/usr/local/libexec/diaspora/database-program")


def start_postgresql():
    if on_aws():
        return True
    container = read(root + "/etc/containers/systemd/postgresql.container")
    major = re.search("Image=[^:]*postgres:([0-9]+)", container)[1]
    folder = data + "/postgresql"
    if not script("check-postgresql", major):
        return False
    if not os.path.exists(folder + "/PG_VERSION"):
        shutil.copytree(settings["empty"], folder, dirs_exist_ok=True)
        for parent, _, names in os.walk(folder):
            for path in (parent, *(os.path.join(parent, name) for name in names)):
                os.chown(path, account.pw_uid, account.pw_gid)
    elif read(folder + "/PG_VERSION") != major + "\\n":
        sys.exit("the server would not read this folder")
    if os.path.exists(folder + "/postmaster.pid"):
        os.unlink(folder + "/postmaster.pid")
    write(folder + "/PG_VERSION", settings["real_major"] + "\\n")
    options = "-k {} -p {} -c listen_addresses= -c fsync=off -c shared_buffers=16MB".format(
        settings["socket"], settings["port"])
    pg_ctl(folder, "-o", options, "-l", settings["log"], "start")
    write(folder + "/PG_VERSION", major + "\\n")
    text = read(root + "/etc/diaspora/postgresql/database.sql")
    return sql(text.replace("/run/secrets/diaspora-database-password", settings["password"]), "postgres")


def migrate():
    image = pod()["image"]
    if not script("check-schema", "start", image):
        return False
    if not script("once-per-image", "needed", "migrate", image):
        return True
    if not script("dump-before-migration", "make", image):
        return False
    does = behaviour(image)
    if not sql("SET ROLE diaspora;" + does["migration"]) or does.get("migration_fails"):
        return False
    return script("check-schema", "mark", image) and script("once-per-image", "done", "migrate", image)


def publish():
    image = pod()["image"]
    if not script("once-per-image", "needed", "public", image):
        return True
    write(data + "/public/image", image)
    return script("once-per-image", "done", "public", image)


REQUIRED = {
    "postgresql": ["diaspora-data"], "redis": ["diaspora-data"], "diaspora-migrate": ["postgresql", "redis"],
    "public-files": ["diaspora-data"], "nginx": ["public-files"], "diaspora-web": ["diaspora-migrate"],
    "diaspora-sidekiq": ["diaspora-migrate"],
}


def start(unit):
    short = unit.removesuffix(".service")
    if active(unit):
        return True
    if unit == "diaspora.target":
        done = [start(service + ".service") for service in pod()["services"]]
        mark(unit, "active")
        return True
    if unit == "diaspora-backup.service":
        return True
    if read(record + "/loaded") != unit_files():
        sys.exit(unit + " would be started from old files")
    for needed in REQUIRED.get(short, ()):
        if not start(needed + ".service"):
            return False
    if short.startswith("diaspora-build-"):
        words = re.search("ExecStart=(.*)", read(run + "/systemd/system/" + unit))[1].replace("%N", short).split()
        good = spawn(words) == 0
        mark(unit, "inactive" if good else "failed")
        return good
    if short == "diaspora-data":
        os.makedirs(data + "/postgresql", mode=0o700, exist_ok=True)
        os.chown(data + "/postgresql", account.pw_uid, account.pw_gid)
        good = script("check-upgrade")
    else:
        steps = {"postgresql": start_postgresql, "diaspora-migrate": migrate, "public-files": publish}
        good = steps[short]() if short in steps else True
    if short == "diaspora-web":
        good = behaviour(pod()["image"]).get("web") != "fails"
    if short not in ("diaspora-migrate", "public-files"):
        mark(unit, "active" if good else "failed")
    return good


def stop(unit):
    short = unit.removesuffix(".service")
    if unit in ("diaspora.target", "diaspora-data.service"):
        for service in reversed(pod()["services"]):
            stop(service + ".service")
    if short == "postgresql" and active(unit) and not on_aws():
        folder = data + "/postgresql"
        major = read(folder + "/PG_VERSION")
        write(folder + "/PG_VERSION", settings["real_major"] + "\\n")
        pg_ctl(folder, "-m", "fast", "stop")
        write(folder + "/PG_VERSION", major)
    mark(unit, "inactive")
    return True


def systemctl(words):
    verb, *units = [word for word in words if word not in ("--quiet", "--no-block")]
    if verb == "daemon-reload":
        write(record + "/loaded", unit_files())
        return 0
    if verb == "reset-failed":
        return 0
    if verb == "is-active":
        if "--quiet" not in words:
            file = record + "/units/" + units[0]
            print(read(file) if os.path.exists(file) else "inactive")
        return 0 if active(units[0]) else 3
    if verb in ("enable", "disable"):
        links = [root + "/etc/systemd/system/wants/" + unit for unit in units]
        os.makedirs(root + "/etc/systemd/system/wants", exist_ok=True)
        for link in links:
            if os.path.lexists(link):
                os.unlink(link)
            if verb == "enable":
                os.symlink("/there", link)
        return 0
    act = {"reload-or-restart": [start], "start": [start], "stop": [stop], "restart": [stop, start]}[verb]
    return 0 if all([step(unit) for unit in units for step in act]) else 1


def podman(words):
    pulled = record + "/pulled"
    named = names()
    known = [*named, *(read(pulled).split("\\n") if os.path.exists(pulled) else [])]
    if words[:2] == ["image", "inspect"]:
        if words[-1] not in known:
            return 125
        source = named.get(words[-1], words[-1])
        print(source.rpartition("@")[2] if "Digest" in line else source.encode().hex())
        return 0
    if words[0] in ("tag", "untag"):
        if words[1] not in known:
            return 125
        if words[0] == "tag":
            named[words[2]] = named.get(words[1], words[1])
        else:
            named.pop(words[1], None)
        write(record + "/names", json.dumps(named))
        return 0
    if words[0].startswith("--cgroup-manager"):
        # a build, of which the test says what it gives
        if not settings["built"]:
            print("STEP 1/1: RUN false\\nError: exit status 1")
            return 1
        named[re.search("--tag=([^ ]+)", line)[1]] = settings["built"]
        write(record + "/names", json.dumps(named))
        return 0
    if words[0] in ("ps", "images"):
        return 0
    if words[:2] == ["image", "exists"]:
        return 0 if words[-1] in known else 1
    if words[0] == "run":
        # the list of migrations: those up to the image's tag, unless the test says which is the last one
        image = words[words.index("--") + 1]
        if image not in known:
            return 125
        last = settings["images"].get(named.get(image, image), {}).get("newest") or int(image.rpartition(":")[2])
        print("\\n".join("{}_change.rb".format(number) for number in range(1, last + 1)))
        return 0
    if words[0] == "pull":
        if words[-1] in settings["gone"]:
            return 125
        write(pulled, "\\n".join([*known, words[-1]]))
        return 0
    if words[0] == "inspect":
        if not active(words[-1] + ".service"):
            return 125
        print(behaviour(pod()["image"]).get("health", {}).get(words[-1], "healthy"))
        return 0
    if words[0] == "exec":
        words = [word for word in words[1:] if word != "--interactive"]
        if words[0] == "diaspora-web":
            assert words[1:] == ["bash", "/usr/local/bin/web-healthy", "3000", "/users/sign_in"], line
            return 0 if active("diaspora-web.service") and behaviour(pod()["image"]).get("page") != "fails" else 1
        assert words[0] == "postgresql", line
        if on_aws():
            # as database-program does
            words = [word.replace("--username=postgres", "--username=diaspora") for word in words]
        if not active("postgresql.service"):
            return 125
        return spawn([settings["pg_programs"] + "/" + words[1], *words[2:]], PG, account=account, folder="/")
    return 0 if words[:2] == ["network", "rm"] else 125


fault("before")
if fault("fail"):
    status = 1
else:
    status = systemctl(arguments) if name == "systemctl" else podman(arguments)
fault("after")
leave(status)
'''
)


def config_of(
    *, image: str = OLD_IMAGE, major: int = 17, of: Mapping[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """Render the config of a machine, with this image and this major of PostgreSQL."""
    settings = load(pxe_config(pod=pod(image=image, **changes), pxe=pxe(machine(**(of or {})))))
    reference = Image("docker.io/library/postgres", f"{major}.1-bookworm", f"{major}.1")
    remembered = sys.modules["diaspora_infra.host.render"]._pod_parts
    with (
        mock.patch.dict(IMAGES, {"postgresql": reference}),
        mock.patch.object(postgresql_feature, "POSTGRESQL_MAJOR", major),
        mock.patch.object(upgrade_feature, "POSTGRESQL_MAJOR", major),
    ):
        remembered.clear()
        config: dict[str, Any] = json.loads(render(settings, settings.machines[0], {}).ignition)
        remembered.clear()
    return config


@cache
def major_of(programs: Path) -> str:
    """The major of the PostgreSQL of this system."""
    version = subprocess.run([programs / "postgres", "-V"], capture_output=True, text=True, check=True)
    return version.stdout.split()[2].split(".")[0]


@dataclass
class Upgraded:
    """A machine below `folder`: root, data, run, and what the stand-ins write down."""

    folder: Path
    server_programs: Path
    images: dict[str, Any] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    built: str = ""
    """What a build of an image gives: a key of `images`; nothing lets it fail."""
    limit: int = 100
    """The seconds that a start may take, and becoming healthy."""
    variables: dict[str, str] = field(default_factory=dict)
    """Further variables of what runs."""
    seconds: int = 120
    """How long a run may take."""

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def record(self) -> Path:
        return self.folder / "record"

    @property
    def state(self) -> Path:
        return self.data / "upgrade" / "state"

    def install(self, config: dict[str, Any], empty: Path) -> None:
        """Do what Ignition does: put the bundle's and the machine's own file in place. `empty` is a new database."""
        for name in ("root/etc/diaspora", "data/state", "data/public", "record/units", "run", "bin", "socket"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        for path in (self.data, self.folder / "socket"):
            path.chmod(0o777)
        self.put_in_place(config)
        (self.data / "domain").write_text("pod.example.org\n")
        self.prepare(empty)

    def put_in_place(self, config: dict[str, Any]) -> None:
        """Replace the files of the pod, as a reinstallation does."""
        shutil.rmtree(self.root)
        (self.root / "etc/diaspora").mkdir(parents=True)
        staged = self.staged(config)
        shutil.copytree(staged / "files", self.root, dirs_exist_ok=True, symlinks=True)
        shutil.copy(staged / "machine.json", self.root / "etc/diaspora")
        wants = self.root / "etc/systemd/system/wants"
        wants.mkdir()
        for unit in (staged / "enable").read_text().split():
            (wants / unit).symlink_to("/there")

    def staged(self, config: dict[str, Any]) -> Path:
        """Unpack a config with the machine's own reader, which has tests of its own."""
        folder = self.folder / "staged"
        shutil.rmtree(folder, ignore_errors=True)
        (self.folder / "staged.ign").write_text(json.dumps(config))
        subprocess.run(["bash", READER, self.folder / "staged.ign", folder], check=True, timeout=60)
        return folder

    def prepare(self, empty: Path) -> None:
        """Write the stand-ins."""
        (self.folder / "password").write_text("0123456789abcdef")
        (self.folder / "password").chmod(0o644)
        settings = {
            **{name: str(self.folder / name) for name in ("record", "root", "data", "run", "socket", "password")},
            "port": 5432,
            "pg_programs": str(self.server_programs),
            "empty": str(empty),
            "log": str(self.folder / "socket" / "log"),
            "programs": str(self.root / LIBEXEC),
            "real_major": major_of(self.server_programs),
            "images": self.images,
            "gone": self.gone,
            "built": self.built,
        }
        programs = self.folder / "bin"
        shutil.rmtree(programs, ignore_errors=True)
        programs.mkdir()
        link_programs(programs, PROGRAMS)
        for name in ("podman", "systemctl"):
            write_program(programs / name, STAND_IN, settings)

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run a program of the machine in a process group of its own, to its end."""
        process = subprocess.Popen(
            command,
            env={
                "PATH": str(self.folder / "bin"), "LC_ALL": "C", "DIASPORA_ROOT": str(self.root),
                "DIASPORA_DATA": str(self.data), "DIASPORA_RUN": str(self.folder / "run"),
                "DIASPORA_PROGRAMS": str(self.root / LIBEXEC), "DIASPORA_UPGRADE_LIMIT": str(self.limit),
                "DIASPORA_UPGRADE_PAUSE": "0.1", "DIASPORA_PAGE_LIMIT": "0", **self.variables,
            },
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            out, err = process.communicate(timeout=self.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def upgrade(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        return self.run("/usr/bin/bash", self.root / LIBEXEC / "upgrade", *arguments)

    def upgrade_to(self, config: dict[str, Any], *options: str) -> "subprocess.CompletedProcess[str]":
        (self.folder / "new.ign").write_text(json.dumps(config))
        return self.upgrade(*options, self.folder / "new.ign")

    def is_active(self, unit: str) -> bool:
        """What systemctl says, without the start of a program."""
        file = self.record / "units" / unit
        return file.exists() and file.read_text() == "active"

    def systemctl(self, *words: str) -> int:
        return self.run(self.folder / "bin/systemctl", *words).returncode

    def boot(self) -> "subprocess.CompletedProcess[str] | None":
        """Start as a machine does: the pod, and the unit that looks after interrupted upgrades; its result."""
        shutil.rmtree(self.record / "units")
        shutil.rmtree(self.folder / "run")
        for folder in (self.record / "units", self.folder / "run"):
            folder.mkdir()
        assert self.systemctl("daemon-reload") == 0
        self.systemctl("start", "diaspora.target", *(unit for unit in self.enabled() if unit.endswith(".timer")))
        text = (self.root / "etc/systemd/system/diaspora-upgrade-recover.service").read_text()
        values = dict(
            line.split("=", 1) for line in text.replace("/var/mnt/data", str(self.data)).splitlines() if "=" in line
        )
        if not Path(values["ConditionPathExists"]).exists():
            return None
        return self.run(*values["ExecStart"].split())

    def power_off(self) -> None:
        """Stop everything at once, without a chance to tidy up."""
        file = self.data / "postgresql/postmaster.pid"
        if file.exists():
            with contextlib.suppress(ProcessLookupError):
                kill_tree(int(file.read_text().split()[0]))
        # which a container would not have after a restart
        for left in (self.folder / "socket").glob(".s.PGSQL*"):
            left.unlink()

    def fault(self, match: str, when: str = "after", skip: int = 0) -> None:
        """Let the call that matches (after `skip` others) fail, or die with everything, before it or after it."""
        (self.record / "fault").write_text(json.dumps({"match": match, "when": when, "skip": skip}))

    def fault_of_mv(self, match: str, when: str = "after") -> None:
        (self.record / "mv-fault").write_text(f"{when} {match}\n")
        program = self.folder / "bin/mv"
        program.unlink()
        program.write_text(MV.format(fault=self.record / "mv-fault"))
        program.chmod(0o755)

    def sql(self, text: str, user: str = "postgres") -> str:
        done = subprocess.run(
            [self.server_programs / "psql", "-X", "-At", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.folder / "socket",
             "-p", "5432", "-U", user, "-d", "diaspora_production", "-c", text],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def calls(self) -> list[str]:
        file = self.record / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def files(self) -> dict[str, Node]:
        """What is below the root, but the links of enabled units."""
        return {
            path: node
            for path, node in read_tree(self.root).items()
            if "/wants" not in path and node.kind != "directory"
        }

    def enabled(self) -> list[str]:
        return sorted(path.name for path in (self.root / "etc/systemd/system/wants").iterdir())
