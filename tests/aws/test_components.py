"""Contracts that all components of diaspora_infra.aws keep, and what each asks for, on Pulumi's mocks."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws
import pytest
from pulumi import _types
from pulumi.runtime import mocks

import diaspora_infra.aws as components
from diaspora_infra.aws import (
    Alerts,
    Architecture,
    AwsPod,
    Backups,
    Budget,
    Bundle,
    Certificate,
    Database,
    DatabaseEngine,
    Dns,
    Edge,
    HttpApi,
    ImageBuild,
    LoadBalancer,
    Mail,
    Network,
    Parameters,
    SecurityGroups,
    ShellAccess,
    Uploads,
)
from diaspora_infra.aws.machine import alarm_action
from diaspora_infra.aws.machine_role import _wait_for_iam
from diaspora_infra.aws.user_data import USER_DATA_MAX_BYTES, fits_user_data, object_key, replace_config
from lab.aws.bridge import sdk
from tests.aws.mock_account import Made, MockAccount
from tests.aws.rules import problems
from tests.aws.simulated_types import ELSEWHERE, MOCKS_ONLY, PROGRAMS, types
from tests.aws.stacks import asked, cache, machine, machine_group
from tests.support import configs
from tests.support.mocked import Runner

TAGS = {"Project": "test", "Pod": "pod.example.org"}
REGION = "eu-west-1"
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
Making = Callable[[pulumi.ResourceOptions], pulumi.ComponentResource]


def pod(options: pulumi.ResourceOptions, **changes: Any) -> AwsPod:
    values = configs.aws_config(region=REGION, tags={"Project": "test"}, **changes)
    return AwsPod("one", {"pod": values["pod"], "host": values["host"], "aws": values["aws"]}, options)


def http_api(options: pulumi.ResourceOptions) -> HttpApi:
    return HttpApi(
        "one",
        {
            "domain": "pod.example.org",
            "zone_id": "Z0123456789",
            "certificate_arn": CERTIFICATE,
            "subnet_ids": ["subnet-1", "subnet-2"],
            "security_group_id": "sg-1",
            "address": "10.0.0.10",
            "tags": TAGS,
        },
        options,
    )


def certificate(options: pulumi.ResourceOptions) -> Certificate:
    return Certificate("one", {"domain": "pod.example.org", "zone_id": "Z0123456789", "tags": TAGS}, options)


def database(options: pulumi.ResourceOptions, **changes: Any) -> Database:
    return Database(
        "one",
        {
            "subnet_ids": ["subnet-1", "subnet-2"],
            "security_group_ids": ["sg-1"],
            "password_parameter": "/diaspora/pod.example.org/databasePassword",
            "weekly_acu_hours": 11.5,
            "topic_arn": "arn:aws:sns:eu-west-1:123456789012:topic",
            "tags": TAGS,
            **changes,
        },
        options,
    )


def load_balancer(options: pulumi.ResourceOptions, **changes: Any) -> LoadBalancer:
    return LoadBalancer(
        "one",
        {
            "domain": "pod.example.org",
            "zone_id": "Z0123456789",
            "certificate_arn": CERTIFICATE,
            "vpc_id": "vpc-1",
            "subnet_ids": ["subnet-1", "subnet-2"],
            "security_group_id": "sg-1",
            "topic_arn": "arn:aws:sns:eu-west-1:123456789012:topic",
            "tags": TAGS,
            **changes,  # type: ignore[typeddict-item]
        },
        options,
    )


def mail(options: pulumi.ResourceOptions, **changes: Any) -> Mail:
    return Mail(
        "one",
        {
            "domain": "pod.example.org",
            "sender": "no-reply@pod.example.org",
            "alerts_topic_arn": "arn:aws:sns:eu-west-1:123456789012:topic",
            "tags": TAGS,
            **changes,
        },
        options,
    )


MAKING: dict[str, tuple[Making, ...]] = {
    "AwsPod": (
        pod,
        lambda options: pod(options, edge="direct"),
        lambda options: pod(options, dns={"createZone": True}, network={"ipv6": True, "flowLogsDays": 7}),
    ),
    "Backups": (
        lambda options: Backups(
            "one",
            {"snapshots_of": "pod.example.org", "object_lock_days": 7, "tags": TAGS},
            options,
        ),
    ),
    "Budget": (
        lambda options: Budget("one", {"monthly_usd": 20, "email": "podmin@example.org", "tags": TAGS}, options),
    ),
    "Bundle": (
        lambda options: Bundle(
            "one", {"config": "{}", "hash": "0" * 16, "path": "/diaspora/pod.example.org", "tags": TAGS}, options
        ),
    ),
    "Cache": (lambda options: cache(options, tags=TAGS), lambda options: cache(options, tags=TAGS, nodes=1)),
    "Certificate": (certificate,),
    "Database": (
        database,
        lambda options: database(options, engine=DatabaseEngine.RDS),
        lambda options: database(options, standby=True),
    ),
    "Dns": (lambda options: Dns("one", {"zone": "example.org", "create": True, "tags": TAGS}, options),),
    "HttpApi": (http_api,),
    "Machine": (
        lambda options: machine(options, tags=TAGS),
        lambda options: machine(
            options,
            tags=TAGS,
            ignition="x" * (USER_DATA_MAX_BYTES + 1),
            elastic_ip=True,
            topic_arn="arn:aws:sns:eu-west-1:123456789012:topic",
            shell_endpoint={"subnet_id": "subnet-2", "security_group_id": "sg-2"},
        ),
    ),
    "ImageBuild": (
        lambda options: ImageBuild(
            "one",
            {
                "project": "images-pod",
                "images": {
                    "app": {
                        "containerfile": "FROM public.ecr.aws/x:1\n",
                        "arguments": {},
                        "tag": "1.0-0123456789ab",
                        "start": "true",
                    }
                },
                "architecture": Architecture.AARCH64,
                "parameters": {"app": "/diaspora/pod.example.org/images/app"},
                "topic_arn": "arn:aws:sns:eu-west-1:123456789012:topic",
                "refresh": True,
                "tags": TAGS,
            },
            options,
        ),
    ),
    "LoadBalancer": (load_balancer, lambda options: load_balancer(options, zone_id=None, ipv6=True)),
    "MachineGroup": (
        lambda options: machine_group(options, tags=TAGS),
        lambda options: machine_group(
            options, tags=TAGS, ignition="x" * (USER_DATA_MAX_BYTES + 1), ready_seconds=900, target_group_arns=["arn"]
        ),
        lambda options: machine_group(options, tags=TAGS, size=1, overlap=False),
    ),
    "Mail": (mail, lambda options: mail(options, existing_identity=True)),
    "Network": (
        lambda options: Network(
            "one",
            {
                "zones": ["eu-west-1a", "eu-west-1b"],
                "public_in_each_zone": True,
                "ipv6": True,
                "flow_logs_days": 7,
                "tags": TAGS,
            },
            options,
        ),
    ),
    "Alerts": (lambda options: Alerts("one", {"email": "podmin@example.org", "tags": TAGS}, options),),
    "Parameters": (
        lambda options: Parameters(
            "one",
            {
                "path": "/diaspora/pod.example.org",
                "secrets": {"smtpPassword": "password-of-the-test"},
                "facts": {"databaseHost": "database.example.org"},
                "tags": TAGS,
            },
            options,
        ),
    ),
    "SecurityGroups": (
        lambda options: SecurityGroups("one", {"vpc_id": "vpc-1", "database": True, "tags": TAGS}, options),
        lambda options: SecurityGroups(
            "one",
            {
                "vpc_id": "vpc-1",
                "edge": Edge.DIRECT,
                "shell_access": ShellAccess.SSH,
                "ssh_from": ["192.0.2.10", "2001:db8::/32"],
                "ipv6": True,
                "tags": TAGS,
            },
            options,
        ),
        lambda options: SecurityGroups(
            "one", {"vpc_id": "vpc-1", "edge": Edge.LOAD_BALANCER, "cache": True, "ipv6": True, "tags": TAGS}, options
        ),
    ),
    "Uploads": (lambda options: Uploads("one", {"tags": TAGS}, options),),
}
WAYS = [pytest.param(way, id=f"{name}-{index}") for name, ways in MAKING.items() for index, way in enumerate(ways)]


class Outside(pulumi.ComponentResource):
    """Somebody else's component."""

    def __init__(self) -> None:
        super().__init__("test:index:Outside", "outside")
        self.register_outputs({})


