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
    """Measure ours, and the bare program with other strings (docs/benchmarks.md): each command of all, then the next.

    Short runs are repeated, and the shortest counts: other work on the computer can only make them longer.
    """
    with _server() as ours, _server() as clear, _server() as same:
        arms = {
            "ours": _Arm(ours, _engine(ours, _config(stack_values(count, ours)), PROJECT)),
            "clear": _bare(clear, count, plain=True),
            "same": _bare(same, count, plain=False),
        }
        for _ in range(_ROUNDS if count < _MANY else 1):
            for name in COMMANDS:
                for arm in arms.values():
                    arm.run(name)
        return {name: arm.measured(count) for name, arm in arms.items()}


_ROUNDS = 7
_MANY = 10


class _Arm:
    """One of the programs, with a server of its own."""

    def __init__(self, server: MatchboxServer, engine: Engine) -> None:
        self.server, self.engine = server, engine
        self.seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
        self.state = 0

    def run(self, name: str) -> None:
        """Run one of `COMMANDS`."""
        if name == "destroy":
            self.state = _state_size(self.server)
        self.seconds[name].append(_seconds(self.engine, "up" if name == "unchanged" else name))

    def measured(self, count: int) -> Measured:
        """The shortest run of each command."""
        return Measured(**{name: min(runs) for name, runs in self.seconds.items()}, state=self.state, machines=count)


def _bare(server: MatchboxServer, count: int, *, plain: bool) -> _Arm:
    """The bare program with the same configs, as they are or with every content in the clear."""
    machines = server.folder / "machines.json"
    machines.write_text(json.dumps(_ready_strings(load(stack_values(count, server)), plain=plain)))
    values = {"pki": str(server.pki.path), "endpoint": server.rpc_endpoint, "machines": str(machines)}
    return _Arm(server, _engine(server, {f"bare:{key}": value for key, value in values.items()}, BARE))


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
