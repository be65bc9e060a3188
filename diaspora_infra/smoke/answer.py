"""What comes back from a question."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diaspora_infra.smoke.world import World


class Status(StrEnum):
    """How an answer is."""

    OK = "ok"
    NOT_OK = "not ok"
    NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Answer:
    """The answer to one question."""

    status: Status
    observed: str
    """What was seen; for a question that was not asked, why."""
    meaning: str = ""
    """What that says about the pod."""
    fix: str = ""
    """What to do about it."""
    unanswered: bool = False
    """The question applies to this stack, but got no answer: this is no good end."""


@dataclass(frozen=True)
class Question:
    """One question about a stack."""

    key: str
    """Its name, as the documentation lists it."""
    asks: str
    """The question."""
    ask: "Callable[[World], Answer]"
    """Asks it."""
    permissions: tuple[str, ...] = ()
    """IAM actions that it needs."""
    seconds: int = 60
    """So long it may take."""


class UnansweredError(Exception):
    """A question that got no answer; the arguments are why, and what to do."""

    def __init__(self, why: str, fix: str = "") -> None:
        super().__init__(why)
        self.why, self.fix = why, fix


def ok(observed: str, meaning: str = "") -> Answer:
    """What was seen is as it should be."""
    return Answer(Status.OK, observed, meaning)


def not_ok(observed: str, meaning: str, fix: str) -> Answer:
    """What was seen is wrong."""
    return Answer(Status.NOT_OK, observed, meaning, fix)


def not_asked(why: str) -> Answer:
    """The question does not apply to this stack, or not now."""
    return Answer(Status.NOT_ASKED, why)


def unanswered(why: str, fix: str = "") -> Answer:
    """The question applies, but got no answer."""
    return Answer(Status.NOT_ASKED, why, fix=fix, unanswered=True)
