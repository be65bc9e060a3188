"""The SSH host keys of a machine that is installed again, with real ssh-keygen and sshd."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from diaspora_infra.host.features import ssh_host_keys
from diaspora_infra.host.fragment import Fragment
from lab.matchbox import free_ports
from tests.host.aws_pod import aws_context
from tests.host.contexts import context
from tests.host.pod import LIBEXEC, write_tree
from tests.machine.pod_programs import RequireProgram
from tests.support.processes import stop

KINDS = {"ssh_host_rsa_key", "ssh_host_ecdsa_key", "ssh_host_ed25519_key"}
SERVER = "/usr/sbin/sshd"


class Installation:
    """A root folder of a machine, with a data partition that others may have too."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder, self.data = folder, data
        (folder / "etc/ssh").mkdir(parents=True)
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.program("restorecon", "")
        self.program("systemctl", "exit 3")
        self.keep = write_tree(ssh_host_keys(context()), folder / "tree") / LIBEXEC / "keep-ssh-host-keys"

    def program(self, name: str, text: str) -> None:
        """A program in the place of the machine's; it notes its arguments."""
        file = self.tools / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.folder}/calls\n{text}\n')
        file.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def start(self) -> str:
        """What happens before and after sshd starts; returns what is in the journal."""
        said = self.run()
        # what Fedora CoreOS does
        subprocess.run(["ssh-keygen", "-q", "-A", "-f", self.folder], check=True, stdout=subprocess.DEVNULL)
        return said + self.run()

    def run(self) -> str:
        environment = {
            "PATH": f"{self.tools}:/usr/sbin:/usr/bin:/bin",
            "DIASPORA_DATA": str(self.data),
            "DIASPORA_SSH": str(self.folder / "etc/ssh"),
        }
        done = subprocess.run(["bash", self.keep], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    @property
    def keys(self) -> dict[str, str]:
        """The public keys by the names of the private ones."""
        return {
            file.name: " ".join(file.with_name(f"{file.name}.pub").read_text().split()[:2])
            for file in (self.folder / "etc/ssh").glob("ssh_host_*_key")
        }

    @contextmanager
    def sshd(self) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
        """An sshd of this machine: its port, and the process."""
        (port,) = free_ports(1)
        config = self.folder / "sshd_config"
        lines = [f"HostKey {self.folder}/etc/ssh/{name}" for name in sorted(KINDS)]
        config.write_text("\n".join([*lines, "ListenAddress 127.0.0.1", f"Port {port}", "PidFile none", ""]))
        Path("/run/sshd").mkdir(exist_ok=True)
        process = subprocess.Popen([SERVER, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
        try:
            yield port, process
        finally:
            stop(process)


def shown(port: int) -> set[str]:
    """The public keys that a client sees, one of each kind: it asks for each in a connection of its own."""
    for _ in range(100):
        command = ["ssh-keyscan", "-T", "5", "-p", str(port), "127.0.0.1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = {line.split(" ", 1)[1] for line in done.stdout.splitlines() if not line.startswith("#")}
        # the first ones may come before sshd listens
        if len(found) == len(KINDS):
            return found
    raise AssertionError((done.stdout, done.stderr))


@pytest.fixture
def data(tmp_path: Path, require_program: RequireProgram) -> Path:
    require_program("sshd", "openssh-server")
    require_program("ssh-keyscan", "openssh-client")
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_reinstalled_machine_has_the_same_keys(tmp_path: Path, data: Path) -> None:
    first = Installation(tmp_path / "first", data)
    first.start()
    assert first.keys.keys() == KINDS
    second = Installation(tmp_path / "second", data)
    second.start()
    assert second.keys == first.keys
    with second.sshd() as (port, _):
        assert shown(port) == set(first.keys.values())
    other = Installation(tmp_path / "other", tmp_path / "other-data")
    other.start()
    assert not set(other.keys.values()) & set(first.keys.values())


def test_private_keys_are_root_s_alone(tmp_path: Path, data: Path) -> None:
    machine = Installation(tmp_path / "first", data)
    machine.start()
    again = Installation(tmp_path / "second", data)
    again.start()
    kept = data / "ssh-host-keys"
    assert kept.stat().st_mode & 0o777 == 0o700
    for folder in (kept, tmp_path / "first/etc/ssh", tmp_path / "second/etc/ssh"):
        modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
        assert {name for name in modes if not name.endswith(".pub")} == KINDS
        assert all(mode == (0o644 if name.endswith(".pub") else 0o600) for name, mode in modes.items()), modes


def test_next_start_changes_nothing(tmp_path: Path, data: Path) -> None:
    machine = Installation(tmp_path / "first", data)
    machine.start()
    before = {file: file.stat().st_mtime_ns for file in [*data.rglob("*_key"), *machine.folder.glob("etc/ssh/*")]}
    assert machine.start() == ""
    assert {file: file.stat().st_mtime_ns for file in before} == before


@pytest.mark.parametrize("content", [b"", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"], ids=["empty", "cut off"])
def test_damaged_key_is_made_anew_and_the_others_stay(tmp_path: Path, data: Path, content: bytes) -> None:
    first = Installation(tmp_path / "first", data)
    first.start()
    (data / "ssh-host-keys/ssh_host_rsa_key").write_bytes(content)
    second = Installation(tmp_path / "second", data)
    assert "ssh_host_rsa_key is damaged" in second.start()
    assert second.keys.keys() == KINDS
    same = {name for name, key in second.keys.items() if first.keys[name] == key}
    assert same == KINDS - {"ssh_host_rsa_key"}
    with second.sshd() as (port, _):
        assert shown(port) == set(second.keys.values())
    third = Installation(tmp_path / "third", data)
    third.start()
    assert third.keys == second.keys


def test_sshd_that_runs_already_gets_the_keys(tmp_path: Path, data: Path) -> None:
    """On AWS the volume may come when sshd has made keys of its own."""
    first = Installation(tmp_path / "first", data)
    first.start()
    second = Installation(tmp_path / "second", data)
    subprocess.run(["ssh-keygen", "-q", "-A", "-f", second.folder], check=True, stdout=subprocess.DEVNULL)
    second.program("systemctl", "exit 1")
    with second.sshd() as (port, process):
        before = shown(port)
        assert not before & set(first.keys.values())
        second.program("systemctl", f'if [ "$1" = reload ]; then kill -HUP {process.pid}; fi')
        second.run()
        assert second.calls[-2:] == ["systemctl --quiet is-active sshd.service", "systemctl reload sshd.service"]
        for _ in range(50):
            if (after := shown(port)) != before:
                break
        assert after == set(first.keys.values())


def test_keys_get_their_selinux_labels(tmp_path: Path, data: Path) -> None:
    Installation(tmp_path / "first", data).start()
    machine = Installation(tmp_path / "second", data)
    machine.run()
    assert machine.calls[0] == f"restorecon -R {machine.folder}/etc/ssh"


def units(fragment: Fragment) -> dict[str, str]:
    assert all(entry["enabled"] for entry in fragment["systemd"]["units"])
    return {entry["name"]: entry["contents"] for entry in fragment["systemd"]["units"]}


def test_sshd_waits_for_the_keys_except_on_aws() -> None:
    early, kept = "diaspora-ssh-host-keys.service", "diaspora-ssh-host-keys-kept.service"
    here, on_aws = units(ssh_host_keys(context())), units(ssh_host_keys(aws_context().of_machine))
    assert (here.keys(), on_aws.keys()) == ({early, kept}, {kept})
    assert re.search(r"^Before=.*sshd-keygen\.target sshd\.service$", here[early], re.MULTILINE)
    assert "Before=" not in on_aws[kept]
    assert "After=var-mnt-data.mount sshd-keygen.target sshd.service\n" in on_aws[kept]
    for text in (*here.values(), *on_aws.values()):
        assert "ConditionPathIsMountPoint=/var/mnt/data\n" in text
