"""Arguments of the components on Pulumi's mocks: outputs in them, and how a wrong one is reported."""

import json
import re
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from diaspora_infra.aws import (
    ArgumentError,
    AwsPod,
    Certificate,
    Database,
    Dns,
    HttpApi,
    Mail,
    Network,
    Parameters,
    SecurityGroups,
    Uploads,
)
from diaspora_infra.aws.stack import stack_outputs
from lab.aws.bridge.values import plain
from lab.engine import PROJECT
from tests.aws.every_component import program
from tests.aws.mock_account import MockAccount
from tests.aws.rules import problems
from tests.aws.stacks import asked, machine
from tests.support import configs
from tests.support.mocked import Runner

WRONG: Any = "Wrong"
"""A word that no enumeration has, as an untyped program may give it."""


def pod(secrets: dict[str, pulumi.Input[str]] | None = None, **changes: Any) -> AwsPod:
    values = configs.aws_config(**{"region": "eu-west-1", **changes})
    return AwsPod("one", {"pod": values["pod"], "host": values["host"], "aws": values["aws"], "secrets": secrets or {}})


def inputs(account: MockAccount, token: str, name: str) -> dict[str, Any]:
    (found,) = [each.inputs for each in account.made if each.token == token and each.name == name]
    return found


def said(error: BaseException) -> str:
    """An error, without the words that the mocks put around the answer of AWS."""
    return re.sub(r"\(invoke of \S+ failed: (.*) \(\)\)", r"(\1)", str(error))


# outputs


def test_outputs_of_components_are_arguments_of_others(run: Runner) -> None:
    account = MockAccount()
    records = run(account, program)
    assert records == [{"name": "_a.pod.example.org", "type": "CNAME", "values": ["_b.acm-validations.aws."]}], (
        "a person sets the record of the certificate without a zone"
    )
    # the engine gets them in any order
    assert {each.inputs["cidrBlock"] for each in account.of("Subnet")} == {f"10.1.{number}.0/24" for number in range(4)}
    assert len(account.of("Subnet")) == 4
    private = ["subnet-own-private-b", "subnet-own-private-c"]
    assert account.of("VpcLink")[0].inputs["subnetIds"] == private
    assert account.of("SubnetGroup")[0].inputs["subnetIds"] == private
    cluster = account.of("Cluster")[0].inputs
    assert cluster["vpcSecurityGroupIds"] == ["securitygroup-own-database"]
    assert cluster["serverlessv2ScalingConfiguration"]["maxCapacity"] == 2
    assert inputs(account, "aws:ec2/instance:Instance", "own-machine")["vpcSecurityGroupIds"] == [
        "securitygroup-own-machine"
    ]
    policy = inputs(account, "aws:iam/rolePolicy:RolePolicy", "own-machine")["policy"]
    assert [statement["Sid"] for statement in json.loads(policy)["Statement"]] == [
        "ListUploads",
        "ReadAndWriteUploads",
        "ListBackups",
        "ReadAndWriteBackups",
        "ListParameters",
        "ReadParameters",
        "DecryptParameters",
        "ReadOffer",
        "ReadBundles",
        "TellBundle",
        "AskForImages",
        "LookAtBuilds",
        "LogIn",
        "PullImages",
        "OwnConfig",
    ]
    assert account.of("Volume")[0].inputs["tags"] == {
        "Pod": "pod.example.org",
        "Name": "own data",
        "DailySnapshot": "pod.example.org",
    }
    assert account.of("Stage")[0].inputs["defaultRouteSettings"] == {
        "throttlingRateLimit": 7,
        "throttlingBurstLimit": 14,
    }
    assert account.of("Budget")[1].inputs["limitAmount"] == "20"
    names = {each.inputs["name"] for each in account.of("Parameter")}
    assert "/diaspora/pod.example.org/databaseHost" in names
    assert "/diaspora/pod.example.org/databasePassword" in names