@pytest.fixture(autouse=True)
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the SDK says of deprecated classes and arguments."""
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_rest, **_named: said.append(message))
    return said


def make(run: Runner, way: Making, account: MockAccount | None = None) -> MockAccount:
    """Make a component inside another one; returns the account."""
    answers = account or MockAccount()

    def program() -> None:
        way(pulumi.ResourceOptions(parent=Outside()))

    run(answers, program)
    return answers


def _by_key(tags: Any) -> dict[str, str]:
    """Tags by key; those of an Auto Scaling group are a list."""
    return {each["key"]: each["value"] for each in tags} if isinstance(tags, list) else tags


# the SDK says these only in the text of the class
DEPRECATED = {"aws:iam/role:Role": {"inlinePolicies", "managedPolicyArns"}}


def deprecated_inputs(made: Made) -> list[str]:
    """Inputs of which the SDK's class says that they are deprecated."""
    module, kind = made.token.split(":")[1].split("/")[0], made.kind
    package = getattr(pulumi_aws, module)
    # where another class has a part of that name, it has the shorter one
    arguments = getattr(package, f"{kind}InitArgs", None) or getattr(package, f"{kind}Args")
    properties = {
        names.get(name, name): getattr(arguments, name).fget
        for names in [_types.input_type_py_to_pulumi_names(arguments)]
        for name in names
    }
    return [
        name
        for name in made.inputs
        if name in DEPRECATED.get(made.token, ()) or hasattr(properties.get(name), "_pulumi_deprecated_callable")
    ]


