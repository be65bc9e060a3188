"""Each rule on a resource that keeps it and on one that breaks it; tests/aws/test_policy_pack.py asks the engine."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from diaspora_infra.policy.resources import UNKNOWN, Resource
from diaspora_infra.policy.rule import Rule, StackRule
from diaspora_infra.policy.rules import RULES, STACK_RULES, unjudged, violations
from lab.aws.bridge.values import plain
from tests.aws.mock_account import MockAccount
from tests.aws.stacks import STACKS, machine
from tests.support.mocked import mock_engine

RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
OLD_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
PREFIXES = "aws:ec2/managedPrefixList:ManagedPrefixList"
VOLUME, BUCKET = "aws:ebs/volume:Volume", "aws:s3/bucket:Bucket"
DATABASE, MACHINE = "aws:rds/instance:Instance", "aws:ec2/instance:Instance"
TEMPLATE, CACHE = "aws:ec2/launchTemplate:LaunchTemplate", "aws:elasticache/replicationGroup:ReplicationGroup"
PARAMETER, LISTENER = "aws:ssm/parameter:Parameter", "aws:lb/listener:Listener"
POLICY, ROLE = "aws:iam/rolePolicy:RolePolicy", "aws:iam/role:Role"
PROFILE, MACHINES = "matchbox:index/profile:Profile", "matchbox:index/group:Group"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
CLOSED = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)


def rule_named(name: str) -> Rule:
    return next(rule for rule in RULES if rule.name == name)


def stack_rule(name: str) -> StackRule:
    return next(rule for rule in STACK_RULES if rule.name == name)


def ingress(first: int, last: int, **more: Any) -> dict[str, Any]:
    return {"ipProtocol": "tcp", "fromPort": first, "toPort": last, **more}


def old_ingress(port: int, *networks: str) -> dict[str, Any]:
    return {"type": "ingress", "protocol": "tcp", "fromPort": port, "toPort": port, "cidrBlocks": list(networks)}


def closed(name: str, bucket: Any, urn: str = "", **more: bool) -> Resource:
    return Resource(BLOCK, name, {**CLOSED, "bucket": bucket, **more}, depends={"bucket": [urn]})


def databases(number: int) -> list[Resource]:
    return [Resource(DATABASE, f"db-{each}") for each in range(number)]


def policy(**statement: Any) -> dict[str, Any]:
    return {"policy": json.dumps({"Statement": {"Effect": "Allow", **statement}})}


def install(*arguments: str) -> dict[str, Any]:
    return {"name": "profile", "args": ["coreos.inst.install_dev=/dev/sda", *arguments]}


KEPT: list[tuple[str, Resource]] = [
    ("data-protected", Resource(VOLUME, "data", protect=True)),
    ("data-protected", Resource(BUCKET, "pod-bundles")),
    ("database-recoverable", Resource(DATABASE, "db", {"backupRetentionPeriod": 7, "deletionProtection": True})),
    ("encrypted", Resource(VOLUME, "data", {"encrypted": True})),
    ("encrypted", Resource(DATABASE, "db", {"storageEncrypted": True})),
    ("encrypted", Resource(MACHINE, "machine", {"rootBlockDevice": {"encrypted": True}})),
    ("encrypted", Resource(TEMPLATE, "machines", {"blockDeviceMappings": [{"ebs": {"encrypted": "true"}}, {}]})),
    ("encrypted", Resource(CACHE, "cache", {"atRestEncryptionEnabled": True, "transitEncryptionEnabled": True})),
    ("encrypted", Resource(PARAMETER, "one", {"name": "/pod/password", "type": "SecureString"})),
    ("encrypted", Resource(PARAMETER, "one", {"name": "/pod/bundle", "type": "String"})),
    ("encrypted", Resource(LISTENER, "web", {"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"})),
    ("encrypted", Resource(LISTENER, "web", {"protocol": "HTTP"})),
    ("no-public-ingress", Resource(RULE, "web", ingress(443, 443, cidrIpv4="0.0.0.0/0"))),
    ("no-public-ingress", Resource(RULE, "ssh", ingress(22, 22, cidrIpv4="192.0.2.0/24"))),
    ("no-public-ingress", Resource(RULE, "ping", {"ipProtocol": "icmp", "fromPort": 8, "cidrIpv4": "0.0.0.0/0"})),
    ("no-public-ingress", Resource(OLD_RULE, "out", {"type": "egress", "protocol": "-1", "cidrBlocks": ["0.0.0.0/0"]})),
    ("no-public-ingress", Resource(PREFIXES, "offices", {"entries": [{"cidr": "192.0.2.0/24"}]})),
    ("metadata-tokens", Resource(MACHINE, "machine", {"metadataOptions": {"httpTokens": "required"}})),
    ("no-star", Resource(POLICY, "role", policy(Action=["s3:GetObject"], Resource="arn:aws:s3:::pod/*"))),
    ("no-star", Resource(POLICY, "role", policy(Action="ecr:GetAuthorizationToken", Resource="*"))),
    ("no-star", Resource(POLICY, "role", policy(Action="s3:PutObject", Resource="*", Condition={"Bool": {}}))),
    ("no-star", Resource(POLICY, "role", {"policy": json.dumps({"Statement": [{"Effect": "Deny", "Action": "*"}]})})),
    ("config-from-lan", Resource(PROFILE, "one", install("coreos.inst.ignition_url=http://matchbox.lan:8080/ignition"))),
    ("config-from-lan", Resource(PROFILE, "one", install("coreos.inst.ignition_url=http://192.168.1.5/ignition"))),
    ("config-from-lan", Resource(PROFILE, "one", install("coreos.live.rootfs_url=https://builds.example.org/rootfs"))),
    ("tagged", Resource(VOLUME, "data", {"tags": {"Pod": "pod.example.org"}})),
    ("tagged", Resource(POLICY, "policies have no tags")),
]  # fmt: skip
BROKEN: list[tuple[str, Resource]] = [
    ("data-protected", Resource(VOLUME, "data")),
    ("data-protected", Resource("aws:route53/zone:Zone", "zone")),
    ("database-recoverable", Resource(DATABASE, "db", {"backupRetentionPeriod": 7, "skipFinalSnapshot": True})),
    ("database-recoverable", Resource(DATABASE, "db", {"backupRetentionPeriod": 6})),
    ("database-recoverable", Resource(DATABASE, "db", {"backupRetentionPeriod": 7, "deletionProtection": False})),
    ("encrypted", Resource(VOLUME, "data")),
    ("encrypted", Resource(DATABASE, "db", {"storageEncrypted": False})),
    ("encrypted", Resource(MACHINE, "machine", {"rootBlockDevice": {"volumeSize": 10}})),
    ("encrypted", Resource(MACHINE, "machine", {"ebsBlockDevices": [{"encrypted": True}, {}]})),
    ("encrypted", Resource(TEMPLATE, "machines", {"blockDeviceMappings": [{"ebs": {"volumeSize": 10}}]})),
    ("encrypted", Resource(CACHE, "cache", {"atRestEncryptionEnabled": True})),
    ("encrypted", Resource(CACHE, "one", {"transitEncryptionEnabled": True})),
    ("encrypted", Resource(PARAMETER, "one", {"name": "/pod/backupPassword", "type": "String"})),
    ("encrypted", Resource(LISTENER, "web", {"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-2016-08"})),
    ("encrypted", Resource(LISTENER, "web", {"protocol": "TLS"})),
    ("no-public-ingress", Resource(RULE, "ssh", ingress(22, 22, cidrIpv4="0.0.0.0/0"))),
    ("no-public-ingress", Resource(RULE, "half", ingress(5432, 5432, cidrIpv4="128.0.0.0/1"))),
    ("no-public-ingress", Resource(RULE, "range", ingress(80, 443, cidrIpv6="::/0"))),
    ("no-public-ingress", Resource(RULE, "all", {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"})),
    ("no-public-ingress", Resource(OLD_RULE, "ssh", old_ingress(22, "192.0.2.0/24", "0.0.0.0/0"))),
    ("no-public-ingress", Resource(GROUP, "inline", {"ingress": [{"protocol": "-1", "ipv6CidrBlocks": ["::/0"]}]})),
    ("no-public-ingress", Resource(PREFIXES, "world", {"entries": [{"cidr": "192.0.2.0/24"}, {"cidr": "0.0.0.0/0"}]})),
    ("metadata-tokens", Resource(MACHINE, "machine")),
    ("metadata-tokens", Resource(MACHINE, "machine", {"metadataOptions": {"httpTokens": "optional"}})),
    ("no-star", Resource(POLICY, "role", policy(Action="*", Resource="arn:aws:s3:::pod"))),
    ("no-star", Resource(POLICY, "role", policy(Action=["s3:GetObject", "s3:*"], Resource="arn:aws:s3:::pod"))),
    ("no-star", Resource(POLICY, "role", policy(Action=["ecr:GetAuthorizationToken", "s3:GetObject"], Resource="*"))),
    ("no-star", Resource(POLICY, "role", policy(NotAction="iam:*", Resource="arn:aws:s3:::pod"))),
    ("no-star", Resource(ROLE, "role", {"inlinePolicies": [policy(Action="*", Resource="arn:aws:s3:::pod")]})),
    ("config-from-lan", Resource(PROFILE, "one", install("coreos.inst.ignition_url=http://matchbox.example.org/ignition"))),
    ("config-from-lan", Resource(PROFILE, "one", install("ignition.config.url=https://93.184.216.34/ignition"))),
    ("tagged", Resource(VOLUME, "data", {"tags": {"Name": "data"}})),
    ("tagged", Resource(BUCKET, "bucket")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "resource"), KEPT)
def test_rule_is_kept(name: str, resource: Resource) -> None:
    assert violations(rule_named(name), resource) == []


@pytest.mark.parametrize(("name", "resource"), BROKEN)
def test_rule_is_broken(name: str, resource: Resource) -> None:
    (message,) = violations(rule_named(name), resource)
    texts = [value for value in resource.inputs.values() if isinstance(value, str) and len(value) > len("String")]
    assert not any(text in message for text in texts), message


def test_each_rule_has_both_cases() -> None:
    assert {name for name, _ in KEPT} == {name for name, _ in BROKEN} == {rule.name for rule in RULES}


@pytest.mark.parametrize(
    ("name", "settings", "resource"),
    [
        ("data-protected", {"except": ["scratch-*"]}, Resource(VOLUME, "scratch-1")),
        ("database-recoverable", {"days": 1}, Resource(DATABASE, "db", {"backupRetentionPeriod": 1})),
        ("no-public-ingress", {"ports": [25]}, Resource(RULE, "mail", ingress(25, 25, cidrIpv4="0.0.0.0/0"))),
        ("no-star", {"anyResource": ["ec2:*"]}, Resource(POLICY, "one", policy(Action="ec2:Run", Resource="*"))),
        ("config-from-lan", {"hosts": ["*.a"]}, Resource(PROFILE, "one", install("ignition.config.url=http://b.a/"))),
        ("tagged", {"key": "Team"}, Resource(VOLUME, "data", {"tags": {"Team": "one"}})),
    ],
)  # fmt: skip
def test_settings_change_a_rule(name: str, settings: dict[str, Any], resource: Resource) -> None:
    assert violations(rule_named(name), resource)
    assert violations(rule_named(name), resource, settings) == []


def test_ssh_is_never_open_to_the_world() -> None:
    ssh = Resource(RULE, "ssh", ingress(22, 22, cidrIpv4="0.0.0.0/0"))
    assert violations(rule_named("no-public-ingress"), ssh, {"ports": [22, 80, 443]})


@pytest.mark.parametrize(
    ("name", "kept", "broken"),
    [
        (
            "buckets-closed",
            [Resource(BUCKET, "one", urn="urn:one"), closed("one", UNKNOWN, "urn:one")],
            [Resource(BUCKET, "one", urn="urn:one"), closed("other", UNKNOWN, "urn:other")],
        ),
        (
            "buckets-closed",
            [Resource(BUCKET, "one", {"bucket": "one"}, urn="urn:one"), closed("one", "one")],
            [Resource(BUCKET, "one", {"bucket": "one"}, urn="urn:one"), closed("one", "one", blockPublicAcls=False)],
        ),
        (
            "installs-always",
            [Resource(PROFILE, "one", install(), urn="urn:one"), Resource(MACHINES, "other", {"profile": "other"})],
            [Resource(PROFILE, "one", install(), urn="urn:one"), Resource(MACHINES, "one", {"profile": "profile"})],
        ),
        (
            "bill",
            [Resource(MACHINE, "one", {"instanceType": "t4g.small"}), *databases(2)],
            [Resource(MACHINE, "one", {"instanceType": "t4g.small"}), *databases(3)],
        ),
        ("bill", [], [Resource("aws:ec2/natGateway:NatGateway", "nat")]),
        ("bill", [], [Resource(MACHINE, "one", {"instanceType": "x2iedn.32xlarge"}, urn="urn:one")]),
        ("bill", [], [Resource(TEMPLATE, "one", {"instanceType": "x2iedn.32xlarge"}, urn="urn:one")]),
        ("bill", [], [Resource(MACHINE, "one", {"instanceType": UNKNOWN}, urn="urn:one")]),
    ],
)  # fmt: skip
def test_stack_rule_is_kept_and_broken(name: str, kept: list[Resource], broken: list[Resource]) -> None:
    rule = stack_rule(name)
    assert list(rule.check(kept, rule.defaults)) == []
    ((_, urn),) = rule.check(broken, rule.defaults)
    assert urn in {"", "urn:one"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_unknown_values_are_told_and_break_no_rule(rule: Rule) -> None:
    needed = {
        "database-recoverable": (DATABASE, {"backupRetentionPeriod": UNKNOWN}, "backupRetentionPeriod"),
        "encrypted": (MACHINE, {"rootBlockDevice": {"encrypted": UNKNOWN}}, "rootBlockDevice.encrypted"),
        "no-public-ingress": (RULE, ingress(22, 22, cidrIpv4=UNKNOWN), "cidrIpv4"),
        "metadata-tokens": (MACHINE, {"metadataOptions": UNKNOWN}, "metadataOptions"),
        "no-star": (POLICY, {"policy": UNKNOWN}, "policy"),
        "config-from-lan": (PROFILE, {"args": ["a", UNKNOWN]}, "args[1]"),
        "tagged": (VOLUME, {"tags": {"Name": "one", "Other": UNKNOWN}}, "tags.Other"),
    }
    if rule.name == "data-protected":
        return  # it reads an option, which is always known
    kind, inputs, key = needed[rule.name]
    resource = Resource(kind, "one", inputs)
    assert violations(rule, resource) == []
    told = f"{rule.name} could not be judged in the preview: {key} is unknown; `pulumi up` judges it"
    assert list(unjudged(resource, [rule])) == [told]


LONG = json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": f"/{'x' * 20_000}"}]}})
PROGRAMS = {**STACKS, "machine with a bucket": lambda: machine(ignition=LONG, tags={"Pod": "pod"})}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_pods_on_aws_keep_all_rules(program: Callable[[], Any]) -> None:
    account = MockAccount()
    with mock_engine() as run:
        run(account, lambda: program() and None)
    resources = [
        Resource(
            each.token,
            each.name,
            plain(each.inputs),
            bool(each.request.protect),
            each.urn,
            {key: list(found.urns) for key, found in each.request.propertyDependencies.items()},
        )
        for each in account.made
        if each.custom
    ]
    assert len(resources) > 10
    found = [(rule.name, each.name, text) for rule in RULES for each in resources for text in violations(rule, each)]
    found += [(rule.name, urn, text) for rule in STACK_RULES for text, urn in rule.check(resources, rule.defaults)]
    assert found == []
