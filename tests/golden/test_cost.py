"""The table of `diaspora-infra cost`, and the page docs/cost.md."""

from pathlib import Path

import pytest

from diaspora_infra.cost.table import cost_table, plain
from generators.cost_page import example, page_text, with_price
from lab.engine import PROJECT
from tests.support.golden import Golden


@pytest.mark.parametrize("size", ["minimal", "small"])
def test_cost_table_of_each_size_matches_golden_file(golden: Golden, size: str) -> None:
    golden.check(f"cost/{size}.txt", "\n".join(plain(cost_table(example(size=size)))) + "\n")


def test_cost_page_matches_the_code(golden: Golden) -> None:
    golden.check(Path(PROJECT) / "docs" / "cost.md", page_text())


def test_sentence_on_price_in_readme_matches_the_code(golden: Golden) -> None:
    readme = Path(PROJECT) / "README.md"
    golden.check(readme, with_price(readme.read_text(encoding="utf-8")))
