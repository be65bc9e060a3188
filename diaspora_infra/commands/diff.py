"""`diaspora-infra diff`: what `pulumi up` would change, machine by machine."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

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
    """Preview a stack. Raises ConfigError."""
    from diaspora_infra.pxe.plan import hides_config

    done, plan = _preview(stack)
    preview = read_run(done.stdout)
    found = [each.message for each in preview.diagnostics if each.error]
    if done.returncode or not preview.steps:
        print(done.stderr if not found else "\n".join(found), file=sys.stderr)
        raise _error(stack, "cannot be previewed; correct what `pulumi preview` says, in the folder of Pulumi.yaml")
    hidden = any(map(hides_config, preview.steps))
    return _with_secrets(stack, preview.steps, json.loads(plan)) if hidden else preview.steps


def _preview(stack: str) -> tuple["subprocess.CompletedProcess[str]", str]:
    """Run a preview; returns its answer, and the plan of the engine.

    The engine writes secrets to no other place than a plan, and a plan to no other place than a file: this one is a
    pipe, so that they stay in this process.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        pipe = Path(folder) / "plan"
        os.mkfifo(pipe, 0o600)
        source = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        own_end = os.open(pipe, os.O_WRONLY)
        os.set_blocking(source, True)
        plan = pool.submit(_read, source)
        try:
            done = _pulumi(stack, "preview", "--json", "--show-sames", "--show-secrets", f"--save-plan={pipe}")
        finally:
            os.close(own_end)
        return done, plan.result()


def _read(source: int) -> str:
    with open(source, encoding="utf-8") as file:
        return file.read()


def _with_secrets(stack: str, hidden: Sequence[Step], plan: Mapping[str, Any]) -> Sequence[Step]:
    """Put the inputs in the place of those that a preview hides: the old ones from the state, the new from a plan."""
    state = json.loads(_pulumi(stack, "stack", "export", "--show-secrets").stdout)["deployment"]
    inputs = {entry["urn"]: entry.get("inputs") for entry in state.get("resources") or () if not entry.get("delete")}
    steps = [dict(step) for step in hidden]
    for step in steps:
        old = inputs.get(step["urn"]) or {}
        changes = ((plan["resourcePlans"].get(step["urn"]) or {}).get("goal") or {}).get("inputDiff") or {}
        kept = {key: value for key, value in old.items() if key not in changes.get("deletes", ())}
        new = {**kept, **changes.get("adds", {}), **changes.get("updates", {})}
        for side, found in (("oldState", old), ("newState", new)):
            if step.get(side):
                step[side] = {**step[side], "inputs": found}
    return steps


def _pulumi(stack: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["pulumi", *arguments, "--non-interactive", f"--stack={stack}"]
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise _error(stack, "the program pulumi is not on PATH; install it") from None


def _error(stack: str, message: str) -> ConfigError:
    return ConfigError([Problem(f"stack {stack}", message)])
