"""The table of the rules in docs/policy.md."""

from generators.policy_page import with_rules
from lab.engine import PROJECT
from tests.support.golden import Golden


def test_rules_on_the_page_match_the_code(golden: Golden) -> None:
    page = PROJECT / "docs" / "policy.md"
    golden.check(page, with_rules(page.read_text(encoding="utf-8")))
