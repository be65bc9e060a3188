"""The examples: every stack is brought up or rendered, every command of their pages and of the workflow is run."""

import functools
import hashlib
import http.server
import json
import re
import shutil
import stat
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from diaspora_infra.config import ProvisioningSettings, PxeSettings, Settings, load, load_stack, parse_stack_file
from diaspora_infra.host import render
from diaspora_infra.host.provisioning_files import provisioning_files
from diaspora_infra.pxe.install import install_boot, install_settings
from diaspora_infra.pxe.served import meaning
from lab.engine import PROJECT, Engine
from lab.matchbox import MatchboxServer
from tests.pxe.releases import VERSION, Keys, Releases, serving
from tests.support import gh
from tests.support.clone import PACKAGED
from tests.support.examples import EXAMPLES, Reader, Result, path_with_tools, snippets
from tests.support.ignition_root import RefusedError, applied, read_tree, without_disks
from tests.support.languages import LANGUAGE_HOSTS
from tools import manifest

pytestmark = pytest.mark.inputs(*PACKAGED, "tools")

WORKFLOWS = {name: yaml.safe_load((EXAMPLES / f"ci/{name}.yml").read_text()) for name in ("preview", "drift")}
GH = Path(gh.__file__)
RECORDS = PROJECT / "tests/preview/files"

# the steps of the workflow that are not run: what they do is there already
REPLACED = {"actions/checkout", "actions/setup-python", "pulumi/actions"}


@pytest.fixture
def reader(matchbox_server: MatchboxServer, tmp_path: Path) -> Reader:
    reader = Reader(tmp_path, matchbox_server)
    reader.prepare()
    return reader


def record_calls(reader: Reader, *programs: str) -> Callable[[str], list[list[str]]]:
    """Replace programs by stand-ins that record their calls; returns a function that lists the calls."""
    for program in programs:
        # arguments end with NUL, calls with NUL NUL
        reader.stand_in(program, f'printf "%s\\0" "$@" "" >> "{reader.folder}/{program}.calls"')

    def calls_of(program: str) -> list[list[str]]:
        text = (reader.folder / f"{program}.calls").read_text()
        return [call.split("\0") for call in text.split("\0\0")[:-1]]

    return calls_of


def settings_of(file: Path) -> Settings:
    return load(parse_stack_file(file.read_bytes()).values)


def test_every_example_is_tested_and_listed() -> None:
    # those of AWS are in tests/aws/test_example.py and test_ha_life.py
    here = {
        "aws",
        "aws-ha",
        "bare-metal",
        "ci",
        "openstack",
        "own-program",
        "provisioning-server",
        "qemu",
        "virtualbox",
    }
    tested = here | LANGUAGE_HOSTS.keys()  # those in tests/engine/test_languages.py
    assert {page.parent.name for page in EXAMPLES.glob("*/README.md")} == tested
    index = (EXAMPLES / "README.md").read_text()
    assert set(re.findall(r"\]\(([a-z-]+)/\)", index)) == tested
    for name in tested:
        assert snippets(EXAMPLES / name / "README.md"), name


