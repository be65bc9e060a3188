"""The wheels: their contents, and programs outside the tree that use only the installed packages."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import grpc
import pytest
import yaml
from pulumi.runtime.proto.provider_pb2 import GetSchemaRequest
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from diaspora_infra.config import load
from diaspora_infra.host import render
from diaspora_infra.plugin import SCHEMA
from diaspora_infra.pxe.install import install_boot
from diaspora_infra.pxe.served import ipxe_url, meaning
from diaspora_infra.pxe.verify import ipxe_script
from lab.aws.account import Account
from lab.engine import PROJECT, Engine
from lab.matchbox import MatchboxServer, free_ports
from release.packages import build_wheels, uv
from tests.support.clone import PACKAGED
from tests.support.examples import EXAMPLES, copy_example, get, make_constraints, make_home
from tests.support.processes import interruptible, stop
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.xdist_group("wheel"),  # one worker: the wheels are built once
    pytest.mark.inputs(*PACKAGED),
]

OWN_PROGRAM = EXAMPLES / "own-program"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of both packages, built by the hatchling that uv.lock pins by hash."""
    folder = tmp_path_factory.mktemp("wheels")
    build_wheels(folder)
    return folder


@pytest.fixture(scope="module")
def environment(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the wheels, and their dependencies in the versions of this environment.

    uv links the files of its cache. The engine asks pip for the packages; in test_examples.py pip installs them.
    """
    folder = tmp_path_factory.mktemp("installed")
    uv("venv", "--python", sys.executable, folder / "venv")
    constraints = make_constraints(folder / "constraints.txt")
    files = sorted(wheels.glob("*.whl"))
    uv("pip", "install", "--python", folder / "venv/bin/python", "--constraint", constraints, "pip", *files)
    return folder / "venv"


def content(wheels: Path, name: str) -> dict[str, bytes]:
    """The files of a wheel; those of its `.dist-info` under their bare names."""
    (file,) = wheels.glob(f"{name}-*.whl")
    with zipfile.ZipFile(file) as archive:
        return {entry.partition(".dist-info/")[2] or entry: archive.read(entry) for entry in archive.namelist()}


def run(*command: str | Path, cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def files_below(folder: str) -> set[str]:
    """The files below a folder that git tracks or would add."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", folder, cwd=PROJECT)
    return {name for name in listed.splitlines() if (PROJECT / name).is_file()}


def test_wheel_contains_only_package_and_what_machines_get(wheels: Path) -> None:
    files = content(wheels, "diaspora_infra")
    given = files_below("templates") | {f"containers/{image}/Containerfile" for image in ("diaspora", "s3fs")}
    templates = {f"diaspora_infra/{name}": (PROJECT / name).read_bytes() for name in given}
    assert len(templates) > 20
    assert {name: files[name] for name in templates} == templates
    assert "diaspora-infra = diaspora_infra.cli:main" in files["entry_points.txt"].decode()
    assert "pulumi-resource-diaspora-infra = diaspora_infra.plugin:main" in files["entry_points.txt"].decode()
    assert {"diaspora_infra/py.typed", "diaspora_infra/plugin/schema.json"} <= files.keys()
    licence = {"licenses/LICENSE"}
    assert {name for name in files if "/" in name} == files_below("diaspora_infra") | templates.keys() | licence
    assert message_from_bytes(files["METADATA"])["License-Expression"] == "Apache-2.0"


