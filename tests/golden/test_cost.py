"""The table of `diaspora-infra cost`, and the page about money."""

from pathlib import Path

import pytest

from diaspora_infra.cost.table import cost_table, plain
from generators.cost_page import example, page_text
from lab.engine import PROJECT
from tests.support.golden import Golden


@pytest.mark.parametrize("size", ["minimal", "small"])
def test_the_table_of_a_size(golden: Golden, size: str) -> None:
    golden.check(f"cost/{size}.txt", "\n".join(plain(cost_table(example(size=size)))) + "\n")


def test_the_page_is_fresh(golden: Golden) -> None:
    golden.check(Path(PROJECT) / "docs" / "cost.md", page_text())