def test_every_exported_component_is_tested() -> None:
    exported = [getattr(components, name) for name in components.__all__]
    classes = {each.__name__ for each in exported if issubclass(each, pulumi.ComponentResource)}
    assert classes == set(MAKING)


def test_simulator_tests_cover_every_resource_type(run: Runner) -> None:
    """What the simulator cannot make stands in a list, with the reason; today that is nothing."""
    asked_for = {each.token for ways in MAKING.values() for way in ways for each in asked(make(run, way).made)}
    made = set().union(*ELSEWHERE.values(), *(types(test) for test in PROGRAMS))
    assert asked_for - made == MOCKS_ONLY.keys()


@pytest.mark.parametrize("way", WAYS)
def test_components_keep_the_contracts(run: Runner, way: Making, warned: list[str]) -> None:
    account = make(run, way)
    assert not [message for message in warned if "deprecated" in message]
    own = [each for each in account.made if each.token != "test:index:Outside"]
    parts = {each.urn: each for each in own if not each.custom}
    outside = next(each.urn for each in account.made if each.token == "test:index:Outside")
    assert any(each.parent == outside for each in parts.values()), "opts are passed on"
    for each in own:
        assert each.name.startswith("one"), each.name
        if each.custom:
            assert each.parent in parts, f"{each.name} has no component as its parent"
            assert deprecated_inputs(each) == [], each.urn
            taggable = "tags" in sdk.resource(each.token).inputs
            if taggable:
                tags = _by_key(each.inputs.get("tags", {}))
                assert tags.items() >= {"Project": "test", "Pod": "pod.example.org"}.items(), each.urn
                assert tags["Name"], each.urn
        else:
            assert each.urn in account.monitor.finished, f"{each.token} registers no outputs"
    assert problems(asked(own)) == []


def test_deprecated_classes_are_detected(run: Runner, warned: list[str]) -> None:
    def program() -> None:
        pulumi_aws.s3.BucketV2("old")

    run(MockAccount(), program)
    assert [message for message in warned if "deprecated" in message]


def test_deprecated_arguments_are_detected(run: Runner) -> None:
    def program() -> None:
        pulumi_aws.iam.Role("old", assume_role_policy="{}", managed_policy_arns=["arn:aws:iam::aws:policy/X"])
        pulumi_aws.s3.Bucket("old", acl="private")

    account = MockAccount()
    run(account, program)
    # the requests of one program arrive in any order
    assert sorted(deprecated_inputs(each) for each in account.made) == [["acl"], ["managedPolicyArns"]]


