"""`diaspora-infra diff`: what `pulumi up` would change, machine by machine."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence

from diaspora_infra.config import ConfigError, Problem
from diaspora_infra.preview.events import Step, read_run


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `diff`."""
    text = "tell for each machine of a stack what `pulumi up` means for it: nothing, an upgrade, or a reinstallation"
    parser = commands.add_parser("diff", help=text, description=f"{text}; changes nothing")
    parser.add_argument("stack", metavar="STACK", help="name of the stack, as `pulumi stack ls` shows it")
    parser.add_argument("--json", action="store_true", help="print JSON: an object for each machine")
    parser.set_defaults(run=_diff)


def _diff(options: argparse.Namespace) -> int:
    """Print the plan; returns 0 also where something changes."""
    from diaspora_infra.pxe.plan import data, plan_steps, summary

    plans = plan_steps(_steps(options.stack))
    print(json.dumps(data(plans), indent=2) if options.json else "\n".join(summary(plans)))
    return 0


def _steps(stack: str) -> Sequence[Step]:
    """Preview a stack. The values of its secrets are in the answer, and stay in this process. Raises ConfigError."""
    command = ["pulumi", "preview", "--json", "--show-sames", "--show-secrets", "--non-interactive", f"--stack={stack}"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise _error(stack, "the program pulumi is not on PATH; install it") from None
    preview = read_run(done.stdout)
    found = [each.message for each in preview.diagnostics if each.error]
    if done.returncode or not preview.steps:
        print(done.stderr if not found else "\n".join(found), file=sys.stderr)
        raise _error(stack, "cannot be previewed; correct what `pulumi preview` says, in the folder of Pulumi.yaml")
    return preview.steps


def _error(stack: str, message: str) -> ConfigError:
    return ConfigError([Problem(f"stack {stack}", message)])
