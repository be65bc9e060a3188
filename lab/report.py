"""Runs the engine, and tells what it has changed, as `diaspora-infra preview-summary --plain` does."""

import sys

from diaspora_infra.preview.events import read_run
from diaspora_infra.preview.plain import plain
from diaspora_infra.preview.summary import sum_up
from lab.engine import PROJECT, Engine
from lab.errors import LabError

POLICIES = (f"--policy-pack={PROJECT / 'policy'}",)
"""Arguments with which the engine asks the policy pack."""


def run_and_tell(engine: Engine, command: str, *arguments: str) -> None:
    """Run `up` or `destroy`, and print what has changed. Raises LabError where it fails."""
    result = engine.run(command, "--json", *arguments, check=False)
    summary = sum_up(read_run(result.stdout))
    # the stack's own mistakes are no part of what has changed
    output = sys.stderr if result.returncode else sys.stdout
    print("\n".join(f"  {line}" for line in plain(summary)), file=output, flush=True)
    if result.returncode:
        sys.stderr.write(result.stderr)
        raise LabError(f"pulumi {command} failed, see above")
