"""The engine's commands on a stack of many machines, beside a bare program on the same kind of server."""

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
    machines: int

    def figures(self) -> dict[str, float]:
        """The same for `--json`: seconds, and bytes of the state for each machine."""
        seconds = {f"{name}_s": round(getattr(self, name), 2) for name in COMMANDS}
        return {"state_bytes_per_machine": round(self.state / self.machines), **seconds}


COMMANDS = ("preview", "up", "unchanged", "destroy")


def measure(count: int) -> dict[str, Measured]:
    """Measure all programs, one after the other: ours, and the bare one with other strings (docs/benchmarks.md)."""
    return {
        "ours": measure_ours(count),
        "clear": measure_bare(count, plain=True),
        "same": measure_bare(count, plain=False),
    }


def measure_ours(count: int) -> Measured:
    """Run the project's own program."""
    with _server() as server:
        values = stack_values(count, server)
        return _measure(server, _config(values), PROJECT, count)


def measure_change(count: int) -> dict[str, float]:
    """Seconds of our own program: all machines up, one of them changed, all destroyed; and bytes of the state."""
    with _server() as server:
        values = stack_values(count, server)
        engine = _engine(server, _config(values), PROJECT)
        seconds = {"up": _seconds(engine, "up")}
        size = _state_size(server)
        values["pxe"]["machines"][count // 2]["hostname"] = "changed"
        _write(engine.stack_file, _config(values))
        seconds |= {"one changed": _seconds(engine, "up"), "destroyed": _seconds(engine, "destroy")}
        return {**seconds, "state bytes a machine": size / count}


def _config(values: dict[str, Any]) -> dict[str, Any]:
    return {f"diaspora-infra:{key}": value for key, value in values.items()}


def measure_bare(count: int, *, plain: bool) -> Measured:
    """Run the bare program with the same configs, as they are or with every content in the clear."""
    with _server() as server:
        machines = server.folder / "machines.json"
        machines.write_text(json.dumps(_ready_strings(load(stack_values(count, server)), plain=plain)))
        values = {"pki": str(server.pki.path), "endpoint": server.rpc_endpoint, "machines": str(machines)}
        return _measure(server, {f"bare:{key}": value for key, value in values.items()}, BARE, count)


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
        boot = install_boot(**{**install_settings(settings, machine), "endpoint": "ignition"})
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


def _measure(server: MatchboxServer, config: dict[str, Any], project: Path, count: int) -> Measured:
    engine = _engine(server, config, project)
    seconds = {name: _seconds(engine, command) for name, command in _RUNS}
    size = _state_size(server)
    return Measured(**seconds, destroy=_seconds(engine, "destroy"), state=size, machines=count)


_RUNS = (("preview", "preview"), ("up", "up"), ("unchanged", "up"))


def _engine(server: MatchboxServer, config: dict[str, Any], project: Path) -> Engine:
    file = server.folder / "stack.yaml"
    _write(file, config)
    engine = Engine(server.folder, "bench", file, project)
    engine.prepare()
    return engine


def _write(file: Path, config: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump({"config": config}), encoding="utf-8")


def _state_size(server: MatchboxServer) -> int:
    (state,) = server.folder.glob("state/.pulumi/stacks/**/bench.json")
    return state.stat().st_size


def _seconds(engine: Engine, command: str) -> float:
    start = time.perf_counter()
    engine.run(command)
    return time.perf_counter() - start
