"""A run of the engine as Markdown for GitHub, in a comment or in the summary of a job.

Names and messages come from programs, providers and other people's resources. They are put into code spans: there
GitHub interprets no Markdown, no HTML and no @mention.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from diaspora_infra.preview.events import split_urn
from diaspora_infra.preview.summary import Change, Summary

LIMIT = 60_000
"""Characters of a summary; GitHub takes 65,536."""

STACK_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}", re.ASCII)
"""Names that the marker can hold: those of the engine, also with the organization and project."""

_SECTION = 9_000
_LINE = 1_000
_VERDICTS = {"clean": "nothing changes", "changes": "changes", "failed": "failed"}


def marker(stack: str) -> str:
    """The first line, by which the next run finds its own comment. Raises ValueError for what is no name of a stack."""
    if not STACK_NAME.fullmatch(stack) or "--" in stack:
        raise ValueError(f"{stack!r} is no name of a stack")
    return f"<!-- diaspora-infra {stack} -->"


def markdown(stack: str, summary: Summary) -> str:
    """The whole text, of `LIMIT` characters at most."""
    run = summary.run
    kind = "preview" if run.preview else "run"
    head = [marker(stack), f"### Stack {code(stack)}: {kind}: {_VERDICTS[run.verdict]}", "", f"{summary.counts}."]
    sections = [
        _section("Data that is replaced or deleted", (_change(change) for change in summary.data)),
        _section("Machines", (code(line) for line in summary.machines)),
        _section("Policies", _policies(summary)),
        _section("Outputs that are not marked as secret", _secrets(summary)),
        _section("Errors and warnings", _diagnostics(summary)),
        _section("Resources", (_change(change) for change in summary.changes)),
    ]
    text = "\n".join([*head, *(line for section in sections for line in section), ""])
    return text if len(text) <= LIMIT else f"{text[: LIMIT - 20]}\n\n(cut)\n"


def code(text: str) -> str:
    """A code span that shows a text on one line, of `_LINE` characters at most."""
    line = " ".join("".join(letter if _is_plain(letter) else " " for letter in text).split()) or "(empty)"
    if len(line) > _LINE:
        line = f"{line[:_LINE]}…"
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def _is_plain(letter: str) -> bool:
    """Not a control character, nor one that changes the direction of a text, nor half of a surrogate pair."""
    return unicodedata.category(letter)[0] not in "CZ"


def _section(title: str, lines: Iterable[str]) -> Sequence[str]:
    """A heading and a list; nothing without lines, and no more than `_SECTION` characters."""
    kept, left, size = [], 0, 0
    for line in lines:
        size += len(line) + 3
        if size > _SECTION:
            left += 1
        else:
            kept.append(f"- {line}")
    more = [f"- and {left} more"] if left else []
    return ["", f"#### {title}", "", *kept, *more] if kept or more else []


def _change(change: Change) -> str:
    text = f"{change.action} {code(change.kind)} {code(change.name)}"
    if change.data and change.action in {"replace", "delete"}:
        text = f"**{text}**"
    keys = f" ({', '.join(code(key) for key in change.keys)})" if change.keys else ""
    values = "".join(f"; {code(key)}: {code(old)} → {code(new)}" for key, old, new in change.values)
    return f"{text}{keys}{values}{'; changed outside of the stack' if change.outside else ''}"


def _policies(summary: Summary) -> Iterator[str]:
    if summary.run.packs and not summary.run.violations and summary.run.verdict != "failed":
        yield f"{', '.join(map(code, summary.run.packs))}: all kept"
    for each in sorted(summary.run.violations, key=lambda each: not each.mandatory):
        level = "**refused**" if each.mandatory else "advice"
        yield f"{level}: {code(each.policy)}: {code(split_urn(each.urn)[1])}: {code(each.message)}"


def _secrets(summary: Summary) -> Iterator[str]:
    for path in summary.open_secrets:
        yield f"{code(path)} is named like a secret, but is in the clear; wrap it in `pulumi.Output.secret`"


def _diagnostics(summary: Summary) -> Iterator[str]:
    for each in sorted(summary.run.diagnostics, key=lambda each: not each.error):
        name = f"{code(split_urn(each.urn)[1])}: " if each.urn else ""
        yield f"{'**error**' if each.error else 'warning'}: {name}{code(each.message)}"
    if not summary.run.whole:
        yield "**error**: the engine did not come to its end"
