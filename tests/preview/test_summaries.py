"""Summaries of what the real engine said (recording.py), and of events that somebody hostile has a part in."""

import io
import json
import re
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from diaspora_infra.cli import main
from diaspora_infra.preview.events import Run, read_run
from diaspora_infra.preview.markdown import LIMIT, code, markdown, marker
from diaspora_infra.preview.plain import plain
from diaspora_infra.preview.summary import sum_up
from tests.preview.recording import FILES, LEFT_OUT
from tests.support.golden import Golden

RECORDS = sorted(FILES.glob("*.events"))
VERDICTS = {
    "aws-protected": "failed",
    "aws-refused": "failed",
    "aws-upgrade": "changes",
    "pxe-change": "changes",
    "pxe-clean": "clean",
    "pxe-drift": "changes",
    "pxe-unreachable": "failed",
    "pxe-up": "changes",
    "pxe-wrong": "failed",
}


def step(**metadata: Any) -> str:
    """An event of the engine about a resource."""
    return json.dumps({"resourcePreEvent": {"metadata": {"op": "update", **metadata}}})


def end(**changes: int) -> str:
    """The last event of the engine."""
    return json.dumps({"summaryEvent": {"resourceChanges": changes, "isPreview": True}})


def outputs(values: dict[str, Any]) -> str:
    """The event with the outputs of a stack, and the end."""
    stack = {"type": "pulumi:pulumi:Stack", "urn": urn("pulumi:pulumi:Stack", "stack"), "new": {"outputs": values}}
    return "\n".join([json.dumps({"resOutputsEvent": {"metadata": {"op": "same", **stack}}}), end(same=1)])


def feed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Give a text to the command on standard input."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:prod::project::{kind}::{name}"


@pytest.mark.parametrize("file", RECORDS, ids=lambda file: file.stem)
def test_summary_of_a_record(file: Path, golden: Golden) -> None:
    run = read_run(file.read_text(encoding="utf-8"))
    text = markdown("prod", sum_up(run))
    golden.check(FILES / f"{file.stem}.md", text)
    golden.check(FILES / f"{file.stem}.txt", "\n".join([*plain(sum_up(run)), ""]))
    assert run.verdict == VERDICTS[file.stem]
    assert LEFT_OUT not in text


def test_all_records_are_known() -> None:
    assert {file.stem for file in RECORDS} == VERDICTS.keys()


def test_events_and_the_one_document_say_the_same() -> None:
    """`pulumi preview --json` writes the document where nothing asks for events."""
    text = (FILES / "pxe-change.events").read_text(encoding="utf-8")
    run = read_run(text)
    document = {"steps": [*run.steps], "changeSummary": {**run.counts}}
    same = sum_up(read_run(json.dumps(document, indent=4)))
    assert same.changes == sum_up(run).changes
    assert same.machines == sum_up(run).machines


def test_what_does_not_end_has_failed() -> None:
    lines = (FILES / "pxe-clean.events").read_text(encoding="utf-8").splitlines()
    assert read_run("\n".join(lines)).verdict == "clean"
    cut = [line for line in lines if "summaryEvent" not in line]
    assert read_run("\n".join(cut)).verdict == "failed"
    for text in ("", "error: no stack selected", "\n".join([*lines, "panic: "]), "[]", "null"):
        summary = sum_up(read_run(text))
        assert summary.run.verdict == "failed"
        assert "the engine did not come to its end" in markdown("prod", summary)
        assert "error: the engine did not come to its end" in plain(summary)


def test_only_some_values_are_told() -> None:
    old = {"instanceType": "t4g.micro", "size": 10, "userData": "hidden-1", "deletionProtection": True}
    new = {"instanceType": "t4g.small", "size": "[secret]", "userData": "hidden-2", "deletionProtection": False}
    event = step(urn=urn("aws:rds/instance:Instance", "db"), old={"inputs": old}, new={"inputs": new})
    text = markdown("prod", sum_up(read_run("\n".join([event, end(update=1)]))))
    assert "`instanceType`: `t4g.micro` → `t4g.small`" in text
    assert "`deletionProtection`: `true` → `false`" in text
    assert "`size`: `10` → `not shown`" in text
    assert "hidden" not in text


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"smtpPassword": "hunter2", "url": "https://pod.example.org"}, ["smtpPassword"]),
        ({"smtpPassword": "[secret]", "apiToken": "", "secretKey": None}, []),
        ({"machines": {"pod1": {"hostKeys": ["hunter2"]}}}, ["machines.pod1.hostKeys[0]"]),
        ({"secrets": {"one": "hunter2", "two": "[secret]"}}, ["secrets.one"]),
        ({"publicKey": "x", "keyId": "x", "kmsKeyArn": "x", "monkey": "x", "keyFingerprint": "x"}, []),
        ({"KEY": "hunter2", "token_of_ci": "hunter2"}, ["KEY", "token_of_ci"]),
        ({"password": "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "hasPassword": True}, []),
    ],
)
def test_outputs_in_the_clear_are_named(
    values: dict[str, Any], told: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, outputs(values))
    code_of_command = main(["preview-summary", "prod"])
    printed = capsys.readouterr()
    assert code_of_command == bool(told)
    assert "hunter2" not in printed.out + printed.err
    assert [line.split(":")[0] for line in printed.err.splitlines()] == [f"output {path}" for path in told]
    assert all(f"- `{path}` is named like a secret" in printed.out for path in told)


