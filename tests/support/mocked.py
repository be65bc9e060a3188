"""Programs on Pulumi's mocks: the resources that they register, without an engine."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pulumi
from pulumi.runtime import mocks

Program = Callable[[], "pulumi.Output[Any] | None"]
Runner = Callable[[mocks.Mocks, Program], Any]


class Monitor(mocks.MockMonitor):
    """Keeps the requests, with data that mocks do not see, such as parents and options."""

    def __init__(self, answers: mocks.Mocks) -> None:
        super().__init__(answers)
        self.requests: dict[str, Any] = {}
        self.finished: set[str] = set()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        answer = super().RegisterResource(request)
        self.requests[answer.urn] = request
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        self.finished.add(request.urn)
        return super().RegisterResourceOutputs(request)


@contextmanager
def mock_engine() -> Iterator[Runner]:
    """Gives what runs a program on an event loop of its own; it returns the value of the program's output."""
    loops: list[asyncio.AbstractEventLoop] = []

    def own_loop() -> None:
        """The mock engine needs a loop in every thread that it works in, and would never close it."""
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    own_loop()
    executor = ThreadPoolExecutor(initializer=own_loop)
    loops[0].set_default_executor(executor)
    loops[0].set_exception_handler(lambda *_: None)  # a failure reaches every output; one of them is looked at

    def run_program(answers: mocks.Mocks, program: Program) -> Any:
        monitor = getattr(answers, "monitor", None)
        mocks.set_mocks(answers, project="test", stack="test", monitor=monitor)
        found: list[Any] = []

        @pulumi.runtime.test
        def wrapped() -> "pulumi.Output[Any] | None":
            output = program()
            return None if output is None else output.apply(found.append)

        wrapped()
        return found[0] if found else None

    try:
        yield run_program
    finally:
        executor.shutdown()
        for loop in loops:
            loop.close()
        asyncio.set_event_loop(None)
