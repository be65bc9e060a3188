"""The mail relay: Debian's Postfix and OpenDKIM with the rendered configuration, and a simulated internet.

Two network namespaces: the pod's, where the relay has the address 10.89.71.2 and a container of the pod 10.89.71.5, and
the world's with a name server and the mail server of world.test. Postfix runs with the capabilities of its container.
"""

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dkim
import pytest

from diaspora_infra.host.features.relay import CAPABILITIES
from tests.host.pod import LIBEXEC, pod_context, pod_fragment, write_tree
from tests.machine.pod_mail import PASSWORD, Machine, certificate
from tests.machine.pod_programs import RequireProgram

RELAY, CONTAINER = "10.89.71.2", "10.89.71.5"
OUTSIDE, WORLD = "198.51.100.1", "198.51.100.2"
MAIL: dict[str, Any] = {
    "senderAddress": "no-reply@pod.example.org",
    "relay": {"image": "registry.example.org/relay:1"},
}

# Says one thing after the other to an SMTP server, and prints the last answer; 221 when all was taken.
TALK = """
import smtplib, sys
source, host, sender, receiver, body = sys.argv[1:]
try:
    server = smtplib.SMTP(host, 25, local_hostname="diaspora-sidekiq", timeout=20, source_address=(source, 0))
    server.sendmail(sender, [receiver], body.encode())
    print(*server.quit()[:1])
except smtplib.SMTPRecipientsRefused as error:
    print(*[code for code, _ in error.recipients.values()])
except smtplib.SMTPResponseException as error:
    print(error.smtp_code)
"""


@dataclass
class Relay:
    """The relay of a pod, and the simulated internet."""

    folder: Path
    tree: Path
    machine: Machine
    name: str
    expects_mail: bool = True
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def taken(self) -> Path:
        return self.folder / "taken"

    def inside(self, *command: str | Path, where: str = "pod") -> list[str]:
        return ["ip", "netns", "exec", f"{self.name}-{where}", *map(str, command)]

    def spawn(self, what: str, command: list[str]) -> None:
        with (self.folder / f"{what}.log").open("ab") as log:
            self.processes[what] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )  # its group is what `stop` ends

    def start_dkim(self, uid: int) -> None:
        key = self.folder / "dkim-key"
        shutil.copyfile(self.machine.record / "secret-diaspora-dkim-key", key)
        os.chown(key, uid, uid)
        key.chmod(0o400)
        config = (self.tree / "etc/diaspora/relay/opendkim.conf").read_text()
        (self.folder / "opendkim.conf").write_text(config.replace("/run/secrets/diaspora-dkim-key", str(key)))
        rights = [
            "setpriv",
            f"--reuid={uid}",
            f"--regid={uid}",
            "--clear-groups",
            "--no-new-privs",
            "--bounding-set=-all",
        ]
        self.spawn("dkim", self.inside(*rights, "opendkim", "-f", "-x", self.folder / "opendkim.conf"))
        self.wait(lambda: self.healthy("8891"))

    def start(self) -> None:
        """Start Postfix as its container does: with these files, folders and capabilities, and no others."""
        config = self.tree / "etc/diaspora/relay"
        binds = {
            "/etc/postfix/main.cf": config / "main.cf",
            "/etc/postfix/master.cf": config / "master.cf",
            "/var/spool/postfix": self.folder / "queue",
            "/var/lib/postfix": self.folder / "state",
            "/etc/hosts": self.folder / "hosts",
            "/etc/resolv.conf": self.folder / "resolv.conf",
        }
        if (self.folder / "pki").exists():
            binds["/etc/ssl/certs/ca-certificates.crt"] = self.folder / "pki/ca.pem"
        mounts = [f"mount --bind {source} {target}" for target, source in binds.items()]
        mounts += ["mount -t tmpfs tmpfs /run", "mkdir /run/secrets"]
        for secret in self.machine.record.glob("secret-diaspora-smarthost-*"):
            mounts.append(f"cp {secret} /run/secrets/{secret.name.removeprefix('secret-')}")
        capabilities = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in CAPABILITIES)
        rights = f"setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,{capabilities}"
        script = "\n".join(["set -e", *mounts, f"exec {rights} bash {self.tree / LIBEXEC / 'start-relay'}"])
        # as in a container, all of it ends with its first process
        own = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
        self.spawn("postfix", self.inside(*own, "bash", "-c", script))
        self.wait(lambda: self.healthy("25", "220"))

    def stop(self, what: str, number: signal.Signals = signal.SIGTERM) -> None:
        process = self.processes.pop(what)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        process.communicate(timeout=30)

    def healthy(self, *arguments: str) -> bool:
        command = self.inside("bash", self.tree / LIBEXEC / "relay-healthy", *arguments)
        return subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == 0

    def wait(self, happens: Callable[[], object]) -> None:
        end = time.monotonic() + 40
        while not happens():
            logs = "\n".join(log.read_text() for log in self.folder.glob("*.log"))
            assert time.monotonic() < end, logs
            time.sleep(0.1)

    def send(
        self,
        body: str,
        *,
        sender: str = "no-reply@pod.example.org",
        receiver: str = "ann@world.test",
        source: str = CONTAINER,
        where: str = "pod",
    ) -> str:
        """Send a mail to the relay, and return the code of the last answer."""
        host = RELAY if where == "pod" else OUTSIDE
        command = self.inside(sys.executable, "-c", TALK, source, host, sender, receiver, body, where=where)
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    def arrived(self, count: int) -> list[tuple[str, bytes]]:
        """Wait for this many mails: returns envelope and content of each."""
        self.wait(lambda: len([*self.taken.glob("*.mail")]) >= count)
        found = []
        for path in sorted(self.taken.glob("*.mail")):
            head, _, content = path.read_bytes().partition(b"\n")
            found.append((head.decode(), content))
        assert len(found) == count
        return found

    def empty(self) -> None:
        for path in self.taken.glob("*.mail"):
            path.unlink()


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


