"""`diaspora-infra render` and `diaspora-infra verify`: files, modes, lines and exit codes."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import butane
from diaspora_infra.cli import main
from diaspora_infra.config import load
from diaspora_infra.host import render
from diaspora_infra.pxe.served import meaning
from tests.cli.test_check import stack_file
from tests.support import configs
from tests.support.stack import Stack

PASSWORD = "correct-horse-battery-staple"

# exit code, standard output, standard error
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command of diaspora-infra."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()  # what building a tool has said does not belong to the command
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def mail_stack(tmp_path: Path) -> Path:
    """A stack file that needs the secret smtpPassword."""
    secure = {"smtpPassword": {"secure": "v1:AAAA:BBBB"}}
    return stack_file(tmp_path, configs.ignition_config(pod=configs.pod(mail=configs.mail())) | secure)


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return file


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def two_machines(folder: Path) -> Path:
    return stack_file(folder, configs.pxe_config(pxe=configs.pxe(configs.machine(1), configs.machine(2))))


def test_render_writes_ignition_to_standard_output(run: Run, tmp_path: Path) -> None:
    values = configs.ignition_config()
    settings = load(values)
    code, out, err = run("render", stack_file(tmp_path, values))
    assert (code, err) == (0, "")
    assert out == render(settings, settings.machines[0], {}).ignition + "\n"
    assert json.loads(out)["ignition"]["version"] == "3.4.0"


def test_render_writes_output_file_with_mode_0644(run: Run, tmp_path: Path) -> None:
    source, output = stack_file(tmp_path, configs.ignition_config()), tmp_path / "pod.ign"
    on_standard_output = run("render", source)[1]
    assert run("render", source, "--output", output) == (0, "", "")
    assert output.read_text() == on_standard_output
    assert mode(output) == 0o644


def test_output_file_with_secret_has_mode_0600(run: Run, mail_stack: Path, password_file: Path, tmp_path: Path) -> None:
    for existing in (None, 0o666):
        output = tmp_path / f"pod-{existing}.ign"
        if existing is not None:
            output.write_text("{}" * 100_000)
            output.chmod(existing)
        result = run("render", mail_stack, "--output", output, "--secret", f"smtpPassword={password_file}")
        assert result == (0, "", "")
        assert mode(output) == 0o600
        text = json.dumps(meaning(output.read_text()))
        assert PASSWORD in text
        assert f"{PASSWORD}\\\\n" not in text, "the line end of the file belongs to the file, not to the password"


def test_render_butane_leaves_out_snippets(run: Run, tmp_path: Path) -> None:
    snippet = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/mine, contents: {inline: mine}}]}\n"
    source = stack_file(tmp_path, configs.ignition_config(host=configs.host(snippets=[snippet])))
    code, out, err = run("render", source, "--butane")
    assert (code, err) == (0, "")
    assert yaml.safe_load(out)["variant"] == "fcos"
    assert "/etc/mine" not in out, "snippets are left out"
    paths = {file["path"] for file in json.loads(butane.translate(out).text())["storage"]["files"]}
    assert "/etc/hostname" in paths
    assert "/etc/mine" in json.dumps(meaning(run("render", source)[1]))


def test_machine_option_is_required_with_several_machines(run: Run, tmp_path: Path) -> None:
    source = two_machines(tmp_path)
    assert run("render", source) == (1, "", "--machine: required; allowed: pod1, pod2\n")
    unknown = run("render", source, "--machine", "pod3")
    assert unknown == (1, "", "--machine: 'pod3' is not in the stack file; allowed: pod1, pod2\n")
    code, out, _ = run("render", source, "--machine", "pod2")
    assert code == 0
    assert '"pod2\\n"' in json.dumps(meaning(out)), "its host name"


def test_missing_secret_is_reported_with_the_option_to_use(run: Run, mail_stack: Path, tmp_path: Path) -> None:
    output = tmp_path / "pod.ign"
    code, out, err = run("render", mail_stack, "--output", output)
    assert (code, out) == (1, "")
    assert err == ("smtpPassword: encrypted in the stack file; pass the value with --secret smtpPassword=FILE\n")
    assert not output.exists()


def test_secret_of_the_command_line_counts_as_given(run: Run, password_file: Path, tmp_path: Path) -> None:
    values = configs.ignition_config(pod=configs.pod(mail=configs.mail()))
    option = ("--secret", f"smtpPassword={password_file}")
    source = stack_file(tmp_path, values)
    assert run("render", source)[2].startswith("smtpPassword: required; ")
    code, out, err = run("render", source, *option)
    assert (code, err) == (0, "")
    assert PASSWORD in json.dumps(meaning(out))

    # other mistakes are listed as without it, and a value in the clear stays one
    wrong = stack_file(tmp_path, values | {"hosts": {}})
    assert [line.split(": ")[0] for line in run("render", wrong, *option)[2].splitlines()] == ["hosts"]
    plain = stack_file(tmp_path, values | {"smtpPassword": "hunter2"})
    assert run("render", plain, *option)[2].startswith("smtpPassword: not encrypted; ")

    # where the machine gets it otherwise, the option is in vain, as before
    values["pod"]["secretsOnMachine"] = ["smtpPassword"]
    placed = stack_file(tmp_path, values)
    assert run("render", placed, *option) == run("render", placed)


def test_a_machine_that_is_not_there_is_named_before_missing_secrets(run: Run, mail_stack: Path) -> None:
    refused = "--machine: 'nope' is not in the stack file; allowed: pod\n"
    assert run("render", mail_stack, "--machine", "nope") == (1, "", refused)


def test_malformed_secret_option_is_reported(run: Run, mail_stack: Path, tmp_path: Path) -> None:
    wrong = run("render", mail_stack, "--secret", "smtpPassword")
    assert wrong == (1, "", "--secret: 'smtpPassword' is not valid; allowed: NAME=FILE\n")
    missing = run("render", mail_stack, "--secret", f"smtpPassword={tmp_path / 'no'}")
    assert missing == (1, "", f"{tmp_path / 'no'}: No such file or directory; correct the path, or create the file\n")


def test_secret_is_never_printed_in_other_errors(
    run: Run, mail_stack: Path, password_file: Path, tmp_path: Path
) -> None:
    secret = ("--secret", f"smtpPassword={password_file}")
    for arguments in (
        ("render", mail_stack, *secret, "--machine", "no"),
        ("render", mail_stack, *secret, "--output", tmp_path),
        ("render", mail_stack, *secret, "--output", tmp_path / "no" / "pod.ign"),
        ("verify", mail_stack, *secret),
    ):
        code, out, err = run(*arguments)
        assert code == 1
        assert (out + err).count("\n") == 1, out + err
        assert PASSWORD not in out + err


def test_render_reports_all_mistakes_of_the_file(run: Run, tmp_path: Path) -> None:
    values: dict[str, Any] = configs.ignition_config(hosts={}, host=configs.host(storage={"rootGib": 4}))
    code, out, err = run("render", stack_file(tmp_path, values))
    assert (code, out) == (1, "")
    assert [line.split(":")[0] for line in err.splitlines()] == ["host.storage.rootGib", "hosts"]


def test_verify_requires_target_pxe(run: Run, tmp_path: Path) -> None:
    result = run("verify", stack_file(tmp_path, configs.ignition_config()))
    assert result == (1, "target: only what matchbox serves can be verified; use a stack file with target: pxe\n", "")


def test_verify_reports_manual_changes_on_the_server(run: Run, stack: Stack, password_file: Path) -> None:
    stack.values["pod"]["mail"] = configs.mail()
    stack.set_secret("smtpPassword", PASSWORD)
    stack.machines(configs.machine(1), configs.machine(2), configs.machine(3, install="off"))
    stack.up()
    verify = ("verify", stack.file, "--secret", f"smtpPassword={password_file}")
    good = "pod1: served as configured\npod2: served as configured\npod3: served as configured\n"
    assert run(*verify) == (0, good, "")

    assert run("verify", stack.file)[0] == 1, "the secret is needed"
    password_file.write_text("another")
    remedy = "; run: pulumi refresh, then pulumi up"
    differs = f"the served Ignition config differs from the settings{remedy}"
    another = f"pod1: {differs}\npod2: {differs}\npod3: served as configured\n"
    assert run(*verify) == (1, another, "")
    password_file.write_text(PASSWORD)

    # a change of what they share: both of them get it
    (first,) = stack.server.data.glob("profiles/*.json")
    profile = json.loads(first.read_text())
    profile["boot"]["args"].append("rd.break")
    first.write_text(json.dumps(profile))
    (second,) = stack.server.data.glob("groups/pod2-*.json")
    second.unlink()
    code, out, err = run(*verify)
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[0] == f"pod1: the served iPXE script differs from the settings{remedy}"
    assert [line.startswith("pod2: no ") and line.endswith(f" answers 404{remedy}") for line in lines[1:3]] == [
        True,
        True,
    ]
    assert lines[3:] == ["pod3: served as configured"]


def test_verify_reports_machine_with_install_off_that_is_still_served(run: Run, stack: Stack) -> None:
    stack.up()
    stack.machines(configs.machine(1, install="off"))
    stack.write()
    code, out, err = run("verify", stack.file)
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "pod1: install is off, but the server answers 200 for its iPXE script; run: pulumi refresh, then pulumi up",
        "pod1: install is off, but the server answers 200 for its Ignition config; run: pulumi refresh, then pulumi up",
    ]


def test_verify_reports_unreachable_server(run: Run, stack: Stack) -> None:
    stack.write()
    stack.server.stop()
    code, out, err = run("verify", stack.file)
    assert (code, err) == (1, "")
    url = stack.values["pxe"]["matchbox"]["httpUrl"]
    start = f"pxe.matchbox.httpUrl: no answer from {url} ([Errno 111] Connection refused)"
    assert out == f"{start}; start matchbox there, or correct the address\n"
