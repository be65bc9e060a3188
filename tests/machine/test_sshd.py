"""SSH logins, with a real sshd on the loopback interface and the config files of Fedora.

Accounts and passwords are those of a mount namespace; the system's own are not touched.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from diaspora_infra.host.features import hardening
from lab.matchbox import free_ports
from tests.conftest import skip_unless
from tests.host.contexts import context
from tests.host.pod import write_tree
from tests.machine.pod_programs import RequireProgram
from tests.support.processes import stop

OURS = "etc/ssh/sshd_config.d/10-diaspora.conf"
PASSWORD = "correct-horse-battery"
# What Fedora CoreOS has (fedora-coreos-config, openssh of Fedora), made as bad as another file could make it.
OTHERS = {
    "40-disable-passwords.conf": "PasswordAuthentication yes\n",
    "50-cloud-init.conf": "PasswordAuthentication yes\nPermitRootLogin yes\n",
    "50-redhat.conf": "SyslogFacility AUTHPRIV\nKbdInteractiveAuthentication yes\nGSSAPIAuthentication yes\n"
    "X11Forwarding yes\nPrintMotd no\n",
}


@pytest.fixture(scope="module", autouse=True)
def _needs(require_program: RequireProgram) -> None:
    require_program("sshd", "openssh-server")
    require_program("ssh", "openssh-client")
    skip_unless(os.geteuid() == 0, "needs root: sshd takes other users' logins")


@dataclass
class Server:
    """An sshd, the port it listens on, and the key that both accounts accept."""

    folder: Path
    port: int

    def login(self, user: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Log in and run a command; passwords are asked of a program that knows the right one."""
        command = ["ssh", "-p", str(self.port), "-F", "none", "-o", "StrictHostKeyChecking=no"]
        command += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10"]
        return subprocess.run(
            [*command, *options, f"{user}@127.0.0.1", "echo in"],
            env={"PATH": os.environ["PATH"], "SSH_ASKPASS": str(self.folder / "ask"), "SSH_ASKPASS_REQUIRE": "force"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def by_key(self, user: str) -> "subprocess.CompletedProcess[str]":
        return self.login(user, "-i", str(self.folder / "key"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes")

    def by_password(self, user: str, way: str = "password") -> "subprocess.CompletedProcess[str]":
        return self.login(user, "-o", "PubkeyAuthentication=no", "-o", f"PreferredAuthentications={way}")


def write_config(folder: Path, *, ours: bool) -> Path:
    """An sshd_config like Fedora's, with its drop-ins, and with or without ours."""
    tree = write_tree(hardening(context()), folder)
    drop_ins = tree / "etc/ssh/sshd_config.d"
    if not ours:
        (tree / OURS).unlink()
    for name, text in OTHERS.items():
        (drop_ins / name).write_text(text)
    config = folder / "sshd_config"
    config.write_text(
        f"Include {drop_ins}/*.conf\nAuthorizedKeysFile {folder}/authorized_keys\n"
        f"HostKey {folder}/host_key\nPidFile none\nStrictModes no\n"
    )
    for name in ("host_key", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    return config


def start(folder: Path, *, ours: bool) -> "subprocess.Popen[bytes]":
    config = write_config(folder, ours=ours)
    (port,) = free_ports(1)
    (folder / "port").write_text(str(port))
    (folder / "authorized_keys").write_text((folder / "key.pub").read_text())
    (folder / "ask").write_text(f"#!/bin/sh\necho {PASSWORD}\n")
    (folder / "ask").chmod(0o755)
    hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], capture_output=True, text=True, check=True).stdout
    (folder / "passwd").write_text(
        "root:x:0:0::/:/bin/sh\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n"
        "core:x:1000:1000::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
    )
    (folder / "shadow").write_text(
        "".join(f"{name}:{hashed.strip()}:19000:0:99999:7:::\n" for name in ("root", "core"))
    )
    folder.chmod(0o755)
    script = (
        f"mount --bind {folder}/passwd /etc/passwd && mount --bind {folder}/shadow /etc/shadow && "
        f"mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -f {config} -o ListenAddress=127.0.0.1 -p {port}"
    )
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stderr=log)
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        else:
            break
    return server


@pytest.fixture(scope="module", params=[True, False], ids=["ours", "without"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Server, bool]]:
    """An sshd with our file, and one without it to prove that the tests detect the difference."""
    # not in pytest's folder, which only one user may enter
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"pod-sshd-{os.getpid()}-{request.param}"
    folder.mkdir()
    process = start(folder, ours=request.param)
    try:
        yield Server(folder, int((folder / "port").read_text())), request.param
    finally:
        stop(process)
        shutil.rmtree(folder)


def test_key_login_is_accepted(server: tuple[Server, bool]) -> None:
    done = server[0].by_key("core")
    assert (done.returncode, done.stdout) == (0, "in\n"), done.stderr


def test_password_login_is_refused(server: tuple[Server, bool]) -> None:
    there, ours = server
    for way in ("password", "keyboard-interactive"):
        done = there.by_password("core", way)
        if ours:
            assert (done.returncode, done.stdout) == (255, "")
            assert "Permission denied (publickey)" in done.stderr
    if not ours:
        assert there.by_password("core").stdout == "in\n"


def test_root_login_is_refused(server: tuple[Server, bool]) -> None:
    there, ours = server
    answers = [there.by_key("root").stdout, there.by_password("root").stdout]
    assert answers == (["", ""] if ours else ["in\n", "in\n"])


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "without"])
def test_effective_sshd_settings_are_the_hardened_ones(tmp_path: Path, ours: bool) -> None:
    config = write_config(tmp_path, ours=ours)
    done = subprocess.run(["/usr/sbin/sshd", "-T", "-f", config], capture_output=True, text=True, check=True)
    settings = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    expected = {
        "permitrootlogin": "no",
        "pubkeyauthentication": "yes",
        "authenticationmethods": "publickey",
        "passwordauthentication": "no",
        "kbdinteractiveauthentication": "no",
        "gssapiauthentication": "no",
        "hostbasedauthentication": "no",
        "x11forwarding": "no",
    }
    differing = {name for name, value in expected.items() if settings[name] != value}
    assert bool(differing) is not ours
    # every line of our file is known and counts
    file = write_tree(hardening(context()), tmp_path / "again") / OURS
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert {line.split()[0].lower() for line in lines} == set(expected)
