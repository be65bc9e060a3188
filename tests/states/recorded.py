"""The recorded states, how they are made, and what a preview on one of them changes.

For each stack there is a stack file in files/, and beside it what `pulumi stack export` wrote after `pulumi up`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.aws.account import Account
from lab.engine import MATCHBOX, PROJECT, Engine, Plugin
from lab.matchbox import MatchboxServer
from tests.support.examples import make_home

FILES = Path(__file__).parent / "files"
PASSPHRASE = "passphrase-of-the-recorded-states"
SECRET = "secret-of-the-recorded-states"
"""The value of every secret of the stacks' config."""

STACKS: dict[str, tuple[str, ...]] = {
    "pxe": ("smtpPassword",),
    "ignition": ("backupPassword", "backupAccessKey", "backupSecretKey"),
    "provisioning": (),
    "aws-gateway": ("backupPassword",),
    "aws-direct": ("backupPassword",),
    "aws-on-instance": (),
    "aws-ha": ("backupPassword",),
}
"""The stacks, each with the secrets that its config needs."""

REGION = "eu-west-1"
_TIME = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{8,}(?:Z|[+]00:00| [+]0000 UTC)")
_SOME_TIME = "2026-01-01T00:00:00Z"

Change = tuple[str, str]
"""A resource as TYPE::NAME, and what happens to it: `replace`, `delete`, or `delete and create`."""


@dataclass(frozen=True)
class World:
    """Where an engine works: a folder, and what its program and its plugins need around them."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    plugins: tuple[Plugin, ...] = (MATCHBOX,)
    names: Mapping[str, str] = field(default_factory=dict)
    """What has another name in each world, by the name in the files."""

    def from_files(self, text: str) -> str:
        """Put the names of this world into the text of a file."""
        for name, here in self.names.items():
            text = text.replace(name, here)
        return text

    def for_files(self, text: str) -> str:
        """Put the names of the files into a text of this world."""
        for name, here in self.names.items():
            text = text.replace(here, name)
        return text


def beside_matchbox(folder: Path, server: MatchboxServer) -> World:
    """A world with a matchbox: the program and the plugin connect to it in a preview too.

    `httpUrl`, which is part of every machine's config, stays as it is.
    """
    home = make_home(folder / "home-of-the-podmin", server)
    return World(folder, {"HOME": str(home)}, (MATCHBOX,), {"matchbox.lan:8081": server.rpc_endpoint})


def in_account(folder: Path, account: Account) -> World:
    """A world with an account that holds the podmin's zone alone."""
    account.reset()
    route53 = account.client("route53", REGION)
    zone = route53.create_hosted_zone(Name="pod.example.org", CallerReference="podmin")["HostedZone"]["Id"]
    names = {"ZONEOFTHEPODMIN": zone.rpartition("/")[2]}
    return World(folder, account.variables(), (account.plugin(),), names)


def prepared_engine(name: str, world: World) -> Engine:
    """An engine for a stack that has its config and no resources."""
    world.folder.mkdir(parents=True, exist_ok=True)
    file = world.folder / "stack.yaml"
    (world.folder / "passphrase").write_text(PASSPHRASE, encoding="ascii")
    text = world.from_files((FILES / f"{name}.yaml").read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    engine = Engine(world.folder, name, file, PROJECT, dict(world.environment), world.plugins, preloaded=True)
    engine.prepare()
    document = yaml.safe_load(text)
    for key in STACKS[name]:
        document["config"][f"diaspora-infra:{key}"] = {"secure": engine.encrypt(f"diaspora-infra:{key}", SECRET)}
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return engine


def record(name: str, world: World) -> None:
    """Bring the stack up, and write down its state."""
    engine = prepared_engine(name, world)
    engine.run("up")
    text = json.dumps(trimmed(engine.read_state()), indent=1)
    state_file(name).write_text(world.for_files(f"{text}\n"), encoding="utf-8")


def state_file(name: str) -> Path:
    """The recorded state of a stack."""
    return FILES / f"{name}.json"


def trimmed(state: dict[str, Any]) -> dict[str, Any]:
    """A state without the times of its making and the places in the program that made it, in a fixed order."""
    deployment = state["deployment"]
    deployment["manifest"].pop("time", None)
    deployment["resources"] = _in_order(deployment["resources"])
    for resource in deployment["resources"]:
        for name in ("created", "modified", "sourcePosition", "stackTrace"):
            resource.pop(name, None)
        for name in ("id", "outputs"):
            if name in resource:
                resource[name] = _at_some_time(resource[name])
    return state


def _in_order(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort by URN, but keep each resource after those that it needs, as the engine demands."""
    waiting = sorted(resources, key=lambda resource: str(resource["urn"]))
    placed: dict[str, dict[str, Any]] = {}
    while waiting:
        following = next(each for each in waiting if _needs(each) <= placed.keys())
        waiting.remove(following)
        placed[following["urn"]] = following
    return [*placed.values()]


def _needs(resource: Mapping[str, Any]) -> set[str]:
    lists = [resource.get("dependencies", []), *resource.get("propertyDependencies", {}).values()]
    provider = resource.get("provider", "").rpartition("::")[0]
    others = (resource.get("parent", ""), resource.get("deletedWith", ""), provider)
    return {urn for urn in (*others, *(urn for urns in lists for urn in urns)) if urn}


def _at_some_time(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _at_some_time(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_at_some_time(each) for each in value]
    return _SOME_TIME if isinstance(value, str) and _TIME.fullmatch(value) else value


def changes(steps: Iterable[Mapping[str, Any]]) -> set[Change]:
    """Resources that a preview (its `steps` in JSON) deletes or replaces."""
    resources: dict[str, set[str]] = {}
    for step in steps:
        kind, name = step["urn"].split("::")[-2:]
        resources.setdefault(f"{kind.rpartition('$')[2]}::{name}", set()).add(step["op"])
    found = set()
    for resource, operations in resources.items():
        if operations & {"replace", "create-replacement", "delete-replaced"}:
            found.add((resource, "replace"))
        elif "delete" in operations:
            found.add((resource, "delete and create" if "create" in operations else "delete"))
    return found
