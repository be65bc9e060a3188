"""The program in the place of diaspora* (tests/support/application) as the rendered containers run it.

Command, environment, secrets, volumes, user and working folder are those of the .container files; PostgreSQL and Redis
run with their rendered configs, on their own ports, in a network namespace. What this cannot show is what podman adds
besides: SELinux, limits of memory, other uids.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.host.pod import LIBEXEC, containers, files, values, write_tree
from tests.machine.namespaces import Namespace
from tests.machine.pod_programs import RequireProgram, machine
from tests.machine.test_pod_postgresql import PASSWORD, Postgresql, server_programs
from tests.machine.test_pod_postgresql import running as running_postgresql
from tests.support.memory import memory_folder
from tests.support.processes import stop
from tests.support.rails import UID, rails_layers

START = Path(__file__).with_name("application_container.sh")
REDIS_PASSWORD = "fedcba9876543210"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HOSTS = "127.0.0.1 localhost postgresql redis smtp.example.org\n"
# Asks the application as nginx does, and prints status, headers and body as JSON.
_CLIENT = r"""
import http.client, json, sys
method, path, headers, body = json.loads(sys.stdin.read())
connection = http.client.HTTPConnection("127.0.0.1", 3000, timeout=30)
connection.request(method, path, body.encode("latin-1"), headers)
answer = connection.getresponse()
print(json.dumps([answer.status, answer.getheaders(), answer.read().decode("latin-1")]))
"""


@dataclass
class Answer:
    """What the application answered."""

    status: int
    headers: list[list[str]]
    body: str

    def header(self, name: str) -> str:
        """The value of a header; nothing when it is not there."""
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass
class Container:
    """A running container: the process that podman would call its first one."""

    process: "subprocess.Popen[bytes]"
    output: Path

    @property
    def pid(self) -> int:
        """The first process in the container, as this computer sees it. Raises OSError before it is in there."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        found = children.split()
        if not found or Path(f"/proc/{found[0]}/root").readlink() == Path("/"):
            raise ProcessLookupError("the container has not started yet")
        return int(found[0])

    def succeeds(self, *words: str) -> bool:
        """Whether a command in the container ends well; not before the container has started."""
        try:
            return self.execute(*words).returncode == 0
        except OSError:
            return False

    def said(self) -> str:
        """All output of the container."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int:
        """End the container as podman does; returns its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        """End the container at once."""
        with suppress(OSError):
            # a program that has changed its user outlives `unshare --kill-child`
            os.kill(self.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def command(self, *words: str) -> list[str]:
        """The command that runs another one in the container, as `podman exec` does."""
        spaces = ["--mount", "--pid", "--uts", "--ipc", "--net", "--root", "--wd"]
        return ["nsenter", f"--target={self.pid}", *spaces, f"--setuid={UID}", f"--setgid={UID}", "--", *words]

    def execute(self, *words: str, text: str = "", seconds: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run a command in the container, with its environment. Raises OSError before the container has started."""
        pairs = Path(f"/proc/{self.pid}/environ").read_bytes().decode().rstrip("\0").split("\0")
        if pairs == [""]:
            raise ProcessLookupError("the program of the container is being started")
        return subprocess.run(
            self.command(*words), env=dict(pair.split("=", 1) for pair in pairs), input=text,
            capture_output=True, text=True, check=False, timeout=seconds,
        )  # fmt: skip


@dataclass
class PodWorld:
    """The rendered files of a pod, its secrets, and the network of its servers."""

    folder: Path
    tree: Path
    fragment: dict[str, Any]
    network: Namespace
    postgresql: Postgresql
    redis: str
    authorities: Path | None = None
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def data(self) -> Path:
        """The data partition."""
        return self.folder / "data"

    def _source(self, path: str) -> str:
        """Where a path of the machine is."""
        place = self.data if path.startswith("/var/mnt/data/") else self.tree
        return str(place) + path.removeprefix("/var/mnt/data" if place == self.data else "")

    def _mounts(self, section: list[tuple[str, str]]) -> Iterator[str]:
        yield f"{self.folder / 'hosts'}:/etc/hosts:ro"
        if self.authorities:
            yield f"{self.authorities}:/etc/ssl/certs/ca-certificates.crt:ro"
        for volume in values(section, "Volume"):
            source, rest = volume.split(":", 1)
            yield f"{self._source(source)}:{rest}"
        for name, options in _secrets(section):
            if options.get("type") != "env":
                copy = self.folder / "mounted" / name
                shutil.copyfile(self._secret(name), copy)
                os.chown(copy, UID, UID)
                copy.chmod(int(options["mode"], 8))
                target = options.get("target", name)
                yield f"{copy}:{target if target.startswith('/') else f'/run/secrets/{target}'}:ro"

    def _secret(self, name: str) -> Path:
        return self.folder / "record" / f"secret-{name}"

    def _environment(self, section: list[tuple[str, str]]) -> dict[str, str]:
        found = {"HOME": "/srv/diaspora"}
        found |= dict(entry.strip('"').split("=", 1) for entry in values(section, "Environment"))
        for name, options in _secrets(section):
            if options.get("type") == "env":
                found[options["target"]] = self._secret(name).read_text(encoding="utf-8")
        return found

    def start(self, name: str, command: Sequence[str] = ()) -> Container:
        """Start a container as its file says, or with another command; it ends with the test."""
        section = containers(self.fragment)[name]["Container"]
        (work, home, line) = (self.folder / f"work-{name}", *values(section, "WorkingDir"), *values(section, "Exec"))
        work.mkdir(exist_ok=True)
        (user,) = values(section, "User")
        assert int(user) == UID
        program = list(command) or shlex.split(line)
        if values(section, "RunInit") == ["true"]:
            program = ["catatonit", "--", *program]
        words = container_command(work, rails_layers(), name, home, list(self._mounts(section)), program)
        environment = self._environment(section)
        started = start_container(self.network.command(*words), name, environment, self.folder / f"output-{name}")
        self.stack.callback(started.kill)
        return started

    def work(self) -> Container:
        """Start Sidekiq and wait until its health check is content."""
        worker = self.start("diaspora-sidekiq")
        wait(lambda: healthy(worker, "sidekiq-healthy"), "Sidekiq", worker)
        return worker

    def run(self, name: str, command: Sequence[str] = ()) -> tuple[int, str]:
        """Run a container to its end; returns its exit code and what it wrote."""
        started = self.start(name, command)
        return started.process.wait(timeout=120), started.said()

    def serve(self) -> Container:
        """Start the web server and wait until its health check is content."""
        web = self.start("diaspora-web")
        wait(lambda: healthy(web), "the web server", web)
        return web

    def ask(self, path: str, method: str = "GET", body: str = "", https: bool = True, **headers: str) -> Answer:
        """Ask the application as nginx does."""
        sent = {"Host": "pod.example.org", **({"X-Forwarded-Proto": "https"} if https else {})}
        sent |= {key.replace("_", "-"): value for key, value in headers.items()}
        words = self.network.command(shutil.which("python3") or "python3", "-Ic", _CLIENT)
        text = json.dumps([method, path, sent, body])
        done = subprocess.run(words, input=text, capture_output=True, text=True, check=True, timeout=60)
        return Answer(*json.loads(done.stdout))

    def ask_redis(self, *words: str) -> str:
        """Ask Redis with its password."""
        command = self.network.command(self.redis, "--raw", *words)
        environment = {"PATH": os.environ["PATH"], "REDISCLI_AUTH": REDIS_PASSWORD}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=20)
        return done.stdout.strip()

    def query(self, text: str) -> str:
        """Ask the pod's database."""
        return self.postgresql.administer("-d", "diaspora_production", "-c", text)

    def log(self) -> str:
        """The application's own log."""
        return (self.data / "log/production.log").read_text(encoding="utf-8")


def _secrets(section: list[tuple[str, str]]) -> Iterator[tuple[str, dict[str, str]]]:
    for entry in values(section, "Secret"):
        name, *options = entry.split(",")
        yield name, dict(option.split("=", 1) for option in options)


def container_command(
    work: Path, layers: Sequence[Path], name: str, home: str, mounts: Sequence[str], program: Sequence[str]
) -> list[str]:
    """The command that runs a program in a container of these root folders; `mounts` are as podman's volumes."""
    spaces = ["--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc"]
    folders = ":".join(map(str, layers))
    return [
        "unshare", *spaces, "bash", str(START), str(work), folders, name, str(UID), home, *mounts, "--", *program,
    ]  # fmt: skip


def start_container(command: Sequence[str], name: str, environment: Mapping[str, str], output: Path) -> Container:
    """Start the command of a container; its output goes to a file."""
    with output.open("wb") as opened:
        variables = {"PATH": PATH, "HOSTNAME": name, **environment}
        process = subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, stdout=opened, stderr=opened)
    return Container(process, output)


def healthy(container: Container, check: str = "web-healthy", *words: str) -> bool:
    """Whether a health check is content, as podman runs it."""
    return container.succeeds("bash", f"/usr/local/bin/{check}", *words)


def wait(happens: Any, what: str, container: Container | None = None, seconds: float = 60) -> None:
    """Wait until something happens; fails with the output of a container."""
    end = time.monotonic() + seconds
    while not happens():
        said = container.said() if container else ""
        assert container is None or container.process.poll() is None, f"{what} has ended: {said}"
        assert time.monotonic() < end, f"{what}: not within {seconds} s; {said}"
        time.sleep(0.1)


@contextmanager
def pod_world(
    fragment: dict[str, Any], require_program: RequireProgram, given: Mapping[str, str] | None = None
) -> Iterator[PodWorld]:
    """Run PostgreSQL and Redis of a pod with an empty database; `given` are the secrets of the podmin, by file."""
    with ExitStack() as stack:
        # not in pytest's folder, which only one user may enter
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="pod-application-", dir=memory_folder())))
        folder.chmod(0o755)
        network = Namespace()
        stack.callback(network.end)
        tree = write_tree(fragment, folder / "tree")
        _make_secrets(folder, tree, given or {})
        (folder / "hosts").write_text(HOSTS, encoding="utf-8")
        _make_folders(folder, fragment)
        (folder / "postgresql").mkdir()
        server = stack.enter_context(
            contextmanager(running_postgresql)(
                folder / "postgresql", server_programs(require_program), files(fragment), network
            )
        )
        server.prepare()
        client = require_program("redis-cli", "redis-tools")
        world = PodWorld(folder, tree, fragment, network, server, client)
        stack.enter_context(running_redis(world, require_program("redis-server", "redis-server")))
        stack.enter_context(world.stack)
        yield world