@pytest.fixture
def releases(
    reader: Reader, require_program: Callable[[str, str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Releases]:
    """A release server with a signed release, and its key where the page fetches Fedora's."""
    require_program("gpgv", "gpgv")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    keys = Keys(tmp_path, require_program("gpg", "gnupg"))
    keyring = "https://fedoraproject.org/fedora.gpg"
    reader.stand_in("curl", f'test "$4" = {keyring} && cp {keys.keyring} fedora.gpg')
    with serving() as made:
        made.put_stream("x86_64", "aarch64")
        keys.sign_all(made)
        yield made
    keys.end()


def test_bare_metal_example_brings_up_its_stack(reader: Reader, releases: Releases) -> None:
    install, use = (snippets(EXAMPLES / page) for page in ("README.md", "bare-metal/README.md"))
    # the program asks this server in place of Fedora's
    program = f'#!/bin/sh\n[ "$1" != assets ] || set -- "$@" --base-url {releases.address}\nexec "$0.installed" "$@"'
    replace = f"cd .venv/bin; mv diaspora-infra diaspora-infra.installed\ncat > diaspora-infra << 'END'\n{program}\nEND"
    result = reader.run("\n".join([install, f"({replace}\nchmod +x diaspora-infra)", use]))
    assert result.stdout.count("fetched, checksum good, signature good\n") == 8
    assert "Pulumi.bare-metal.yaml: good; 3 machine(s), target pxe" in result.stdout
    assert "+ 7 to create" in result.stdout
    assert "+ 7 created" in result.stdout
    assert result.stdout.endswith(
        "pod1: served as configured\npod2: served as configured\npod3: served as configured\n"
    )

    settings = settings_of(reader.checkout / "Pulumi.bare-metal.yaml")
    assert isinstance(settings, PxeSettings)
    for machine in settings.pxe.machines:
        boot = install_boot(**install_settings(settings, machine))
        (initrd,) = boot.initrds
        named = dict(argument.split("=", 1) for argument in boot.args if "=" in argument)
        image = named["coreos.inst.image_url"]
        urls = [boot.kernel, initrd.split()[-1], named["coreos.live.rootfs_url"], image, f"{image}.sig"]
        folder = releases.folder(VERSION, machine.architecture)
        for url in urls:
            with urllib.request.urlopen(url) as answer:
                assert answer.read() == releases.files[f"{folder}/{url.rpartition('/')[2]}"]

    keyfiles = json.dumps(meaning(render(settings, settings.machines[0], {}).ignition))
    for part in ("mode=802.3ad", "controller=bond0", "id=20", "address1=10.0.20.11/24,10.0.20.1"):
        assert part in keyfiles


def test_qemu_example_passes_rendered_ignition_to_qemu(reader: Reader) -> None:
    calls_of = record_calls(reader, "qemu-img", "qemu-system-x86_64", "sudo", "virt-install")
    reader.follow("README.md", "qemu/README.md")

    (arguments,) = calls_of("qemu-system-x86_64")
    name, _, file = arguments[arguments.index("-fw_cfg") + 1].partition(",file=")
    assert name == "name=opt/com.coreos/config"
    settings = settings_of(EXAMPLES / "qemu/Pulumi.qemu.yaml")
    assert (reader.checkout / file).read_text() == render(settings, settings.machines[0], {}).ignition + "\n"

    disk = arguments[arguments.index("-drive") + 1]
    assert disk.startswith("if=virtio,"), "it is /dev/vda then"
    assert settings.host.storage.disk == "/dev/vda"
    assert disk.rpartition("=")[2] in calls_of("qemu-img")[0]

    folder = "/var/lib/libvirt/images"
    assert calls_of("sudo") == [["install", "-m", "0644", file, "fedora-coreos.qcow2", f"{folder}/"]]
    (arguments,) = calls_of("virt-install")
    assert f"--qemu-commandline=-fw_cfg name=opt/com.coreos/config,file={folder}/{file}" in arguments
    assert f"size=40,bus=virtio,backing_store={folder}/fedora-coreos.qcow2" in arguments


def test_qemu_example_previews_in_the_engine(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "lab", "qemu", EXAMPLES / "qemu/Pulumi.qemu.yaml")
    engine.prepare()
    assert "+ 1 to create" in engine.run("preview").stdout


def test_virtualbox_example_sets_the_ignition_guest_property(reader: Reader) -> None:
    calls_of = record_calls(reader, "VBoxManage")
    result = reader.follow("README.md", "virtualbox/README.md")
    assert "+ 1 to create" in result.stdout
    settings = settings_of(EXAMPLES / "virtualbox/Pulumi.virtualbox.yaml")
    ignition = render(settings, settings.machines[0], {}).ignition
    commands = {tuple(arguments[:2]): arguments for arguments in calls_of("VBoxManage")}
    # one argument: the kernel that runs this test takes 128 KiB, too
    assert commands["guestproperty", "set"][2:] == ["pod", "/Ignition/Config", ignition]
    assert commands["storageattach", "pod"][-1] in commands["createmedium", "disk"]
    # the second disk of this kind of controller
    assert {"--port", "1", "AHCI"} <= set(commands["storageattach", "pod"])
    assert settings.host.storage.data_disk == "/dev/sdb"


def test_openstack_example_uploads_a_pointer_config(reader: Reader) -> None:
    calls_of = record_calls(reader, "openstack")
    result = reader.follow("README.md", "openstack/README.md")
    assert "+ 1 to create" in result.stdout
    settings = settings_of(EXAMPLES / "openstack/Pulumi.openstack.yaml")
    config = (reader.checkout / "pod.ign").read_bytes()
    assert config.decode() == render(settings, settings.machines[0], {}).ignition + "\n"
    assert 80 * 1024 < len(config) < 96 * 1024, "what the page says"
    pointer = json.loads((reader.checkout / "pointer.ign").read_text())
    digest = hashlib.sha512(config).hexdigest()
    assert pointer["ignition"]["config"]["replace"]["verification"]["hash"] == f"sha512-{digest}"

    commands = {tuple(arguments[:2]): arguments for arguments in calls_of("openstack")}
    server = commands["server", "create"]
    assert server[server.index("--user-data") + 1] == "pointer.ign"
    assert server[server.index("--image") + 1] == commands["image", "create"][-1]
    assert server[server.index("--security-group") + 1] == commands["security", "group"][-1]
    ports = [entry[entry.index("--dst-port") + 1] for entry in calls_of("openstack") if "--dst-port" in entry]
    assert ports == ["22", "80", "443"]


@pytest.fixture
def web_server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the URL that serves it."""
    folder = tmp_path / "web"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_ignition_follows_the_pointer_only_to_the_verified_config(tmp_path: Path, web_server: tuple[Path, str]) -> None:
    folder, url = web_server
    settings = settings_of(EXAMPLES / "openstack/Pulumi.openstack.yaml")
    whole = without_disks(json.loads(render(settings, settings.machines[0], {}).ignition))
    (folder / "pod.ign").write_text(json.dumps(whole))
    shutil.copy(folder / "pod.ign", tmp_path)
    (rest,) = snippets(EXAMPLES / "openstack/README.md").split("\nhash=")[1:]
    script = rest.split("\nEND")[0]
    subprocess.run(["bash", "-euc", f"hash={script}\nEND"], cwd=tmp_path, check=True)
    pointer = json.loads((tmp_path / "pointer.ign").read_text().replace("https://files.example.org", url))
    with applied(whole) as root:
        expected_tree = read_tree(root)
    with applied(pointer) as root:
        assert read_tree(root) == expected_tree
    (folder / "pod.ign").write_text(json.dumps(whole).replace("pod", "pot", 1))
    with pytest.raises(RefusedError, match="hash verification failed"), applied(pointer):
        pass


def test_provisioning_server_example_brings_up_its_stack(reader: Reader) -> None:
    shutil.rmtree(reader.folder / "home/.matchbox")
    calls_of = record_calls(reader, "coreos-installer", "scp", "ssh")
    result = reader.follow("README.md", "provisioning-server/README.md")
    assert "Pulumi.provisioning-server.yaml: good; 1 machine(s), target provisioning" in result.stdout
    assert "+ 2 to create" in result.stdout, "the stack and the component"
    assert "+ 2 created" in result.stdout

    source = parse_stack_file((EXAMPLES / "provisioning-server/Pulumi.provisioning-server.yaml").read_bytes())
    settings = load_stack(source.values)
    assert isinstance(settings, ProvisioningSettings)
    (installer,) = calls_of("coreos-installer")
    ignition = reader.checkout / installer[installer.index("--dest-ignition") + 1]
    assert ignition.read_text() == render(settings, settings.provisioning, {}).ignition + "\n"
    assert settings.host.storage.disk == installer[installer.index("--dest-device") + 1]

    # the page says what the stack says
    with_tools = f'PATH="$PATH:{path_with_tools()}"'
    steps = json.loads(reader.run(f"{with_tools}; pulumi stack output nextSteps --json").stdout)
    commands = [" ".join(command) for program in ("ssh", "scp") for command in calls_of(program)]
    for step in steps:
        program, _, arguments = step.partition(" ")
        if program in {"ssh", "scp"}:
            home = str(reader.folder / "home")
            assert arguments.replace("'", "").replace("~", home) in commands
    assert reader.run(f"{with_tools}; pulumi stack output httpUrl").stdout.strip() == settings.provisioning.http_url
    for name in ("ca.crt", "client.crt", "client.key"):
        assert (reader.folder / "home/.matchbox" / name).is_file()

    for name, (text, mode) in provisioning_files(settings.provisioning).items():
        file = reader.checkout / "server-files" / name
        assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (text, mode)
    assert ["root@192.168.1.5", "server-files/install"] in calls_of("ssh")


def test_own_program_example_previews(reader: Reader) -> None:
    """Only a preview; tests/engine/test_wheel.py brings the stack up."""
    result = reader.follow("README.md", "own-program/README.md")
    assert "+ 9 to create" in result.stdout


# the workflows


@pytest.mark.parametrize("workflow", WORKFLOWS.values(), ids=WORKFLOWS)
def test_workflow_pins_the_versions_of_the_project(workflow: dict[str, Any]) -> None:
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = {step["uses"].partition("@")[0] for step in steps if "uses" in step}
    assert used == REPLACED
    pulumi = next(step for step in steps if step.get("uses", "").startswith("pulumi/"))
    assert "command" not in pulumi["with"]
    assert pulumi["with"]["pulumi-version"] == manifest.load().tool("pulumi").version
    assert all("${{" not in step["run"] for step in steps if "run" in step), "a shell would run what is filled in"


@pytest.fixture
def repository(reader: Reader) -> Reader:
    """A repository with the bare-metal stack, and its variables and secrets on GitHub."""
    reader.follow("ci/README.md")
    for name in WORKFLOWS:
        copied = reader.checkout / f".github/workflows/{name}.yml"
        assert copied.read_text() == (EXAMPLES / f"ci/{name}.yml").read_text()
    (reader.folder / "github.json").write_text('{"comments": [], "issues": []}')
    reader.stand_in("gh", f'[ "$GH_TOKEN" = token ] && exec {sys.executable} {GH} {reader.folder}/github.json "$@"')
    shutil.copy(reader.checkout / "examples/bare-metal/Pulumi.bare-metal.yaml", reader.checkout)
    reader.run(f'PATH="$PATH:{path_with_tools()}"; pulumi stack init bare-metal')
    shutil.rmtree(reader.folder / "home/.matchbox")
    return reader


def filled(values: Mapping[str, str] | None, contexts: Mapping[str, str]) -> dict[str, str]:
    """Evaluate the expressions in the `env` of a workflow, a job or a step."""
    return {
        key: re.sub(r"\$\{\{ *([\w.]+) *\}\}", lambda found: contexts[found[1]], value)
        for key, value in (values or {}).items()
    }


def on_github(repository: Reader, kind: str) -> list[dict[str, Any]]:
    """The comments or issues."""
    found: list[dict[str, Any]] = json.loads((repository.folder / "github.json").read_text())[kind]
    return found


def run_job(
    repository: Reader, name: str, file: str = "preview", prepared: Sequence[str] = ()
) -> Iterator[tuple[str, Result]]:
    """Run the `run` steps of a job as a runner does; those in `prepared` left their work in the folder.

    After a step that fails only those run that ask for it.
    """
    workflow, folder = WORKFLOWS[file], repository.folder / f"job-{name}"
    if not prepared:
        shutil.copytree(repository.checkout, folder / "work")
        (folder / "temp").mkdir()
    pki = repository.server.pki
    contexts = {
        "github.token": "token",
        "github.event.pull_request.number": "7",
        "runner.temp": str(folder / "temp"),
        "vars.PULUMI_BACKEND_URL": repository.environment()["PULUMI_BACKEND_URL"],
        "secrets.PULUMI_CONFIG_PASSPHRASE": repository.environment()["PULUMI_CONFIG_PASSPHRASE"],
        "secrets.MATCHBOX_CA": pki.ca.read_text().strip(),
        "secrets.MATCHBOX_CLIENT_CERTIFICATE": pki.certificate("client").read_text().strip(),
        "secrets.MATCHBOX_CLIENT_KEY": pki.key("client").read_text().strip(),
    }
    given = {
        "CI": "true",
        "GITHUB_OUTPUT": str(folder / "outputs"),
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "PATH": f"{repository.folder / 'bin'}:{path_with_tools()}",
        "RUNNER_TEMP": str(folder / "temp"),
        # only the steps that ask for them may have them
        "PULUMI_BACKEND_URL": "",
        "PULUMI_CONFIG_PASSPHRASE": "",
    }
    assert workflow["defaults"]["run"]["shell"] == "bash"
    job, failed = workflow["jobs"][name], False
    for step in job["steps"]:
        assert step.get("if") in {None, "${{ !cancelled() }}"}
        if "run" in step and step["name"] not in prepared and not (failed and "if" not in step):
            (folder / "outputs").touch()
            outputs = dict(line.split("=", 1) for line in (folder / "outputs").read_text().splitlines())
            contexts |= {f"steps.look.outputs.{key}": value for key, value in outputs.items()}
            environment = given | filled(workflow["env"], contexts) | filled(job.get("env"), contexts)
            environment |= filled(step.get("env"), contexts)
            # how GitHub starts `shell: bash`
            result = repository.shell(step["run"], folder / "work", environment, "-eo", "pipefail")
            yield step["name"], result
            failed = failed or result.returncode != 0


def all_good(steps: Iterator[tuple[str, Result]]) -> dict[str, str]:
    outputs = {}
    for name, result in steps:
        assert result.returncode == 0, result.stdout + result.stderr
        outputs[name] = result.stdout + result.stderr
    return outputs


def test_workflow_checks_and_previews(repository: Reader) -> None:
    assert "good; 3 machine(s)" in all_good(run_job(repository, "check"))["Check the stack file"]
    fence, *lines, end = (repository.folder / "job-check/summary.md").read_text().splitlines()
    assert (fence, end) == ("```yaml", "```")
    assert yaml.safe_load("\n".join(lines))["variant"] == "fcos"

    outputs = all_good(run_job(repository, "preview"))
    job = repository.folder / "job-preview"
    summary = (job / "summary.md").read_text()
    assert "+ 7 to create" in summary
    assert "- `new 2 pod1, pod2: boot it from the network`" in summary, "pod3 has serve: false"
    assert "advice: `installs-always`" in summary
    (comment,) = on_github(repository, "comments")
    assert comment["body"] == summary
    files = sorted((job / "temp/.matchbox").iterdir())
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in files} == {
        "ca.crt": 0o600, "client.crt": 0o600, "client.key": 0o600,
    }  # fmt: skip
    key_line = repository.server.pki.key("client").read_text().splitlines()[1]
    assert all(key_line not in text for text in [summary, *outputs.values()])
    assert not list(repository.server.data.glob("*/*.json")), "a preview changes nothing"


def test_workflow_fails_on_wrong_stack_file(repository: Reader) -> None:
    file = repository.checkout / "Pulumi.bare-metal.yaml"
    file.write_text(file.read_text().replace("rootGib: 16", "rootGib: 4"))
    name, result = list(run_job(repository, "check"))[-1]
    assert (name, result.returncode) == ("Check the stack file", 1)
    assert result.stderr == "host.storage.rootGib: 4 is out of range; allowed: 8 to 1024\n"


def test_workflow_fails_when_matchbox_is_unreachable(repository: Reader) -> None:
    repository.server.stop()
    results = dict(run_job(repository, "preview"))
    result = results["Preview"]
    assert result.returncode != 0, "and not the exit code of the summary"
    assert "is not reachable" in result.stdout + result.stderr
    # and the comment of an earlier run is edited; other people's words are not
    assert results["Comment"].returncode == 0, results["Comment"].stderr
    (comment,) = on_github(repository, "comments")
    body = comment["body"]
    assert "is not reachable" in body
    ours = {**comment, "body": f"{body.splitlines()[0]}\nearlier", "id": 2}
    theirs = {**ours, "user": {"login": "somebody"}, "id": 1}
    (repository.folder / "github.json").write_text(json.dumps({"comments": [theirs, ours], "issues": []}))
    list(run_job(repository, "preview", prepared=[*results.keys() - {"Comment"}]))
    assert [comment["body"] for comment in on_github(repository, "comments")] == [theirs["body"], body]


PREPARED = ("Install", "Write the certificates for matchbox")


def test_workflow_tells_drift_in_one_issue(repository: Reader) -> None:
    all_good(run_job(repository, "drift", "drift"))
    (issue,) = on_github(repository, "issues")
    assert (issue["title"], issue["state"]) == ("Drift of stack bare-metal", "open")
    assert issue["body"].startswith("<!-- diaspora-infra bare-metal -->\n")
    assert "+ 7 to create" in issue["body"], "nothing of the stack is there yet"

    # what the engine says next is recorded
    for record, code in (("pxe-drift", 0), ("pxe-unreachable", 1), ("pxe-clean", 0)):
        repository.stand_in("pulumi", f"cat {RECORDS / record}.events; exit 255")
        results = dict(run_job(repository, "drift", "drift", PREPARED))
        assert results["Look for drift"].returncode == code, results["Look for drift"].stderr
        assert len(results) == 2 - code, "a failure is no drift, and no end of it"
        (issue,) = on_github(repository, "issues")
        assert issue["state"] == ("closed" if record == "pxe-clean" else "open")
        assert "changed outside of the stack" in issue["body"]
