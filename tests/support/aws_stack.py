"""A stack of target aws in the simulated account, driven by a real engine."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from lab.aws.account import Account
from lab.engine import PROJECT, Engine
from tests.support import configs
from tests.support.prepared import prepare
from tests.support.stack import SPARING

Result = subprocess.CompletedProcess[str]
REGION = "eu-west-1"


def program(folder: Path, name: str, text: str) -> Path:
    """A Pulumi program of this text in a folder of its own, which is returned; it runs in the project's environment."""
    project = folder / "program"
    project.mkdir()
    (project / "__main__.py").write_text(text, encoding="utf-8")
    runtime = f"runtime: {{name: python, options: {{virtualenv: {PROJECT / '.venv'}}}}}\n"
    (project / "Pulumi.yaml").write_text(f"name: {name}\n{runtime}", encoding="utf-8")
    return project


class AwsStack:
    """Config in `values`, an engine, and clients of the account.

    Preloaded modules save the start of a Python for each run; tests/aws/test_make_up_aws.py and test_example.py do
    without.
    """

    def __init__(self, account: Account, folder: Path, project: Path = PROJECT) -> None:
        self.account = account
        self.file = folder / "stack.yaml"
        self.values = configs.aws_config()
        self.region = REGION
        plugins = (account.plugin(),)
        environment = {**account.variables(), **SPARING}  # no run is killed here
        self.engine = Engine(folder, "test", self.file, project, environment, plugins, preloaded=True)

    def write(self) -> None:
        config = {f"diaspora-infra:{key}": value for key, value in self.values.items()}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        document = {"config": {"aws:region": self.region, **config}}
        self.file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    def run(self, command: str, *arguments: str) -> Result:
        """Run the engine; the caller checks the result."""
        self.write()
        prepare(self.engine)
        return self.engine.run(command, *arguments, check=False)

    def good(self, command: str, *arguments: str) -> Result:
        """Run the engine, which must succeed."""
        result = self.run(command, *arguments)
        assert result.returncode == 0, result.stdout + result.stderr + self._calls()
        return result

    def _calls(self) -> str:
        """The latest calls of the bridge, which show repeated calls. The real plugin records none."""
        if not self.account.bridge_log.exists():
            return ""
        return "\n".join(self.account.bridge_log.read_text(encoding="utf-8").splitlines()[-200:])

    def client(self, service: str) -> Any:
        """A client of one service of the account."""
        return self.account.client(service, self.region)
