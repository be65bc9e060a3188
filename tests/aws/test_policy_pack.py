"""The policy pack with the real engine, on a program that breaks each rule once; the account stays empty.

That the stacks of the project keep the rules is shown by `make up` and `make up-aws`, which ask the pack
(tests/engine/test_make_up.py, test_make_up_aws.py).
"""

import json
from collections.abc import Iterator, Mapping

import pytest

from diaspora_infra.policy.rules import RULES, STACK_RULES
from diaspora_infra.preview.events import Run, read_run, split_urn
from lab.aws.account import Account
from lab.engine import MATCHBOX, PROJECT, Engine
from lab.matchbox import MatchboxServer, free_ports
from lab.report import POLICIES
from tests.support.aws_stack import REGION, program

pytestmark = pytest.mark.system

CANARY = "canary-in-a-secret"
PROGRAM = f"""
import json
import os
import pathlib

import pulumi
import pulumi_aws as aws
import pulumiverse_matchbox as matchbox

star = json.dumps({{"Statement": [{{"Effect": "Allow", "Action": "*", "Resource": "*", "Sid": "{CANARY}"}}]}})
aws.ebs.Volume("disk", availability_zone="{REGION}a", size=1, encrypted=False)
aws.rds.Instance(
    "database", engine="postgres", instance_class="db.t4g.micro", allocated_storage=20, skip_final_snapshot=True,
    username="podmin", password=pulumi.Output.secret("{CANARY}"), storage_encrypted=True, backup_retention_period=7,
    tags={{"Pod": "pod"}}, opts=pulumi.ResourceOptions(protect=True),
)
aws.vpc.SecurityGroupIngressRule(
    "ssh", security_group_id="sg-1", ip_protocol="tcp", from_port=22, to_port=22, cidr_ipv4="0.0.0.0/0"
)
aws.ec2.Instance(
    "machine", ami="ami-1", instance_type="x2iedn.32xlarge", tags={{"Pod": "pod"}},
    root_block_device={{"encrypted": True}},
)
aws.iam.RolePolicy("star", role="role", policy=pulumi.Output.secret(star))
bucket = aws.s3.Bucket("bucket", tags={{"Pod": "pod"}}, opts=pulumi.ResourceOptions(protect=True))
closed = aws.s3.Bucket("closed", tags={{"Pod": "pod"}}, opts=pulumi.ResourceOptions(protect=True))
aws.s3.BucketPublicAccessBlock(
    "closed", bucket=closed.id, block_public_acls=True, block_public_policy=True, ignore_public_acls=True,
    restrict_public_buckets=True,
)
address = aws.ec2.Eip("address", tags={{"Pod": "pod"}})
aws.vpc.SecurityGroupIngressRule(
    "unknown", security_group_id="sg-1", ip_protocol="tcp", from_port=22, to_port=22,
    cidr_ipv4=address.public_ip.apply(lambda ip: f"{{ip}}/32"),
)
files = (os.environ[f"MATCHBOX_{{name}}"] for name in ("CA", "CERTIFICATE", "KEY"))
ca, certificate, key = (pathlib.Path(file).read_text() for file in files)
server = matchbox.Provider(
    "server", endpoint=os.environ["MATCHBOX_ENDPOINT"], ca=ca, client_cert=certificate, client_key=key
)
matchbox.Profile(
    "profile", name="profile", kernel="http://192.0.2.1/kernel",
    args=["coreos.inst.install_dev=/dev/sda", "coreos.inst.ignition_url=http://93.184.216.34/ignition?{CANARY}"],
    opts=pulumi.ResourceOptions(provider=server),
)
matchbox.Group(
    "group", name="group", profile="profile", selector={{"mac": "52:54:00:00:00:01"}},
    opts=pulumi.ResourceOptions(provider=server),
)
"""
EXPECTED = {
    ("bill", "machine"),
    ("buckets-closed", "bucket"),
    ("config-from-lan", "profile"),
    ("data-protected", "disk"),
    ("database-recoverable", "database"),
    ("encrypted", "disk"),
    ("installs-always", "profile"),
    ("judged-in-preview", "unknown"),
    ("metadata-tokens", "machine"),
    ("no-public-ingress", "ssh"),
    ("no-star", "star"),
    ("tagged", "disk"),
}


