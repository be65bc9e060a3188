"""A whole pod on AWS from a program in YAML, and the examples of all components, in a simulated account."""

import json
import os
import re
from pathlib import Path

import yaml

from diaspora_infra.version import package_version
from generators.component_examples import PROGRAM
from lab.aws.account import Account
from lab.engine import MATCHBOX, Engine, Plugin
from lab.matchbox import MatchboxServer
from tests.support.golden import Golden
from tests.support.language_table import PAGE, check_table
from tests.support.languages import HOST, examples_on_pages
from tools import path_with

PASSWORD = "correct-horse-battery-staple"


def path() -> str:
    """PATH with the language host, which the engine takes from there, and without a plugin that asks AWS itself."""
    folders = path_with(["pulumi", "pulumi-language-yaml"]).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not Path(folder, "pulumi-resource-aws").exists())


def with_the_examples(page: str) -> str:
    """The page's program with all examples; the AwsPod of the examples gets another name than that of the page."""
    program = yaml.safe_load(page)
    components = yaml.safe_load(PROGRAM.read_text(encoding="utf-8"))["resources"]
    program["resources"] |= {"example" if name == "pod" else name: each for name, each in components.items()}
    return yaml.safe_dump(program, sort_keys=False)


def test_the_pod_of_the_page_and_the_examples_of_all_components_are_previewed(
    account: Account, matchbox_server: MatchboxServer, tmp_path: Path, golden: Golden
) -> None:
    """A preview asks for all resources. `make bench` brings the page's pod up too, which takes minutes."""
    account.client("route53", "eu-west-1").create_hosted_zone(Name="example.org", CallerReference="podmin")
    (page,) = re.findall(r"```yaml\n(name: .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    program = tmp_path / "program"
    program.mkdir()
    (program / "Pulumi.yaml").write_text(with_the_examples(page))
    (tmp_path / "stack.yaml").write_text("config: {'aws:region': eu-west-1}\n")
    plugins = (account.plugin(), MATCHBOX, Plugin("diaspora-infra", package_version(), lambda: HOST))
    variables = {**account.variables(), "PATH": path(), "PULUMI_IGNORE_AMBIENT_PLUGINS": "false"}
    engine = Engine(tmp_path / "engine", "test", tmp_path / "stack.yaml", program, variables, plugins)
    engine.folder.mkdir()
    engine.prepare()
    secure = engine.encrypt("pod-on-aws:registryPassword", PASSWORD)
    pki = matchbox_server.pki
    config = {
        "aws:region": "eu-west-1",
        "pod-on-aws:registryPassword": {"secure": secure},
        "matchbox:endpoint": matchbox_server.rpc_endpoint,
        "matchbox:ca": pki.ca.read_text(),
        "matchbox:clientCert": pki.certificate("client").read_text(),
        "matchbox:clientKey": pki.key("client").read_text(),
    }
    (tmp_path / "stack.yaml").write_text(yaml.safe_dump({"config": config}))
    shown = engine.run("preview", "--json").stdout
    assert PASSWORD not in shown
    made = [step["newState"] for step in json.loads(shown)["steps"]]
    assert any("registryPassword" in each["urn"] for each in made)
    check_table(golden, "YAML", "preview", made)
    if "WHOLE_POD" in os.environ:
        (program / "Pulumi.yaml").write_text(page)
        planned = json.loads(engine.run("preview", "--json").stdout)["changeSummary"]["create"]
        shown = engine.run("up", "--diff").stdout
        assert f"+ {planned} created" in shown
        engine.run("preview", "--expect-no-changes")
        assert PASSWORD not in shown + json.dumps(engine.read_state())


def test_the_pages_show_the_examples() -> None:
    examples = yaml.safe_load(PROGRAM.read_text(encoding="utf-8"))["resources"]
    shown = [yaml.safe_load(block)["resources"] for block in examples_on_pages("yaml").values()]
    assert {name: each for page in shown for name, each in page.items()} == examples
