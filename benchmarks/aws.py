"""The preview of a whole stack on AWS, beside a bare program with the same resources, in the simulated account."""

import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.stacks import PROJECT
from lab.aws import command
from lab.aws.account import Account
from lab.engine import Engine
from lab.matchbox import free_ports

BARE = PROJECT / "benchmarks" / "bare_aws"
_SECRET = "4dabf18193072939515e22adb298388d"  # the engine's mark of a value that is more than data


def print_aws(times: int = 5) -> None:
    """Print the seconds of each preview, in turns, and their ratios. The first of each is not counted.

    Where others use the computer too, the least says more than the median.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings, values = command.read(command.STACK_FILE)
        account = Account(folder / "ours", *free_ports(1))
        account.folder.mkdir()
        account.start()
        try:
            command.make_zone(account, settings)
            ours = command.prepare(account, settings, values)
            ours.run("up")
            resources = _resources(ours)
            account.reset()
            command.make_zone(account, settings)
            command.forget(account)
            ours = command.prepare(account, settings, values)
            bare = _bare(account, folder, resources)
            seconds: dict[str, list[float]] = {"ours": [], "bare": []}
            for _ in range(times + 1):
                for kind, engine in (("ours", ours), ("bare", bare)):
                    seconds[kind].append(_preview(engine, len(resources)))
        finally:
            account.stop()
    print(
        f"AWS: preview of a new stack with {len(resources)} resources, {times} times in turns; "
        f"load of the computer {os.getloadavg()[0]:.1f}"
    )
    counted = {kind: taken[1:] for kind, taken in seconds.items()}
    for kind, taken in counted.items():
        each = " ".join(f"{one:.1f}" for one in taken)
        print(f"{kind:<5} least {min(taken):5.1f} s, median {statistics.median(taken):5.1f} s   {each}")
    for name, of in (("least", min), ("median", statistics.median)):
        print(f"ours/bare, {name:<7} {of(counted['ours']) / of(counted['bare']):.2f}")


def _preview(engine: Engine, resources: int) -> float:
    start = time.perf_counter()
    output = engine.run("preview").stdout
    seconds = time.perf_counter() - start
    created = next(
        int(line.split()[1]) for line in output.splitlines() if line.strip().startswith("+ ") and "to create" in line
    )
    if created < resources:
        raise RuntimeError(f"{created} resources in the preview, {resources} expected:\n{output}")
    return seconds


def _bare(account: Account, folder: Path, resources: list[dict[str, Any]]) -> Engine:
    file = folder / "resources.json"
    file.write_text(json.dumps(resources), encoding="utf-8")
    stack_file = folder / "bare.yaml"
    config = {"bare-aws:resources": str(file), "bare-aws:region": "eu-west-1"}
    stack_file.write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
    (folder / "bare").mkdir()
    engine = Engine(folder / "bare", "bare", stack_file, BARE, account.variables(), (account.plugin(),))
    engine.prepare()
    return engine


def _resources(engine: Engine) -> list[dict[str, Any]]:
    """Read type, name, inputs and needs of every resource of AWS from the engine's state, in the order of making."""
    state = engine.export()
    resources = [each for each in state if each["type"].startswith("aws:")]
    urns = {each["urn"] for each in resources}
    found = []
    for each in resources:
        inputs = {key: _plain(value) for key, value in each["inputs"].items()}
        made_up = set(inputs.pop("__defaults", []))
        needs = {
            key: [urn for urn in needed if urn in urns] for key, needed in each.get("propertyDependencies", {}).items()
        }
        found.append(
            {
                "type": each["type"],
                "name": each["urn"].rpartition("::")[2],
                "urn": each["urn"],
                "inputs": {key: value for key, value in inputs.items() if key not in made_up},
                "needs": {key: needed for key, needed in needs.items() if needed},
                "after": [urn for urn in each.get("dependencies", []) if urn in urns],
            }
        )
    return found


def _plain(value: Any) -> Any:
    """A value without the engine's marks: secrets as they are, assets as their text."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if _SECRET in value:
        return _plain(json.loads(value["plaintext"])) if "plaintext" in value else value["text"]
    return {key: _plain(each) for key, each in value.items()}
