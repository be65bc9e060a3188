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
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.errors import LabError
from lab.files import is_json, write_whole
from lab.language_host import language_host
from tools import path_with, tool_path
from tools.cache import damaged_file

PROJECT = Path(__file__).resolve().parent.parent
START_OVER = "start over: docs/development.md#start-over"
_META = "version: 1\n"
"""Tells the engine which layout its folder has."""
_SHORTEST_PASSPHRASE = 20
_PROGRAMS = "pulumi-resource-*"


class StateLostError(LabError):
    """What a stack consists of is not known any more; the text names the file."""


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

    def run(
        self, command: str, *arguments: str, check: bool = True, watch: Callable[[str], None] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run `preview`, `up`, `refresh` or `destroy`. Raises LabError when it fails and `check` is set.

        `watch` gets each line of the output as soon as it is there.
        """
        full_command = [*self._stack_command(command), *arguments]
        if not self.preloaded or command in {"refresh", "destroy"}:  # they run no program
            return self._run(full_command, check=check, watch=watch)
        with language_host(self.project, self._environment()) as client:
            return self._run([*full_command, *client], check=check, watch=watch)

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

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the state's file; secrets are encrypted. None before the first run."""
        for file in self.folder.glob(f"state/.pulumi/stacks/**/{self.stack}.json"):
            deployment = json.loads(file.read_text(encoding="utf-8"))["checkpoint"].get("latest") or {}
            return list(deployment.get("resources") or ())
        return []

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

    def recover(self, *arguments: str) -> None:
        """Clean up after a run that was killed: a state file cut short, its lock, what it noted as not finished.

        `arguments` are further ones of the refresh.
        """
        self.repair_state()
        self._run(["cancel", "--yes", "--stack", self.stack])
        self.run("refresh", "--clear-pending-creates", *arguments)

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

    def _run(
        self,
        arguments: list[str],
        *,
        check: bool = True,
        text: str = "",
        watch: Callable[[str], None] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """Run `pulumi` with `text` on its standard input."""
        command = [str(tool_path("pulumi")), *arguments]
        if watch is None:
            result = subprocess.run(
                command,
                cwd=self.project,
                env=self._environment(),
                input=text,
                capture_output=True,
                text=True,
                check=False,
            )
        else:
            result = _watched(command, self.project, self._environment(), watch)
        if check and result.returncode:
            sys.stderr.write(result.stdout + result.stderr)
            raise LabError(f"pulumi {' '.join(arguments[:2])} failed, see above")
        return result

    def repair_state(self) -> list[Path]:
        """Repair files that were being written when the engine was killed, or the disk was full; returns which.

        The engine keeps a backup of the state, one step older, and a copy of each state that a run ended with. The rest
        is not needed: `.attrs` hold notes about a file's type, and a lock that is cut short is nobody's.
        Raises StateLostError where there is no good copy.
        """
        home, state = self.folder / "home", self.folder / "state" / ".pulumi"
        # the state's own files come first: nothing is removed where they are lost
        repaired = [file for file in state.glob(f"stacks/**/{self.stack}.json") if self._repair_checkpoint(file)]
        if self._salt() and not self._has_passphrase():
            raise StateLostError(f"{self.folder / 'passphrase'}: damaged, and the state needs it; {START_OVER}")
        for file in [*home.glob("workspaces/*.json"), *(file for file in state.rglob("*.*") if file.is_file())]:
            if file.suffix in {".json", ".bak", ".attrs"} and not is_json(file):
                file.unlink()
                repaired.append(file)
        meta = state / "meta.yaml"
        if meta.exists() and meta.read_bytes() != _META.encode():
            write_whole(meta, _META)
            repaired.append(meta)
        return repaired

    def _repair_checkpoint(self, file: Path) -> bool:
        """Put the last good copy in the place of a state that cannot be read; returns whether that was necessary."""
        if is_json(file):
            return False
        history = sorted(self.folder.glob(f"state/.pulumi/history/**/{self.stack}-*.checkpoint.json"), reverse=True)
        copies = [copy for copy in (file.with_name(f"{file.name}.bak"), *history) if is_json(copy)]
        if not copies:
            raise StateLostError(f"{file}: damaged, and there is no good copy of it; {START_OVER}")
        write_whole(file, copies[0].read_text(encoding="utf-8"), 0o600)
        return True

    def forget(self) -> None:
        """Remove the state, and what belongs to it; the next `prepare` begins a new one."""
        for name in ("state", "project"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        if not self._has_passphrase():
            (self.folder / "passphrase").unlink(missing_ok=True)

    def _has_passphrase(self) -> bool:
        file = self.folder / "passphrase"
        return file.exists() and len(file.read_bytes()) >= _SHORTEST_PASSPHRASE

    def _passphrase_file(self) -> Path:
        file = self.folder / "passphrase"
        if not file.exists():
            write_whole(file, secrets.token_urlsafe(24), 0o600)
        return file

    def _config_file(self) -> Path:
        """Copy the stack file and add the salt that `stack init` left in the folder."""
        file = self.folder / "project" / f"Pulumi.{self.stack}.yaml"
        old = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        salt = self._salt() or [line for line in old if line.startswith("encryptionsalt:")]
        text = self.stack_file.read_text(encoding="utf-8").rstrip("\n")
        write_whole(file, "\n".join([text, *salt, ""]))
        return file

    def _salt(self) -> list[str]:
        """The line with the salt of the state, once there is one: the file may have been cut short."""
        for file in self.folder.glob(f"state/.pulumi/stacks/**/{self.stack}.json"):
            try:
                providers = json.loads(file.read_bytes())["checkpoint"]["latest"]["secrets_providers"]
                return [f"encryptionsalt: {providers['state']['salt']}"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return []

    def _install(self, plugin: Plugin) -> None:
        installed = self.folder / "home" / "plugins" / f"resource-{plugin.name}-v{plugin.version}"
        if installed.exists() and damaged_file(installed, _PROGRAMS):
            print(f"{installed}: damaged; installing the plugin again", flush=True)
            shutil.rmtree(installed)
        if not installed.exists():
            program = str(plugin.program())
            self._run(["plugin", "install", "resource", plugin.name, plugin.version, "--file", program])
            damaged_file(installed, _PROGRAMS)  # it writes the hashes


def _watched(
    command: list[str], folder: Path, environment: Mapping[str, str], watch: Callable[[str], None]
) -> "subprocess.CompletedProcess[str]":
    """Run a command, and hand over each line of its output as soon as it is there."""
    lines = []
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                lines.append(line)
                watch(line)
            process.wait()
        except BaseException:  # an interrupt too
            process.kill()
            raise
        errors.seek(0)
        return subprocess.CompletedProcess(command, process.returncode, "".join(lines), errors.read())
