"""A stack of target pxe on a real matchbox, driven by a real engine."""

import json
import subprocess
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from diaspora_infra.config import Settings, load
from diaspora_infra.host import render
from lab.engine import PROJECT, Engine
from lab.matchbox import MatchboxServer
from tests.support import configs
from tests.support.prepared import prepare

Result = subprocess.CompletedProcess[str]
SPARING = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""The engine writes the state once, at the end of a run, and not whole again after each resource."""


class Stack:
    """Config in `values`, an engine, and requests to the server.

    `run` and `up` write the state once, unless `sparing` is false: so it must be where a run is killed.
    """

    sparing = True

    def __init__(self, server: MatchboxServer, project: Path = PROJECT) -> None:
        self.server = server
        self.file = server.folder / "stack.yaml"
        self.values = configs.pxe_config()
        self.point_to(server)
        self.secure: dict[str, str] = {}
        self.engine = Engine(server.folder, "test", self.file, project, preloaded=True)

    def point_to(self, server: MatchboxServer) -> None:
        self.values["pxe"]["matchbox"] = {
            "httpUrl": server.http_url,
            "rpcEndpoint": server.rpc_endpoint,
            "caFile": str(server.pki.ca),
            "clientCertFile": str(server.pki.certificate("client")),
            "clientKeyFile": str(server.pki.key("client")),
        }

    def machines(self, *machines: dict[str, Any]) -> None:
        self.values["pxe"]["machines"] = list(machines)

    def settings(self) -> Settings:
        return load(self.values, self.secure)

    def rendered(self, name: str, secrets: dict[str, str] | None = None) -> str:
        settings = self.settings()
        machine = next(machine for machine in settings.machines if machine.name == name)
        return render(settings, machine, secrets or {}).ignition

    def set_secret(self, key: str, value: str) -> None:
        """Set a secret as `pulumi config set --secret` does."""
        self.write()
        prepare(self.engine)
        self.secure[key] = self.engine.encrypt(f"diaspora-infra:{key}", value)

    def write(self) -> None:
        config: dict[str, Any] = {f"diaspora-infra:{key}": value for key, value in self.values.items()}
        config |= {f"diaspora-infra:{key}": {"secure": value} for key, value in self.secure.items()}
        self.file.write_text(yaml.safe_dump({"config": config}, sort_keys=False), encoding="utf-8")

    def run(self, command: str, *arguments: str) -> Result:
        """Run the engine; the caller checks the result."""
        self.write()
        prepare(self.engine)
        sparing = {**self.engine.environment, **(SPARING if self.sparing else {})}
        return replace(self.engine, environment=sparing).run(command, *arguments, check=False)

    def run_as_users_do(self, command: str) -> Result:
        """Run the engine, which starts Python for the program: the user's view of a fault."""
        self.write()
        prepare(self.engine)
        return replace(self.engine, preloaded=False).run(command, check=False)

    def up(self, *arguments: str) -> Result:
        """Run `pulumi up`, which must succeed."""
        result = self.run("up", *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result

    def get(self, path: str) -> tuple[int, str]:
        """Send a request to matchbox; returns status and text."""
        try:
            with urllib.request.urlopen(f"{self.server.http_url}{path}", timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    def served(self, mac: str) -> str:
        """The Ignition config that matchbox serves to a machine."""
        status, text = self.get(f"/generic?mac={mac}")
        assert status == 200
        return text

    def files(self) -> dict[str, list[str]]:
        """Names of the profiles and groups that matchbox stores."""
        return {
            kind: sorted(file.stem for file in (self.server.data / kind).glob("*.json"))
            for kind in ("profiles", "groups")
        }

    def state(self) -> dict[str, Any]:
        """The deployment in the state file."""
        (file,) = self.server.folder.glob("state/.pulumi/stacks/**/test.json")
        deployment: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["checkpoint"]["latest"]
        return deployment
