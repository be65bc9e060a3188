"""A whole pod on AWS from a program in YAML, in a simulated account."""

import json
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


def test_a_pod_in_yaml_is_previewed_like_one_of_a_stack_file(account: Account, tmp_path: Path, golden: Golden) -> None:
    """Only a preview, which asks for all resources: the benchmarks bring such a pod up."""
    account.client("route53", "eu-west-1").create_hosted_zone(Name="pod.example.org", CallerReference="podmin")
    tables = {key: table for key, table in aws_config().items() if key in {"pod", "host", "aws"}}
    tables["aws"]["region"] = "eu-west-1"
    program = tmp_path / "program"
    program.mkdir()
    document = {
        "name": "pod-on-aws",
        "runtime": "yaml",
        "resources": {"pod": {"type": "diaspora-infra:AwsPod", "properties": tables}},
        "outputs": {"url": "${pod.url}", "cost": "${pod.monthlyCost}"},
    }
    (program / "Pulumi.yaml").write_text(yaml.safe_dump(document))
    (tmp_path / "stack.yaml").write_text("config: {'aws:region': eu-west-1}\n")
    plugins = (account.plugin(), Plugin("diaspora-infra", package_version(), lambda: HOST))
    variables = {**account.variables(), "PATH": path_with(["pulumi", "pulumi-language-yaml"])}
    engine = Engine(tmp_path / "lab", "test", tmp_path / "stack.yaml", program, variables, plugins)
    engine.folder.mkdir()
    engine.prepare()
    preview = json.loads(engine.run("preview", "--json").stdout)
    print(preview.keys(), len(preview["steps"]))
    made = [step["newState"] for step in preview["steps"]]
    check_table(golden, "YAML", "preview", made)
