"""Runs the engine, tells how far it is, and what it has changed, as `diaspora-infra preview-summary --plain` does."""

import json
import sys
import time
from collections import Counter

from diaspora_infra.preview.events import read_run
from diaspora_infra.preview.plain import plain
from diaspora_infra.preview.summary import sum_up
from lab.engine import PROJECT, Engine
from lab.errors import LabError

POLICIES = (f"--policy-pack={PROJECT / 'policy'}",)
"""Arguments with which the engine asks the policy pack."""

_GROUP = "matchbox:index/group:Group"
_SECONDS = 5.0
_DONE = {"create": "created", "delete": "deleted"}


class Progress:
    """Says every few seconds how many groups are made and deleted: a short run says nothing.

    `created` and `deleted` are how many there may be at most.
    """

    def __init__(self, created: int, deleted: int) -> None:
        self.counts: Counter[str] = Counter()
        self._most = {"created": created, "deleted": deleted}
        self._said = time.monotonic()

    def __call__(self, line: str) -> None:
        """Take an event of the engine, a line of JSON."""
        done = ((json.loads(line) if _GROUP in line else {}).get("resOutputsEvent") or {}).get("metadata") or {}
        if done.get("type") != _GROUP or done["op"] not in _DONE:
            return
        self.counts[_DONE[done["op"]]] += 1
        if time.monotonic() - self._said >= _SECONDS:
            self._said = time.monotonic()
            parts = [
                f"{self.counts[what]:,} of {most:,} {what}" for what, most in self._most.items() if self.counts[what]
            ]
            print(f"  groups: {', '.join(parts)}", flush=True)


def count_groups(engine: Engine) -> int:
    """How many groups of machines the stack has."""
    return sum(resource["type"] == _GROUP for resource in engine.resources())


def run_and_tell(engine: Engine, command: str, *arguments: str, progress: Progress | None = None) -> None:
    """Run `up` or `destroy`, and print what has changed. Raises LabError where it fails."""
    result = engine.run(command, "--json", *arguments, check=False, watch=progress)
    summary = sum_up(read_run(result.stdout))
    # the stack's own mistakes are no part of what has changed
    output = sys.stderr if result.returncode else sys.stdout
    print("\n".join(f"  {line}" for line in plain(summary)), file=output, flush=True)
    if result.returncode:
        sys.stderr.write(result.stderr)
        raise LabError(f"pulumi {command} failed, see above")
