"""`diaspora-infra smoke`: what it prints, and its exit code."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from diaspora_infra.cli import main
from diaspora_infra.smoke import account, run, stack_state
from diaspora_infra.smoke.answer import Answer, Question, Status, not_asked, not_ok, ok, unanswered
from diaspora_infra.smoke.run import QUESTIONS
from tests.smoke.worlds import stack, state

BAD = not_ok("nothing", "it is broken", "mend it")
LOST = unanswered("needs permission x:Y", "use credentials that have it")
AWAY = not_asked("there is none")


@pytest.fixture(autouse=True)
def pulumi(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Pulumi that exports the recorded stack; returns the commands."""
    commands: list[list[str]] = []

    def export(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, json.dumps(state("aws-gateway")), "")

    monkeypatch.setattr(stack_state.subprocess, "run", export)
    return commands


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def answering(monkeypatch: pytest.MonkeyPatch, answers: Sequence[Answer]) -> None:
    """Questions with these answers, in place of the real ones."""
    questions = [
        Question(f"question-{number}", "Is it?", lambda _, answer=answer: answer)  # type: ignore[misc]
        for number, answer in enumerate(answers)
    ]
    monkeypatch.setattr(run, "QUESTIONS", questions)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("answers", "code", "summary"),
    [
        ([ok("fine"), AWAY], 0, "1 ok, 0 not ok, 1 not asked"),
        ([ok("fine"), BAD], 1, "1 ok, 1 not ok, 0 not asked"),
        ([ok("fine"), LOST], 1, "1 ok, 0 not ok, 1 not asked"),
    ],
)
def test_exit_code_says_whether_all_is_well(
    answers: list[Answer], code: int, summary: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, answers)
    assert main(["smoke", "dev"]) == code
    out, err = capsys.readouterr()
    assert (out.splitlines()[-1], err) == (summary, "")


@pytest.mark.usefixtures("account")
def test_table_and_problems(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pulumi: list[list[str]]
) -> None:
    answering(monkeypatch, [ok("fine"), BAD, AWAY, LOST])
    assert main(["smoke", "dev"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "ok         question-0  fine",
        "not ok     question-1  nothing",
        "not asked  question-2  there is none",
        "not asked  question-3  needs permission x:Y",
        "",
        "question-1: nothing; it is broken; mend it",
        "question-3: needs permission x:Y; use credentials that have it",
        "1 ok, 1 not ok, 2 not asked",
    ]
    assert pulumi == [["pulumi", "stack", "export", "--stack=dev", "--non-interactive"]]


@pytest.mark.usefixtures("account")
def test_json_holds_everything(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answering(monkeypatch, [ok("fine", "so it is"), BAD, LOST])
    assert main(["smoke", "--json", "dev"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert {key: value for key, value in data.items() if key != "questions"} == {
        "stack": "dev",
        "domain": "pod.example.org",
        "region": "eu-west-1",
        "good": False,
    }
    assert data["questions"][0] == {
        "key": "question-0",
        "question": "Is it?",
        "status": "ok",
        "observed": "fine",
        "meaning": "so it is",
        "fix": "",
        "unanswered": False,
    }
    assert [(each["status"], each["unanswered"]) for each in data["questions"]] == [
        ("ok", False),
        ("not ok", False),
        ("not asked", True),
    ]


@pytest.mark.usefixtures("account")
def test_text_of_others_does_nothing_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, [not_ok("a\x1b[2Jb\r\nc" + "x" * 5000, "d\x07", "e\u202e")])
    main(["smoke", "dev"])
    out = capsys.readouterr().out
    assert not {"\x1b", "\r", "\x07", "\u202e"} & {*out}
    assert max(len(line) for line in out.splitlines()) < 600
    assert "a [2Jb  c" in out


@pytest.mark.usefixtures("account")
def test_only_some_questions_are_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answering(monkeypatch, [ok("fine"), BAD])
    assert main(["smoke", "dev", "--only", "question-0"]) == 0
    assert capsys.readouterr().out.splitlines() == ["ok         question-0  fine", "", "1 ok, 0 not ok, 0 not asked"]


def test_unknown_question_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", "dev", "--only", "weather"]) == 2
    keys = ", ".join(question.key for question in QUESTIONS)
    assert capsys.readouterr().err == f"--only: 'weather' is no question; allowed: {keys}\n"


def test_stack_that_is_not_there_is_wrong_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 255, "", "error: no stack named 'dev' found\n")

    monkeypatch.setattr(stack_state.subprocess, "run", fail)
    assert main(["smoke", "dev"]) == 2
    err = capsys.readouterr().err
    assert err == "stack dev: pulumi says: no stack named 'dev' found; `pulumi stack ls --all` lists the stacks\n"


def test_pulumi_that_hangs_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def hang(command: list[str], **options: Any) -> None:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(stack_state.subprocess, "run", hang)
    assert main(["smoke", "dev"]) == 2
    assert capsys.readouterr().err.startswith("stack dev: pulumi gave no state in 120 seconds; ")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(account, "find_spec", lambda _: None)
    assert main(["smoke", "dev"]) == 2
    assert capsys.readouterr().err == (
        "smoke: not installed: boto3, dnspython; run `python3 -m tools.environment --aws` in a checkout, "
        "else `pip install 'diaspora-infra[aws]'`\n"
    )


def test_parser_needs_no_aws_package() -> None:
    code = (
        "import sys; import diaspora_infra.cli, diaspora_infra.smoke.account, diaspora_infra.smoke.stack_state; "
        "sys.exit(bool({'boto3', 'botocore', 'dns'} & {*sys.modules}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.usefixtures("account")
def test_credentials_of_another_account_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, [ok("fine")])
    monkeypatch.setattr(stack_state, "pod_stack", lambda *_: replace(stack(), account="999999999999"))
    assert main(["smoke", "dev"]) == 2
    assert capsys.readouterr() == (
        "",
        "AWS credentials: they are of account 123456789012, the stack is in 999999999999; use those of that account\n",
    )


def test_no_credentials_are_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert main(["smoke", "dev"]) == 2
    assert capsys.readouterr().err == (
        "AWS credentials: Unable to locate credentials; log in again, or set AWS_PROFILE\n"
    )


def test_aws_that_is_not_reached_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert main(["smoke", "dev"]) == 2
    assert capsys.readouterr().err == (
        'AWS: not reached (Could not connect to the endpoint URL: "http://127.0.0.1:9/"); see to the network\n'
    )


def test_profile_that_is_not_there_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert main(["smoke", "dev"]) == 2
    assert capsys.readouterr().err.startswith("AWS credentials: The config profile (nobody) could not be found; ")


def test_credentials_that_aws_refuses_are_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import boto3
    from botocore.exceptions import ClientError

    def refuse(*_: Any, **__: Any) -> None:
        raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "x"}}, "GetCallerIdentity")

    monkeypatch.setattr(boto3.Session, "client", refuse)
    assert main(["smoke", "dev"]) == 2
    assert capsys.readouterr().err == (
        "AWS credentials: AWS refuses them (ExpiredToken); log in again, or set AWS_PROFILE\n"
    )


@pytest.mark.usefixtures("account")
def test_ctrl_c_ends_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "ask", stop)
    assert main(["smoke", "dev"]) == 130
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.parametrize("arguments", [[], ["dev", "--nothing"], ["dev", "prod"]])
def test_wrong_arguments_are_wrong_use(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["smoke", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: diaspora-infra ")


def test_status_words_are_those_of_the_table() -> None:
    assert [*Status] == ["ok", "not ok", "not asked"]
