"""The container of s3fs as podman runs it from the unit, and a container of the application.

podman has the version of Fedora CoreOS; the image is Debian's s3fs with what it needs; runc runs it.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from diaspora_infra.host.container_users import container_users
from lab.aws.account import Account
from lab.matchbox import free_ports
from tests.host.aws_pod import aws_context
from tests.host.pod import QUADLETS, pod_fragment, write_tree
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_pod_units import generate
from tests.machine.uploads_bucket import PASSWORD, REGION, Uploads, uploads_of
from tests.support.configs import S3FS_IMAGE
from tools import tool_path

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")

IMAGE = S3FS_IMAGE
APPLICATION = container_users(aws_context().settings.pod).diaspora
PROGRAMS = ("bash", "cat", "grep", "ls", "s3fs", "stat")
# What has to do with systemd, and options with a value of their own.
LEFT_OUT = re.compile("--cidfile=|--cgroups=|--sdnotify=|-d$")
LEFT_OUT_WITH_VALUE = re.compile("--health-|--log-driver$")


@dataclass
class Podman:
    """podman with a separate store."""

    folder: Path
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        files = {
            "storage.conf": (
                f'[storage]\ndriver = "vfs"\ngraphroot = "{self.folder}/store"\nrunroot = "{self.folder}/run"\n'
            ),
            "containers.conf": (
                '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
                f'[engine.runtimes]\nrunc = ["{self.folder}/runc"]\n'
            ),
            "policy.json": json.dumps({"default": [{"type": "insecureAcceptAnything"}]}),
            # Debian's is older than the version that podman writes down, and knows what is used of it
            "runc": '#!/bin/bash\nfor word in "$@"; do\n[[ ! -e $word/config.json ]] || '
                    'sed -i \'s/"ociVersion":"1[.0-9]*"/"ociVersion":"1.0.2"/\' "$word/config.json"\ndone\n'
                    'exec runc "$@"\n',
        }  # fmt: skip
        for name, text in files.items():
            (self.folder / name).write_text(text)
        (self.folder / "runc").chmod(0o755)
        self.environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
        }

    def run(self, *words: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [tool_path("podman"), *words],
            env=self.environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def import_image(self) -> None:
        """The programs and the libraries that they are linked with."""
        tree = self.folder / "tree"
        for name in ("dev", "proc", "sys", "tmp", "etc", "mnt", "srv/public", "usr/bin", "usr/lib", "usr/lib64"):
            (tree / name).mkdir(parents=True)
        for name in ("bin", "lib", "lib64"):
            (tree / name).symlink_to(f"usr/{name}")
        for program in PROGRAMS:
            path = shutil.which(program)
            assert path
            shutil.copy(path, tree / "usr/bin")
            libraries = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
            for library in re.findall(r"(/\S+) \(", libraries):
                target = tree / library.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(library, target)
        (tree / "usr/bin/sh").symlink_to("bash")
        archive = self.folder / "image.tar"
        subprocess.run(["tar", "--create", "--file", archive, "--directory", tree, "."], check=True)
        policy = f"--signature-policy={self.folder}/policy.json"
        done = self.run("import", "--quiet", policy, archive, IMAGE)
        assert done.returncode == 0, done.stderr


class Contained(Uploads):
    """The mount, whose s3fs runs in the container of the unit."""

    podman: Podman

    def begin(self, bucket: str = "pod-uploads-1a2b") -> None:
        """Run what the unit runs, without what needs systemd."""
        assert self.program("prepare").returncode == 0
        for name in ("state/facts", "tmp/uploads", "tmp/cached"):
            (self.data / name).mkdir(parents=True, exist_ok=True)
        os.chown(self.data / "tmp/cached", APPLICATION.host, APPLICATION.host)
        (self.data / "state/facts/facts.env").write_text(f"UPLOADS_BUCKET={bucket}\n")
        own = self.root / "etc/diaspora/uploads"
        (own / "password").write_text(f"simulator:{PASSWORD}")
        (own / "password").chmod(0o600)
        text = (own / "start").read_text()
        text = text.replace(f"https://s3.{REGION}.amazonaws.com", f"http://127.0.0.1:{self.doors.server_port}")
        text = text.replace("iam_role=auto", "passwd_file=/etc/uploads/password,use_path_request_style")
        (own / "start").write_text(text)
        self.inside.mkdir(exist_ok=True)
        with (self.inside / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), env=self.podman.environment, stdout=log, stderr=log)

    def command(self) -> list[str]:
        """The command of the unit that Quadlet makes, on our folders."""
        units = self.data.parent / "units"
        units.mkdir(exist_ok=True)
        assert generate(self.root / QUADLETS.lstrip("/"), units).returncode == 0
        (line,) = re.findall("^ExecStart=/usr/bin/podman (.*)$", (units / "uploads.service").read_text(), re.MULTILINE)
        line = line.replace("/var/mnt/data", str(self.data)).replace("/etc/diaspora", f"{self.root}/etc/diaspora")
        words, skip = [], False
        for word in shlex.split(line):
            if skip or LEFT_OUT.match(word):
                skip = False
            elif LEFT_OUT_WITH_VALUE.match(word):
                skip = "=" not in word
            else:
                words.append(word)
        assert words[0] == "run"
        return [str(tool_path("podman")), "run", "--log-driver=none", *words[1:]]


@pytest.fixture(scope="module")
def podman(require_program: RequireProgram) -> Iterator[Podman]:
    for program in ("conmon", "runc", "s3fs"):
        require_program(program, program)
    folder = Path(tempfile.mkdtemp(prefix="podman-"))
    made = Podman(folder)
    made.import_image()
    trial = made.run("run", "--rm", "--network=host", "--log-driver=none", IMAGE, "ls", "/")
    if trial.returncode:
        pytest.skip(f"no container can run here: {trial.stderr}")
    yield made
    made.run("rm", "--all", "--force")
    shutil.rmtree(folder)


@pytest.fixture
def uploads(podman: Podman, tmp_path: Path) -> Iterator[Uploads]:
    root = write_tree(pod_fragment(aws_context()), tmp_path / "root")
    account = Account(tmp_path / "account", *free_ports(1))
    account.start()
    try:
        for made in uploads_of(podman.folder / "data", root, "s3fs", account, *free_ports(1), kind=Contained):
            assert isinstance(made, Contained)
            made.podman = podman
            yield made
    finally:
        account.stop()


def test_machine_and_application_see_the_mount_of_the_container(podman: Podman, uploads: Uploads) -> None:
    uploads.start()
    assert uploads.program("check").returncode == 0, uploads.log()
    # as diaspora*: another user, without rights, and with a folder of the data volume over uploads/tmp
    words = ["run", "--rm", "--network=none", "--log-driver=none", "--read-only", "--cap-drop=all"]
    words += APPLICATION.options.split()
    volumes = [
        "-v",
        f"{uploads.folder}:/srv/public/uploads",
        "-v",
        f"{uploads.data}/tmp/cached:/srv/public/uploads/tmp",
    ]
    script = "cd /srv/public/uploads; echo half > tmp/half; echo whole > whole.jpg; cat whole.jpg"
    done = podman.run(*words, *volumes, IMAGE, "sh", "-euc", script)
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr
    assert (uploads.folder / "whole.jpg").read_text() == "whole\n"
    assert uploads.names() == ["tmp/", "whole.jpg"]
    assert (uploads.data / "tmp/cached/half").read_text() == "half\n"
    status = podman.run("exec", "uploads", "cat", "/proc/1/status").stdout
    # CAP_SYS_ADMIN alone, no way to more, and podman's usual filter of system calls
    for key, value in {
        "CapEff": "0000000000200000",
        "CapBnd": "0000000000200000",
        "NoNewPrivs": "1",
        "Seccomp": "2",
    }.items():
        assert re.search(f"^{key}:\t{value}$", status, re.MULTILINE), status
    assert podman.run("exec", "uploads", "stat", "-f", "/mnt/uploads").returncode == 0
    # the end of the container is the end of the mount
    assert podman.run("stop", "uploads").returncode == 0
    assert uploads.program("check").returncode == 1
    assert not list(uploads.folder.iterdir())
