"""The form of the simulator's patches: each can be offered to moto as it is."""

import ast
import inspect
import re
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import moto
import pytest

from lab.aws.simulator import patches

MOTO = Path(moto.__file__).parent


def method_of(value: Any) -> Any:
    """The function behind a property; anything else as it is."""
    return value.fget if isinstance(value, property) else value


@pytest.mark.parametrize("module", patches.MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_patch_says_what_moto_and_aws_do_and_what_it_changes(module: ModuleType) -> None:
    text = module.__doc__ or ""
    assert f"\n\nmoto {version('moto')}: " in text
    _, _, aws = text.partition("\nAWS: ")
    documented, _, changes = aws.partition("\nChanges ")
    assert "https://docs.aws.amazon.com/" in documented
    files = re.findall(r"moto/([a-z0-9_/]+[.]py)", changes.partition("new files")[0])
    assert files
    assert [name for name in files if not (MOTO / name).exists()] == []


@pytest.mark.parametrize("module", patches.MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_patch_needs_nothing_of_this_project(module: ModuleType) -> None:
    tree = ast.parse(inspect.getsource(module))
    names = [node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert {name.partition(".")[0] for name in names}.isdisjoint({"", "butane", "diaspora_infra", "lab", "tools"})


def test_a_method_takes_the_parameters_of_the_one_that_it_replaces() -> None:
    seen = 0
    for owner, name, value in patches.PATCHES:
        replaced = None if isinstance(owner, dict) else method_of(inspect.getattr_static(owner, name, None))
        # where it only adds lines to a constructor, it passes the parameters on
        if inspect.isfunction(replaced) and name != "__init__":
            seen += 1
            expected = list(inspect.signature(replaced).parameters)
            assert list(inspect.signature(method_of(value)).parameters) == expected, f"{owner.__name__}.{name}"
    assert seen > 10