def test_whole_numbers_of_other_languages_become_text_without_a_point(run: Runner) -> None:
    account = MockAccount()
    run(
        account,
        lambda: (
            HttpApi(
                "one",
                {
                    "domain": "pod.example.org",
                    "certificate_arn": "arn",
                    "subnet_ids": ["a", "b"],
                    "security_group_id": "sg-1",
                    "address": "10.0.0.1",
                    "port": 8080.0,  # type: ignore[typeddict-item]
                },
            )
            and None
        ),
    )
    attributes = next(each for each in account.of("Instance") if "servicediscovery" in each.token).inputs["attributes"]
    assert attributes["AWS_INSTANCE_PORT"] == "8080"


@pytest.mark.parametrize("issued", [True, False, None])
def test_a_certificate_that_is_known_to_be_issued_or_not(run: Runner, issued: bool | None) -> None:
    account = MockAccount()
    records = run(
        account,
        lambda: (
            HttpApi(
                "one",
                {
                    "domain": "pod.example.org",
                    "certificate_arn": "arn",
                    "certificate_issued": issued,
                    "subnet_ids": ["a", "b"],
                    "security_group_id": "sg-1",
                    "address": "10.0.0.1",
                },
            ).records
        ),
    )
    kind, target = "CNAME (at the top of a zone: ALIAS or ANAME)", "d-1.execute-api.eu-west-1.amazonaws.com"
    expected = [{"name": "pod.example.org", "type": kind, "values": [target]}]
    assert records == ([] if issued is False else expected)
    assert bool(account.of("DomainName")) is (issued is not False)


def test_with_a_zone_nothing_is_left_for_a_person(run: Runner) -> None:
    certificate = run(MockAccount(), lambda: Certificate("one", {"domain": "pod.example.org", "zone_id": "Z1"}).records)
    assert certificate == []


def test_arns_are_those_of_the_partition(run: Runner) -> None:
    account = MockAccount(
        {
            "aws:index/getPartition:getPartition": {"partition": "aws-cn", "dnsSuffix": "amazonaws.com.cn"},
            "aws:index/getRegion:getRegion": {"region": "cn-north-1"},
        }
    )
    run(account, lambda: program() and None)
    attached = account.of("RolePolicyAttachment")[0].inputs["policyArn"]
    assert attached == "arn:aws-cn:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole"
    sent = json.loads(account.of("UserPolicy")[0].inputs["policy"])["Statement"][0]["Resource"]
    assert sent[0] == "arn:aws-cn:ses:cn-north-1:123456789012:identity/*"
    policy = json.loads(inputs(account, "aws:iam/rolePolicy:RolePolicy", "own-machine")["policy"])
    found = {statement["Sid"]: statement["Resource"] for statement in policy["Statement"]}
    assert found["DecryptParameters"] == "arn:aws-cn:kms:cn-north-1:123456789012:key/*"
    assert found["ReadParameters"] == ["arn:aws-cn:ssm:cn-north-1:123456789012:parameter/diaspora/pod.example.org/*"]
    actions = [action for each in account.of("MetricAlarm") for action in each.inputs["alarmActions"]]
    via = {each["Sid"]: each.get("Condition", {}) for each in policy["Statement"]}["DecryptParameters"]["StringEquals"]
    assert via == {"kms:ViaService": "ssm.cn-north-1.amazonaws.com.cn"}
    repository = plain(inputs(account, "aws:ssm/parameter:Parameter", "own-backupRepository")["value"])
    assert repository.startswith("s3:https://s3.cn-north-1.amazonaws.com.cn/")
    recovering = sorted(action for action in actions if ":automate:" in action)
    assert recovering == [f"arn:aws-cn:automate:cn-north-1:ec2:{action}" for action in ("reboot", "recover")]