@contextlib.contextmanager
def networks(name: str) -> Iterator[None]:
    pod, world = f"{name}-pod", f"{name}-world"
    try:
        ip("netns", "add", pod)
        ip("netns", "add", world)
        ip("link", "add", "out", "netns", pod, "type", "veth", "peer", "name", "out", "netns", world)
        for address in (RELAY, CONTAINER):
            ip("-n", pod, "address", "add", f"{address}/24", "dev", "lo")
        for space, address in ((pod, OUTSIDE), (world, WORLD)):
            ip("-n", space, "address", "add", f"{address}/24", "dev", "out")
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "link", "set", "out", "up")
        yield
    finally:
        for space in (pod, world):
            subprocess.run(["ip", "netns", "delete", space], capture_output=True, check=False, timeout=20)


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder outside of pytest's, which only one user may enter."""
    made = Path(tempfile.mkdtemp(prefix="pod-relay-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def relay(open_folder: Path, require_program: RequireProgram) -> Iterator[Relay]:
    check_programs(require_program)
    folder = open_folder / "relay"
    folder.mkdir()
    with running(folder, MAIL) as made:
        yield made


@pytest.fixture(scope="module", params=["smart.test", "other.test"])
def behind_smarthost(
    request: pytest.FixtureRequest, open_folder: Path, require_program: RequireProgram
) -> Iterator[Relay]:
    """A relay behind the smarthost smart.test, which has a certificate for this name."""
    check_programs(require_program)
    folder = open_folder / request.param
    folder.mkdir()
    mail = {**MAIL, "relay": {**MAIL["relay"], "smarthost": {"host": "smart.test", "username": "pod"}}}
    with running(folder, mail, certificate_for=request.param) as made:
        made.expects_mail = request.param == "smart.test"
        yield made


def check_programs(require_program: RequireProgram) -> None:
    for program, package in (
        ("postfix", "postfix"),
        ("opendkim", "opendkim"),
        ("ip", "iproute2"),
        ("setpriv", "util-linux"),
        ("ruby", "ruby"),
    ):
        require_program(program, package)
    if os.geteuid() != 0:
        pytest.skip("network namespaces and Postfix need root")


@contextlib.contextmanager
def running(folder: Path, mail: dict[str, Any], certificate_for: str | None = None) -> Iterator[Relay]:
    secrets = {"smarthostPassword": PASSWORD} if certificate_for else {}
    tree = write_tree(pod_fragment(pod_context(mail=mail, secrets=secrets)), folder / "tree")
    here = Machine(folder / "machine", tree)
    here.prepare(**({"smarthost_password": PASSWORD} if certificate_for else {}))
    here.succeed("make-dkim-key", "registry.example.org/diaspora:0.9.1.0", "-c", "--user=1000:1000")
    for name in ("queue", "state", "taken"):
        (folder / name).mkdir()
    (folder / "state").chmod(0o700)
    shutil.chown(folder / "state", "postfix", "postfix")
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n{RELAY} relay-dkim relay\n")
    (folder / "resolv.conf").write_text(f"nameserver {WORLD}\n")
    made = Relay(folder, tree, here, f"{folder.name}-{os.getpid()}")
    world = [sys.executable, "-m", "tests.machine.mail_world", WORLD, str(made.taken)]
    if certificate_for:
        certificate(folder / "pki", certificate_for)
        world += [str(folder / "pki/server.pem"), str(folder / "pki/server.key"), PASSWORD]
    with networks(made.name):
        try:
            made.spawn("world", made.inside(*world, where="world"))
            made.wait(lambda: (made.taken / "ready").exists())
            made.start_dkim(_uid("opendkim"))
            made.start()
            yield made
        finally:
            for what in [*made.processes]:
                made.stop(what)


def _uid(name: str) -> int:
    return pwd.getpwnam(name).pw_uid


def body(word: str) -> str:
    head = f"From: Pod <no-reply@pod.example.org>\nTo: ann@world.test\nSubject: hello {word}\n"
    return f"{head}\n{word}\n.. two dots, and a long line {'x' * 200}\n"


def signed_records(here: Relay) -> dict[bytes, bytes]:
    """The records as `diaspora-pod mail` prints them for a name server."""
    found = {}
    for line in here.machine.succeed("mail").splitlines():
        if " IN TXT " in line:
            name, _, text = line.partition(" IN TXT ")
            found[name.encode()] = "".join(text.split('"')[1::2]).encode()
    return found


def test_mail_of_the_pod_has_a_valid_dkim_signature(relay: Relay) -> None:
    relay.empty()
    assert relay.send(body("one")) == "221"
    ((envelope, content),) = relay.arrived(1)
    assert envelope == "no-reply@pod.example.org ann@world.test pod.example.org"
    records = signed_records(relay)
    assert dkim.verify(content, dnsfunc=lambda name, timeout=5: records.get(name))
    assert re.search(rb"d=pod\.example\.org;\s+s=pod;", content)
    assert not dkim.verify(content.replace(b"one", b"two"), dnsfunc=lambda name, timeout=5: records.get(name))


def test_mail_from_other_networks_is_refused(relay: Relay) -> None:
    relay.empty()
    assert relay.send(body("x"), source=WORLD, where="world") == "554"
    # also for an address of the pod itself: there are no mailboxes
    assert relay.send(body("x"), source=WORLD, where="world", receiver="podmin@pod.example.org") == "554"


@pytest.mark.parametrize("sender", ["ann@world.test", "no-reply@other.pod.example.org", ""])
def test_mail_from_other_senders_is_refused(relay: Relay, sender: str) -> None:
    assert relay.send(body("x"), sender=sender) == "554"


def test_queued_mail_survives_a_crash_of_the_relay(relay: Relay) -> None:
    relay.empty()
    (relay.taken / "closed").touch()
    assert relay.send(body("later")) == "221"
    relay.wait(lambda: [*(relay.folder / "queue/deferred").rglob("[0-9A-F]*[0-9A-F]")])
    relay.stop("postfix", signal.SIGKILL)
    (relay.taken / "closed").unlink()
    # what was deferred waits for the time of its file
    for path in (relay.folder / "queue/deferred").rglob("*"):
        if path.is_file():
            os.utime(path, (0, 0))
    relay.start()
    ((_, content),) = relay.arrived(1)
    assert b"later" in content


def test_unsigned_mail_is_not_sent(relay: Relay) -> None:
    relay.empty()
    relay.stop("dkim")
    try:
        assert relay.send(body("unsigned")) == "451"
    finally:
        relay.start_dkim(_uid("opendkim"))
    assert relay.send(body("signed")) == "221"
    ((_, content),) = relay.arrived(1)
    assert b"signed" in content


def test_relay_listens_only_on_the_pod_network(relay: Relay) -> None:
    for name in ("relay", "relay-dkim"):
        text = (relay.tree / f"etc/containers/systemd/{name}.container").read_text()
        assert "PublishPort" not in text
        assert "Network=diaspora.network\n" in text


def test_smarthost_gets_mail_and_password_only_with_a_valid_certificate(behind_smarthost: Relay) -> None:
    here = behind_smarthost
    assert here.send(body("smart"), receiver="ann@nowhere.test") == "221"
    logins = here.taken / "logins"
    if here.expects_mail:
        ((envelope, content),) = here.arrived(1)
        assert envelope == "no-reply@pod.example.org ann@nowhere.test pod.example.org"
        assert b"DKIM-Signature" in content
        assert logins.read_text() == "True\n"
    else:
        here.wait(lambda: "Server certificate not verified" in (here.folder / "postfix.log").read_text())
        assert not logins.exists()


def test_mail_queue_command_lists_the_queue(relay: Relay) -> None:
    relay.machine.run("mail", "queue")
    assert relay.machine.calls()[-1] == "exec relay postqueue -p"


@pytest.mark.parametrize("smarthost", [None, {"host": "smart.test", "username": "it's", "port": 465}])
def test_shellcheck_reports_nothing(
    smarthost: dict[str, Any] | None, tmp_path: Path, require_program: RequireProgram
) -> None:
    mail = {**MAIL, "relay": {**MAIL["relay"], **({"smarthost": smarthost} if smarthost else {})}}
    secrets = {"smarthostPassword": PASSWORD} if smarthost else {}
    root = write_tree(pod_fragment(pod_context(mail=mail, secrets=secrets)), tmp_path)
    shellcheck = require_program("shellcheck", "shellcheck")
    programs = [root / LIBEXEC / name for name in ("mail", "start-relay", "relay-healthy", "make-dkim-key")]
    assert subprocess.run([shellcheck, *programs], capture_output=True, text=True, check=False).stdout == ""