def test_command_writes_one_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, verdict in VERDICTS.items():
        feed(monkeypatch, (FILES / f"{name}.events").read_text(encoding="utf-8"))
        assert main(["preview-summary", "prod", "--verdict"]) == 0
        assert capsys.readouterr().out == f"{verdict}\n"


def test_command_writes_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    feed(monkeypatch, (FILES / "pxe-clean.events").read_text(encoding="utf-8"))
    assert main(["preview-summary", "prod", "--plain"]) == 0
    assert capsys.readouterr().out == (FILES / "pxe-clean.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("stack", ["", "a b", "--> <script>", "a-->", "a--b", "-x", "a\nb", "ä"])
def test_marker_takes_no_other_name(stack: str) -> None:
    with pytest.raises(ValueError, match="no name of a stack"):
        marker(stack)


def test_wrong_stack_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview-summary", "a b"]) == 1
    assert capsys.readouterr().err == "STACK: 'a b' is no name of a stack; allowed: letters, numbers and _ . - /\n"


# hostile texts


def spans(line: str) -> tuple[str, list[str]]:
    """The text outside of code spans, and the contents of these, as CommonMark reads a line (section 6.1)."""
    outside, inside, rest = "", [], line
    while found := re.search("`+", rest):
        fence = found[0]
        closing = re.search(f"(?<!`){fence}(?!`)", rest[found.end() :])
        outside += rest[: found.start()]
        if closing is None:  # then the backticks are text
            outside += fence
            rest = rest[found.end() :]
            continue
        content = rest[found.end() : found.end() + closing.start()]
        if content.startswith(" ") and content.endswith(" ") and content.strip():
            content = content[1:-1]
        inside.append(content)
        rest = rest[found.end() + closing.end() :]
    return outside + rest, inside


HOSTILE = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(["`", "``", "```", "\n", "\r\n", "# ", "- ", "<b>", "-->", "<!--", "@all", "|", "a", "\\"]),
        max_size=12,
    ).map("".join),
)  # fmt: skip


@hypothesis.given(HOSTILE)
def test_code_holds_any_text_in_one_span_of_one_line(text: str) -> None:
    line = code(text)
    assert line.isprintable()
    outside, inside = spans(line)
    assert outside == ""
    (content,) = inside
    visible = "".join(letter for letter in text if letter.isprintable() and not letter.isspace())
    assert content == "(empty)" if not visible else "".join(content.split()) == visible


@hypothesis.given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_names_stay_in_their_spans(kind: str, name: str, message: str) -> None:
    where = urn(kind.replace("::", ""), name)
    lines = [
        step(urn=where, op="delete", old={"protect": True, "inputs": {}}, diffs=[name]),
        json.dumps({"policyEvent": {"policyName": name, "resourceUrn": where, "message": message}}),
        json.dumps({"diagnosticEvent": {"severity": "error", "urn": where, "message": message}}),
        step(urn=f"{where}-other", op="`<b>"),
        end(**{"delete": 1, "`<b>": 1}),
    ]
    for line in markdown("prod", sum_up(read_run("\n".join(lines)))).splitlines()[1:]:
        outside, _ = spans(line)
        assert re.fullmatch(r"[\w #*:;,.()→+~\-]*", outside, re.ASCII), line


def test_summary_is_never_too_long() -> None:
    long = "x`" * 5_000
    lines = [step(urn=urn(long, f"{long}{number}"), op="delete", old={"protect": True}) for number in range(200)]
    lines += [json.dumps({"policyEvent": {"policyName": long, "resourceUrn": "", "message": long}})] * 200
    lines += [json.dumps({"diagnosticEvent": {"severity": "error", "message": f"{long}{each}"}}) for each in range(200)]
    lines += [outputs({f"password{number}{long}": "x" for number in range(200)})]
    text = markdown("prod", sum_up(read_run("\n".join(lines))))
    assert len(text) <= LIMIT
    headings = re.findall("^#### .*", text, re.MULTILINE)
    assert len(headings) == 5, "what is most important is there in each part"
    assert "- and " in text


@pytest.mark.parametrize("state", [{"inputs": {"name": "x"}}, {"type": "matchbox:index/group:Group"}, {"type": []}])
def test_machines_are_not_known_from_states_that_the_engine_never_writes(state: Any) -> None:
    group = "urn:pulumi:test::diaspora-infra::matchbox:index/group:Group::pod1-0123456789ab"
    run = Run(steps=[{"op": "update", "urn": group, "oldState": state, "newState": state}], whole=True)
    assert sum_up(run).machines == ["not known, because the engine never writes states such as these"]


@hypothesis.given(st.data())
def test_a_damaged_record_has_failed(data: st.DataObject) -> None:
    text = (FILES / "pxe-change.events").read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(1, 2_000))
    run = read_run(
        text[:start] + data.draw(st.sampled_from(["", "{", "null", "\n[1]\n", "\n{}\n"])) + text[start + length :]
    )
    assert isinstance(run, Run)
    assert markdown("prod", sum_up(run)).startswith("<!-- diaspora-infra prod -->\n")


@pytest.mark.parametrize(
    "text",
    [
        '{"changeSummary": {}, "steps": [{"urn": "a", "op": "update", "oldState": ["x"]}]}',
        '{"summaryEvent": null}',
        '{"policyEvent": 1}',
        '{"steps": true}',
        '{"changeSummary": {}, "steps": "0"}',
    ],
)
def test_what_the_engine_never_writes_has_failed(text: str) -> None:
    assert read_run(text).verdict == "failed"