# mistakes


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: SecurityGroups("one", {"vpc_id": "vpc-1", "edge": WRONG}),
            "one: edge: 'Wrong' is not known; allowed: gateway, direct, loadBalancer",
        ),
        (
            lambda: SecurityGroups("one", {"vpc_id": "vpc-1", "shell_access": WRONG}),
            "one: shell_access: 'Wrong' is not known; allowed: instanceConnectEndpoint, ssh, none",
        ),
        (
            lambda: machine(image={"architecture": WRONG, "version": "1"}),
            "one: image.architecture: 'Wrong' is not known; allowed: x86_64, aarch64",
        ),
        (
            lambda: machine(image={"architecture": "aarch64", "version": "1", "stream": WRONG}),
            "one: image.stream: 'Wrong' is not known; allowed: stable, testing, next",
        ),
        (
            lambda: Network("one", {"zones": ["eu-west-1a"], "cidr": "ten"}),
            "one: cidr: 'ten' is no IPv4 network; allowed: such as 10.0.0.0/16",
        ),
        (
            lambda: Dns("one", {"zone": "example.org"}),
            "one: zone: no public hosted zone example.org could be found and read in this account; create one (and "
            "only one) of that name, or with create=True; or leave zone out where another DNS provider answers for the "
            "domain (empty result)",
        ),
        (
            lambda: Mail("one", {"domain": "example.org", "sender": "a@example.com"}),
            "one: sender: 'a@example.com' is not in the domain example.org; allowed: such as no-reply@example.org",
        ),
        (
            lambda: Parameters("one", {"path": "/a", "facts": {"x": "1"}, "secrets": {"x": "2"}}),
            "one: facts: x is given twice; give it once, in secrets, facts or existing",
        ),
        (
            lambda: Uploads("one", {"bucket": "My"}),
            "one-uploads: bucket: 'My' is no name of a bucket; allowed: 3 to 63 characters: small letters, digits and "
            "dashes, a letter or digit at both ends",
        ),
    ],
)
def test_a_wrong_argument_is_one_line_that_names_it(run: Runner, make: Callable[[], Any], message: str) -> None:
    account = MockAccount({"aws:route53/getZone:getZone": None})
    with pytest.raises(ArgumentError) as caught:
        run(account, lambda: make() and None)
    assert said(caught.value) == message


def test_several_wrong_arguments_are_one_line_each(run: Runner) -> None:
    def make() -> None:
        Database("one", {"subnet_ids": [], "security_group_ids": [], "password": "long-enough", "backup_days": 0})

    with pytest.raises(pulumi.RunError) as caught:
        run(MockAccount(), make)
    assert str(caught.value).splitlines() == [
        "one: backup_days: 0; allowed: 1 to 35",
        "one: subnet_ids: a database needs subnets in two zones; give two or more",
    ]


@pytest.mark.parametrize(
    ("calls", "changes", "message"),
    [
        (
            {"aws:route53/getZone:getZone": None},
            {},
            "aws.dns.zone: no public hosted zone pod.example.org could be found and read in this account; create "
            "one (and only one) of that name, or set createZone: true or provider: external (empty result)",
        ),
        (
            {"aws:ec2/getAmi:getAmi": None},
            {},
            "aws.instance.release: no image fedora-coreos-44.20260802.3.1-aarch64 of stream stable by account "
            "125523088429 in eu-west-1; allowed: a release that https://builds.coreos.fedoraproject.org lists "
            "(empty result)",
        ),
        (
            {"aws:ec2/getAmi:getAmi": None},
            {"instance": {"imageId": "ami-0123456789abcdef0"}},
            "aws.instance.imageId: no image ami-0123456789abcdef0 in eu-west-1; name an existing image (empty result)",
        ),
        (
            {"aws:ec2/getAmi:getAmi": {"id": "ami-1", "architecture": "x86_64"}},
            {"instance": {"imageId": "ami-0123456789abcdef0"}},
            "aws.instance.imageId: ami-1 is of architecture x86_64; the instance type needs arm64",
        ),
        (
            {"aws:sesv2/getEmailIdentity:getEmailIdentity": None},
            {"mail": {"existingIdentity": True}},
            "aws.mail.existingIdentity: no identity pod.example.org in SES of eu-west-1; leave it out, or create "
            "the identity first (empty result)",
        ),
        (
            {"aws:ssm/getParameter:getParameter": None},
            {"pod_changes": {"backup": {}}, "existingParameters": {"backupPassword": "/my/password"}},
            "aws.existingParameters.backupPassword: no parameter /my/password in this account and region; create "
            "it first (empty result)",
        ),
    ],
)
def test_a_pod_names_the_key_of_the_stack_config(
    run: Runner, calls: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        run(MockAccount(calls), lambda: pod(**changes) and None)
    assert said(caught.value) == message


def test_a_pause_of_a_database_that_never_pauses_is_refused(run: Runner) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        run(MockAccount(), lambda: pod(database={"minAcu": 0.5, "autoPauseSeconds": 300}) and None)
    assert str(caught.value).splitlines()[1] == "aws.database.autoPauseSeconds: only used with minAcu: 0; remove it"


def test_a_secret_with_a_mistake_in_its_name_is_refused(run: Runner) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        run(MockAccount(), lambda: pod({"smtpPasswort": "x", "backupPassword": "y"}) and None)
    first, second = str(caught.value).splitlines()
    assert first == "the config of one cannot be used:"
    assert second.startswith("secrets.smtpPasswort: unknown secret (did you mean smtpPassword?); allowed: backup")


# the pod


def test_a_database_that_never_pauses_is_made(run: Runner) -> None:
    account = MockAccount()
    run(account, lambda: pod(database={"minAcu": 0.5}) and None)
    (cluster,) = account.of("Cluster")
    assert cluster.inputs["serverlessv2ScalingConfiguration"] == {"minCapacity": 0.5, "maxCapacity": 1}


PARTS = {
    "network",
    "security_groups",
    "alerts",
    "dns",
    "mail",
    "database",
    "uploads",
    "backups",
    "parameters",
    "machine",
    "certificate",
    "http_api",
    "budget",
}


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, set()),
        (
            {"edge": "direct", "uploads": "volume", "mail": {"enabled": False}},
            {"certificate", "http_api", "mail", "uploads"},
        ),
        ({"database": {"engine": "onInstance"}}, {"database"}),
    ],
)
def test_the_parts_of_a_pod_are_its_attributes(run: Runner, changes: dict[str, Any], missing: set[str]) -> None:
    made: list[AwsPod] = []
    run(MockAccount(), lambda: made.append(pod(**changes)))
    assert {name for name in PARTS if getattr(made[0], name) is None} == missing
    assert {name for name in PARTS if isinstance(getattr(made[0], name), pulumi.ComponentResource)} == PARTS - missing


