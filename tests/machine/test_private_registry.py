"""The login at a private registry: a real one, from which the real podman and skopeo pull."""

import base64
import http.server
import json
import os
import re
import shutil
import ssl
import stat
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.host.pod import LIBEXEC, pod_context, pod_fragment, write_tree
from tests.machine.pod_programs import RequireProgram
from tests.support.private_registry import (
    PASSWORD,
    USERNAME,
    Registry,
    podman_folder,
    push_image,
    running_registry,
)

PROGRAMS = (
    "base64", "basename", "bash", "chmod", "cut", "df", "flock", "grep", "jq", "mkdir", "mount", "mv", "od", "rm", "sh",
    "sleep", "sort", "sync", "systemctl", "tail", "timeout", "tr", "unshare",
)  # fmt: skip
LOGIN = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()


@dataclass(frozen=True)
class Machine:
    """The programs and folders of a machine whose pod has an image at the registry."""

    folder: Path
    tree: Path
    registry: Registry
    bin: Path

    @property
    def logins(self) -> Path:
        return self.folder / "run/containers/0/auth.json"

    @property
    def provided(self) -> Path:
        return self.folder / "data/secrets/provided/registry_password"

    def run(self, program: str, *arguments: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", self.tree / program, *arguments],
            env={
                "PATH": str(self.bin),
                "DIASPORA_CONFIGURATION": str(self.tree / "etc/diaspora"),
                "DIASPORA_DATA": str(self.folder / "data"),
                "DIASPORA_GIVEN_SECRETS": str(self.folder / "given"),
                "DIASPORA_PROGRAMS": str(self.tree / LIBEXEC),
                "DIASPORA_RUN": str(self.folder / "run"),
                "DIASPORA_SYSTEM": str(self.folder),
            },
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def pull(self, image: str | None = None) -> "subprocess.CompletedProcess[str]":
        return self.run(f"{LIBEXEC}/pull-image", "now", image or self.registry.image)

    def inspect(self) -> int:
        """Ask for the image as pull-image does before it pulls; returns the exit code of skopeo."""
        command = [self.bin / "skopeo", "inspect", "--no-tags", f"docker://{self.registry.image}"]
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode

    def forget(self) -> None:
        subprocess.run([self.bin / "podman", "image", "rm", self.registry.image], check=True, capture_output=True)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as made:
        yield made


@pytest.fixture(scope="module")
def machine(registry: Registry, tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Machine:
    if os.geteuid() != 0:
        pytest.skip("podman needs root here")
    require_program("skopeo", "skopeo")
    folder = tmp_path_factory.mktemp("machine")
    for name in ("run", "data/secrets", "given"):
        (folder / name).mkdir(parents=True)
    (folder / "data/domain").write_text("pod.example.org\n")
    context = pod_context(
        image=registry.image,
        registry={"server": registry.server, "username": USERNAME},
        secretsOnMachine=["registryPassword"],
    )
    tree = write_tree(pod_fragment(context), folder / "tree")
    found = podman_folder(folder, folder / "run", registry, PROGRAMS)
    push_image(folder, found / "podman", registry.image)
    return Machine(folder, tree, registry, found)


@pytest.fixture
def new(machine: Machine) -> Iterator[Machine]:
    """The machine without a login and without images."""
    yield machine
    machine.logins.unlink(missing_ok=True)
    machine.provided.unlink(missing_ok=True)


def test_image_is_pulled_as_soon_as_the_podmin_has_set_the_password(new: Machine) -> None:
    refused = new.pull()
    assert (refused.returncode, new.inspect()) == (1, 1)
    assert "authentication required" in refused.stderr, refused.stderr
    missing = new.run(f"{LIBEXEC}/registry-login")
    assert (missing.returncode, missing.stderr) == (
        0,
        f"the password of {USERNAME} at {new.registry.server} is missing\n",
    )
    assert not new.logins.exists()

    done = new.run("usr/local/bin/diaspora-pod", "secret", "set", "registryPassword", text=f"{PASSWORD}\n")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert json.loads(new.logins.read_text()) == {"auths": {new.registry.server: {"auth": LOGIN}}}
    assert stat.S_IMODE(new.logins.stat().st_mode) == 0o600
    pulled = new.pull()
    assert (pulled.returncode, pulled.stderr) == (0, "")
    assert pulled.stdout.startswith(f"pulling {new.registry.image}\n")  # Debian 12's skopeo knows no sizes
    assert new.inspect() == 0
    new.forget()

    for text in (done.stdout, pulled.stdout, new.registry.log):
        assert PASSWORD not in text
        assert LOGIN not in text


def test_upgrade_pulls_with_the_login_of_the_new_version(new: Machine, tmp_path: Path) -> None:
    """A bundle may be the first that has a registry, or change its password."""
    tree = tmp_path / "new"
    files = {
        "etc/containers/systemd/web.container": f"[Container]\nImage={new.registry.image}\n",
        "etc/diaspora/pod.json": '{"images": []}',
        "etc/diaspora/secrets/registry_password": PASSWORD,
        f"{LIBEXEC}/registry-login": (new.tree / LIBEXEC / "registry-login").read_text(),
    }
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    upgrade = (new.tree / LIBEXEC / "upgrade").read_text()
    (steps,) = re.findall(r"^    (log_in\n    pull)$", upgrade, re.M)
    functions = [
        re.search(rf"^{name}\(\) \{{\n.*?^}}$", upgrade, re.M | re.S)
        for name in ("lines_of", "list_images", "log_in", "pull")
    ]
    (tmp_path / "pull").write_text(
        "\n".join(
            ["set -euo pipefail", 'fail() { echo "$*" >&2; exit 1; }', *(found[0] for found in functions if found)]
        )
        + f"\nnew={tree} folder={tmp_path} programs={new.tree / LIBEXEC} build=none\nlist_images\n{steps}\n"
    )
    done = new.run(str(tmp_path / "pull"))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"{new.registry.image} is there after" in done.stdout
    new.forget()


def test_wrong_password_is_an_error_without_the_password(new: Machine) -> None:
    new.provided.write_text("not the password")
    assert new.run(f"{LIBEXEC}/registry-login").returncode == 0
    done = new.pull()
    assert done.returncode == 1
    assert "authentication required" in done.stderr, done.stderr
    assert "not the password" not in done.stderr


def test_password_of_the_config_comes_first_and_other_logins_stay(new: Machine) -> None:
    other = {"auths": {"other.example.org": {"auth": "b3RoZXI6eA=="}, new.registry.server: {"identitytoken": "old"}}}
    new.logins.parent.mkdir(parents=True, exist_ok=True)
    new.logins.write_text(json.dumps(other))
    new.provided.write_text("another")
    given = new.folder / "new-bundle/etc/diaspora/secrets"
    given.mkdir(parents=True)
    (given / "registry_password").write_text(PASSWORD)
    assert new.run(f"{LIBEXEC}/registry-login", str(given)).returncode == 0
    assert json.loads(new.logins.read_text())["auths"] == {
        "other.example.org": {"auth": "b3RoZXI6eA=="},
        new.registry.server: {"auth": LOGIN},
    }


@pytest.mark.parametrize("content", ["", "{", "[]", '{"auths": 5}', "null"])
def test_damaged_logins_are_written_anew(new: Machine, content: str) -> None:
    new.logins.parent.mkdir(parents=True, exist_ok=True)
    new.logins.write_text(content)
    new.provided.write_text(PASSWORD)
    done = new.run(f"{LIBEXEC}/registry-login")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads(new.logins.read_text()) == {"auths": {new.registry.server: {"auth": LOGIN}}}


def test_no_program_is_given_the_password_as_an_argument(new: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PROGRAMS:
        (folder / name).write_text(
            f'#!/bin/bash\nprintf "%s\\n" "$0 $*" >> {tmp_path}/calls\nexec {shutil.which(name)} "$@"\n'
        )
        (folder / name).chmod(0o755)
    new.provided.write_text(PASSWORD)
    recorded = Machine(new.folder, new.tree, new.registry, folder)
    assert recorded.run(f"{LIBEXEC}/registry-login").returncode == 0
    calls = (tmp_path / "calls").read_text()
    assert "base64" in calls and "jq" in calls
    assert PASSWORD not in calls
    assert LOGIN not in calls


class _Asks(http.server.BaseHTTPRequestHandler):
    """A registry that wants a login."""

    seen: list[str | None]

    def do_GET(self) -> None:
        self.seen.append(self.headers["Authorization"])
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="registry"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stays silent."""


def test_no_other_registry_gets_the_login(new: Machine) -> None:
    new.provided.write_text(PASSWORD)
    assert new.run(f"{LIBEXEC}/registry-login").returncode == 0
    handler = type("Handler", (_Asks,), {"seen": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pki = new.registry.folder / "pki"
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        done = new.pull(f"127.0.0.1:{server.server_port}/pod/diaspora:0.9.1.0")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert done.returncode == 1
    # the second is what podman sends where it has no login: neither name nor password
    assert set(handler.seen) == {None, "Basic Og=="}  # type: ignore[attr-defined]


def test_shellcheck_reports_nothing(machine: Machine, require_program: RequireProgram) -> None:
    program = require_program("shellcheck", "shellcheck")
    command = [program, machine.tree / LIBEXEC / "registry-login"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