def _make_secrets(folder: Path, tree: Path, given: Mapping[str, str]) -> None:
    """Let the machine's own program make them."""
    made = machine(folder, tree)
    (made.data / "secrets").mkdir()
    (made.data / "secrets/database_password").write_text(PASSWORD, encoding="ascii")
    (made.data / "secrets/redis_password").write_text(REDIS_PASSWORD, encoding="ascii")
    for name, text in given.items():
        (made.given / name).write_text(text, encoding="utf-8")
    made.succeed("make-secrets")
    # a short one, because it takes no time
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    (made.record / "answer").write_bytes(text)
    made.succeed("make-signing-key", "image", "-c", "--user=1000")


def _make_folders(folder: Path, fragment: dict[str, Any]) -> None:
    """Make the folders of the data partition that containers write to, and what is mounted from it."""
    (folder / "mounted").mkdir()
    for name, sections in containers(fragment).items():
        if not name.startswith("diaspora-"):
            continue
        for volume in values(sections["Container"], "Volume"):
            source = volume.split(":")[0]
            if source.startswith("/var/mnt/data/") and "." not in Path(source).name:
                place = folder / source.removeprefix("/var/mnt/")
                place.mkdir(parents=True, exist_ok=True)
                os.chown(place, UID, UID)
    (folder / "data/sidekiq").mkdir(exist_ok=True)
    subprocess.run(
        ["bash", folder / "tree" / LIBEXEC / "write-schedule"],
        env={
            "PATH": os.environ["PATH"], "DIASPORA_DATA": str(folder / "data"),
            "DIASPORA_CONFIGURATION": str(folder / "tree/etc/diaspora"),
        },
        check=True, timeout=60,
    )  # fmt: skip
    os.chown(folder / "data/sidekiq/schedule.yml", UID, UID)


@contextmanager
def running_redis(world: PodWorld, program: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run Redis with the pod's config, and with what it had stored."""
    folder = world.folder / "redis"
    folder.mkdir(exist_ok=True)
    text = (world.tree / "etc/diaspora/redis/redis.conf").read_text(encoding="utf-8")
    authentication = world.folder / "record/secret-diaspora-redis-auth"
    for old, new in (("dir /data", f"dir {folder}"), ("/run/secrets/redis-auth.conf", str(authentication))):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (world.folder / "redis.conf").write_text(text, encoding="utf-8")
    command = world.network.command(program, str(world.folder / "redis.conf"))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            wait(lambda: _answers(world), "Redis")
            yield process
        finally:
            stop(process)


def _answers(world: PodWorld) -> bool:
    try:
        return world.ask_redis("ping") == "PONG"
    except subprocess.CalledProcessError:
        return False
