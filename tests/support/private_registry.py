"""A real registry on 127.0.0.1 with TLS and a login, and the real podman and skopeo with a store of their own."""

import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from diaspora_infra.pxe.pki import create_pki
from lab.matchbox import free_ports, is_free
from tools import tool_path

USERNAME, PASSWORD = "robot$pod+pull", "a token: of-the-robot"
_HTPASSWD = f"{USERNAME}:$2b$04$abcdefghijklmnopqrstuuLzW3qauMmjFR48jhlwO/NA.UJvVKS8W\n"
# What the programs of this computer take from /run is that of the machine.
_WITH_RUN = """#!/bin/sh
exec unshare --mount --propagation private sh -c 'mount --bind {run} /run && exec "$0" "$@"' {program} "$@"
"""


@dataclass(frozen=True)
class Registry:
    """The registry: its name in images, and the certificate of its authority."""

    server: str
    folder: Path

    @property
    def authority(self) -> Path:
        """The file that proves its certificate."""
        return self.folder / "pki/ca.crt"

    @property
    def image(self) -> str:
        """An image that is there."""
        return f"{self.server}/pod/diaspora:0.9.1.0"

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.folder / "log").read_text()


@contextmanager
def running_registry(folder: Path) -> Iterator[Registry]:
    """Start a registry without images."""
    (port,) = free_ports(1)
    made = Registry(f"127.0.0.1:{port}", folder)
    pki = create_pki(folder / "pki", ["127.0.0.1"])
    (folder / "htpasswd").write_text(_HTPASSWD)
    config = {
        "version": 0.1,
        "log": {"level": "info"},
        "storage": {"inmemory": {}},
        "http": {
            "addr": made.server,
            "secret": "of the tests",
            "tls": {"certificate": str(pki.certificate("server")), "key": str(pki.key("server"))},
        },
        "auth": {"htpasswd": {"realm": "registry", "path": str(folder / "htpasswd")}},
    }
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [tool_path("registry"), "serve", folder / "config.yml"],
            env={"OTEL_TRACES_EXPORTER": "none"},
            stdout=log,
            stderr=log,
        )
    try:
        end = time.monotonic() + 20
        while is_free(port):
            assert process.poll() is None and time.monotonic() < end, made.log
            time.sleep(0.05)
        yield made
    finally:
        process.terminate()
        process.wait(timeout=20)


def podman_folder(folder: Path, run: Path, registry: Registry, programs: Sequence[str]) -> Path:
    """Make a folder for PATH: podman and skopeo, for which `run` is /run, and other programs of this computer."""
    found = folder / "bin"
    found.mkdir()
    podman = folder / "podman"
    podman.write_text(f'#!/bin/sh\n{_podman_variables(folder, registry)} exec {tool_path("podman")} "$@"\n')
    podman.chmod(0o755)
    skopeo = folder / "skopeo"
    skopeo.write_text(f'#!/bin/sh\n{_podman_variables(folder, registry)} exec {shutil.which("skopeo")} "$@"\n')
    skopeo.chmod(0o755)
    for program in (podman, skopeo):
        (found / program.name).write_text(_WITH_RUN.format(run=run, program=program))
        (found / program.name).chmod(0o755)
    for name in programs:
        path = shutil.which(name)
        assert path, name
        (found / name).symlink_to(path)
    return found


def _podman_variables(folder: Path, registry: Registry) -> str:
    (folder / ".config/containers").mkdir(parents=True, exist_ok=True)
    (folder / ".config/containers/policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/store"\nrunroot = "/run/containers/storage"\n'
        '[storage.options.overlay]\nskip_mount_home = "true"\n'
    )
    helpers = folder / "helpers"
    helpers.mkdir(exist_ok=True)
    for name in ("netavark", "aardvark-dns"):
        if not (helpers / name).exists():
            (helpers / name).symlink_to("/bin/true")
    (folder / "containers.conf").write_text(f'[engine]\nhelper_binaries_dir = ["{helpers}"]\n')
    variables = {
        "CONTAINERS_CONF": folder / "containers.conf",
        "CONTAINERS_STORAGE_CONF": folder / "storage.conf",
        "HOME": folder,
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
        "SSL_CERT_FILE": registry.authority,
    }
    return " ".join(f"{name}={value}" for name, value in variables.items())


def import_image(folder: Path, podman: Path, image: str) -> None:
    """Make an image with one small file."""
    (folder / "file").write_text("of the image")
    with tarfile.open(folder / "root.tar", "w") as archive:
        archive.add(folder / "file", "file")
    _run(podman, "import", "--quiet", folder / "root.tar", image)


def push_image(folder: Path, podman: Path, image: str) -> None:
    """Make an image with one small file, push it with the login, and forget it."""
    import_image(folder, podman, image)
    _run(podman, "push", "--quiet", f"--creds={USERNAME}:{PASSWORD}", image)
    _run(podman, "image", "rm", image)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
