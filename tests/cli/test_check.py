"""`diaspora-infra check`: reports every mistake of a stack file in one line each, and an exit code."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from diaspora_infra.cli import main
from diaspora_infra.config import NAMESPACE, SECRETS, Pod
from diaspora_infra.config.loader.stack_file import ENCRYPTED_MESSAGE
from tests.config.mistakes import changed
from tests.support import configs

PROGRAM = Path(sys.executable).parent / "diaspora-infra"
EXAMPLE = Path(__file__).resolve().parent.parent.parent / "Pulumi.dev.yaml"

Check = tuple[int, str, list[str]]


def stack_file(folder: Path, values: dict[str, Any]) -> Path:
    file = folder / "Pulumi.test.yaml"
    config = {f"{NAMESPACE}:{key}": value for key, value in values.items()}
    file.write_text(yaml.safe_dump({"config": config}, sort_keys=False), encoding="utf-8")
    return file


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Checks a config or a file; returns exit code, standard output and the lines of standard error."""

    def run(given: dict[str, Any] | Path) -> Check:
        code = main(["check", str(given if isinstance(given, Path) else stack_file(tmp_path, given))])
        out, err = capsys.readouterr()
        return code, out, err.splitlines()

    return run


def test_valid_file_is_reported_with_target_and_machine_count(check: Any, tmp_path: Path) -> None:
    code, out, err = check(configs.pxe_config(pxe=configs.pxe(configs.machine(1), configs.machine(2))))
    assert (code, err) == (0, [])
    assert out == f"{tmp_path / 'Pulumi.test.yaml'}: good; 2 machine(s), target pxe\n"


def test_machines_that_share_a_config_are_counted(check: Any) -> None:
    code, out, _ = check(configs.aws_config(region="eu-west-1", topology="ha", ha={"webMachines": 3}))
    assert (code, "good; 4 machine(s), target aws" in out) == (0, True)


@pytest.mark.parametrize(
    "backup",
    [
        {"repository": "local"},
        {"repository": "s3:https://s3.example.org/my-pod"},
        {"repository": "sftp://pod@backup.example.org/pod", "hostKey": configs.SSH_KEY},
        {"repository": "rest:https://backup.example.org/", "username": "pod"},
    ],
)
def test_encrypted_secrets_are_accepted_without_decryption(check: Any, backup: dict[str, str]) -> None:
    config = configs.pxe_config(pod=configs.pod(backup=backup, mail=configs.mail()))
    given = {secret.key: {"secure": "v1:x:y"} for secret in SECRETS if secret.needed(Pod(**config["pod"]))}
    assert check(config | given)[0] == 0
    placed = configs.pxe_config(pod=configs.pod(backup=backup, mail=configs.mail(), secretsOnMachine=["all"]))
    assert check(placed)[0] == 0


def test_dev_stack_is_valid(check: Any) -> None:
    assert check(EXAMPLE)[0] == 0


def test_settings_that_need_an_ipxe_with_https_are_named(check: Any) -> None:
    code, out, _ = check(configs.pxe_config())
    assert (code, "note:" in out) == (0, False)
    matchbox = {"httpUrl": "https://matchbox.lan", "rpcEndpoint": "matchbox.lan:8081"}
    code, out, err = check(configs.pxe_config(pxe=configs.pxe(matchbox=matchbox, release={"source": "releases"})))
    assert (code, err) == (0, [])
    notes = [line for line in out.splitlines() if line.startswith("note: ")]
    assert [line.split(": ")[1] for line in notes] == ["pxe.matchbox.httpUrl", "pxe.release.source"]
    assert all("iPXE with HTTPS" in line and "ipxe.org/3c092003" in line for line in notes)
    assert notes[1].endswith("; or use matchbox")


def test_disk_to_erase_has_no_default(check: Any) -> None:
    config = configs.pxe_config(pxe=configs.pxe(configs.machine(1), configs.machine(2, disk="/dev/vda")))
    config["host"]["storage"] = {"rootGib": 16}
    line = "required, because the installation erases the disk; set disk, or host.storage.disk for all machines"
    assert check(config) == (1, "", [f"pxe.machines[0].disk: {line}"])
    assert check(configs.ignition_config(host=configs.host(storage={"rootGib": 16})))[0] == 0


