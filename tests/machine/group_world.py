"""A pod on several machines: two that answer and one that works, each a network namespace with its own rendered files.

Real: the machines' programs, curl and jq, Parameter Store of the simulated account, PostgreSQL, Redis with TLS and a
token, nginx, Puma, Sidekiq, and a small Rails program in the place of diaspora*. Stand-ins: podman and systemctl of a
machine, the metadata service, EC2 Auto Scaling, and a load balancer that asks for /health as the real one does.
What this cannot show: PgBouncer between (test_aws_database.py) and units (test_aws_units.py).
"""

import ctypes
import http.client
import itertools
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from diaspora_infra.host.container_users import container_users
from lab.aws.account import Account
from lab.matchbox import free_ports
from tests.host.aws_pod import group_contexts
from tests.host.pod import LIBEXEC, QUADLETS, containers, files, pod_context, pod_fragment, values, write_tree
from tests.machine.aws_door import Door
from tests.machine.namespaces import Namespace, cable
from tests.machine.pod_application import Container, PodWorld, wait
from tests.machine.pod_mail import certificate
from tests.machine.pod_nginx import nginx_command
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_pod_postgresql import PASSWORD, Postgresql, running, server_programs
from tests.machine.uploads_bucket import BUCKET, Doors, Uploads, make_bucket
from tests.support.memory import memory_folder
from tests.support.processes import stop
from tests.support.rails import APPLICATION, UID

PATH = "/diaspora/pod.example.org"
TOKEN = "cache-token-0123456789"
CACHE = "cache.example.org"
SERVERS, BALANCER = "10.9.0.10", "10.9.0.5"
BACKUP_PASSWORD = "a password of the podmin"
_CLONE_NEWNET = 0x40000000

# podman of a machine: secrets as files, images as lists of migrations, psql as that of the container `postgresql`.
_PODMAN = r"""#!/bin/bash
set -euo pipefail
printf 'podman %s\n' "$*" >> {record}/calls
case "$1 $2" in
    "secret create")
        source=${{*: -1}}
        [[ $source == - ]] && source=/dev/stdin
        cat "$source" > "{record}/secret-${{*: -2:1}}"
        ;;
    "secret rm" | "image exists") ;;
    "image inspect") echo "sha256:${{*: -1}}" ;;
    "run --rm")
        case "${{*: -1}}" in
            *openssl*) openssl genrsa -traditional 1024 2> /dev/null ;;
            *) ls {migrations} ;;
        esac
        ;;
    "exec "*)
        shift
        [[ $1 == --interactive ]] && shift
        if [[ $1 == diaspora-sidekiq && $3 == /usr/local/bin/sidekiq-healthy ]]; then
            [[ -e {record}/sidekiq-healthy ]]
            exit
        fi
        [[ $1 == postgresql && $2 == psql ]] || exit 125
        shift 2
        exec env PGPASSWORD={password} nsenter --net={network} {psql} -h {servers} \
            "${{@/#--username=postgres/--username=diaspora}}"
        ;;
    *) exit 125 ;;
esac
"""
# systemctl of a machine: states are files that the test writes, and what is asked for is a line that it reads.
_SYSTEMCTL = r"""#!/bin/bash
case $1 in
    is-active) cat "{units}/$2" 2> /dev/null || echo inactive ;;
    list-units) ;;
    *) printf '%s\n' "$*" >> {units}/asked ;;
esac
"""


