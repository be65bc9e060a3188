"""What a run of the engine does: how far it is, and a summary in one line."""

import re
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

_SECONDS = 5.0
_DONE = re.compile(r"\s*[+~-]+\s+matchbox:index:Group \S+ (created|deleted) \(\S+\)\s*")


class Progress:
    """Says every few seconds how many groups are made and deleted: a short run says nothing.

    `created` and `deleted` are how many there may be at most.
    """

    def __init__(self, created: int, deleted: int) -> None:
        self.counts: Counter[str] = Counter()
        self._most = {"created": created, "deleted": deleted}
        self._said = time.monotonic()

    def __call__(self, line: str) -> None:
        """Take a line of the engine's output."""
        if not (found := _DONE.fullmatch(line)):
            return
        self.counts[found[1]] += 1
        if time.monotonic() - self._said >= _SECONDS:
            self._said = time.monotonic()
            parts = [
                f"{self.counts[what]:,} of {most:,} {what}" for what, most in self._most.items() if self.counts[what]
            ]
            print(f"  groups: {', '.join(parts)}", flush=True)


def is_group(resource: Mapping[str, Any]) -> bool:
    """Tell whether a resource of the state is a machine's group."""
    return str(resource["type"]) == "matchbox:index/group:Group"


def changes(output: str) -> str:
    """Keep the counts of changed resources from the engine's output."""
    lines = output.splitlines()
    start = next((index for index, line in enumerate(lines) if line.startswith("Resources:")), None)
    if start is None:
        return output
    counts = [line.strip() for line in lines[start + 1 :] if line.startswith("    ")]
    changed = [count for count in counts if not count.endswith("unchanged")]
    if not counts:
        return "  no resources"
    return "  " + (", ".join(counts) if changed else f"nothing changed ({', '.join(counts)})")
