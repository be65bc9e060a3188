"""The package in programs in YAML, TypeScript and Go: real engines, real language hosts, a real matchbox."""

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from diaspora_infra.pxe.served import meaning
from diaspora_infra.version import package_version
from lab.engine import PROJECT
from lab.matchbox import MatchboxServer, free_ports
from tests.support.examples import EXAMPLES, get
from tests.support.golden import Golden
from tests.support.language_table import PAGE, check_table
from tests.support.languages import COMPONENTS, HOST, Program, examples_on_pages, go_program, typescript_program

pytestmark = pytest.mark.xdist_group("languages")  # one worker: one matchbox, and compilers do not wait for each other

MAC = "52:54:00:a1:9c:01"
PASSWORD = "correct-horse-battery-staple"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MatchboxServer]:
    """A matchbox for all programs; each begins with an empty one."""
    server = MatchboxServer(tmp_path_factory.mktemp("languages") / "lab", *free_ports(2))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def start(language: str, folder: Path, server: MatchboxServer, package: Path = HOST) -> Program:
    """A program of an example with its values and its secret, which its stack has not brought up yet."""
    server.remove_data()
    program = Program(folder / language, server, language, {"domain": "pod.example.org"}, package)
    program.set_secret("smtpPassword", PASSWORD)
    return program


def served(server: MatchboxServer) -> str:
    """What the config means that the machine gets."""
    return json.dumps(meaning(get(f"{server.http_url}/ignition?mac={MAC}")))


def test_the_page_shows_the_examples() -> None:
    """Its other snippets: tests/aws/test_pod_in_yaml.py."""
    page = PAGE.read_text(encoding="utf-8")
    shown = {
        "python": "own-program/__main__.py",
        "typescript": "typescript/index.ts",
        "go": "go/main.go",
        "yaml": "yaml/Pulumi.yaml",
    }
    for language, file in shown.items():
        block = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[0]
        assert block in (EXAMPLES / file).read_text(encoding="utf-8")


def test_the_examples_of_all_components_compile() -> None:
    """In YAML: tests/aws/test_pod_in_yaml.py; in Python: tests/typing and tests/aws/test_component_examples.py."""
    compiled = (typescript_program() / COMPONENTS["typescript"]).read_text()
    for name, block in examples_on_pages("typescript").items():
        head, _, example = block.partition("\n\n")
        assert head == 'import * as infra from "diaspora-infra";'
        assert example in compiled, name
    compiled = (go_program() / COMPONENTS["go"]).read_text()
    for name, block in examples_on_pages("go").items():
        assert textwrap.indent(block, "\t") in compiled, name


def comes_up(program: Program) -> None:
    """The page's commands make nothing; a machine gets its secret, which is nowhere else; then nothing changes."""
    preview = program.follow_page(PASSWORD)
    assert f"+ {5 if program.language == 'yaml' else 6} to create" in preview, "a provider of its own is one more"
    assert PASSWORD not in preview
    assert not list(program.server.data.glob("profiles/*"))
    result = program.good("up", "--diff")
    text = served(program.server)
    assert "pod.example.org" in text
    assert PASSWORD in text
    found = {each["type"]: each for each in program.engine.resources()}
    assert PASSWORD not in result.stdout + result.stderr + json.dumps(found)
    assert "ciphertext" in found["matchbox:index/profile:Profile"]["inputs"]["rawIgnition"]
    assert found["pulumi:pulumi:Stack"]["outputs"]["ipxe"] == f"{program.server.http_url}/ipxe?mac={MAC}"
    assert "unchanged" in program.good("up", "--expect-no-changes").stdout


def refuses(program: Program, message: str) -> str:
    """A preview fails, with the place of the mistake; returns what it shows."""
    result = program.run("preview")
    assert result.returncode != 0
    shown = " ".join((result.stdout + result.stderr).split())
    assert message in shown
    return shown


WRONG_DOMAIN = (
    "diaspora-infra:index:Ignition resource 'pod' has a problem: the inputs cannot be used: "
    "- property inputs.pod.domain has a problem: 'x' is not valid; allowed: a domain name"
)


SERVER = """resources:
  server:
    type: diaspora-infra:ProvisioningServer
    properties:
      host:
        users:
          - name: core
            sshAuthorizedKeys:
              - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPyvPaZYYgjxX2iI0ZNkUhRNBQvEYTB+rTcdfEAyLSZp podmin@example.org
      provisioning:
        httpUrl: http://192.168.77.5:8080
        dhcp: {network: 192.168.77.0/24}
"""