def test_machine_protects_its_data_volume(run: Runner) -> None:
    account = make(run, MAKING["Machine"][1])
    (volume,), (attachment,) = account.of("Volume"), account.of("VolumeAttachment")
    (instance,) = [each for each in account.of("Instance") if each.token.startswith("aws:ec2")]
    assert volume.request.protect
    assert volume.request.retainOnDelete
    assert volume.inputs["finalSnapshot"]
    assert instance.request.deleteBeforeReplace
    assert attachment.request.deleteBeforeReplace
    assert attachment.inputs["stopInstanceBeforeDetaching"]
    assert instance.inputs["creditSpecification"] == {"cpuCredits": "unlimited"}
    (role,) = account.of("RolePolicy")
    statements = json.loads(role.inputs["policy"])["Statement"]
    assert [(each["Action"], each["Resource"]) for each in statements] == [
        ("s3:GetObject", "arn:aws:s3:::bucket-one-ignition/ignition/*")
    ]
    assert object_key("x").startswith("ignition/")


def test_machine_starts_when_its_permissions_have_spread(run: Runner) -> None:
    account = make(run, MAKING["Machine"][1])
    (policy,), (instance,) = account.of("RolePolicy"), account.of("Instance")
    assert policy.urn in instance.request.dependencies
    assert list(policy.request.hooks.after_create) == ["one-permissions"]
    (volume,) = account.of("Volume")
    assert volume.request.customTimeouts.delete == "3h"


def test_permissions_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("diaspora_infra.aws.machine_role.asyncio.sleep", sleep)
    for seconds in (None, "0.5"):
        if seconds is None:
            monkeypatch.delenv("DIASPORA_INFRA_IAM_SECONDS", raising=False)
        else:
            monkeypatch.setenv("DIASPORA_INFRA_IAM_SECONDS", seconds)
        asyncio.run(_wait_for_iam(None))  # type: ignore[arg-type]
    assert waited == [15, 0.5]


def test_unprotected_volume_can_be_deleted(run: Runner) -> None:
    account = make(run, lambda options: machine(options, protect=False))
    (volume,) = account.of("Volume")
    assert not volume.request.protect
    assert not volume.request.retainOnDelete
    assert volume.inputs["finalSnapshot"]


def test_short_config_is_user_data_without_bucket_or_policy(run: Runner) -> None:
    text = "{" + " " * (USER_DATA_MAX_BYTES - 2) + "}"
    account = make(run, lambda options: machine(options, ignition=text))
    (instance,) = account.of("Instance")
    assert instance.inputs["userData"] == text
    assert account.of("Bucket") == account.of("RolePolicy") == []


def test_config_from_an_output_is_stored_in_the_bucket(run: Runner) -> None:
    account = make(run, lambda options: machine(options, ignition=pulumi.Output.from_input("{}")))
    (instance,), (config,) = account.of("Instance"), account.of("BucketObjectv2")
    assert config.inputs["content"] == "{}"
    assert instance.inputs["userData"] == replace_config("bucket-one-ignition", "{}")


