"""The table of components and languages in docs/languages.md: what ran in a test, by the test that ran it."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from diaspora_infra.plugin import SCHEMA
from lab.engine import PROJECT
from tests.support.golden import Golden

PAGE = PROJECT / "docs/languages.md"
LANGUAGES = ("YAML", "TypeScript", "Go")
# without a run: the SDK has been compiled with it
_OTHERWISE = {"YAML": "", "TypeScript": "compiled", "Go": "compiled"}
_PLACE = re.compile(r"(?<=<!-- ran -->\n).*(?=<!-- end of ran -->)", re.DOTALL)


def check_table(golden: Golden, language: str, how: str, resources: Iterable[Mapping[str, Any]]) -> None:
    """Compare the cells of a language that say `how`, such as `up`, with the components of a state or preview.

    `pytest --golden-update` writes them.
    """
    ran = {each["type"].rpartition(":")[2] for each in resources if each["type"].startswith("diaspora-infra:")}
    assert ran
    page = PAGE.read_text(encoding="utf-8")
    (table,) = _PLACE.findall(page)
    cells = {
        (row[0].strip(" `"), name): cell.strip()
        for row in (line.strip("|").split("|") for line in table.splitlines()[2:])
        for name, cell in zip(LANGUAGES, row[1:], strict=True)
    }
    lines = [f"| Component | {' | '.join(LANGUAGES)} |", "|---|---|---|---|"]
    for component in _components():
        found = [cells.get((component, name), "") or _OTHERWISE[name] for name in LANGUAGES]
        column = LANGUAGES.index(language)
        if component in ran and (how, found[column]) != ("preview", "up"):
            found[column] = how
        elif found[column] == how:
            found[column] = _OTHERWISE[language]
        lines.append(f"| `{component}` | {' | '.join(found)} |")
    expected = _PLACE.sub(lambda _: "\n".join([*lines, ""]), page)
    golden.check(PAGE, expected)


def _components() -> list[str]:
    return sorted(token.rpartition(":")[2] for token in json.loads(SCHEMA.read_text(encoding="utf-8"))["resources"])
