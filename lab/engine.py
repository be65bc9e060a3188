"""A Pulumi engine that keeps everything in one folder: home, plugins, state, passphrase.

It calls `pulumi` itself. Of pulumi.automation (3.200) it uses the language host (lab/language_host.py); the rest lacks
what is needed here:

- a secret's value is an argument of the process there (`Stack.set_config`); here it comes on standard input;
- a plugin cannot be installed from a file;
- a run cannot be started without waiting for it, so that a test may kill it;
- the engine inherits all of this process's PULUMI_ variables, access tokens too;
- each `up` starts three more engines, for outputs and history that nobody reads here.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.errors import LabError
from lab.language_host import language_host
from tools import path_with, tool_path

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Plugin:
    """A provider plugin, and what gives its program; it is installed from there into the engine's home."""

    name: str
    version: str
    program: Callable[[], Path]


MATCHBOX = Plugin("matchbox", "0.3.0", lambda: tool_path("pulumi-resource-matchbox"))


@dataclass(frozen=True)
class Engine:
    """Runs `pulumi` for one stack of the program in `project`.

    The stack's config is `stack_file`; the engine works on a copy, since it adds a line with the salt of its
    encryption, which belongs to the state and not to the file.
    """

    folder: Path
    stack: str
    stack_file: Path
    project: Path = PROJECT
    environment: dict[str, str] = field(default_factory=dict)
    plugins: tuple[Plugin, ...] = (MATCHBOX,)
    preloaded: bool = False
    """Whether a Python that has the modules loaded runs the program, instead of a new one (lab/language_host.py)."""

    def prepare(self) -> None:
        """Make the folders, install the provider plugins and create the stack; what is there already is kept."""
        for name in ("home", "state", "project"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._passphrase_file()
        for plugin in self.plugins:
            self._install(plugin)
        project = self.folder / "project"
        shutil.copyfile(self.project / "Pulumi.yaml", project / "Pulumi.yaml")
        if not self.exists():
            self._run(["stack", "init", self.stack, "--cwd", str(project)])

    def run(self, command: str, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run `preview`, `up`, `refresh` or `destroy`. Raises LabError when it fails and `check` is set."""
        full_command = [*self._stack_command(command), *arguments]
        if not self.preloaded:
            return self._run(full_command, check=check)
        with language_host(self.project, self._environment()) as client:
            return self._run([*full_command, *client], check=check)

    def start(self, command: str) -> "subprocess.Popen[bytes]":
        """Start `up` or another command in a process group of its own, without waiting for it."""
        return subprocess.Popen(
            [str(tool_path("pulumi")), *self._stack_command(command)],
            cwd=self.project,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """Read the stack outputs; secrets stay hidden unless they are asked for."""
        shown = ["--show-secrets"] if show_secrets else []
        result = self._run(["stack", "output", "--json", *shown, "--stack", self.stack])
        outputs: dict[str, Any] = json.loads(result.stdout)
        return outputs

    def export(self) -> list[dict[str, Any]]:
        """Read the resources of the state, in the order in which they were made, with secrets in the clear."""
        result = self._run(["stack", "export", "--show-secrets", "--stack", self.stack])
        resources: list[dict[str, Any]] = json.loads(result.stdout)["deployment"]["resources"]
        return resources

    def read_state(self) -> dict[str, Any]:
        """Read the whole state, as the engine keeps it: secrets are encrypted."""
        state: dict[str, Any] = json.loads(self._run(["stack", "export", "--stack", self.stack]).stdout)
        return state

    def write_state(self, state: dict[str, Any]) -> None:
        """Put a state in the place of the one that is there; the passphrase must be that of its secrets."""
        self._run(["stack", "import", "--stack", self.stack], text=json.dumps(state))

    def encrypt(self, key: str, value: str) -> str:
        """Encrypt a secret of the stack's config; returns what the stack file holds under `secure`."""
        file = self._config_file()
        target = ("--config-file", str(file), "--stack", self.stack)
        self._run(["config", "set", "--secret", key, *target], text=value)
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        secure: str = document["config"][key]["secure"]
        return secure

    def exists(self) -> bool:
        """Tell whether the stack was made in this folder."""
        return any(self.folder.glob(f"state/.pulumi/stacks/**/{self.stack}.json"))

    def recover(self) -> None:
        """Clean up after a run that was killed: a state file cut short, its lock, what it noted as not finished."""
        self.repair_state()
        self._run(["cancel", "--yes", "--stack", self.stack])
        self.run("refresh", "--clear-pending-creates")

    def locked(self) -> bool:
        """Tell whether a run holds the stack, or was killed while it did."""
        return any(self.folder.glob(f"state/.pulumi/locks/**/{self.stack}/*.json"))

    def remove(self) -> None:
        """Forget the stack (after `destroy`)."""
        self._run(["stack", "rm", self.stack, "--yes", "--preserve-config"])

    def variables(self) -> dict[str, str]:
        """Environment variables that make `pulumi` use this folder."""
        return {
            # the provider plugin is installed in the home; on PATH the engine would warn about it in every run
            "PATH": path_with(["pulumi", "pulumi-language-python"]),
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": (self.folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase_file()),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            **self.environment,
        }

    def _stack_command(self, command: str) -> list[str]:
        confirmed = [] if command == "preview" else ["--yes", "--skip-preview"]
        common = ["--non-interactive", "--color=never", "--suppress-permalink=true"]
        return [command, *confirmed, *common, "--config-file", str(self._config_file()), "--stack", self.stack]

    def _environment(self) -> dict[str, str]:
        # the engine stops without these two, which a user that only a container knows may not have
        user = {"USER": str(os.getuid()), "HOME": str(self.folder / "home")}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
        return {**user, **inherited, **self.variables()}

    def _run(self, arguments: list[str], *, check: bool = True, text: str = "") -> "subprocess.CompletedProcess[str]":
        """Run `pulumi` with `text` on its standard input."""
        result = subprocess.run(
            [str(tool_path("pulumi")), *arguments],
            cwd=self.project,
            env=self._environment(),
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and result.returncode:
            sys.stderr.write(result.stdout + result.stderr)
            raise LabError(f"pulumi {' '.join(arguments[:2])} failed, see above")
        return result

    def repair_state(self) -> None:
        """Repair files that the engine was writing when it was killed.

        The engine keeps a backup of the state, one step older. It does not need the `.attrs` files, which hold notes
        about a file's type.
        """
        for file in self.folder.glob(f"state/.pulumi/stacks/**/{self.stack}.json*"):
            if _is_json(file):
                continue
            if file.suffix == ".attrs":
                file.unlink()
            elif file.suffix == ".json":
                shutil.copyfile(file.with_name(f"{file.name}.bak"), file)

    def _passphrase_file(self) -> Path:
        file = self.folder / "passphrase"
        if not file.exists():
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as opened:
                opened.write(secrets.token_urlsafe(24))
        return file

    def _config_file(self) -> Path:
        """Copy the stack file and add the salt that `stack init` left in the folder."""
        file = self.folder / "project" / f"Pulumi.{self.stack}.yaml"
        salt = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("encryptionsalt:")]
        text = self.stack_file.read_text(encoding="utf-8").rstrip("\n")
        file.write_text("\n".join([text, *salt, ""]), encoding="utf-8")
        return file

    def _install(self, plugin: Plugin) -> None:
        installed = self.folder / "home" / "plugins" / f"resource-{plugin.name}-v{plugin.version}"
        if not installed.exists():
            program = str(plugin.program())
            self._run(["plugin", "install", "resource", plugin.name, plugin.version, "--file", program])


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True
