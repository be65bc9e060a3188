"""`python -m lab up` and `python -m lab down`: the dev stack on this computer."""

import sys
from collections.abc import Sequence
from pathlib import Path

from diaspora_infra.cli import main as diaspora_infra
from diaspora_infra.config import ConfigError, Settings, load, parse_stack_file
from lab.engine import PROJECT, Engine
from lab.errors import LabError
from lab.matchbox import ADDRESS, MatchboxServer
from tools import ToolError

FOLDER = PROJECT / ".lab"
STACK = "dev"
STACK_FILE = PROJECT / f"Pulumi.{STACK}.yaml"


def main(arguments: Sequence[str]) -> int:
    """Run `up` or `down`; returns the exit code."""
    commands = {"up": up, "down": down}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(f"usage: python -m lab {'|'.join(commands)}", file=sys.stderr)
        return 2
    try:
        commands[arguments[0]]()
    except ConfigError as error:
        print(f"{STACK_FILE.name} cannot be used:\n{error}", file=sys.stderr)
        return 1
    except (LabError, ToolError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def up() -> None:
    """Bring the dev stack up: matchbox, the engine, a look at what is served, a summary."""
    settings = _settings()
    engine = Engine(FOLDER, STACK, STACK_FILE)
    server = _server(settings)
    started = server.start()
    print(f"matchbox: {'started' if started else 'runs already'} at {server.http_url}", flush=True)
    engine.prepare()
    if engine.locked():
        print("the last run was killed: cleaning up after it", flush=True)
        engine.recover()
    print("pulumi up: stack dev", flush=True)
    result = engine.run("up")
    print(_changes(result.stdout))
    if diaspora_infra(["verify", str(STACK_FILE)]):
        raise LabError("what matchbox serves is not what the stack file means; see above")
    _summary(engine, settings)


def down() -> None:
    """Destroy the stack and stop the server."""
    engine = Engine(FOLDER, STACK, STACK_FILE)
    server = _server(_settings())
    if FOLDER.exists():
        server.start()  # the engine deletes profiles and groups through it
        engine.prepare()
        if engine.locked():
            engine.recover()
        print("pulumi destroy: stack dev", flush=True)
        print(_changes(engine.run("destroy").stdout))
        engine.remove()
    print(f"matchbox: {'stopped' if server.stop() else 'was not running'}")


def _settings() -> Settings:
    file = parse_stack_file(STACK_FILE.read_text(encoding="utf-8"))
    return load(file.values, file.secrets)


def _server(settings: Settings) -> MatchboxServer:
    pxe = settings.pxe
    if pxe is None or not pxe.matchbox.rpc_endpoint.startswith(f"{ADDRESS}:"):
        raise LabError(f"the lab serves target pxe on {ADDRESS} only; see pxe.matchbox in {STACK_FILE.name}")
    http_port, rpc_port = (int(text.rpartition(":")[2]) for text in (pxe.matchbox.http_url, pxe.matchbox.rpc_endpoint))
    return MatchboxServer(FOLDER, http_port, rpc_port)


def _changes(output: str) -> str:
    """Keep the lines of the engine's report that say what was done."""
    lines = output.splitlines()
    start = next((index for index, line in enumerate(lines) if line.startswith("Resources:")), None)
    if start is None:
        return output
    counts = [line.strip() for line in lines[start + 1 :] if line.startswith("    ")]
    changed = [count for count in counts if not count.endswith("unchanged")]
    if not counts:
        return "  nothing was there"
    return "  " + (", ".join(counts) if changed else f"nothing changed ({', '.join(counts)})")


def _summary(engine: Engine, settings: Settings) -> None:
    outputs = engine.outputs()
    print("\nWhat a machine gets when it boots from the network:")
    for name, machine in outputs["machines"].items():
        print(f"  {name}")
        for key in ("ipxe", "ignition"):
            if key in machine:
                print(f"    {key:<9} {machine[key]}")
        print(f"    {'config':<9} {machine['config']}")
    waiting = outputs["needsReinstall"]
    print(f"needsReinstall: {', '.join(waiting) if waiting else 'none'}")
    print(
        f"\nStack file: {STACK_FILE.relative_to(Path.cwd()) if STACK_FILE.is_relative_to(Path.cwd()) else STACK_FILE}"
    )
    print(f"Pod: https://{settings.pod.domain}/")
    print("Stop with: make down")