@pytest.mark.parametrize(("mib", "install", "code"), [(2047, "once", 1), (2048, "once", 0), (1024, "off", 0)])
def test_live_system_fits_into_the_memory(check: Any, mib: int, install: str, code: int) -> None:
    machines = configs.pxe(configs.machine(1, install=install))
    found, _, err = check(configs.pxe_config(host=configs.host(memoryMib=mib), pxe=machines))
    assert found == code
    assert [line.split(" is ")[0] for line in err] == ["host.memoryMib: 2047"] * code
    assert check(configs.ignition_config(host=configs.host(memoryMib=1024)))[0] == 0


def test_target_ignition_is_valid(check: Any) -> None:
    assert check(configs.ignition_config())[0] == 0


def test_all_problems_are_reported_in_one_run(check: Any) -> None:
    change = {
        "hosts": {},
        "pod.domain": "localhost",
        "host.storage.rootGib": 4,
        "pxe.machines[0].networks.eno1": {"ipv4": {"metod": "auto"}},
        "pxe.machines[1]": configs.machine(1, name="other"),
        "smtpPassword": "hunter2",
    }
    code, out, err = check(changed(configs.pxe_config(), change))
    assert (code, out) == (1, "")
    assert {
        "host.storage.rootGib: 4 is out of range; allowed: 8 to 1024",
        "pxe.machines[1].mac: '52:54:00:00:00:01' is already used by pxe.machines[0].mac; choose another",
        "smtpPassword: not encrypted; run: pulumi config set --secret diaspora-infra:smtpPassword",
    } <= set(err)
    assert {line.split(": ")[0] for line in err} >= {"hosts", "pod.domain", "pxe.machines[0].networks.eno1.ipv4.metod"}
    assert "hunter2" not in "".join(err)


def test_keys_beside_the_values_and_missing_secrets_are_reported_with_the_rest(check: Any, tmp_path: Path) -> None:
    pod = {
        "mail": {"senderAddress": "nobody", "smtp": {"port": 0, "username": "pod"}},
        "backup": {"time": "25:00"},
        "services": {"tumblr": {"key": "k"}},
    }
    aws = {"region": "eu-west-1", "size": "huge", "existingParameters": {"tumblrSecret": "/t"}}
    file = stack_file(tmp_path, configs.aws_config(pod_changes=pod, **aws))
    file.write_text(f"{file.read_text()}  host: {{}}\n  aws:assumeRoles: []\n  diaspora-inf:pod: {{}}\n")
    code, out, err = check(file)
    assert (code, out) == (1, "")
    assert {line.split(": ")[0] for line in err} == {
        "aws:assumeRoles", "aws.size", "diaspora-inf:pod", "host", "host.users", "pod.backup.time",
        "pod.mail.senderAddress", "pod.mail.smtp.host", "pod.mail.smtp.port", "backupPassword", "smtpPassword",
    }  # fmt: skip


def test_a_value_that_is_not_valid_does_not_hide_a_wrong_combination(check: Any) -> None:
    change = {"pod.admin.username": "wrong!", "pod.settings.welcomeMessage.enabled": True}
    code, out, err = check(changed(configs.ignition_config(), change))
    assert (code, out) == (1, "")
    assert [line.split(": ")[0] for line in err] == ["pod.admin.username", "pod.settings.welcomeMessage.text"]


@pytest.mark.parametrize(
    ("change", "secrets"),
    [
        ({"pod.backup.password": "x"}, []),  # the line about the misplaced one says it
        ({"pod.secretsOnMachine": ["backupPasword"]}, []),
        ({"pod.secretsOnMachine": "all"}, []),
        ({"pod.domain": "localhost", "pod.secretsOnMachine": ["backupPassword"]}, []),
        ({"pod.domain": "localhost"}, ["backupPassword"]),
        ({"pod.backup.repository": 5}, ["backupPassword"]),
        ({"pod.backup": 5}, []),
        ({"pod": 5}, []),
    ],
)
def test_no_mistake_makes_a_secret_missing_that_is_not(check: Any, change: dict[str, Any], secrets: list[str]) -> None:
    code, _, err = check(changed(configs.pxe_config(pod=configs.pod(backup={})), change))
    assert code == 1
    assert [line.split(": ")[0] for line in err if line.startswith("backup")] == secrets


