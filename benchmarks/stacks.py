"""`pulumi preview` and `up` of 1, 10 and 100 machines, beside a bare program on the same server."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from diaspora_infra.config import Settings, load, parse_stack_file
from diaspora_infra.host import render
from diaspora_infra.host.bundle import unpack
from diaspora_infra.host.data_url import contents
from diaspora_infra.pxe.install import install_boot, install_settings
from lab.engine import PROJECT, Engine
from lab.matchbox import MatchboxServer, free_ports

BARE = PROJECT / "benchmarks" / "bare"


@dataclass(frozen=True)
class Measured:
    """Seconds of the engine's commands, and the size of the state that they leave, in bytes."""

    preview: float
    up: float
    unchanged: float
    destroy: float
    state: int


def measure_ours(count: int) -> Measured:
    """Run the project's own program."""
    with _server() as server:
        values = stack_values(count, server)
        return _measure(server, {f"diaspora-infra:{key}": value for key, value in values.items()}, PROJECT)


def measure_bare(count: int, *, plain: bool) -> Measured:
    """Run the bare program with the same configs, as they are or with every content in the clear."""
    with _server() as server:
        machines = server.folder / "machines.json"
        machines.write_text(json.dumps(_ready_strings(load(stack_values(count, server)), plain=plain)))
        values = {"pki": str(server.pki.path), "endpoint": server.rpc_endpoint, "machines": str(machines)}
        return _measure(server, {f"bare:{key}": value for key, value in values.items()}, BARE)


def stack_values(count: int, server: MatchboxServer | None = None) -> dict[str, Any]:
    """Give the dev stack's config that many machines."""
    values = parse_stack_file((PROJECT / "Pulumi.dev.yaml").read_text(encoding="utf-8")).values
    values["pxe"]["machines"] = [
        {"name": f"pod{number}", "mac": f"52:54:00:00:{number // 256:02x}:{number % 256:02x}"}
        for number in range(1, count + 1)
    ]
    if server is not None:
        values["pxe"]["matchbox"] = {
            "httpUrl": server.http_url,
            "rpcEndpoint": server.rpc_endpoint,
            "caFile": str(server.pki.ca),
            "clientCertFile": str(server.pki.certificate("client")),
            "clientKeyFile": str(server.pki.key("client")),
        }
    return values


def decode_contents(ignition: str) -> str:
    """Unpack bundle and contents of a config: what somebody would write by hand."""

    def clear(value: Any) -> Any:
        if isinstance(value, list):
            return [clear(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        if str(value.get("source", "")).startswith("data:"):
            return {**value, "compression": "", "source": f"data:,{quote(contents(value))}"}
        return {key: clear(entry) for key, entry in value.items()}

    return json.dumps(clear(unpack(json.loads(ignition))), separators=(",", ":"))


def _ready_strings(settings: Settings, *, plain: bool) -> list[dict[str, Any]]:
    assert settings.pxe is not None
    ready = []
    for machine in settings.pxe.machines:
        ignition = render(settings, machine, {}).ignition
        boot = install_boot(**install_settings(settings, machine))
        ready.append(
            {
                "name": machine.name,
                "mac": machine.mac,
                "kernel": boot.kernel,
                "initrds": list(boot.initrds),
                "args": list(boot.args),
                "ignition": decode_contents(ignition) if plain else ignition,
            }
        )
    return ready


@contextmanager
def _server() -> Iterator[MatchboxServer]:
    with tempfile.TemporaryDirectory() as folder:
        server = MatchboxServer(Path(folder), *free_ports(2))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _measure(server: MatchboxServer, config: dict[str, Any], project: Path) -> Measured:
    file = server.folder / "stack.yaml"
    file.write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
    engine = Engine(server.folder, "bench", file, project)
    engine.prepare()
    seconds = {name: _seconds(engine, command) for name, command in _RUNS[:3]}
    (state,) = server.folder.glob("state/.pulumi/stacks/**/bench.json")
    size = state.stat().st_size
    return Measured(**seconds, destroy=_seconds(engine, "destroy"), state=size)


_RUNS = (("preview", "preview"), ("up", "up"), ("unchanged", "up"))


def _seconds(engine: Engine, command: str) -> float:
    start = time.perf_counter()
    engine.run(command)
    return time.perf_counter() - start
