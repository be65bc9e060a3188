"""A provisioning server that builds the image of diaspora* for its machines: settings, and a server in namespaces."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from diaspora_infra.cli import main
from diaspora_infra.config import ConfigError, ProvisioningSettings, load, load_stack
from diaspora_infra.host import render
from diaspora_infra.host.diaspora_image import diaspora_image
from diaspora_infra.host.features.provisioning import offered_image
from tests.cli.test_check import stack_file
from tests.conftest import skip_unless
from tests.host.pod import pod_context, write_tree
from tests.machine.pod_assertions import DATA
from tests.machine.pod_programs import RequireProgram
from tests.support import configs
from tests.support.built_image import stand_in
from tests.support.pod_machine import data_disk, installed
from tests.support.trixie import TrixieMachine

ARCHIVE = {"url": "http://192.168.77.5:8080/assets/image.tar", "sha256": "ab" * 32}


def server_settings(**changes: Any) -> ProvisioningSettings:
    host = changes.pop("host", configs.host())
    settings = load_stack({**configs.provisioning_config(**changes), "host": host})
    assert isinstance(settings, ProvisioningSettings)
    return settings


def lines(values: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_stack(values)
    return str(caught.value).splitlines()


def test_server_that_builds_needs_memory_room_and_a_known_release() -> None:
    host = configs.host(memoryMib=1024, storage={"rootGib": 10})
    values = {**configs.provisioning_config(diasporaImage={"version": "0.9.9.0"}), "host": host}
    memory, root, commit = sorted(lines(values))
    assert memory == (
        "host.memoryMib: 1024 is too little to build diaspora*; give the machine 2048 or more, or remove "
        "provisioning.diasporaImage"
    )
    assert root.startswith("host.storage.rootGib: 10 is too little to build diaspora*; set 12 or more ")
    why = "required, because the commit of diaspora* 0.9.9.0 is not in the table"
    assert commit.startswith(f"provisioning.diasporaImage.sourceCommit: {why}")
    server_settings(host=host)
    server_settings(diasporaImage={"version": "0.9.9.0", "sourceCommit": "a" * 40})


def test_archive_is_only_for_machines_that_would_build() -> None:
    of_pod = configs.pod(imageArchive=ARCHIVE)
    small = configs.host(memoryMib=1024, storage={"rootGib": 10})
    assert lines(configs.ignition_config(pod=of_pod)) == ["pod.imageArchive: only used without pod.image; remove it"]
    on_aws = configs.aws_config(region="eu-west-1", pod_changes={"imageArchive": ARCHIVE})
    (line,) = lines(configs.without_images(on_aws))
    assert line == "pod.imageArchive: not used on AWS, where the stack builds the image; remove it"
    of_pod = configs.pod(image=None, imageArchive=ARCHIVE)
    machines = configs.pxe(configs.machine(1), configs.machine(2, architecture="aarch64"))
    (line,) = lines(configs.pxe_config(pod=of_pod, pxe=machines))
    assert line == (
        "pod.imageArchive: the image is of one architecture, and the machines are aarch64 and x86_64; remove it"
    )
    wrong = {**ARCHIVE, "sha256": "sha256:" + "ab" * 32}
    (line,) = lines(configs.ignition_config(pod=configs.pod(image=None, imageArchive=wrong)))
    assert line.endswith("; allowed: a SHA-256 as 64 hex digits in lower case, as sha256sum prints it")
    # a machine that is too small to build waits for it
    load(configs.ignition_config(pod=of_pod, host=small))


def test_files_for_any_host_build_no_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = stack_file(tmp_path, configs.provisioning_config(diasporaImage={}))
    assert main(["provisioning", "files", str(file), str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("provisioning.diasporaImage: only a machine of this project builds it; ")
    assert not (tmp_path / "out").exists()


def test_server_without_the_image_says_so(tmp_path: Path, require_program: RequireProgram) -> None:
    root = write_tree(offered_image(server_settings(diasporaImage={}).provisioning), tmp_path)
    program = root / "usr/local/bin/diaspora-image"
    variables = {"PATH": "/usr/bin:/bin", "DIASPORA_IMAGES": str(tmp_path)}
    done = subprocess.run(["bash", program], env=variables, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("diaspora-image: the image is not built yet; to follow the build: ")
    words = [require_program("shellcheck", "shellcheck"), program]
    checked = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (checked.returncode, checked.stdout) == (0, "")


@contextmanager
def served(machine: TrixieMachine, folder: str) -> Iterator[str]:
    """Serve a folder of a machine to itself, in the place of matchbox, whose image no machine of the tests has."""
    python = [sys.executable, "-Ium", "http.server", "--bind=127.0.0.1", f"--directory={machine.root}{folder}", "8080"]
    words = ["nsenter", f"--net=/proc/{machine.pid}/ns/net", *python]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("Serving HTTP on ")
        try:
            yield "http://127.0.0.1:8080"
        finally:
            process.kill()


def test_server_builds_once_and_machines_take_the_archive(tmp_path: Path) -> None:
    """With the real systemd, podman and curl. The machine that takes it is the server, without the image."""
    skip_unless(os.geteuid() == 0, "needs root: namespaces and mounts")
    with stand_in():
        settings = server_settings(diasporaImage={})
        config = json.loads(render(settings, settings.provisioning, {}).ignition)
        # the machines know the image by the same name
        name = diaspora_image(pod_context(image=None).of_pod)
    disk = data_disk(tmp_path / "data.img")
    with installed(config, disk, tmp_path / "server") as server, server.started() as machine:
        assert machine.run("systemctl", "is-active", "diaspora-image-offer") == "active\n"
        printed = machine.run("diaspora-image")
        assert printed in machine.run("journalctl", "--unit=diaspora-image-offer", "--output=cat", "--no-pager")
        archive = yaml.safe_load(printed)["diaspora-infra:pod"]["imageArchive"]
        assert load(configs.pxe_config(pod=configs.pod(image=None, imageArchive=archive)))
        folder = f"{DATA}/matchbox/assets"
        file = archive["url"].removeprefix("http://192.168.77.5:8080/assets/")
        # matchbox, which is another user, may read it
        assert machine.run("stat", "--format=%a", f"{folder}/{file}") == "644\n"
        assert machine.run("sha256sum", f"{folder}/{file}").split()[0] == archive["sha256"]
        assert not (machine.root / DATA.lstrip("/") / "images").exists()

        of_machine = f"{DATA}/machine"
        machine.run("mkdir", of_machine)
        machine.run("podman", "image", "rm", "--force", name)
        # too little memory, so that it waits for the archive
        variables = (f"DIASPORA_DATA={of_machine}", "DIASPORA_BUILD_MEMORY=99999999")
        build = ("env", *variables, "bash", "/usr/local/libexec/diaspora/build-image", "build", "x")
        with served(machine, folder) as address:
            machine.put("/etc/diaspora/build/archive", f"{'0' * 64} {address}/{file}\n")
            done = machine.attempt(*build)
            assert "has another SHA-256 than pod.imageArchive, and is not used\n" in done.stdout, done
            assert "MiB of memory and swap, and " in done.stderr
            machine.put("/etc/diaspora/build/archive", f"{archive['sha256']} {address}/{file}\n")
            assert f"loading the image {name} from {of_machine}/images/{file}\n" in machine.run(*build)
        assert machine.run("podman", "run", "--rm", "--network=none", name, "cat", "/srv/diaspora/gems") == "gems\n"