class _Inside:
    """Runs functions in a network namespace, by a thread that has entered it."""

    def __init__(self, network: Namespace) -> None:
        self._threads = ThreadPoolExecutor(8, initializer=partial(_enter, network.pid))

    def run(self, function: Callable[[], Any]) -> Any:
        return self._threads.submit(function).result(timeout=60)

    def end(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _enter(pid: int) -> None:
    with Path(f"/proc/{pid}/ns/net").open(encoding="ascii") as opened:
        assert ctypes.CDLL(None, use_errno=True).setns(opened.fileno(), _CLONE_NEWNET) == 0


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def is_maintenance(self) -> bool:
        """The announced page: come back in a minute."""
        return (self.status, self.headers.get("retry-after")) == (503, "60") and "is being updated" in self.body


@dataclass
class Machine:
    """A machine of a group. It is killed with everything that runs on it, and another one takes its place."""

    role: str
    number: int
    version: int
    world: "GroupWorld"
    folder: Path
    tree: Path
    fragment: dict[str, Any]
    network: Namespace
    door: Door
    stack: ExitStack
    pod: PodWorld = field(init=False)
    web: Container | None = None
    follower: "subprocess.Popen[bytes] | None" = None
    dead: bool = False
    uploads: Uploads | None = None

    def __post_init__(self) -> None:
        self.pod = PodWorld(
            self.folder, self.tree, self.fragment, self.network, self.world.postgresql, "", self.world.authorities
        )
        self.stack.callback(self.pod.stack.close)

    @property
    def address(self) -> str:
        return f"10.9.0.{self.number + 20}"

    @property
    def image(self) -> str:
        return f"registry.example.org/diaspora:{self.version}"

    @property
    def units(self) -> Path:
        return self.folder / "units"

    def environment(self, **changes: str) -> dict[str, str]:
        door = f"http://127.0.0.1:{self.door.server_address[1]}"
        return {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "DIASPORA_DATA": str(self.folder / "data"),
            "DIASPORA_CONFIGURATION": str(self.tree / "etc/diaspora"),
            "DIASPORA_GIVEN_SECRETS": str(self.folder / "none"),
            "DIASPORA_RUN": str(self.folder / "run"),
            "DIASPORA_IMDS": door,
            "DIASPORA_SSM": door,
            "DIASPORA_AUTOSCALING": door,
            "DIASPORA_PAUSE": "0.5",
            **changes,
        }

    def command(self, program: str, *arguments: str) -> list[str]:
        return ["bash", str(self.tree / LIBEXEC / program), *arguments]

    def run(self, program: str, *arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        """Run a program of the machine to its end."""
        return subprocess.run(
            self.command(program, *arguments), env=self.environment(**changes), capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip

    def succeed(self, program: str, *arguments: str) -> str:
        done = self.run(program, *arguments)
        assert done.returncode == 0, done
        self.world.said.append(done.stdout + done.stderr)
        return done.stdout.strip()

    def diaspora_pod(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the podmin's command."""
        command = ["bash", str(self.tree / "usr/local/bin/diaspora-pod"), *arguments]
        environment = self.environment(DIASPORA_PROGRAMS=str(self.tree / LIBEXEC))
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    def prepare(self) -> None:
        """What every machine does at its start, until the application can start."""
        self.succeed("fetch-parameters", "boot")
        self.succeed("make-secrets")
        self.succeed("make-signing-key", self.image, "-c", "--user=1000")

    def secret(self, name: str) -> str:
        return (self.folder / "record" / f"secret-diaspora-{name}").read_text(encoding="utf-8")

    def serve(self) -> None:
        """Start nginx, and what starts and stops the web server."""
        prefix = self.folder / "nginx"
        nginx = self.network.command(*nginx_command(self.world.nginx, prefix, _site(self.tree, prefix, self.folder)))
        # its workers outlive a first process that is killed
        self._spawn(nginx, self.folder / "nginx.out", subprocess.Popen.terminate)
        wait(lambda: self.world.answers(self), "nginx")
        self.follow()

    def follow(self) -> None:
        self.follower = self._spawn(self.command("deployment", "follow", self.image), self.folder / "follow.out")
        threading.Thread(target=self._systemd, daemon=True).start()

    def _spawn(
        self,
        command: list[str],
        output: Path,
        end: Callable[["subprocess.Popen[bytes]"], None] = subprocess.Popen.kill,
    ) -> "subprocess.Popen[bytes]":
        with output.open("ab") as opened:
            process = subprocess.Popen(
                command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=opened, stderr=opened
            )
        self.stack.callback(process.wait)
        self.stack.callback(end, process)
        return process

    def _systemd(self) -> None:
        """Start and stop the web server as systemctl is asked to."""
        done = 0
        file = self.units / "asked"
        while not self.dead:
            lines = file.read_text().splitlines() if file.exists() else []
            for line in lines[done:]:
                if line.startswith("start") and "diaspora-web" in line:
                    self.state("diaspora-web.service", "activating")
                    self.web = self.pod.start("diaspora-web")
                    self.state("diaspora-web.service", "active")
                elif line.startswith("stop") and self.web:
                    self.state("diaspora-web.service", "deactivating")
                    with suppress(OSError):
                        self.web.stop()
                    self.state("diaspora-web.service", "inactive")
            done = len(lines)
            time.sleep(0.05)

    def state(self, unit: str, text: str) -> None:
        (self.units / f"{unit}.new").write_text(text)
        (self.units / f"{unit}.new").rename(self.units / unit)

    def migrate(self) -> str:
        """Do what the units of the job machine do for a deployment; returns `skipped` or `done`, or what failed."""
        begun = self.run("deployment", "begin", self.image)
        self.world.said.append(begun.stdout + begun.stderr)
        if begun.returncode not in (0, 1):
            return begun.stderr
        if begun.returncode == 0:
            status, said = self.pod.run("diaspora-migrate")
            if status != 0:
                return said
            self.administrator()
        self.succeed("deployment", "end", self.image)
        return "skipped" if begun.returncode else "done"

    def administrator(self) -> tuple[int, str]:
        """Run the unit of the administrator; its result, or (1, "") where nothing has to be done."""
        if self.run("administrator", "needed").returncode:
            return 1, ""
        self.succeed("administrator", "password")
        status, said = self.pod.run("diaspora-administrator")
        if status == 0:
            self.succeed("administrator", "done")
        return status, said

    def mount(self) -> None:
        """Mount the bucket with the uploads, as all machines of a pod do."""
        start = self.tree / "etc/diaspora/uploads/start"
        text = start.read_text()
        host = container_users(group_contexts()["web"].settings.pod).diaspora.host
        for old, new in (
            # containers of the test have no map of users
            (f"uid={host},gid={host}", f"uid={UID},gid={UID}"),
            # the s3fs of Debian bookworm has this as its default, and no option for it
            (",disable_noobj_cache", ""),
        ):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        start.write_text(text)
        self.uploads = Uploads(self.folder / "data", self.tree, self.world.s3fs, self.world.bucket, self.world.doors)
        self.stack.callback(self.uploads.remove)
        self.uploads.share()
        self.uploads.start()

    def kill(self) -> None:
        """The machine is gone: no program of it does another thing."""
        self.dead = True
        own = Path(f"/proc/{self.network.pid}/ns/net").readlink()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (process / "ns/net").readlink() == own:
                    os.kill(int(process.name), signal.SIGKILL)
        if self.uploads:
            self.uploads.kill()
        self.stack.close()

    @property
    def output(self) -> str:
        """All that programs on the machine have written, and what they were started with."""
        found = [*self.folder.glob("*.out"), *self.folder.glob("output-*"), self.folder / "record/calls"]
        return "".join(path.read_text(errors="replace") for path in found if path.exists())


def _site(tree: Path, prefix: Path, folder: Path) -> Path:
    """The rendered config of nginx with its paths moved; the application is on the same machine."""
    (prefix / "conf.d").mkdir(parents=True)
    (prefix / "tmp").mkdir()
    (prefix / "srv/public/current").mkdir(parents=True)
    (prefix / "srv/uploads").symlink_to(folder / "data/uploads")
    for name in ("nginx.conf", "conf.d/pod.conf"):
        text = (tree / "etc/diaspora/nginx" / name).read_text()
        for old, new in (
            ("worker_processes auto", "worker_processes 1"),
            ("/tmp/", f"{prefix}/tmp/"),
            ("/etc/nginx/conf.d", str(prefix / "conf.d")),
            ("/dev/stdout", str(folder / "access.out")),
            ("/dev/stderr", str(folder / "error.out")),
            ("http://diaspora-web:3000", "http://127.0.0.1:3000"),
            ("root /srv", f"root {prefix}/srv"),
        ):
            text = text.replace(old, new)
        (prefix / name).write_text(text)
    return prefix / "nginx.conf"


@dataclass
class GroupWorld:
    """The servers of the pod, its account, and the machines that have been started."""

    folder: Path
    account: Account
    postgresql: Postgresql
    nginx: str
    s3fs: str
    bucket: Any
    doors: Doors
    network: Namespace
    switch: Namespace
    authorities: Path
    stack: ExitStack
    inside: _Inside
    # an answer of another machine is waited for, and a client of nobody's is one of the internet
    machines: list[Machine] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    turns: Iterator[int] = field(default_factory=itertools.count)

    @property
    def store(self) -> Any:
        return self.account.client("ssm", "eu-west-1")

    def parameter(self, name: str) -> str:
        answer = self.store.get_parameter(Name=f"{PATH}/{name}", WithDecryption=True)
        return str(answer["Parameter"]["Value"])

    @property
    def migrations(self) -> Path:
        return self.folder / "migrations"

    def machine(self, role: str, version: int = 1, *, mounted: bool = False) -> Machine:
        """Start a machine with an image of this version, which has nothing yet but, if `mounted`, the bucket."""
        number = next(self.numbers)
        folder = self.folder / f"{role}-{number}"
        for name in ("bin", "run", "record", "units", "data/state", "data/secrets", "mounted"):
            (folder / name).mkdir(parents=True)
        fragment = _fragment(role, version)
        (folder / "data/migrations").symlink_to(self.migrations / str(version))
        tree = write_tree(fragment, folder / "tree")
        stack = self.stack.enter_context(ExitStack())
        network = Namespace()
        stack.callback(network.end)
        door = Door(self.account.endpoint)
        door.metadata["instance-id"] = f"i-{number:017x}"
        group = f"<Instance><AutoScalingGroupName>{role}-group</AutoScalingGroupName></Instance>"
        door.query_answers["DescribeAutoScalingInstances"] = group.encode()
        threading.Thread(target=door.serve_forever, args=(0.05,), daemon=True).start()
        stack.callback(door.server_close)
        stack.callback(door.shutdown)
        made = Machine(role, number, version, self, folder, tree, fragment, network, door, stack)
        join(self.switch, network, made.address, number)
        _programs(made, self)
        (folder / "hosts").write_text(f"127.0.0.1 localhost\n{SERVERS} pgbouncer {CACHE}\n", encoding="ascii")
        if mounted:
            made.mount()
        else:
            (folder / "data/uploads/tmp").mkdir(parents=True)
        _folders(made)
        self.machines.append(made)
        return made

    def webs(self) -> list[Machine]:
        return [machine for machine in self.machines if machine.role == "web" and not machine.dead]

    def healthy(self) -> list[Machine]:
        """The machines that answer the health check of the load balancer, as it asks."""
        return [machine for machine in self.webs() if self._is_healthy(machine)]

    def _is_healthy(self, machine: Machine) -> bool:
        try:
            return self._exchange(machine, "GET", "/health", "", {"Host": f"{machine.address}:8080"}).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def answers(self, machine: Machine) -> bool:
        """Whether something listens on the machine."""
        with suppress(OSError, http.client.HTTPException):
            self._exchange(machine, "GET", "/healthz", "", {})
            return True
        return False

    def ask(self, path: str, method: str = "GET", body: str = "", at: Machine | None = None, **headers: str) -> Answer:
        """Ask as a visitor: one of the healthy machines answers, and where there is none, any; or the one given.

        Raises OSError when the machine goes in the middle of the request, as the load balancer answers 502 then.
        """
        found = [at] if at else self.healthy() or self.webs()
        machine = found[next(self.turns) % len(found)]
        given = {"Host": "pod.example.org", "X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
        return self._exchange(machine, method, path, body, given | {k.replace("_", "-"): v for k, v in headers.items()})

    def _exchange(self, machine: Machine, method: str, path: str, body: str, headers: dict[str, str]) -> Answer:
        return self.inside.run(partial(_request, machine.address, method, path, body, headers))

    def query(self, text: str) -> str:
        return self.postgresql.administer("-d", "diaspora_production", "-c", text)

    def settled(self, version: int) -> None:
        """Wait until all web machines of the version answer, and nobody else does."""
        expected = [machine for machine in self.webs() if machine.version == version]
        assert expected
        wait(lambda: self.healthy() == expected, f"the web machines of version {version}")


def _request(address: str, method: str, path: str, body: str, headers: dict[str, str]) -> Answer:
    connection = http.client.HTTPConnection(address, 8080, timeout=30)
    try:
        connection.request(method, path, body.encode("latin-1"), headers)
        answer = connection.getresponse()
        found = {key.lower(): text for key, text in answer.getheaders()}
        return Answer(answer.status, found, answer.read().decode("latin-1"))
    finally:
        connection.close()


def _fragment(role: str, version: int) -> dict[str, Any]:
    """The rendered files of a machine, with all parts of the application's containers in one file."""
    context = group_contexts(
        pod_changes={"image": f"registry.example.org/diaspora:{version}", "backup": {}},
        secrets={"backupPassword": BACKUP_PASSWORD}, mail={"enabled": False}, network={"cidr": "10.9.0.0/16"},
    )[role]  # fmt: skip
    fragment = pod_fragment(context)
    folder = f"{QUADLETS}/diaspora-.container.d/"
    whole = "[Container]\nVolume=/var/mnt/data/migrations:/srv/diaspora/db/migrate:ro\n"
    for path, text in files(fragment).items():
        if path.startswith(folder):
            whole += text + "\n"
    for entry in fragment["storage"]["files"]:
        if entry["path"] == f"{folder}10-application.conf":
            entry["contents"] = {"inline": whole}
    return fragment


def _programs(machine: Machine, world: GroupWorld) -> None:
    record = {
        "record": machine.folder / "record", "migrations": world.migrations / str(machine.version),
        "password": PASSWORD, "network": f"/proc/{machine.network.pid}/ns/net",
        "psql": world.postgresql.programs / "psql", "servers": SERVERS,
    }  # fmt: skip
    for name, text in {
        "podman": _PODMAN.format(**record),
        "systemctl": _SYSTEMCTL.format(units=machine.units),
    }.items():
        (machine.folder / "bin" / name).write_text(text)
        (machine.folder / "bin" / name).chmod(0o755)


def _folders(machine: Machine) -> None:
    """The folders that containers write to, as diaspora-data.service makes them."""
    for name, sections in containers(machine.fragment).items():
        for volume in values(sections["Container"], "Volume") if name.startswith("diaspora-") else ():
            source = volume.split(":")[0]
            if source.startswith("/var/mnt/data/") and "." not in Path(source).name:
                place = machine.folder / source.removeprefix("/var/mnt/")
                place.mkdir(parents=True, exist_ok=True)
                if place.stat().st_uid != UID:
                    os.chown(place, UID, UID)
    if machine.role == "job":
        (machine.folder / "data/sidekiq").mkdir()
        machine.succeed("write-schedule")
        os.chown(machine.folder / "data/sidekiq/schedule.yml", UID, UID)


def join(switch: Namespace, network: Namespace, address: str, number: int) -> None:
    """Connect a computer to the others."""
    cable(switch, f"port{number}", network, "eth0")
    switch.ip(f"link set port{number} master switch")
    network.ip(f"address add {address}/24 dev eth0")


@contextmanager
def group_world(account: Account, require_program: RequireProgram) -> Iterator[GroupWorld]:
    """Run the servers of a pod with an empty database, and put down what the stack puts into Parameter Store."""
    bucket = make_bucket(account)
    with ExitStack() as stack:
        doors = Doors(*free_ports(1), int(account.endpoint.rpartition(":")[2]))
        stack.callback(doors.shut)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="pod-group-", dir=memory_folder())))
        folder.chmod(0o755)
        switch, servers, balancer = (Namespace() for _ in range(3))
        for each in (switch, servers, balancer):
            stack.callback(each.end)
        switch.ip("link add switch type bridge")
        switch.ip("link set switch up")
        join(switch, servers, SERVERS, 201)
        join(switch, balancer, BALANCER, 202)
        (folder / "postgresql").mkdir()
        texts = files(pod_fragment(pod_context()))
        config = "/etc/diaspora/postgresql/postgresql.conf"
        texts[config] += f"\nlisten_addresses = '127.0.0.1,{SERVERS}'\n"
        server = stack.enter_context(
            contextmanager(running)(folder / "postgresql", server_programs(require_program), texts, servers)
        )
        server.prepare()
        _, authorities = certificate(folder / CACHE, CACHE)
        stack.enter_context(_cache(folder, servers, require_program("redis-server", "redis-server")))
        for name in ("curl", "jq", "openssl"):
            require_program(name, name)
        inside = _Inside(balancer)
        stack.callback(inside.end)
        nginx = require_program("nginx", "nginx")
        s3fs = require_program("s3fs", "s3fs")
        world = GroupWorld(
            folder, account, server, nginx, s3fs, bucket, doors, servers, switch, authorities, stack, inside
        )
        shutil.copytree(APPLICATION / "db/migrate", world.migrations / "1")
        for name, value, kind in (
            ("cacheHost", CACHE, "String"), ("cacheToken", TOKEN, "SecureString"), ("deployment", "none", "String"),
            ("databaseHost", SERVERS, "String"), ("databasePassword", PASSWORD, "SecureString"),
            ("uploadsBucket", BUCKET, "String"), ("backupRepository", "s3:https://s3/b", "String"),
            ("backupPassword", BACKUP_PASSWORD, "SecureString"),
        ):  # fmt: skip
            world.store.put_parameter(Name=f"{PATH}/{name}", Value=value, Type=kind)
        yield world


@contextmanager
def _cache(folder: Path, network: Namespace, program: str) -> Iterator[None]:
    """Redis as ElastiCache offers it: TLS only, with a token."""
    keys = folder / CACHE
    options = {
        "port": "0", "tls-port": "6379", "tls-auth-clients": "no", "requirepass": TOKEN, "dir": str(folder),
        "tls-cert-file": str(keys / "server.pem"), "tls-key-file": str(keys / "server.key"),
        "tls-ca-cert-file": str(keys / "ca.pem"), "maxmemory-policy": "noeviction", "save": "", "bind": SERVERS,
    }  # fmt: skip
    words = [word for key, text in options.items() for word in (f"--{key}", text)]
    with subprocess.Popen(network.command(program, *words), stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            stop(process)
