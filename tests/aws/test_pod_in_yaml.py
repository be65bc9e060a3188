"""A whole pod on AWS from a program in YAML, in a simulated account."""

import json
import os
import re
from pathlib import Path

import yaml

from diaspora_infra.version import package_version
from lab.aws.account import Account
from lab.engine import Engine, Plugin
from tests.support.golden import Golden
from tests.support.language_table import PAGE, check_table
from tests.support.languages import HOST
from tools import path_with

PASSWORD = "correct-horse-battery-staple"


def path() -> str:
    """PATH with the language host, which the engine takes from there, and without a plugin that asks AWS itself."""
    folders = path_with(["pulumi", "pulumi-language-yaml"]).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not Path(folder, "pulumi-resource-aws").exists())


def test_the_pod_of_the_page_is_previewed(account: Account, tmp_path: Path, golden: Golden) -> None:
    """A preview asks for all resources. `make bench` brings the pod up too, which takes minutes."""
    account.client("route53", "eu-west-1").create_hosted_zone(Name="example.org", CallerReference="podmin")
    (text,) = re.findall(r"```yaml\n(name: .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    program = tmp_path / "program"
    program.mkdir()
    (program / "Pulumi.yaml").write_text(text)
    (tmp_path / "stack.yaml").write_text("config: {'aws:region': eu-west-1}\n")
    plugins = (account.plugin(), Plugin("diaspora-infra", package_version(), lambda: HOST))
    variables = {**account.variables(), "PATH": path(), "PULUMI_IGNORE_AMBIENT_PLUGINS": "false"}
    engine = Engine(tmp_path / "lab", "test", tmp_path / "stack.yaml", program, variables, plugins)
    engine.folder.mkdir()
    engine.prepare()
    secure = engine.encrypt("pod-on-aws:registryPassword", PASSWORD)
    config = {"aws:region": "eu-west-1", "pod-on-aws:registryPassword": {"secure": secure}}
    (tmp_path / "stack.yaml").write_text(yaml.safe_dump({"config": config}))
    shown = engine.run("preview", "--json").stdout
    preview = json.loads(shown)
    assert preview["changeSummary"]["create"] > 110
    assert PASSWORD not in shown
    made = [step["newState"] for step in preview["steps"]]
    assert any("registryPassword" in each["urn"] for each in made)
    check_table(golden, "YAML", "preview", made)
    if "WHOLE_POD" in os.environ:
        shown = engine.run("up", "--diff").stdout
        assert f"+ {preview['changeSummary']['create']} created" in shown
        engine.run("preview", "--expect-no-changes")
        assert PASSWORD not in shown + json.dumps(engine.read_state())
