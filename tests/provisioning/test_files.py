"""The files of a provisioning server, read by the programs that will read them, and installed by their own script."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.cli import main
from diaspora_infra.config import ProvisioningSettings, load_stack
from diaspora_infra.host import render
from diaspora_infra.host.features.provisioning import MATCHBOX_UID
from diaspora_infra.host.provisioning_files import provisioning_files
from diaspora_infra.pxe.pki import create_pki
from lab.matchbox import free_ports, is_free
from tests.cli.test_check import stack_file
from tests.conftest import skip_unless
from tests.host.pod import QUADLETS, read_quadlet, values
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_pod_units import generate
from tests.support.configs import full_dhcp, provisioning_config
from tests.support.ignition_root import applied
from tools import tool_path

CASES: dict[str, dict[str, Any]] = {
    "proxy": provisioning_config(),
    "full": provisioning_config(dhcp=full_dhcp(interface="eno1", router="192.168.77.1", dnsServers=["9.9.9.9"])),
    "off": provisioning_config(dhcp={"mode": "off"}, httpUrl="http://matchbox.lan"),
}


def settings_of(values: dict[str, Any]) -> ProvisioningSettings:
    settings = load_stack(values)
    assert isinstance(settings, ProvisioningSettings)
    return settings


def ignition_of(values: dict[str, Any]) -> dict[str, Any]:
    settings = settings_of(values)
    rendered = render(settings, settings.provisioning, {})
    assert rendered.secret is False
    config: dict[str, Any] = json.loads(rendered.ignition)
    return config


def tree_of(case: str, folder: Path) -> Path:
    """The files for any host, in a folder."""
    for name, (text, mode) in provisioning_files(settings_of(CASES[case]).provisioning).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_ignition_applies_config_with_valid_units(case: str, tmp_path: Path, require_program: RequireProgram) -> None:
    with applied(ignition_of(CASES[case])) as root:
        quadlets = root / QUADLETS.lstrip("/")
        dhcp = ["network-boot.container"] if case != "off" else []
        assert sorted(path.name for path in quadlets.iterdir()) == ["matchbox.container", *dhcp]
        program = root / "usr/local/bin/matchbox-certificates"
        assert stat.S_IMODE(program.stat().st_mode) == 0o755
        assert (root / "etc/hostname").read_text() == "provisioning\n"
        assert_units(quadlets, tmp_path, require_program)


@pytest.mark.parametrize("case", CASES)
def test_units_for_any_host_are_valid(case: str, tmp_path: Path, require_program: RequireProgram) -> None:
    folder = tree_of(case, tmp_path / "files")
    assert_units(folder / QUADLETS.lstrip("/"), tmp_path / "root", require_program)
    text = (folder / "etc/containers/systemd/matchbox.container").read_text()
    assert "/var/mnt/data" not in text
    assert "Volume=/var/lib/matchbox:/var/lib/matchbox:z" in text


def test_matchbox_that_was_stopped_has_not_failed(tmp_path: Path) -> None:
    """As the first process of its container a Go program ends with a status, not by the signal."""
    skip_unless(os.geteuid() == 0, "needs root: a namespace of processes")
    (port,) = free_ports(1)
    options = [f"-address=127.0.0.1:{port}", f"-data-path={tmp_path}", f"-assets-path={tmp_path}"]
    words = ["unshare", "--pid", "--fork", "--kill-child", str(tool_path("matchbox")), *options]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 30
            while is_free(port):
                assert time.monotonic() < end
                time.sleep(0.1)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGTERM)
            status = process.wait(timeout=30)
        finally:
            process.kill()
    text = (tree_of("proxy", tmp_path / "files") / "etc/containers/systemd/matchbox.container").read_text()
    assert values(read_quadlet(text)["Service"], "SuccessExitStatus") == [str(status)]


def assert_units(quadlets: Path, root: Path, require_program: RequireProgram) -> None:
    """Quadlet accepts the files, systemd accepts the generated units, and all sections are known."""
    systemd_analyze = require_program("systemd-analyze", "systemd")
    units = root / "etc/systemd/system"
    done = generate(quadlets, units)
    assert (done.returncode, done.stderr) == (0, "")
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    for program in ("podman", "install"):
        stub = root / "usr/bin" / program
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.touch(0o755)
    names = sorted(path.name for path in units.iterdir() if path.is_file())
    assert names == sorted(f"{path.stem}.service" for path in quadlets.iterdir())
    for name in names:
        command = [systemd_analyze, "verify", "--man=no", f"--root={root}", name]
        checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (checked.returncode, checked.stderr) == (0, ""), name
        assert (units / "multi-user.target.wants" / name).is_symlink()
    for path in quadlets.iterdir():
        assert set(read_quadlet(path.read_text())) <= {"Unit", "Container", "Service", "Install"}


def test_butane_and_ignition_accept_the_config(butane_binary: Path, ignition_validate: Path) -> None:
    settings = settings_of(CASES["full"])
    text = render(settings, settings.provisioning, {}).butane_text()
    commands: list[list[str | Path]] = [[butane_binary, "--strict"], [ignition_validate, "-"]]
    for command in commands:  # what the first makes goes to the second
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        text = done.stdout


def test_snippet_overrides_and_wrong_snippet_is_reported() -> None:
    snippet = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/hostname, contents: {inline: mine}}]}\n"
    with applied(ignition_of(provisioning_config(snippets=[snippet]))) as root:
        assert (root / "etc/hostname").read_text() == "mine"
    settings = settings_of(provisioning_config(snippets=["variant: fcos\nversion: 9.0.0\n"]))
    with pytest.raises(Exception, match=r"^provisioning\.snippets\[0\]: line 2: "):
        render(settings, settings.provisioning, {})


def test_shellcheck_accepts_the_scripts(tmp_path: Path, require_program: RequireProgram) -> None:
    shellcheck = require_program("shellcheck", "shellcheck")
    for case in CASES:
        folder = tree_of(case, tmp_path / case)
        scripts = [folder / "install", folder / "usr/local/bin/matchbox-certificates"]
        done = subprocess.run([shellcheck, *scripts], capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout) == (0, "")


# the command


def test_files_command_writes_and_lists_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = stack_file(tmp_path, CASES["proxy"])
    folder = tmp_path / "files"
    for _ in range(2):  # an earlier run is written over
        assert main(["provisioning", "files", str(source), str(folder)]) == 0
        output = capsys.readouterr().out.splitlines()
        assert output == sorted(str(path) for path in folder.rglob("*") if path.is_file())
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(
        provisioning_files(settings_of(CASES["proxy"]).provisioning)
    )
    assert stat.S_IMODE((folder / "install").stat().st_mode) == 0o755
    # a folder with something else in it is left alone
    assert main(["provisioning", "files", str(source), str(tmp_path)]) == 1
    assert "not empty; choose a new folder" in capsys.readouterr().err


def test_check_and_render_support_target_provisioning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = stack_file(tmp_path, CASES["proxy"])
    assert main(["check", str(source)]) == 0
    assert capsys.readouterr().out == f"{source}: good; 1 machine(s), target provisioning\n"
    assert main(["render", str(source)]) == 0
    assert json.loads(capsys.readouterr().out) == ignition_of(CASES["proxy"])
    assert main(["verify", str(source)]) == 1
    assert capsys.readouterr().err == "target: provisioning has no pod; allowed here: pxe, aws, ignition\n"


# on a host: in namespaces of its own, where /etc and /usr/local/bin are empty and systemctl writes down what it is told

HOST = """
set -euo pipefail
mount -t tmpfs tmpfs "$1"
mkdir -p "$1"/{etc,proc,dev,var,tmp,usr,files,given}
ln -s usr/bin usr/lib usr/lib64 usr/sbin "$1"
mount --rbind /usr "$1/usr"
mount --bind /dev "$1/dev"
mount -t tmpfs tmpfs "$1/usr/local/bin"
mount --bind "$2" "$1/files"
mount --bind "$3" "$1/given"
mount -t tmpfs tmpfs "$1/usr/lib/systemd/system-generators"
printf '#!/bin/sh\\n' > "$1/usr/lib/systemd/system-generators/podman-system-generator"
printf '#!/bin/sh\\necho "$*" >> /given/systemctl\\n' > "$1/usr/local/bin/systemctl"
printf '#!/bin/sh\\n' > "$1/usr/local/bin/podman"
printf '#!/bin/sh\\necho "sync $*" >> /given/systemctl\\n' > "$1/usr/local/bin/sync"
chmod +x "$1"/usr/local/bin/* "$1"/usr/lib/systemd/system-generators/*
export PATH=/usr/local/bin:/usr/bin:/usr/sbin
status=0
chroot "$1" bash -c "$4" || status=$?
cp -a "$1/etc/." "$5/etc"
exit "$status"
"""


class AnyHost:
    """A host that `install` and `matchbox-certificates` run on."""

    def __init__(self, folder: Path, case: str) -> None:
        self.folder = folder
        self.files = tree_of(case, folder / "files")
        self.given = folder / "given"
        self.pki = create_pki(folder / "given/pki", ["192.168.77.5"])
        for name in ("root", "found/etc"):
            (folder / name).mkdir(parents=True)

    def run(self, script: str) -> "subprocess.CompletedProcess[str]":
        arguments = [self.folder / "root", self.files, self.given, script, self.folder / "found"]
        return subprocess.run(
            ["unshare", "--mount", "bash", "-c", HOST, "host", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @property
    def systemctl_calls(self) -> list[str]:
        """The recorded calls of systemctl and sync."""
        return (self.given / "systemctl").read_text().splitlines()


def test_install_script_and_certificates_start_the_services(tmp_path: Path) -> None:
    host = AnyHost(tmp_path, "proxy")
    done = host.run("/files/install && /usr/local/bin/matchbox-certificates /given/pki && /files/install")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "matchbox waits for its certificates: sudo matchbox-certificates FOLDER",
        "matchbox runs with these certificates. Remove /given/pki/server.key: the server has its own copy.",
    ]
    start = ["daemon-reload", "restart matchbox.service network-boot.service"]
    # they are on the disk before the podmin is told to remove the others
    assert host.systemctl_calls == [*start, "sync -f /etc/matchbox", "restart matchbox.service", *start]
    found = tmp_path / "found/etc"
    for path in (host.files / "etc").rglob("*"):
        if path.is_file():
            assert (found / path.relative_to(host.files / "etc")).read_text() == path.read_text()
    placed = {path.name: path for path in (found / "matchbox").iterdir()}
    assert placed.keys() == {"ca.crt", "server.crt", "server.key"}, "neither the authority's key nor a client's"
    for name, path in placed.items():
        status = path.stat()
        assert path.read_bytes() == (host.given / "pki" / name).read_bytes()
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o440, 0, MATCHBOX_UID)
    assert stat.S_IMODE((found / "matchbox").stat().st_mode) == 0o750


def test_install_without_dhcp_removes_earlier_dhcp_service(tmp_path: Path) -> None:
    host = AnyHost(tmp_path, "off")
    old = "/etc/containers/systemd/network-boot.container"
    done = host.run(f"mkdir -p {Path(old).parent} && touch {old} && /files/install && test ! -e {old}")
    assert (done.returncode, done.stderr) == (0, "")
    assert host.systemctl_calls == ["stop network-boot.service", "daemon-reload", "restart matchbox.service"]


def other_authority(pki: Path) -> None:
    other = create_pki(pki.parent / "other", ["192.168.77.5"])
    shutil.copy(other.ca, pki / "ca.crt")


def other_key(pki: Path) -> None:
    shutil.copy(pki / "client.key", pki / "server.key")


def client_certificate(pki: Path) -> None:
    shutil.copy(pki / "client.crt", pki / "server.crt")


def no_key(pki: Path) -> None:
    (pki / "server.key").unlink()


def damaged(pki: Path) -> None:
    (pki / "server.key").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n")


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (other_authority, "/given/pki/server.crt is not signed by /given/pki/ca.crt, or has expired"),
        (client_certificate, "/given/pki/server.crt is not signed by /given/pki/ca.crt, or has expired"),
        (other_key, "/given/pki/server.key does not match /given/pki/server.crt"),
        (no_key, "/given/pki/server.key is missing"),
        (damaged, "/given/pki/server.key is not an unencrypted key"),
    ],
)
def test_mismatched_certificates_change_nothing(tmp_path: Path, damage: Any, line: str) -> None:
    host = AnyHost(tmp_path, "proxy")
    damage(host.given / "pki")
    done = host.run("/files/usr/local/bin/matchbox-certificates /given/pki")
    assert (done.returncode, done.stderr) == (1, f"matchbox-certificates: {line}\n")
    assert not (tmp_path / "found/etc/matchbox").exists()
    assert not (host.given / "systemctl").exists()


def test_scripts_refuse_unsupported_hosts_and_missing_arguments(tmp_path: Path) -> None:
    host = AnyHost(tmp_path, "proxy")
    done = host.run("rm /usr/lib/systemd/system-generators/*; /files/install")
    assert done.returncode == 1
    assert re.search(r"^install: this podman does not support", done.stderr)
    done = host.run("/files/usr/local/bin/matchbox-certificates")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert not (host.given / "systemctl").exists()
