"""Secrets that the podmin places on the machine: the real programs, with stand-ins for podman and systemctl."""

import os
import pty
import re
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diaspora_infra.config import ConfigError
from diaspora_infra.config.secrets import SECRETS
from diaspora_infra.host.render import render
from tests.host.pod import LIBEXEC, files, pod_context, pod_fragment, write_tree
from tests.machine.pod_programs import PODMAN, Machine, RequireProgram, machine
from tests.support.configs import mail

VALUE = "planted correct-horse=battery/staple"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPyvPaZYYgjxX2iI0ZNkUhRNBQvEYTB+rTcdfEAyLSZp"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nplanted\n-----END OPENSSH PRIVATE KEY-----\n"
CONTEXT = pod_context(
    mail=mail(),
    backup={"repository": "sftp://pod@backup.example.org/pod", "hostKey": HOST_KEY},
    privacy={"camo": {"root": "https://camo.example.org"}},
    secretsOnMachine=["smtpPassword", "camoKey", "backupPassword", "backupSshKey"],
)
FRAGMENT = pod_fragment(CONTEXT)
WEB = "systemctl restart --no-block diaspora-web.service diaspora-sidekiq.service"
# Slow enough for a look at the processes; otherwise as the other tests have it.
SLOW_PODMAN = PODMAN.replace("set -euo pipefail\n", "set -euo pipefail\nsleep 0.1\n", 1)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(FRAGMENT, tmp_path_factory.mktemp("machine"))


@pytest.fixture
def here(tree: Path, tmp_path: Path) -> Machine:
    made = machine(tmp_path, tree)
    (made.data / "domain").write_text("pod.example.org\n")
    return made


def environment(here: Machine) -> dict[str, str]:
    folder = here.path()
    sleep = shutil.which("sleep")
    assert sleep
    (folder / "sleep").symlink_to(sleep)
    (folder / "systemctl").write_text('#!/usr/bin/env bash\necho "systemctl $*" >> "$PODMAN_RECORD/calls"\n')
    (folder / "systemctl").chmod(0o755)
    return {
        "PATH": str(folder),
        "DIASPORA_DATA": str(here.data),
        "DIASPORA_GIVEN_SECRETS": str(here.given),
        "DIASPORA_CONFIGURATION": str(here.programs / "etc/diaspora"),
        "DIASPORA_PROGRAMS": str(here.programs / LIBEXEC),
        "PODMAN_RECORD": str(here.record),
    }


def command(here: Machine) -> list[str]:
    bash = shutil.which("bash")
    assert bash
    return [bash, str(here.programs / "usr/local/bin/diaspora-pod")]


def pod(here: Machine, *words: str, text: str | bytes = "") -> "subprocess.CompletedProcess[bytes]":
    data = text.encode() if isinstance(text, str) else text
    return subprocess.run(
        [*command(here), *words], env=environment(here), input=data, capture_output=True, check=False, timeout=60
    )


def place(here: Machine, name: str, text: str | bytes) -> str:
    done = pod(here, "secret", "set", name, text=text)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def kept(here: Machine, name: str) -> Path:
    return here.data / "secrets/provided" / name


@pytest.fixture(autouse=True)
def _root_user() -> None:
    if os.geteuid() != 0:
        pytest.skip("diaspora-pod wants root")


def test_placed_secrets_are_not_in_the_config() -> None:
    assert "/etc/diaspora/secrets" not in {path.rpartition("/")[0] for path in files(FRAGMENT)}
    rendered = render(CONTEXT.settings, CONTEXT.machine, {})
    assert not rendered.secret
    assert "/etc/diaspora/secrets/" not in rendered.butane_text()


def test_placed_secret_is_root_only_and_passed_to_podman(here: Machine) -> None:
    output = place(here, "backupPassword", f"{VALUE}\n")
    file = kept(here, "backup_password")
    assert file.read_text() == VALUE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["backup_password"]
    assert here.secret("diaspora-backup-password") == VALUE
    assert output.startswith("backupPassword is set\n")
    # the pod runs on: nothing of it needs this one
    assert not [call for call in here.calls if call.startswith("systemctl")]


def test_pod_starts_when_its_last_secret_is_placed(here: Machine) -> None:
    assert "camoKey is missing; run: sudo diaspora-pod secret set camoKey" in place(here, "smtpPassword", "a")
    assert WEB not in here.calls
    assert "the pod restarts with the new secret" in place(here, "camoKey", "b")
    assert here.calls[-2:] == [WEB, "systemctl start --no-block diaspora.target"]


def test_relay_starts_when_its_password_is_placed(tmp_path: Path) -> None:
    relay = {"image": "registry.example.org/relay:1", "smarthost": {"host": "smart.example.org", "username": "pod"}}
    context = pod_context(
        mail={"senderAddress": "a@pod.example.org", "relay": relay}, secretsOnMachine=["smarthostPassword"]
    )
    fragment = pod_fragment(context)
    drop_in = files(fragment)["/etc/containers/systemd/relay.container.d/30-secrets.conf"]
    assert "ConditionPathExists=/var/mnt/data/secrets/provided/smarthost_password\n" in drop_in
    made = machine(tmp_path / "one", write_tree(fragment, tmp_path / "tree"))
    (made.data / "domain").write_text("pod.example.org\n")
    place(made, "smarthostPassword", "x")
    assert made.calls[-2:] == [
        "systemctl restart --no-block relay.service",
        "systemctl start --no-block diaspora.target",
    ]


