"""A whole pod on AWS from a program in YAML, in a simulated account."""

import json
import os
from pathlib import Path

import yaml

from diaspora_infra.version import package_version
from lab.aws.account import Account
from lab.engine import Engine, Plugin
from tests.support.configs import aws_config
from tests.support.golden import Golden
from tests.support.language_table import check_table
from tests.support.languages import HOST
from tools import path_with

PASSWORD = "correct-horse-battery-staple"


def path() -> str:
    """PATH with the language host, which the engine takes from there, and without a plugin that asks AWS itself."""
    folders = path_with(["pulumi", "pulumi-language-yaml"]).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not Path(folder, "pulumi-resource-aws").exists())


def test_a_pod_in_yaml_is_previewed(account: Account, tmp_path: Path, golden: Golden) -> None:
    """Only a preview, which asks for all resources: bringing it up takes a minute and a half."""
    account.client("route53", "eu-west-1").create_hosted_zone(Name="pod.example.org", CallerReference="podmin")
    tables = {key: table for key, table in aws_config().items() if key in {"pod", "host", "aws"}}
    tables["aws"]["region"] = "eu-west-1"
    tables["pod"]["registry"] = {"server": "registry.example.org", "username": "pod"}
    pod = {**tables, "secrets": {"registryPassword": {"fn::secret": PASSWORD}}}
    program = tmp_path / "program"
    program.mkdir()
    document = {
        "name": "pod-on-aws",
        "runtime": "yaml",
        "resources": {"pod": {"type": "diaspora-infra:AwsPod", "properties": pod}},
    }
    (program / "Pulumi.yaml").write_text(yaml.safe_dump(document))
    (tmp_path / "stack.yaml").write_text("config: {'aws:region': eu-west-1}\n")
    plugins = (account.plugin(), Plugin("diaspora-infra", package_version(), lambda: HOST))
    variables = {**account.variables(), "PATH": path(), "PULUMI_IGNORE_AMBIENT_PLUGINS": "false"}
    engine = Engine(tmp_path / "lab", "test", tmp_path / "stack.yaml", program, variables, plugins)
    engine.folder.mkdir()
    engine.prepare()
    shown = engine.run("preview", "--json").stdout
    preview = json.loads(shown)
    assert preview["changeSummary"]["create"] > 110
    assert PASSWORD not in shown
    made = [step["newState"] for step in preview["steps"]]
    assert any("registryPassword" in each["urn"] for each in made)
    check_table(golden, "YAML", "preview", made)
