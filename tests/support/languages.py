"""The package in YAML, TypeScript and Go: copies of the examples, and what compilers make of them.

`python -m tests.support.languages` makes what tests keep in the cache beside the tools.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from diaspora_infra.plugin import SCHEMA
from diaspora_infra.version import package_version
from generators.component_examples import Go, TypeScript, examples
from generators.sdks import NODE, RECIPE, generate, node_packages, node_sdk, run
from lab.engine import MATCHBOX, PROJECT, Engine, Plugin
from lab.matchbox import MatchboxServer
from tests.support.examples import EXAMPLES, make_home, snippets
from tools import path_with
from tools.cached import cached
from tools.golang import go_for

HOST = PROJECT / ".venv/bin/pulumi-resource-diaspora-infra"
LANGUAGE_HOSTS = {"yaml": "pulumi-language-yaml", "typescript": "pulumi-language-nodejs", "go": "pulumi-language-go"}
COMPONENTS = {"typescript": "components.ts", "go": "components.go"}
"""The files with the examples of all components, in the folders of the compiled programs."""

_TYPESCRIPT, _GO = EXAMPLES / "typescript", EXAMPLES / "go"
_SDK = "sdks/diaspora-infra"  # where `pulumi package add` puts it

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


def typescript_program() -> Path:
    """A folder with the example in TypeScript, and with those of the components, compiled with the package's SDK."""
    components = TypeScript(json.loads(SCHEMA.read_text(encoding="utf-8"))).program()

    def make(folder: Path) -> None:
        (folder / "node_modules").symlink_to(node_packages() / "node_modules")
        program = folder / "program"
        shutil.copytree(_TYPESCRIPT, program)
        shutil.copytree(node_sdk(), program / "node_modules/diaspora-infra")
        (program / COMPONENTS["typescript"]).write_text(components)
        settings = (program / "tsconfig.json").read_text()
        (program / "tsconfig.json").write_text(
            settings.replace('"index.ts"', f'"index.ts", "{COMPONENTS["typescript"]}"')
        )
        run("tsc", cwd=program)

    return cached("typescript-program", make, *RECIPE, *_sources(_TYPESCRIPT), components) / "program"


def go_program() -> Path:
    """A folder with the example in Go, compiled to `pod`, and with those of the components, which were compiled too."""
    components = Go(json.loads(SCHEMA.read_text(encoding="utf-8"))).program()

    def make(folder: Path) -> None:
        source = folder / "source"
        shutil.copytree(_GO, source)
        generate("go", source / _SDK)
        (source / "components").mkdir()
        (source / "components" / COMPONENTS["go"]).write_text(components)
        go = go_for("examples/go", _GO)
        run(go, "build", "-trimpath", "-ldflags=-s -w", "-o", folder / "pod", ".", cwd=source)
        run(go, "build", "-trimpath", "./components", cwd=source)
        assert run(go.with_name("gofmt"), "-l", "components", cwd=source) == "", "laid out as in other Go programs"
        shutil.copy(source / "components" / COMPONENTS["go"], folder)
        shutil.rmtree(source)

    return cached("go-program", make, *RECIPE, *_sources(_GO), components)


def examples_on_pages(language: str) -> dict[str, str]:
    """The block of code in a language on the page of each component, in the order of the program of all examples."""
    folder = PROJECT / "docs/components"
    pages = {name: folder / f"{name}.md" for name in dict.fromkeys(each.component for each in examples().values())}
    assert set(pages.values()) == set(folder.iterdir())
    found = {name: re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL) for name, page in pages.items()}
    return {name: block for name, (block,) in found.items()}


def _sources(example: Path) -> list[Path]:
    """What an example is made of, without its page."""
    return [file for file in sorted(example.iterdir()) if file.suffix != ".md"]


if __name__ == "__main__":
    typescript_program()
    go_program()