OUTPUTS = {"url", "vpc", "instance", "address", "dataVolume", "monthlyCost", "pendingUpgrade"}


@pytest.mark.parametrize(
    ("changes", "further"),
    [
        ({}, {"shell", "mail"}),
        ({"dns": {"createZone": True}}, {"shell", "mail", "nameServers", "nextStep"}),
        ({"dns": {"provider": "external"}}, {"shell", "mail", "dnsRecords", "nextStep"}),
        ({"instance": {"shellAccess": "none"}, "mail": {"enabled": False}}, set()),
    ],
)
def test_outputs_of_a_stack_keep_their_names(run: Runner, changes: dict[str, Any], further: set[str]) -> None:
    outputs: dict[str, Any] = {}
    found = run(MockAccount(), lambda: outputs.update(stack_outputs(pod(**changes))) or pulumi.Output.all(**outputs))
    assert set(found) == OUTPUTS | further
    assert found["url"] == "https://pod.example.org"
    assert found["instance"] == "instance-one-machine"
    if "mail" in further:
        assert set(found["mail"]) == {"host", "sender", "nextSteps"}


# the guide


def run_program_of_the_guide(
    run: Runner, monkeypatch: pytest.MonkeyPatch, account: MockAccount, number: int
) -> dict[str, Any]:
    """Run a program of docs/aws.md; returns what it exports."""
    sources = re.findall(r"```python\n(.*?)```", (PROJECT / "docs/aws.md").read_text(encoding="utf-8"), re.DOTALL)
    exported: dict[str, Any] = {}
    monkeypatch.setattr(pulumi, "export", exported.__setitem__)

    def guide() -> "pulumi.Output[Any]":
        exec(compile(sources[number], "docs/aws.md", "exec"), {})
        return pulumi.Output.all(**exported)

    found: dict[str, Any] = run(account, guide)
    return found


@pytest.mark.parametrize("number", [0, 1])
def test_programs_of_the_guide_run(run: Runner, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    account = MockAccount()
    found = run_program_of_the_guide(run, monkeypatch, account, number)
    assert found["address"] == "192.0.2.10", "the Elastic IP"
    assert account.of("Volume")


def test_program_of_the_guide_with_several_machines_runs(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    account = MockAccount()
    found = run_program_of_the_guide(run, monkeypatch, account, 2)
    assert found["cache"].startswith("master.")
    assert problems(asked(account.made)) == []
