"""The types of our components, as they are in the states of podmins: none disappears without an alias.

tests/states shows the same with the engine, for the components that its stacks have, and for all other resources.
"""

import ast
from collections.abc import Iterator, Mapping

import pytest

from lab.engine import PROJECT
from tests.golden.test_public_api import unreleased
from tests.states.expected import REMOVED
from tests.support.golden import FILES, Golden

TOKENS = FILES / "tokens.txt"
OURS = "diaspora-infra:index:"


def sources() -> Iterator[str]:
    """The texts of the package's modules."""
    for file in sorted((PROJECT / "diaspora_infra").rglob("*.py")):
        yield file.read_text(encoding="utf-8")


def tokens(text: str) -> tuple[set[str], set[str]]:
    """The types that a module's components register, and those that are their aliases."""
    made, aliases = set(), set()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr == "__init__" and node.args:
            made |= _ours(node.args[0])
        if ast.unparse(node.func).rpartition(".")[2] == "Alias":
            for keyword in node.keywords:
                aliases |= _ours(keyword.value) if keyword.arg == "type_" else set()
    return made, aliases


def _ours(node: ast.expr) -> set[str]:
    value = node.value if isinstance(node, ast.Constant) else None
    return {value} if isinstance(value, str) and value.startswith(OURS) else set()


def gone(earlier: set[str], texts: Iterator[str], removed: Mapping[str, str]) -> list[str]:
    """The types that were there, and that a stack of today neither has nor takes over."""
    known: set[str] = set(removed)
    for text in texts:
        made, aliases = tokens(text)
        known |= made | aliases
    return sorted(earlier - known)


def test_no_type_of_a_component_disappears(golden: Golden) -> None:
    earlier = set(TOKENS.read_text(encoding="utf-8").split()) if TOKENS.exists() else set()
    assert gone(earlier, sources(), REMOVED) == [], (
        "the engine would delete and create what is in it: give the component an alias, pulumi.Alias(type_=…) in its "
        "options, or add the type with its reason to REMOVED in tests/states/expected.py"
    )
    today = set().union(*(tokens(text)[0] for text in sources()))
    golden.check(TOKENS, "\n".join([*sorted(earlier - REMOVED.keys() | today), ""]))


def test_each_removed_type_is_named_in_the_changes() -> None:
    assert [token for token in REMOVED if f"`{token.removeprefix(OURS)}`" not in unreleased()] == []


BEFORE = 'class Pod(Component):\n    def __init__(self):\n        super().__init__("diaspora-infra:index:Pod", "a")\n'


@pytest.mark.parametrize(
    ("text", "removed", "told"),
    [
        (BEFORE, {}, []),
        (BEFORE.replace("index:Pod", "index:Other"), {}, ["diaspora-infra:index:Pod"]),
        (BEFORE.replace("index:Pod", "index:Other"), {"diaspora-infra:index:Pod": "a reason"}, []),
        (BEFORE.replace('index:Pod", "a"', 'index:Other", Alias(type_="diaspora-infra:index:Pod")'), {}, []),
        ("", {}, ["diaspora-infra:index:Pod"]),
    ],
)
def test_a_renamed_type_is_seen(text: str, removed: dict[str, str], told: list[str]) -> None:
    assert tokens(BEFORE) == ({"diaspora-infra:index:Pod"}, set())
    assert gone({"diaspora-infra:index:Pod"}, iter([text]), removed) == told