def test_new_value_replaces_the_old_one(here: Machine) -> None:
    place(here, "backupPassword", "old")
    place(here, "backupPassword", "new")
    assert here.secret("diaspora-backup-password") == "new"


def test_boot_recreates_podman_secrets_and_removes_missing_ones(here: Machine) -> None:
    place(here, "backupPassword", VALUE)
    (here.record / "secret-diaspora-backup-password").unlink()
    here.podman = PODMAN.replace('"image inspect")', '"secret rm") ;;\n    "image inspect")')
    here.succeed("make-secrets")
    assert here.secret("diaspora-backup-password") == VALUE
    assert "secret rm diaspora-smtp-password" in here.calls
    assert "secret rm diaspora-backup-password" not in here.calls


def test_private_key_is_read_from_standard_input(here: Machine) -> None:
    for text in (KEY, KEY.rstrip("\n"), f"\n  {KEY}\n\n"):
        place(here, "backupSshKey", text)
        assert kept(here, "backup_ssh_key").read_text() == KEY


def test_secret_list_shows_state_without_values(here: Machine) -> None:
    place(here, "backupPassword", VALUE)
    done = pod(here, "secret", "list")
    lines = dict(line.split(None, 1) for line in done.stdout.decode().splitlines())
    assert lines == {
        "smtpPassword": "missing",
        "camoKey": "missing",
        "backupPassword": "set",
        "backupSshKey": "missing",
    }


def test_config_secret_is_listed_but_cannot_be_set(tmp_path: Path) -> None:
    context = pod_context(backup={}, secrets={"backupPassword": VALUE})
    made = machine(tmp_path / "one", write_tree(pod_fragment(context), tmp_path / "tree"))
    assert pod(made, "secret", "list").stdout.decode().split(None, 1) == ["backupPassword", "comes with the config\n"]
    refused = pod(made, "secret", "set", "backupPassword", text="x")
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"is not a secret of this machine" in refused.stderr


def test_pod_without_secrets_lists_none(tmp_path: Path) -> None:
    made = machine(tmp_path / "one", write_tree(pod_fragment(pod_context()), tmp_path / "tree"))
    assert pod(made, "secret", "list").stdout == b"this pod needs no secrets\n"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("smtpPassword", "", "is empty; set a value"),
        ("smtpPassword", "\n", "is empty"),
        ("smtpPassword", "one\ntwo", "holds a line break or control character; allowed: one line of text"),
        ("smtpPassword", b"zero\0byte", "holds a zero byte; allowed: text"),
        ("smtpPassword", "a,b", "holds a comma, which diaspora* reads as a list; choose a value without a comma"),
        *(
            (
                "smtpPassword",
                text,
                "is blank, true, false or nil, which diaspora* does not read as text; choose another",
            )
            for text in ("true", "false", "nil", " true", "false  ", " nil ", " ", "   \r\n")
        ),
        ("backupSshKey", "no key at all", "is not a private key; set the whole text of the file"),
        ("password", "x", "is not a secret of this machine"),
    ],
)
def test_unusable_secret_is_refused_in_one_line_without_echo(
    here: Machine, name: str, text: str | bytes, words: str
) -> None:
    done = pod(here, "secret", "set", name, text=text)
    assert (done.returncode, done.stdout) == (2, b"")
    assert words in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert not (here.data / "secrets/provided").exists()
    assert b"key at all" not in done.stderr


def test_secret_is_refused_without_the_data_partition(here: Machine) -> None:
    (here.data / "domain").unlink()
    done = pod(here, "secret", "set", "backupPassword", text="x")
    assert done.returncode == 2
    assert b"the data partition is not ready" in done.stderr
    assert not (here.data / "secrets").exists()


# What the settings take, the machine takes, and nothing else.
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    name=st.sampled_from(["smtpPassword", "backupPassword", "backupSshKey"]),
    value=st.one_of(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20).filter(
            lambda text: not text.endswith(("\n", "\r"))
        ),
        st.sampled_from(["true", "false", "nil", " true ", "nil ", " ", "untrue", "a,b", KEY, f"x{KEY}"]),
    ),
)
def test_machine_and_settings_accept_the_same_secrets(tree: Path, here: Machine, name: str, value: str) -> None:
    (secret,) = [entry for entry in SECRETS if entry.key == name]
    shutil.rmtree(here.data / "secrets", ignore_errors=True)
    try:
        expected: str | None = secret.content(value)
    except ConfigError:
        expected = None
    done = pod(here, "secret", "set", name, text=value)
    file = kept(here, re.sub("([A-Z])", r"_\1", name).lower())
    assert (file.read_bytes().decode() if file.exists() else None) == expected
    assert done.returncode == (2 if expected is None else 0)


