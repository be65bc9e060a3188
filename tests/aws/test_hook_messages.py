"""Messages of hooks: the engine has them before the hook ends."""

import ast
import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pulumi
import pytest

from diaspora_infra.aws.hook_messages import tell
from lab.engine import PROJECT


class Engine:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def Log(self, request: Any) -> None:  # noqa: N802 - the protocol's name
        self.lines.append((request.urn, request.message))


class Late:
    """The output of a name that is known a little later."""

    async def future(self) -> str:
        await asyncio.sleep(0.05)
        return "urn:pod"


def test_engine_has_the_message_before_the_hook_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    monkeypatch.setattr(pulumi.log, "get_engine", lambda: engine)
    asyncio.run(tell("it takes 15 minutes", cast(pulumi.Resource, SimpleNamespace(urn=Late()))))
    assert engine.lines == [("urn:pod", "it takes 15 minutes")]


def test_no_hook_leaves_its_message_to_the_sdk() -> None:
    hooks = [
        node
        for file in (PROJECT / "diaspora_infra").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.AsyncFunctionDef) and "ResourceHookArgs" in ast.unparse(node.args)
    ]
    assert len(hooks) >= 3
    assert [node.name for node in hooks if "pulumi.log" in ast.unparse(node)] == []
