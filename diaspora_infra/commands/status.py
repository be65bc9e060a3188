"""`diaspora-infra status`: how far the machines of a pod on several machines are."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from diaspora_infra.config import ConfigError, Problem

if TYPE_CHECKING:
    from diaspora_infra.smoke.account import Client
    from diaspora_infra.smoke.stack_state import PodStack

PAUSE_SECONDS = 15
MINUTES = 90
"""The job machine has half an hour, and three for the web have a quarter of an hour each."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `status`."""
    text = "show the machines of a stack of target aws with topology ha, and how far a change of them is"
    parser = commands.add_parser("status", help=text, description=text)
    parser.add_argument("stack", metavar="STACK", help="name of the stack, as `pulumi stack ls` shows it")
    parser.add_argument(
        "--wait", action="store_true", help="go on until all machines are ready, or a change of them has failed"
    )
    parser.add_argument(
        "--minutes", metavar="NUMBER", type=int, default=MINUTES, help=f"with --wait, at most; default: {MINUTES}"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with --wait at the end only")
    parser.set_defaults(run=_status)


def _status(options: argparse.Namespace) -> int:
    if options.minutes < 1:
        raise ConfigError([Problem("--minutes", f"{options.minutes} is out of range; allowed: 1 or more")])
    from diaspora_infra.smoke.account import check_packages, clients
    from diaspora_infra.smoke.stack_state import read_stack

    check_packages("status")
    stack = read_stack(options.stack)
    return follow(stack, clients(stack), wait=options.wait, minutes=options.minutes, as_json=options.json)


def follow(
    stack: "PodStack",
    client: "Client",
    *,
    wait: bool,
    minutes: int = MINUTES,
    as_json: bool = False,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Print the state of the machines, with `wait` each time that it has changed.

    Returns 0 where nothing is wrong, and 1 where a change has failed or, with `wait`, has not ended in time. Raises
    ConfigError for a stack without groups, and where AWS does not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from diaspora_infra.status import report
    from diaspora_infra.status.groups import read_deployment, read_groups

    shown, end = [""], clock() + minutes * 60
    while True:
        try:
            groups, deployment = read_groups(stack, client), read_deployment(stack, client)
        except (BotoCoreError, ClientError) as error:
            raise ConfigError([Problem("AWS", f"{error}; log in again, or see to the permissions")]) from None
        if not groups:
            raise ConfigError([Problem(f"stack {stack.name}", "no groups of machines; give a stack with topology: ha")])
        failed, done = any(group.failed for group in groups), all(group.done for group in groups)
        late = wait and clock() >= end
        last = failed or done or late or not wait
        lines = [*report.lines(stack.domain, groups, deployment), report.verdict(groups)]
        if as_json and last:
            print(json.dumps(report.data(stack.name, stack.domain, groups, deployment), indent=2))
        elif not as_json and lines != shown:
            print("\n".join(lines), flush=True)
        if last:
            if late and not (failed or done):
                print(f"not ready after {minutes} minutes", file=sys.stderr)
            return int(failed or (late and not done))
        shown = lines
        pause(PAUSE_SECONDS)
