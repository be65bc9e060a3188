"""Writes the table of the rules into docs/policy.md."""

import json
import re
from collections.abc import Iterator

from diaspora_infra.policy.rules import RULES, STACK_RULES

_BEGIN, _END = "<!-- rules -->\n", "<!-- end of rules -->"


def with_rules(page: str) -> str:
    """The page with the table of today."""
    table = "\n".join(_rows())
    return re.sub(f"{_BEGIN}.*?{_END}", lambda _: f"{_BEGIN}{table}\n{_END}", page, count=1, flags=re.DOTALL)


def _rows() -> Iterator[str]:
    yield "| Rule | Level | What holds | Settings, with their defaults |"
    yield "|---|---|---|---|"
    for rule in (*RULES, *STACK_RULES):
        settings = "; ".join(
            f"`{name}`: {setting.description}; `{json.dumps(setting.default)}`"
            for name, setting in rule.settings.items()
        )
        yield f"| `{rule.name}` | {rule.level} | {rule.description} | {settings} |"
