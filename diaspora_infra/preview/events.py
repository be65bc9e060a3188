"""Reads what the engine writes with `--json`: an event on each line, or the one document of `pulumi preview --json`.

`pulumi preview --json` writes events where PULUMI_ENABLE_STREAMING_JSON_PREVIEW is true; `up` and `destroy` always do.
Policies are only in the events.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Step = Mapping[str, Any]
"""As in the document: `op`, `urn`, `oldState`, `newState`, `diffReasons` (changed keys), `replaceReasons`."""

Verdict = Literal["clean", "changes", "failed"]

SECRET = "[secret]"  # noqa: S105  # what the engine writes in the place of a secret
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes in the place of a value that is not known yet."""

_STACK = "pulumi:pulumi:Stack"
_QUIET = {"debug", "info", "info#err"}
"""Severities that need nobody's attention: what the program and the engine tell on their way."""


@dataclass(frozen=True)
class Violation:
    """A policy that a resource violates."""

    policy: str
    mandatory: bool
    urn: str
    message: str


@dataclass(frozen=True)
class Diagnostic:
    """What the engine, a provider or the program reports."""

    error: bool
    """Whether it is an error, and not a warning."""
    urn: str
    message: str


@dataclass(frozen=True)
class Run:
    """A preview, or a run that changes resources."""

    steps: Sequence[Step] = ()
    packs: Sequence[str] = ()
    """Names of the policy packs that were asked."""
    violations: Sequence[Violation] = ()
    diagnostics: Sequence[Diagnostic] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """Outputs of the stack; a secret is `[secret]`."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Number of resources by operation: `same`, `create`, `update`, `replace`, `delete`, …"""
    preview: bool = True
    whole: bool = False
    """Whether the engine came to its end."""

    @property
    def verdict(self) -> Verdict:
        """`failed` where the run did not succeed, else whether something changes."""
        refused = any(violation.mandatory for violation in self.violations)
        if refused or not self.whole or any(each.error for each in self.diagnostics):
            return "failed"
        return "changes" if any(number for op, number in self.counts.items() if op != "same") else "clean"


def read_run(text: str) -> Run:
    """Read the output of the engine; what it never writes makes the run one that is not whole."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    try:
        if isinstance(document, dict) and document.keys() & {"changeSummary", "diagnostics", "steps"}:
            run = _of_document(document)
        else:
            run = _of_events(list(_lines(text)))
        _check_states(run.steps)
    except (AttributeError, KeyError, TypeError):
        return Run()
    return run


def _check_states(steps: Iterable[Step]) -> None:
    """Raise TypeError where a state or its inputs are no table."""
    for step in steps:
        for state in (step.get("oldState") or {}, step.get("newState") or {}):
            if not isinstance(state, Mapping) or not isinstance(state.get("inputs") or {}, Mapping):
                raise TypeError("a state that is no table")


def _lines(text: str) -> Iterator[Mapping[str, Any]]:
    """The events; an empty one for a line that is none, so that it is noticed."""
    for line in text.split("\n"):
        if line.strip():
            try:
                event = json.loads(line)
            except ValueError:
                event = {}
            yield event if isinstance(event, dict) else {}


def _of_document(document: Mapping[str, Any]) -> Run:
    steps = [step for step in document.get("steps") or () if step.get("urn")]
    outputs: Mapping[str, Any] = {}
    for step in steps:
        if split_urn(step["urn"])[0] == _STACK:
            outputs = (step.get("newState") or {}).get("outputs") or outputs
    return Run(
        steps=steps,
        diagnostics=_diagnostics(document.get("diagnostics") or ()),
        outputs=outputs,
        counts=document.get("changeSummary") or {},
        whole="changeSummary" in document,
    )


def _of_events(events: Sequence[Mapping[str, Any]]) -> Run:
    summaries = [event["summaryEvent"] for event in events if "summaryEvent" in event]
    summary = summaries[-1] if summaries else {}
    outputs: Mapping[str, Any] = {}
    steps = []
    for event in events:
        before, after = ((event.get(kind) or {}).get("metadata") for kind in ("resourcePreEvent", "resOutputsEvent"))
        if after and after["type"] == _STACK:
            outputs = (after.get("new") or {}).get("outputs") or outputs
        # what a refresh found is only known when it ends
        if before and before["op"] != "refresh":
            steps.append(_step(before))
        if after and after["op"] == "refresh":
            steps.append(_step(after))
    return Run(
        steps=steps,
        # each by its name, where it comes from, and its place
        packs=sorted(name.partition("|")[0] for name in summary.get("PolicyPacks") or ()),
        violations=[_violation(event["policyEvent"]) for event in events if "policyEvent" in event],
        diagnostics=_diagnostics([event["diagnosticEvent"] for event in events if "diagnosticEvent" in event]),
        outputs=outputs,
        counts=summary.get("resourceChanges") or {},
        preview=bool(summary.get("isPreview", True)),
        whole=bool(summaries) and all(events),
    )


def _step(metadata: Mapping[str, Any]) -> Step:
    keys = [path.partition(".")[0].partition("[")[0] for path in metadata.get("detailedDiff") or ()]
    return {
        "op": metadata["op"],
        "urn": metadata["urn"],
        "oldState": metadata.get("old"),
        "newState": metadata.get("new"),
        "diffReasons": sorted({*keys, *(metadata.get("diffs") or ())}),
        "replaceReasons": sorted(metadata.get("keys") or ()),
    }


def _violation(event: Mapping[str, Any]) -> Violation:
    # the engine puts the description of the policy above what it says of a resource
    description, _, message = str(event.get("message", "")).strip().partition("\n")
    return Violation(
        policy=str(event.get("policyName", "")),
        mandatory=event.get("enforcementLevel") != "advisory",
        urn=str(event.get("resourceUrn", "")),
        message=message or description,
    )


def _diagnostics(events: Sequence[Mapping[str, Any]]) -> list[Diagnostic]:
    """Errors and warnings, each once: the engine repeats what a program raises."""
    found: dict[str, Diagnostic] = {}
    for event in events:
        severity, message = str(event.get("severity", "error")), str(event.get("message", "")).strip()
        message = message.removeprefix("an unhandled error occurred: ")
        if severity not in _QUIET and message:
            found.setdefault(message, Diagnostic(severity != "warning", str(event.get("urn") or ""), message))
    return list(found.values())


def split_urn(urn: str) -> tuple[str, str]:
    """Type and name of a resource; a name may hold `::`."""
    parts = urn.split("::", 3)
    return (parts[2].rpartition("$")[2], parts[3]) if len(parts) == 4 else ("", urn)
