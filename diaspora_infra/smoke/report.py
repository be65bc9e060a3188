"""What `diaspora-infra smoke` prints."""

from collections.abc import Sequence
from typing import Any

from diaspora_infra.smoke.answer import Answer, Question, Status
from diaspora_infra.smoke.stack_state import PodStack

Asked = Sequence[tuple[Question, Answer]]
_LONGEST = 500


def line(question: Question, answer: Answer, width: int) -> str:
    """A line of the table."""
    return f"{answer.status:<9}  {question.key:<{width}}  {plain(answer.observed)}"


def problems(asked: Asked) -> list[str]:
    """One line for each question that has no good answer."""
    return [
        f"{question.key}: {plain('; '.join(part for part in (answer.observed, answer.meaning, answer.fix) if part))}"
        for question, answer in asked
        if is_bad(answer)
    ]


def summary(asked: Asked) -> str:
    """How many answers there are of each kind."""
    counts = {status: sum(answer.status is status for _, answer in asked) for status in Status}
    return ", ".join(f"{count} {status}" for status, count in counts.items())


def is_bad(answer: Answer) -> bool:
    """Whether the command must not end well because of it."""
    return answer.status is Status.NOT_OK or answer.unanswered


def data(stack: PodStack, asked: Asked) -> dict[str, Any]:
    """Everything, for JSON."""
    return {
        "stack": stack.name,
        "domain": stack.domain,
        "region": stack.region,
        "good": not any(is_bad(answer) for _, answer in asked),
        "questions": [
            {
                "key": question.key,
                "question": question.asks,
                "status": str(answer.status),
                "observed": answer.observed,
                "meaning": answer.meaning,
                "fix": answer.fix,
                "unanswered": answer.unanswered,
            }
            for question, answer in asked
        ],
    }


def plain(text: str) -> str:
    """Text of others as one line that does nothing to a terminal."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