def test_mistake_in_key_aws_does_not_make_existing_parameters_missing(check: Any) -> None:
    aws = {"existingParameters": {"backupPassword": "/pod/backup"}, "region": "eu-west-1", "size": "huge"}
    assert [line.split(": ")[0] for line in check(configs.aws_config(pod_changes={"backup": {}}, **aws))[2]] == [
        "aws.size"
    ]


def test_required_secret_may_be_encrypted(check: Any) -> None:
    values = configs.pxe_config(pod=configs.pod(mail=configs.mail()))
    assert check(values)[0] == 1
    assert check(values | {"smtpPassword": {"secure": "v1:AAAA:BBBB"}})[0] == 0


@pytest.mark.parametrize("value", [{"secure": "v1:AAAA:BBBB"}, [{"secure": "v1:AAAA:BBBB"}]])
@pytest.mark.parametrize("key", ["name", "smtpPassword"])
def test_encrypted_value_in_a_table_is_refused_at_its_top_level_key(check: Any, key: str, value: object) -> None:
    """The program cannot know which value below a key is encrypted; tests/engine has its line."""
    code, _, err = check(changed(configs.pxe_config(), {f"pod.{key}": value}))
    assert (code, err) == (1, ["pod: " + ENCRYPTED_MESSAGE])


def test_encrypted_value_in_the_table_aws_is_refused_beside_a_region(check: Any, tmp_path: Path) -> None:
    values = configs.aws_config(alertEmail={"secure": "v1:AAAA:BBBB"})
    file = stack_file(tmp_path, values)
    file.write_text(f"{file.read_text()}  aws:region: eu-west-1\n")
    assert check(file) == (1, "", ["aws: " + ENCRYPTED_MESSAGE])


def test_snippets_of_every_machine_are_checked(check: Any) -> None:
    broken = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: relative}]}\n"
    machines = [configs.machine(1, snippets=[broken]), configs.machine(2), configs.machine(3, snippets=["variant: x"])]
    code, _, err = check(configs.pxe_config(pxe=configs.pxe(*machines)))
    assert code == 1
    assert any(line.startswith("pxe.machines[0].snippets[0]") for line in err), err
    assert any(line.startswith("pxe.machines[2].snippets[0]") for line in err), err


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "config: required; allowed: a table of keys such as diaspora-infra:pod"),
        (b"config: {a: 1", "{file}: line 1, column 14: expected ',' or '}', but got '<stream end>'; fix the YAML"),
        (b"config:\n  \xff: 1\n", "{file}: line 2: not UTF-8; save the file as UTF-8"),
        (b"\xff\xfec\x00", "{file}: line 1: not UTF-8; save the file as UTF-8"),
        (b"\x00\x01", "{file}: line 1: special characters are not allowed; fix the YAML"),
    ],
)
def test_unparsable_file_is_reported_in_one_line(check: Any, tmp_path: Path, content: bytes, line: str) -> None:
    file = tmp_path / "Pulumi.broken.yaml"
    file.write_bytes(content)
    assert check(file) == (1, "", [line.replace("{file}", str(file))])


def test_missing_file_is_reported(check: Any, tmp_path: Path) -> None:
    remedy = "correct the path, or create the file"
    assert check(tmp_path / "no.yaml") == (1, "", [f"{tmp_path / 'no.yaml'}: No such file or directory; {remedy}"])


def test_folder_in_place_of_file_is_reported(check: Any, tmp_path: Path) -> None:
    assert check(tmp_path) == (1, "", [f"{tmp_path}: Is a directory; name a file in this folder"])


@pytest.mark.parametrize("arguments", [[], ["check"], ["chekc", "x"], ["check", "x", "y"], ["check", "x", "--machine"]])
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: diaspora-infra")


def test_installed_program_reports_one_line_in_c_locale(tmp_path: Path) -> None:
    file = stack_file(tmp_path, changed(configs.pxe_config(), {"pod.name": "Ünïcode", "pod.admin.email": "é\x1b"}))
    result = subprocess.run(
        [PROGRAM, "check", file], capture_output=True, text=True, env={"LC_ALL": "C"}, cwd="/", check=False
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("pod.admin.email: ")
