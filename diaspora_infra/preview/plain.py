"""A run of the engine as lines for a terminal."""

from collections.abc import Iterator

from diaspora_infra.preview.events import split_urn
from diaspora_infra.preview.summary import Summary


def plain(summary: Summary) -> list[str]:
    """The lines, without indentation."""
    return [line.replace("\n", "\n    ") for line in _lines(summary)]


def _lines(summary: Summary) -> Iterator[str]:
    run = summary.run
    yield summary.counts
    for change in summary.data:
        yield f"data: {change.action} {change.kind} {change.name}"
    yield from summary.machines
    if run.packs and not run.violations and run.verdict != "failed":
        yield f"policies: {', '.join(run.packs)}: all kept"
    for violation in run.violations:
        level = "policy" if violation.mandatory else "advice"
        yield f"{level}: {violation.policy}: {split_urn(violation.urn)[1]}: {_text(violation.message)}"
    for path in summary.open_secrets:
        yield f"output {path}: named like a secret, but not marked as one; wrap it in pulumi.Output.secret"
    for each in run.diagnostics:
        name = f"{split_urn(each.urn)[1]}: " if each.urn else ""
        yield f"{'error' if each.error else 'warning'}: {name}{_text(each.message)}"
    if not run.whole:
        yield "error: the engine did not come to its end"


def _text(message: str) -> str:
    """A message without what a terminal would obey."""
    return "".join(letter for letter in message.strip() if letter.isprintable() or letter in "\n\t")