def test_wheel_of_butane_requires_only_pyyaml(wheels: Path) -> None:
    files = content(wheels, "butane_py")
    assert "butane-py = butane.__main__:main" in files["entry_points.txt"].decode()
    assert {"butane/py.typed", "licenses/LICENSE"} <= files.keys()
    package = {name.removeprefix("butane-py/src/") for name in files_below("butane-py/src")}
    assert {name for name in files if "/" in name} == package | {"licenses/LICENSE"}
    metadata = message_from_bytes(files["METADATA"])
    assert metadata.get_all("Requires-Dist") == ["pyyaml<7,>=6"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_payload() == (PROJECT / "butane-py/README.md").read_text(encoding="utf-8")


def test_installed_command_renders_the_same_as_the_tree(environment: Path, tmp_path: Path) -> None:
    source = EXAMPLES / "qemu/Pulumi.qemu.yaml"
    assert run(environment / "bin/diaspora-infra", "check", source, cwd=tmp_path).startswith(f"{source}: good")
    installed = run(environment / "bin/diaspora-infra", "render", source, cwd=tmp_path)
    assert installed == run(Path(sys.executable).parent / "diaspora-infra", "render", source, cwd=PROJECT)


def test_installed_plugin_serves_the_package(environment: Path, tmp_path: Path) -> None:
    command = [environment / "bin/pulumi-resource-diaspora-infra", "127.0.0.1:1"]
    with interruptible(), subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as plugin:
        assert plugin.stdout
        port = plugin.stdout.readline()
        with grpc.insecure_channel(f"127.0.0.1:{port.strip()}") as channel:
            answer = ResourceProviderStub(channel).GetSchema(GetSchemaRequest(version=0))
        stop(plugin, signal.SIGINT)
    assert plugin.returncode == 0
    assert json.loads(answer.schema) == json.loads(SCHEMA.read_text(encoding="utf-8"))


def test_installed_butane_commands_translate(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "pod.bu").write_text("variant: fcos\nversion: 1.5.0\n")
    for command in (["butane-py"], ["python", "-m", "butane"], ["python", "-m", "diaspora_infra.butane"]):
        output = run(environment / "bin" / command[0], *command[1:], "--strict", "pod.bu", cwd=tmp_path)
        assert output == '{"ignition":{"version":"3.4.0"}}\n'
    place = run(environment / "bin/python", "-c", "import butane; print(butane.__file__)", cwd=tmp_path)
    assert Path(place.strip()).resolve().is_relative_to(environment.resolve())


def test_pxe_program_outside_the_tree_brings_up_its_stack(
    environment: Path, matchbox_server: MatchboxServer, tmp_path: Path
) -> None:
    server, program = matchbox_server, tmp_path / "program"
    copy_example(OWN_PROGRAM, program, server)
    (program / ".venv").symlink_to(environment)
    with (program / "__main__.py").open("a") as file:
        file.write("import diaspora_infra\npulumi.export('package', diaspora_infra.__file__)\n")
    home = make_home(tmp_path / "home", server)
    stack_file = program / "Pulumi.dev.yaml"
    engine = Engine(tmp_path / "engine", "dev", stack_file, program, {"HOME": str(home)})
    engine.folder.mkdir()
    engine.prepare()

    assert "+ 9 to create" in engine.run("preview").stdout
    assert not list(server.data.glob("*/*.json"))
    engine.run("up")
    outputs = engine.outputs()
    package = Path(outputs["package"]).resolve()
    assert package.is_relative_to(environment.resolve())
    assert not package.is_relative_to(PROJECT)

    settings = yaml.safe_load(stack_file.read_text())["config"]
    values = {key: settings[f"own-program:{key}"] for key in ("pod", "host")}
    machine = {"name": "pod", "disk": "/dev/vda"}
    expected = load({"target": "ignition", **values, "ignition": {"machines": [machine]}})
    pod, other = "52:54:00:a1:9c:01", "52:54:00:a1:9c:02"
    served = get(f"{server.http_url}/ignition?mac={pod}")
    assert meaning(served) == meaning(render(expected, expected.machines[0], {}).ignition)
    foreign = json.loads(get(f"{server.http_url}/ignition?mac={other}"))
    assert foreign["ignition"]["version"] == "3.4.0"
    (file_entry,) = foreign["storage"]["files"]
    assert (file_entry["path"], file_entry["contents"]["source"]) == ("/etc/hostname", "data:,other")
    for mac, disk in ((pod, "/dev/vda"), (other, "/dev/disk/by-id/ata-EXAMPLE")):
        boot = install_boot(matchbox_url=server.http_url, version="44.20260802.3.1", disk=disk)
        assert get(ipxe_url(server.http_url, mac)) == ipxe_script(boot)
    assert outputs["pod"]["ipxe"] == ipxe_url(server.http_url, pod)

    assert "9 unchanged" in engine.run("up", "--expect-no-changes").stdout
    engine.run("destroy")
    assert not list(server.data.glob("*/*.json"))


def test_aws_program_outside_the_tree_brings_up_its_stack(environment: Path, tmp_path: Path) -> None:
    """The first program of docs/aws.md."""
    program = tmp_path / "program"
    program.mkdir()
    (program / "Pulumi.yaml").write_text(
        f"name: own\nruntime: {{name: python, options: {{virtualenv: {environment}}}}}\n"
    )
    text, *_ = re.findall(r"```python\n(.*?)```", (PROJECT / "docs/aws.md").read_text(), flags=re.DOTALL)
    more = "import diaspora_infra\npulumi.export('package', diaspora_infra.__file__)\n"
    (program / "__main__.py").write_text(text + more)
    stack_file = tmp_path / "stack.yaml"
    stack_file.write_text("config: {}\n")
    account = Account(tmp_path / "account", *free_ports(1))
    account.start()
    try:
        account.client("route53", "eu-west-1").create_hosted_zone(Name="example.org", CallerReference="podmin")
        engine = Engine(tmp_path / "engine", "dev", stack_file, program, account.variables(), (account.plugin(),))
        engine.folder.mkdir()
        engine.prepare()
        engine.run("up")
        outputs = engine.outputs()
        assert Path(outputs["package"]).resolve().is_relative_to(environment.resolve())
        assert outputs["url"] == "https://pod.example.org"
        ec2 = account.client("ec2", "eu-west-1")
        (machine,) = ec2.describe_instances()["Reservations"][0]["Instances"]
        (address,) = ec2.describe_addresses()["Addresses"]
        assert (address["PublicIp"], address["InstanceId"]) == (outputs["address"], machine["InstanceId"])
        engine.run("preview", "--expect-no-changes")
    finally:
        account.stop()


def test_other_targets_do_not_import_the_aws_provider(stack: Stack, tmp_path: Path) -> None:
    """The provider takes seconds to import and need not be installed."""
    folder = tmp_path / "trap"
    folder.mkdir()
    (folder / "pulumi_aws.py").write_text(f"open({str(folder / 'sprung')!r}, 'w').close()\nraise SystemExit(3)\n")
    variables = {"PYTHONPATH": str(folder)}
    stack.engine = Engine(stack.engine.folder, stack.engine.stack, stack.file, PROJECT, variables)

    preview = stack.run("preview")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    modules = "diaspora_infra, diaspora_infra.cli, diaspora_infra.pxe.stack, diaspora_infra.ignition"
    command = [sys.executable, "-c", f"import {modules}"]
    subprocess.run(command, env={**os.environ, **variables}, cwd=tmp_path, check=True)
    assert not (folder / "sprung").exists()

    # the trap works, in the engine's program too
    program = tmp_path / "program"
    program.mkdir()
    shutil.copy(PROJECT / "Pulumi.yaml", program)
    (program / ".venv").symlink_to(PROJECT / ".venv")
    (program / "__main__.py").write_text("import pulumi_aws\n")
    stack.engine = Engine(stack.engine.folder, stack.engine.stack, stack.file, program, variables)
    assert stack.run("preview").returncode != 0
    assert (folder / "sprung").exists()