def test_pointer_config_fits_into_user_data_and_verifies_the_hash() -> None:
    assert fits_user_data("x" * USER_DATA_MAX_BYTES)
    assert not fits_user_data("x" * (USER_DATA_MAX_BYTES + 1))
    assert not fits_user_data("é" * (USER_DATA_MAX_BYTES // 2 + 1))
    long = "x" * 100_000
    assert fits_user_data(replace_config("b" * 63, long))
    replace = json.loads(replace_config("bucket", long))["ignition"]["config"]["replace"]
    assert replace["source"] == f"s3://bucket/{object_key(long)}"
    assert replace["verification"]["hash"].startswith("sha512-")
    assert object_key(long) != object_key(long + "x")


def test_bundle_is_offered_when_it_is_stored_and_earlier_ones_stay(run: Runner) -> None:
    account = make(run, MAKING["Bundle"][0])
    (stored,) = account.of("BucketObjectv2")
    offer, applied = sorted(account.of("Parameter"), key=lambda each: each.name)
    assert (offer.inputs["name"], offer.inputs["type"]) == ("/diaspora/pod.example.org/bundle", "String")
    address, digest, bundle_hash = offer.inputs["value"]["value"].split(" ")
    assert address == f"s3://bucket-one-bundles/{stored.inputs['key']}"
    assert digest == f"sha512-{hashlib.sha512(b'{}').hexdigest()}"
    assert bundle_hash == "0" * 16
    assert stored.urn in offer.request.dependencies
    assert stored.request.retainOnDelete
    assert list(applied.request.ignoreChanges) == ["value"]
    (bucket,) = account.of("Bucket")
    assert bucket.inputs["forceDestroy"]


def test_image_is_queried_by_owner_release_and_stream(run: Runner) -> None:
    account = make(run, machine)
    (call,) = [each for each in account.asked if each.token.endswith(":getAmi")]
    assert call.args["owners"] == ["125523088429"]
    filters = {each["name"]: each["values"] for each in call.args["filters"]}
    assert filters == {
        "name": ["fedora-coreos-44.20260802.3.1-aarch64"],
        "description": ["Fedora CoreOS stable 44.20260802.3.1*"],
    }


@pytest.mark.parametrize(
    ("image", "answer", "message"),
    [
        ({}, None, "one: image.version: no image fedora-coreos-44.20260802.3.1-aarch64 of stream stable"),
        ({"id": "ami-0123456789abcdef0"}, None, "one: image.id: no image ami-0123456789abcdef0 in eu-west-1"),
        (
            {"id": "ami-0123456789abcdef0"},
            {"id": "ami-0123456789abcdef0", "architecture": "x86_64"},
            "one: image.id: ami-0123456789abcdef0 is of architecture x86_64; the instance type needs arm64",
        ),
    ],
)
def test_wrong_image_is_reported_in_one_line(
    run: Runner, image: dict[str, str], answer: dict[str, Any] | None, message: str
) -> None:
    account = MockAccount({"aws:ec2/getAmi:getAmi": answer})
    named = {"architecture": "aarch64", "version": "44.20260802.3.1", **image}
    with pytest.raises(pulumi.RunError, match=message):
        make(run, lambda options: machine(options, image=named), account)


@pytest.mark.parametrize("engine", DatabaseEngine)
def test_database_is_protected_but_its_parameter_group_is_not(run: Runner, engine: DatabaseEngine) -> None:
    """Another major version has other ones, and what is protected cannot be replaced."""
    account = make(run, lambda options: database(options, engine=engine))
    (group,) = [each for each in account.made if each.kind.endswith("ParameterGroup")]
    (server,) = [each for each in account.made if each.kind in {"Cluster", "Instance"}]
    assert server.request.protect
    assert not group.request.protect


@pytest.mark.parametrize(("settings", "allowed"), [({}, False), ({"version": "17.9"}, True)])
@pytest.mark.parametrize("engine", ["auroraServerless", "rds"])
def test_pod_database_upgrades_only_to_a_configured_version(
    run: Runner, engine: str, settings: dict[str, Any], allowed: bool
) -> None:
    account = make(run, lambda options: pod(options, database={"engine": engine, **settings}))
    (server,) = [
        each for each in account.made if each.token.startswith("aws:rds") and each.kind in {"Cluster", "Instance"}
    ]
    assert server.inputs["allowMajorVersionUpgrade"] is allowed


def test_refresh_of_stopped_machine_does_not_replace_it(run: Runner) -> None:
    (instance,) = make(run, machine).of("Instance")
    assert list(instance.request.ignoreChanges) == ["associatePublicIpAddress"]


def test_only_the_certificate_record_may_overwrite_an_existing_one(run: Runner) -> None:
    account = make(run, pod)
    taken = {each.inputs["name"] for each in account.of("Record") if each.inputs.get("allowOverwrite")}
    assert taken == {"_a.pod.example.org"}


def test_unreadable_zone_is_not_reported_as_missing(run: Runner) -> None:
    account = MockAccount({"aws:route53/getZone:getZone": None})
    with pytest.raises(pulumi.RunError, match=r"could be found and read in .*only one. of that name.*empty result"):
        make(run, pod, account)


def test_topic_policy_does_not_allow_budgets(run: Runner) -> None:
    (policy,) = make(run, MAKING["Alerts"][0]).of("TopicPolicy")
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    assert statement["Principal"]["Service"] == ["cloudwatch.amazonaws.com", "ses.amazonaws.com"]


class CertificateOfToday(MockAccount):
    """An account whose certificate has a status."""

    def __init__(self, status: str) -> None:
        super().__init__()
        self.status = status

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        identifier, outputs = super().new_resource(args)
        return identifier, {**outputs, "status": self.status} if args.typ.endswith(":Certificate") else outputs


@pytest.mark.parametrize("dns", [{"provider": "external"}, {"createZone": True}])
def test_domain_is_left_out_until_the_certificate_is_issued(run: Runner, dns: dict[str, Any]) -> None:
    account = make(run, lambda options: pod(options, dns=dns), CertificateOfToday("PENDING_VALIDATION"))
    assert account.of("Api")
    assert account.of("Certificate")
    assert account.of("DomainName") == account.of("CertificateValidation") == []
    account = make(run, lambda options: pod(options, dns=dns), CertificateOfToday("ISSUED"))
    assert account.of("DomainName")
    assert account.of("CertificateValidation") == []


class OwnSubnets(MockAccount):
    """An account with subnets in the zones whose letters are given, by the last digit of their ids."""

    def __init__(self, letters: str, vpc: str = "vpc-0123456789abcdef0", **calls: dict[str, Any] | None) -> None:
        super().__init__({f"aws:ec2/{name}:{name}": answer for name, answer in calls.items()})
        self.letters, self.vpc = letters, vpc

    def call(self, args: Any) -> Any:
        if args.token.endswith(":getSubnet"):
            letter = self.letters[int(args.args["id"][-1])]
            return {
                "availabilityZone": f"eu-west-1{letter}",
                "availabilityZoneId": {"a": "euw1-az3", "b": "euw1-az1", "d": "euw1-az9"}[letter],
                "vpcId": self.vpc,
            }
        return super().call(args)


EXISTING = {
    "vpcId": "vpc-0123456789abcdef0",
    "publicSubnetId": "subnet-0123456789abcdef0",
    "privateSubnetIds": ["subnet-0123456789abcdef1", "subnet-0123456789abcdef2"],
}


@pytest.mark.parametrize(("letters", "zone"), [("aab", "eu-west-1a"), ("bab", "eu-west-1b")])
def test_existing_network_is_used(run: Runner, letters: str, zone: str) -> None:
    account = make(run, lambda options: pod(options, network={"existing": EXISTING}), OwnSubnets(letters))
    assert account.of("Vpc") == account.of("Subnet") == []
    (instance,) = [each for each in account.of("Instance") if each.token.startswith("aws:ec2")]
    assert instance.inputs["subnetId"] == EXISTING["publicSubnetId"]
    (volume,), (link,) = account.of("Volume"), account.of("VpcLink")
    assert volume.inputs["availabilityZone"] == zone
    assert link.inputs["subnetIds"] == EXISTING["privateSubnetIds"]


@pytest.mark.parametrize(
    ("letters", "message"),
    [
        ("bab", "publicSubnetId: subnet-0123456789abcdef0 is in eu-west-1b; allowed: a subnet in eu-west-1a"),
        ("abb", "privateSubnetIds: all are in eu-west-1b; allowed: two zones or more"),
        (
            "aad",
            r"privateSubnetIds: subnet-0123456789abcdef2 is in eu-west-1d \(euw1-az9\), which takes no VPC link of API "
            "Gateway; use subnets in euw1-az1, euw1-az2, euw1-az3, or set aws.edge: direct$",
        ),
    ],
)
def test_unsuitable_existing_network_is_reported_in_one_line(run: Runner, letters: str, message: str) -> None:
    network = {"existing": EXISTING, "zones": ["a", "b"]}
    with pytest.raises(pulumi.RunError, match=message):
        make(run, lambda options: pod(options, network=network), OwnSubnets(letters))


def test_subnets_without_vpc_links_are_used_by_the_direct_edge(run: Runner) -> None:
    changes = {"network": {"existing": EXISTING}, "edge": "direct"}
    assert make(run, lambda options: pod(options, **changes), OwnSubnets("aad")).of("Eip")


def test_subnets_of_another_vpc_are_reported_in_one_line(run: Runner) -> None:
    with pytest.raises(pulumi.RunError, match="is in vpc-2; name a subnet of vpcId vpc-0123456789abcdef0"):
        make(run, lambda options: pod(options, network={"existing": EXISTING}), OwnSubnets("aab", "vpc-2"))


@pytest.mark.parametrize(
    "route",
    [
        {"cidrBlock": "10.0.0.0/16", "gatewayId": "local"},
        {"cidrBlock": "192.0.2.0/24", "gatewayId": "igw-1"},
        {"cidrBlock": "0.0.0.0/0", "natGatewayId": "nat-1", "gatewayId": ""},
    ],
)
def test_existing_subnet_without_internet_is_reported_in_one_line(run: Runner, route: dict[str, Any]) -> None:
    account = OwnSubnets("aab", getRouteTable={"routeTableId": "rtb-7", "routes": [route]})
    with pytest.raises(
        pulumi.RunError,
        match=r"publicSubnetId: subnet-0123456789abcdef0 has no route to the internet; add one for 0.0.0.0/0 to an "
        r"internet gateway, in the route table rtb-7$",
    ):
        make(run, lambda options: pod(options, network={"existing": EXISTING}), account)


class MainTable(OwnSubnets):
    """Its public subnet names no route table of its own."""

    def call(self, args: Any) -> Any:
        if args.token.endswith(":getRouteTable") and "subnetId" in args.args:
            return {}, [("", "query returned no results")]
        return super().call(args)


def test_existing_subnet_may_use_the_main_route_table(run: Runner) -> None:
    account = make(run, lambda options: pod(options, network={"existing": EXISTING}), MainTable("aab"))
    (call,) = [each for each in account.asked if each.token.endswith(":getRouteTable")]
    assert call.args == {
        "vpcId": EXISTING["vpcId"],
        "filters": [{"name": "association.main", "values": ["true"]}],
    }


class Endpoints(OwnSubnets):
    """An account with these endpoints in the VPC, of which some are the stack's own."""

    def __init__(self, every: list[str], own: list[str]) -> None:
        super().__init__("aab", getNetworkInterface={"privateIp": "10.0.3.7"})
        self.every, self.own = every, own

    def call(self, args: Any) -> Any:
        if args.token.endswith(":getNetworkInterfaces"):
            filters = {each["name"]: each["values"] for each in args.args["filters"]}
            assert filters["interface-type"] == ["ec2_instance_connect_endpoint"]
            assert filters["vpc-id"] == [EXISTING["vpcId"]]
            groups = filters.get("group-name")
            assert groups in (None, ["one-endpoint-*"])
            return {"ids": self.every if groups is None else self.own}
        return super().call(args)


def test_second_endpoint_of_a_vpc_is_reported_with_the_way_out(run: Runner) -> None:
    def program(options: pulumi.ResourceOptions, **instance: Any) -> None:
        pod(options, network={"existing": EXISTING}, instance=instance)

    with pytest.raises(
        pulumi.RunError,
        match=r"^aws.instance.shellAccess: vpc-0123456789abcdef0 already has an EC2 Instance Connect Endpoint, and AWS "
        r"allows one; set shellAccess: ssh and sshFrom: \[10.0.3.7/32\], which is that endpoint, or shellAccess: none$",
    ):
        make(run, program, Endpoints(["eni-1"], []))
    assert make(run, program, Endpoints(["eni-1"], ["eni-1"])).of("InstanceConnectEndpoint")
    ssh = {"shellAccess": "ssh", "sshFrom": ["10.0.3.7/32"]}
    assert make(run, lambda options: program(options, **ssh), Endpoints(["eni-1"], [])).of("Instance")


@pytest.mark.parametrize("changes", [{"edge": "Direct"}, {"shell_access": "SSH"}])
def test_misspelt_enum_values_raise(run: Runner, changes: Any) -> None:
    with pytest.raises(pulumi.RunError, match="is not known; allowed: "):
        make(run, lambda options: SecurityGroups("one", {"vpc_id": "vpc-1", **changes}, options))


def test_alarm_actions_have_region_and_partition() -> None:
    assert alarm_action("aws-cn", "cn-north-1", "recover") == "arn:aws-cn:automate:cn-north-1:ec2:recover"
