"""Following the examples as a reader would: a separate checkout, a home with certificates, a matchbox."""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from lab.engine import PROJECT
from lab.matchbox import MatchboxServer
from tests.support.bytecode import kept_bytecode
from tools import path_with, tool_names
from tools.cache import cache_root

EXAMPLES = PROJECT / "examples"

# what a checkout must have to make its environment and to run the stack program
_NEEDED = (
    "LICENSE", "Pulumi.yaml", "README.md", "__main__.py", "butane-py", "containers", "diaspora_infra",
    "examples", "policy", "pyproject.toml", "templates", "tools", "uv.lock",
)  # fmt: skip

Result = subprocess.CompletedProcess[str]


def snippets(page: Path) -> str:
    """All `sh` blocks of a page, as one script."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))


def get(url: str) -> str:
    """Fetch an address, which must answer 200."""
    with urllib.request.urlopen(url, timeout=10) as response:
        text: str = response.read().decode()
        return text


def make_home(folder: Path, server: MatchboxServer) -> Path:
    """Make a home folder with the certificates of a matchbox server."""
    certificates = folder / ".matchbox"
    certificates.mkdir(parents=True)
    for file in (server.pki.ca, server.pki.certificate("client"), server.pki.key("client")):
        shutil.copy(file, certificates)
    return folder


def copy_example(source: Path, target: Path, server: MatchboxServer) -> None:
    """Copy an example and replace its addresses by those of a real matchbox server."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
    for file in target.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8").replace("http://matchbox.lan:8080", server.http_url)
        file.write_text(text.replace("matchbox.lan:8081", server.rpc_endpoint), encoding="utf-8")


def make_constraints(file: Path) -> Path:
    """Write the versions of this environment, so that pip installs no others."""
    file.write_text(_installed(), encoding="utf-8")
    return file


@cache
def _installed() -> str:
    command = [sys.executable, "-m", "pip", "freeze", "--exclude-editable"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@dataclass(frozen=True)
class Reader:
    """A reader with a checkout, who runs commands in it."""

    folder: Path
    server: MatchboxServer
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def assets(self) -> Path:
        return self.server.data / "assets"

    def prepare(self) -> None:
        """Make the checkout, the home and the surroundings of the commands."""
        self.checkout.mkdir()
        for name in _NEEDED:
            if (PROJECT / name).is_file():
                shutil.copy(PROJECT / name, self.checkout / name)
            elif name != "examples":
                shutil.copytree(PROJECT / name, self.checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        copy_example(EXAMPLES, self.checkout / "examples", self.server)
        make_home(self.folder / "home", self.server)
        make_constraints(self.folder / "constraints.txt")
        for name in ("bin", "pulumi", "state"):
            (self.folder / name).mkdir()

    def stand_in(self, program: str, script: str) -> None:
        """Replace a program by a shell script."""
        file = self.folder / "bin" / program
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)

    def environment(self) -> dict[str, str]:
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "GITHUB_", "RUNNER_"))
        }
        return {
            **{key: value for key, value in inherited.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH"}},
            "PATH": f"{self.folder / 'bin'}:{inherited['PATH']}",
            "HOME": str(self.folder / "home"),
            "DIASPORA_INFRA_CACHE": str(cache_root()),
            "MATCHBOX_ASSETS": str(self.assets),
            "PIP_CONSTRAINT": str(self.folder / "constraints.txt"),
            # Python compiles what it imports; all packages together take long. 0 is right: it is the value of --compile
            "PIP_NO_COMPILE": "0",
            "PULUMI_HOME": str(self.folder / "pulumi"),
            "PULUMI_BACKEND_URL": (self.folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "a passphrase of the tests",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            **kept_bytecode(self.checkout),
            **self.variables,
        }

    def follow(self, *pages: str) -> Result:
        """Run the commands of pages below examples/ in one shell; all must succeed."""
        return self.run("\n".join(snippets(EXAMPLES / page) for page in pages))

    def run(self, script: str) -> Result:
        """Run a script in the checkout; it must succeed."""
        result = self.shell(script, self.checkout, {})
        assert result.returncode == 0, result.stdout + result.stderr
        return result

    def shell(self, script: str, folder: Path, more: Mapping[str, str], *options: str) -> Result:
        """Run a script; the caller checks the result."""
        return subprocess.run(
            ["bash", "--noprofile", "--norc", *(options or ("-euo", "pipefail")), "-c", script],
            cwd=folder,
            env={**self.environment(), **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def path_with_tools() -> str:
    """PATH with what `uses` steps of a workflow install: Python and the programs of `make up`."""
    return f"{Path(sys.executable).parent}:{path_with(tool_names('up'))}"