@pytest.fixture(scope="module")
def engine(account_server: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine for the program, an account and a matchbox; previews leave all as it is."""
    folder = tmp_path_factory.mktemp("policy")
    server = MatchboxServer(folder / "server", *free_ports(2))
    server.start()
    names = {"ENDPOINT": server.rpc_endpoint, "CA": server.pki.ca}
    names |= {"CERTIFICATE": server.pki.certificate("client"), "KEY": server.pki.key("client")}
    file = folder / "stack.yaml"
    file.write_text(f"config: {{'aws:region': {REGION}}}\n")
    environment = {
        **account_server.variables(),
        **{f"MATCHBOX_{name}": str(value) for name, value in names.items()},
        "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true",
    }
    project, plugins = program(folder, "planted", PROGRAM), (account_server.plugin(), MATCHBOX)
    made = Engine(folder / "lab", "test", file, project, environment, plugins, preloaded=True)
    made.prepare()
    try:
        yield made
    finally:
        server.stop()


def preview(engine: Engine, config: Mapping[str, object] | None = None) -> tuple[int, str, Run]:
    """Preview with the pack; returns the exit code, all that is printed, and what it says."""
    arguments = [*POLICIES]
    if config is not None:
        file = engine.folder / "policies.json"
        file.write_text(json.dumps(config))
        arguments.append(f"--policy-pack-config={file}")
    result = engine.run("preview", "--json", *arguments, check=False)
    return result.returncode, result.stdout + result.stderr, read_run(result.stdout)


def found(run: Run) -> set[tuple[str, str]]:
    """The rule and the resource of each violation."""
    return {(each.policy, split_urn(each.urn)[1]) for each in run.violations}


def test_each_rule_finds_its_violation_and_tells_no_value(engine: Engine) -> None:
    # the engine stops at the first resource that a mandatory rule refuses
    code, printed, run = preview(engine, {"all": "advisory"})
    assert code == 0, run.diagnostics
    assert found(run) == EXPECTED
    assert {name for name, _ in EXPECTED} - {"judged-in-preview"} == {rule.name for rule in (*RULES, *STACK_RULES)}
    (unknown,) = [each.message for each in run.violations if each.policy == "judged-in-preview"]
    assert "no-public-ingress could not be judged in the preview: cidrIpv4 is unknown; `pulumi up` judges it" in unknown
    for each in run.violations:
        assert not any(value in each.message for value in (CANARY, "0.0.0.0", "93.184", "x2iedn")), each.message
    assert "can't run policy" not in printed, "a rule on the stack touched what is unknown"


def test_what_a_mandatory_rule_finds_stops_the_preview(engine: Engine) -> None:
    code, _, run = preview(engine)
    assert (code, run.verdict) == (255, "failed")
    assert found(run) <= EXPECTED
    assert ("data-protected", "disk") in found(run)
    levels = {rule.name: rule.level == "mandatory" for rule in (*RULES, *STACK_RULES)}
    assert all(each.mandatory == levels.get(each.policy, False) for each in run.violations)


def test_levels_and_settings_are_those_of_the_config(engine: Engine) -> None:
    bill = {"enforcementLevel": "mandatory", "instanceTypes": ["x2iedn.*"], "databaseInstances": 0}
    code, _, run = preview(engine, {"all": "disabled", "bill": bill})
    assert (code, found(run)) == (255, {("bill", "planted-test")})
    assert run.violations[0].mandatory


def test_pack_is_where_the_lab_looks_for_it() -> None:
    assert (f"--policy-pack={PROJECT / 'policy'}",) == POLICIES
    assert (PROJECT / "policy/PulumiPolicy.yaml").is_file()
