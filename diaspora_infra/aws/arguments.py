"""Arguments of components: how a wrong one is reported, and values that may only be known later."""

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import TypeVar

import pulumi

from diaspora_infra.config.problems import Problem
from diaspora_infra.pulumi_config import InputError

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)


class ArgumentError(InputError):
    """An argument of a component cannot be used.

    `argument` is its name in Python, with a part after a dot (`image.version`); `fix` says what is allowed or what to
    do, `reason` is what AWS answered, if it was asked.
    """

    def __init__(self, component: str, argument: str, problem: str, fix: str, reason: str | None = None) -> None:
        self.component, self.argument = component, argument
        self.problem, self.fix, self.reason = problem, fix, reason
        super().__init__(f"{component}: {argument}: {self.sentence()}", [Problem(argument, self.sentence())])

    def sentence(self, fix: str | None = None) -> str:
        """What is wrong and how to repair it, without the name of the argument; with another `fix` if one is given."""
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.problem}; {fix or self.fix}{reason}"


def raise_all(errors: Sequence[ArgumentError]) -> None:
    """Raise what was found, one line each. Does nothing without errors."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        problems = [problem for error in errors for problem in error.problems]
        raise InputError("\n".join(str(error) for error in errors), problems)


def choice(component: str, argument: str, value: str, values: type[Choice]) -> Choice:
    """The member of an enumeration, which may be given as plain text. Raises ArgumentError for any other text."""
    try:
        return values(value)
    except ValueError:
        raise ArgumentError(component, argument, f"{value!r} is not known", f"allowed: {', '.join(values)}") from None


def checked(value: pulumi.Input[T], check: Callable[[T], T]) -> pulumi.Input[T]:
    """Check a plain value at once, and an output as soon as it is known; `check` returns the value or raises."""
    if isinstance(value, pulumi.Output | Awaitable):
        return pulumi.Output.from_input(value).apply(check)
    return check(value)


def if_issued(
    issued: pulumi.Input[bool] | None, make: Callable[[], pulumi.Output[str | None]]
) -> pulumi.Output[str | None]:
    """What `make` makes of a certificate, once it is issued; until then an output of None. Without `issued` it is."""

    def make_if(issued: bool) -> pulumi.Output[str | None]:
        return make() if issued else pulumi.Output.from_input(None)

    if issued is None or isinstance(issued, bool):
        return make_if(issued is not False)
    # what is made inside of `apply` is not in the preview of the first run, and rightly so: that run leaves it out
    return pulumi.Output.all(issued).apply(lambda values: make_if(values[0]))


def whole_text(number: float) -> str:
    """A whole number as text; programs in other languages hand over 20 as 20.0."""
    return str(int(number))


def last_line(error: Exception) -> str:
    """What a provider says at the end of an error: the reason."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
