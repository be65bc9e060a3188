"""`python -m lab up` and `down`: the dev stack on this computer. `up-aws` and `down-aws` are in lab.aws.command."""

import fcntl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from diaspora_infra.config import ConfigError, PxeMachine, PxeSettings, Settings, load, needed_secrets
from diaspora_infra.config.problems import file_problem
from diaspora_infra.pxe.served import generic_url, ipxe_url
from diaspora_infra.pxe.verify import verify
from diaspora_infra.stack_files import load_file, read_stack_file
from lab.engine import PROJECT, Engine, StateLostError
from lab.errors import LabError
from lab.matchbox import ADDRESS, MatchboxServer
from lab.report import POLICIES, Progress, count_groups, run_and_tell
from tools import ToolError

FOLDER = PROJECT / ".lab"
STACK = "dev"
_SHOWN = 5
STACK_FILE = PROJECT / f"Pulumi.{STACK}.yaml"


def main(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit code."""
    commands = {"up": up, "down": down, "up-aws": _up_aws, "down-aws": _down_aws}
    name, *rest = arguments or [""]
    if name not in commands or len(rest) > (name == "up-aws"):
        print("usage: python -m lab up|down|up-aws [STACK_FILE]|down-aws", file=sys.stderr)
        return 2
    try:
        with alone(FOLDER / name.partition("-")[2]):
            commands[name](*rest)
    except (LabError, ToolError) as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of the output has closed it
        return 1
    except OSError as error:
        print(file_problem(error, "lab"), file=sys.stderr)
        return 1
    return 0


def _up_aws(stack_file: str = "") -> None:
    from lab.aws import command  # needs packages that only `make up-aws` installs

    command.up(FOLDER / "aws", Path(stack_file) if stack_file else command.STACK_FILE)


def _down_aws() -> None:
    from lab.aws import command

    command.down(FOLDER / "aws")


def up() -> None:
    """Bring the dev stack up: matchbox, the engine, a check of what is served, a summary."""
    settings = _settings()
    engine = Engine(FOLDER, STACK, STACK_FILE)
    server = MatchboxServer(FOLDER, *_ports(settings))
    mended = _mend(engine, server)
    started = server.start()
    print(f"matchbox: {'started' if started else 'already running'} at {server.http_url}", flush=True)
    engine.prepare()
    _recover(engine, mended)
    print("pulumi up: stack dev", flush=True)
    progress = Progress(len(settings.machines), count_groups(engine))
    run_and_tell(engine, "up", *POLICIES, progress=progress)
    lines, good = verify(settings, {})
    print("\n".join(lines))
    if not good:
        raise LabError("matchbox does not serve what the stack file describes; see above")
    _summary(engine, settings, server.http_url)


def down() -> None:
    """Destroy the stack and stop the server."""
    server = MatchboxServer.last(FOLDER)
    engine = Engine(FOLDER, STACK, STACK_FILE)
    if server is None and engine.exists():
        server = MatchboxServer(FOLDER, *_ports(_settings()))  # the file with its ports is gone
    if server is None:
        print("nothing to destroy")
        return
    mended = _mend(engine, server)
    if engine.exists():
        server.start()  # the engine deletes profiles and groups through it
        engine.prepare()
        _recover(engine, mended)
        print("pulumi destroy: stack dev", flush=True)
        run_and_tell(engine, "destroy", *mended.options, progress=Progress(0, count_groups(engine)))
        engine.remove()
    print(f"matchbox: {'stopped' if server.stop() else 'was not running'}")


@dataclass(frozen=True)
class Mended:
    """What was repaired before a run."""

    files: bool
    """Whether the state, or what the server stores, may be older than the other."""
    certificates: bool
    """Whether the certificates are others than those in the state."""

    @property
    def options(self) -> list[str]:
        """Arguments of `refresh` and `destroy`, which otherwise take the certificates from the state."""
        return ["--run-program"] if self.certificates else []


def _mend(engine: Engine, server: MatchboxServer) -> Mended:
    """Repair what a run left that was killed, or had no space on the disk, and what has expired; says what."""
    if why := server.renew_certificates():
        print(f"{why}; making new certificates", flush=True)
    try:
        repaired = engine.repair_state()
    except StateLostError as error:
        print(f"{str(error).partition(';')[0]}; forgetting the stack, and making it anew", flush=True)
        engine.forget()
        server.remove_data()
        return Mended(files=False, certificates=False)
    repaired += server.remove_damaged()
    for file in repaired:
        print(f"{file}: was damaged; repaired", flush=True)
    return Mended(files=bool(repaired), certificates=bool(why))


def _recover(engine: Engine, mended: Mended) -> None:
    locked = engine.locked()
    if locked:
        print("the last run was killed; cleaning up", flush=True)
    if locked or mended.files:
        engine.recover(*mended.options)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Refuse to run beside another command that works in the same folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"another `make up` or `make down` runs in {folder}; wait until that run ends") from None
        yield


def _settings() -> Settings:
    try:
        settings = load_file(load, read_stack_file(STACK_FILE))
    except ConfigError as error:
        raise LabError(f"{STACK_FILE.name} cannot be used:\n{error}") from None
    if needed := [secret.key for secret in needed_secrets(settings)]:
        raise LabError(
            f"{STACK_FILE.name} needs {', '.join(needed)}, but the lab supports no secrets; "
            "remove the settings that need them"
        )
    return settings


def _ports(settings: Settings) -> tuple[int, int]:
    """Find the ports of HTTP and of the gRPC API in the settings."""
    matchbox = settings.pxe.matchbox if isinstance(settings, PxeSettings) else None
    addresses = [urlsplit(matchbox.http_url), urlsplit(f"//{matchbox.rpc_endpoint}")] if matchbox else []
    ports = [address.port for address in addresses if address.hostname == ADDRESS and not address.path]
    if len(ports) != 2 or None in ports or addresses[0].scheme != "http":
        raise LabError(
            f"{STACK_FILE.name}: the lab needs target pxe; in pxe.matchbox, "
            f"set httpUrl: http://{ADDRESS}:PORT and rpcEndpoint: {ADDRESS}:PORT"
        )
    return int(ports[0] or 0), int(ports[1] or 0)


def _summary(engine: Engine, settings: Settings, url: str) -> None:
    outputs = engine.outputs()
    print("\nWhat each machine gets when it boots over the network:")
    for machine in settings.machines[:_SHOWN]:
        print(f"  {machine.name}")
        if isinstance(machine, PxeMachine) and machine.install != "off":
            print(f"    ipxe      {ipxe_url(url, machine.mac)}")
            print(f"    ignition  {generic_url(url, machine.mac)}")
        print(f"    config    {outputs['machines'][machine.name]['config']}")
    if (more := len(settings.machines) - _SHOWN) > 0:
        print(f"  and {more:,} more")
    waiting = outputs.get("needsReinstall", [])
    print(f"needsReinstall: {', '.join(waiting) or 'none of the machines with installedConfig'}")
    print(f"\nStack file: {STACK_FILE.name}")
    print("Stop with: make down")