def test_terminal_does_not_echo_the_secret(here: Machine) -> None:
    parent, child = pty.openpty()
    done = subprocess.Popen(
        [*command(here), "secret", "set", "backupPassword"],
        env=environment(here), stdin=child, stdout=child, stderr=child, start_new_session=True,
    )  # fmt: skip
    os.close(child)
    shown = b""
    while b"backupPassword: " not in shown:
        shown += os.read(parent, 1000)
    os.write(parent, f"{VALUE}\n".encode())
    while True:
        try:
            more = os.read(parent, 1000)
        except OSError:  # the other end is closed
            break
        shown += more
        if not more:
            break
    os.close(parent)
    assert done.wait(timeout=30) == 0
    assert b"planted" not in shown
    assert b"backupPassword is set" in shown
    assert kept(here, "backup_password").read_text() == VALUE


class Watcher(threading.Thread):
    """Repeatedly checks the command lines and environments of all processes."""

    def __init__(self, word: bytes) -> None:
        super().__init__(daemon=True)
        self.word, self.found, self.looks, self.done = word, set[str](), 0, threading.Event()
        self.seen_programs = set[bytes]()

    def run(self) -> None:
        while not self.done.is_set():
            for folder in Path("/proc").iterdir():
                if folder.name.isdigit() and int(folder.name) != os.getpid():
                    self.look(folder)
            self.looks += 1
            time.sleep(0.005)

    def look(self, folder: Path) -> None:
        for name in ("cmdline", "environ"):
            try:
                content = (folder / name).read_bytes()
            except OSError:
                continue
            if self.word in content:
                self.found.add(f"{name}: {content[:60]!r}")
            if name == "cmdline" and b"secret\0" in content:
                self.seen_programs.add(content.split(b"\0")[0].rpartition(b"/")[2])


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    made = Watcher(b"planted correct")
    made.start()
    yield made
    made.done.set()
    made.join()


def test_secret_is_never_in_arguments_or_environment(here: Machine, watcher: Watcher) -> None:
    here.podman = SLOW_PODMAN
    output = place(here, "backupPassword", VALUE) + place(here, "smtpPassword", VALUE)
    assert watcher.looks > 10
    assert b"bash" in watcher.seen_programs
    assert watcher.found == set()
    assert "planted" not in output
    assert "planted" not in "".join(here.calls)


def test_status_lists_missing_secrets_with_commands(here: Machine) -> None:
    place(here, "smtpPassword", "a")
    lines = pod(here, "status").stdout.decode().splitlines()
    found = [line.split(None, 1)[1] for line in lines if line.startswith("secret ")]
    assert found == [
        "camoKey is missing; run: sudo diaspora-pod secret set camoKey",
        "backupPassword is missing; run: sudo diaspora-pod secret set backupPassword",
        "backupSshKey is missing; run: sudo diaspora-pod secret set backupSshKey < FILE",
    ]
    for name, text in (("camoKey", "b"), ("backupPassword", "c"), ("backupSshKey", KEY)):
        place(here, name, text)
    assert b"\nsecret " not in b"\n" + pod(here, "status").stdout


@pytest.mark.parametrize("verb", ["backup", "snapshots", "restore"])
def test_backup_commands_fail_without_their_secrets(here: Machine, verb: str) -> None:
    place(here, "backupPassword", VALUE)
    done = pod(here, verb)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        "diaspora-pod: backupSshKey is missing; run: sudo diaspora-pod secret set backupSshKey < FILE\n"
    )


def test_units_wait_for_their_secrets() -> None:
    texts = files(FRAGMENT)
    application = texts["/etc/containers/systemd/diaspora-.container.d/30-secrets.conf"]
    assert re.findall("^Condition.*", application, re.MULTILINE) == [
        "ConditionPathExists=/var/mnt/data/secrets/provided/smtp_password",
        "ConditionPathExists=/var/mnt/data/secrets/provided/camo_key",
    ]
    for name in ("diaspora-backup", "diaspora-backup-check"):
        text = texts[f"/etc/systemd/system/{name}.service.d/30-secrets.conf"]
        assert re.findall("^Assert.*", text, re.MULTILINE) == [
            "AssertPathExists=/var/mnt/data/secrets/provided/backup_password",
            "AssertPathExists=/var/mnt/data/secrets/provided/backup_ssh_key",
        ]
    assert not [path for path in files(pod_fragment(pod_context())) if "30-secrets" in path]


def test_systemd_accepts_units_that_wait_for_secrets(tmp_path: Path, require_program: RequireProgram) -> None:
    systemd_analyze = require_program("systemd-analyze", "systemd")
    root = write_tree(FRAGMENT, tmp_path)
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    for program in ("bash", "podman", "sleep", "systemctl", "systemd-inhibit", "systemd-tmpfiles"):
        (root / "usr/bin").mkdir(parents=True, exist_ok=True)
        (root / "usr/bin" / program).write_text("")
        (root / "usr/bin" / program).chmod(0o755)
    done = subprocess.run(
        [systemd_analyze, "verify", "--man=no", f"--root={root}", "diaspora-backup.service"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "30-secrets.conf" not in done.stderr
    assert done.returncode == 0
