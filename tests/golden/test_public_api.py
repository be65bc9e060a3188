"""The public API of Python programs: what breaks a program has to be named in CHANGES.md.

The stubs in files/api say what programs use today; `make golden` writes them anew, unless something breaks unnamed.
"""

import re

import pytest

from lab.engine import PROJECT
from tests.support.golden import FILES, Golden
from tests.support.public_api import MODULES, breaking_changes, stub


def named(change: str, unreleased: str) -> bool:
    """Whether the changes of the next version name what breaks: `Class.field`, or `function`."""
    path = change.partition(":")[0]
    module = max((each for each in MODULES if path.startswith(f"{each}.")), key=len)
    return f"`{path.removeprefix(f'{module}.').removesuffix('.__init__')}`" in unreleased


def unreleased() -> str:
    """The section of CHANGES.md about what is not released yet."""
    text = (PROJECT / "CHANGES.md").read_text(encoding="utf-8")
    found = re.search(r"^## Unreleased$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize("module", MODULES)
def test_what_breaks_programs_is_named_in_the_changes(module: str, golden: Golden) -> None:
    file, text = FILES / "api" / f"{module}.txt", f"{stub(module)}\n"
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    breaking = [change for change in breaking_changes(module, before, text) if not named(change, unreleased())]
    assert breaking == [], "name it in CHANGES.md as `Class.field` or `function`, then run `make golden`"
    golden.check(file, text)


BEFORE = """
class PodArgs(TypedDict):
    name: str
    size: NotRequired[int]
class Pod(ComponentResource):
    url: Output[str]
    def __init__(self, name: str, args: PodArgs, opts: ResourceOptions | None = None) -> None: ...
def render(text: str, *, pretty: bool = False) -> str: ...
def check(text: str) -> None: ...
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("", "def more() -> None: ...\n", []),
        ("size: NotRequired[int]", "size: NotRequired[int]\n    other: NotRequired[str]", []),
        ("pretty: bool = False", "pretty: bool = False, indent: int = 2", []),
        ("    size: NotRequired[int]\n", "", ["api.PodArgs.size: Public object was removed"]),
        ("size: NotRequired[int]", "size: int", ["api.PodArgs.size: another type"]),
        ("size: NotRequired[int]", "size: NotRequired[int]\n    zone: str", ["api.PodArgs.zone: must be given"]),
        ("url: Output[str]", "address: Output[str]", ["api.Pod.url: Public object was removed"]),
        ("def check(text: str) -> None: ...\n", "", ["api.check: Public object was removed"]),
        (", opts: ResourceOptions | None = None", "", ["api.Pod.__init__: Parameter was removed"]),
        ("*, pretty: bool = False", "*, pretty: bool", ["api.render: Parameter is now required"]),
        ("def check(text: str)", "def check(text: str, name: str)", ["api.check: Parameter was added as required"]),
    ],
)
def test_a_breaking_change_is_found(old: str, new: str, told: list[str]) -> None:
    after = BEFORE.replace(old, new) if old else BEFORE + new
    assert breaking_changes("api", BEFORE, after) == told


@pytest.mark.parametrize(
    ("change", "text", "is_named"),
    [
        ("diaspora_infra.pxe.PxePodArgs.mac: Public object was removed", "- `PxePodArgs.mac` is gone.", True),
        ("diaspora_infra.pxe.PxePodArgs.mac: Public object was removed", "- `PxePodArgs` is gone.", False),
        ("diaspora_infra.pxe.PxePod.__init__: Parameter was removed", "- `PxePod` takes less.", True),
        ("butane.merge: Public object was removed", "- emerge", False),
    ],
)
def test_changes_name_it(change: str, text: str, is_named: bool) -> None:
    assert named(change, text) is is_named