def test_a_program_in_yaml(server: MatchboxServer, tmp_path: Path, golden: Golden) -> None:
    program = start("yaml", tmp_path, server)
    program.engine._run(["package", "add", f"diaspora-infra@{package_version()}"])
    assert "\npackages:\n" in (program.project / "Pulumi.yaml").read_text()
    comes_up(program)
    before = {file.name for file in server.data.glob("profiles/*")}
    program.values["domain"] = "other.example.org"
    program.replace("resources:\n", SERVER)
    changed = program.good("up").stdout
    assert "+-2 replaced" in changed, "new ones come before the old ones go"
    assert "other.example.org" in served(server)
    assert len({file.name for file in server.data.glob("profiles/*")} - before) == 1
    check_table(golden, "YAML", "up", program.engine.resources())

    program.values["domain"] = "x"
    refuses(program, WRONG_DOMAIN)
    program.good("destroy")
    assert not list(server.data.glob("profiles/*"))


def test_a_program_in_typescript(server: MatchboxServer, tmp_path: Path, golden: Golden) -> None:
    program = start("typescript", tmp_path, server)
    comes_up(program)
    check_table(golden, "TypeScript", "up", program.engine.resources())
    resources = {each["urn"].rpartition("$")[2]: each for each in program.engine.resources()}
    for kind in ("profile:Profile", "group:Group"):
        provider = resources[f"matchbox:index/{kind}::pod"]["provider"]
        assert "::pulumi:providers:matchbox::matchbox::" in provider, "the one of the component's options"

    # a key that the compiler would refuse; what a user may have meant as a password is shown nowhere
    program.replace("admin: {", "admin: { passwort: 'a-secret-in-a-wrong-place', ")
    program.values["domain"] = "x"
    shown = refuses(program, "property inputs.pod.admin.passwort has a problem: unknown key; allowed: email, username")
    assert WRONG_DOMAIN.partition(" - ")[2] in shown
    assert "wrong-place" not in shown


UNKNOWN = """const other = new pulumi.CustomResource("matchbox:index/profile:Profile", "other",
    { name: "other", kernel: "/vmlinuz" }, { provider: matchbox });
const machine"""
OPTIONS = """{ providers: { matchbox }, protect: true, dependsOn: [machine],
    transforms: [args => args.props.args ? { props: { ...args.props, args: ["word"] }, opts: args.opts } : undefined] }
"""


def test_options_and_a_value_that_is_not_known_in_a_preview(server: MatchboxServer, tmp_path: Path) -> None:
    """The value is inside a table: what follows from it is not known either. Options reach what a component makes."""
    program = start("typescript", tmp_path, server)
    program.replace("const machine", UNKNOWN)
    program.replace('config.require("domain")', "other.id.apply(id => `${id}.example.org`)")
    program.replace("{ providers: { matchbox } }", OPTIONS)
    preview = " ".join(program.good("preview", "--diff").stdout.split())
    assert "name : [unknown] rawIgnition: [unknown]" in preview
    assert "installed: [unknown]" in preview
    program.good("up")
    assert "other.example.org" in served(server)
    assert get(f"{server.http_url}/ipxe?mac={MAC}").splitlines()[1].endswith(" word"), "transformed"
    found = {each["type"]: each for each in program.engine.resources() if not each["urn"].endswith("::other")}
    for kind in ("matchbox:index/profile:Profile", "matchbox:index/group:Group", "diaspora-infra:index:PxePod"):
        assert found[kind].get("protect"), kind
    pod = found["diaspora-infra:index:PxePod"]
    assert found["diaspora-infra:index:Ignition"]["urn"] in pod["dependencies"]


def test_a_program_in_go(server: MatchboxServer, tmp_path: Path, golden: Golden) -> None:
    """Its engine starts the plugin from the folder plugin/, as one that has added the folder."""
    folder = tmp_path / "pulumi-resource-diaspora-infra"
    folder.write_text(f'#!/bin/sh\nexec {HOST.with_name("python")} {PROJECT / "plugin"} "$@"\n')
    folder.chmod(0o755)
    program = start("go", tmp_path, server, folder)
    comes_up(program)
    check_table(golden, "Go", "up", program.engine.resources())
