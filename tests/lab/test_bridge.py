"""The plugin in front of the Terraform provider: names and shapes of every type, proposals, generated names."""

import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.aws.bridge import autonames, sdk
from lab.aws.bridge.plugin import _schema_cache
from lab.aws.bridge.proposal import propose
from lab.aws.bridge.resource import Resource
from lab.aws.bridge.shapes import Field, Many, Record, Scalar, Shape, Table, record_of
from lab.aws.bridge.terraform import TerraformProvider
from lab.aws.bridge.type_registry import TypeRegistry
from lab.aws.bridge.types import FUNCTIONS, RESOURCES
from lab.aws.bridge.values import UNKNOWN, BadValueError, pack, record_to_terraform, sorted_sets, to_pulumi, unpack
from lab.aws.environment import provider_environment
from tools import tool_path

NEWER_IN_THE_SDK = {
    "aws:autoscaling/group:Group": {"instanceLifecyclePolicy"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"evaluationWindow", "warmUpConfiguration"},
    "aws:ec2/flowLog:FlowLog": {"tagFieldSpecifications"},
    "aws:elasticache/replicationGroup:ReplicationGroup": {"authTokenWo", "authTokenWoVersion", "durability"},
    "aws:rds/cluster:Cluster": {"autoMinorVersionUpgrade", "publiclyAccessible", "warningEventCategories"},
    "aws:rds/clusterInstance:ClusterInstance": {"warningEventCategories"},
    "aws:rds/instance:Instance": {"warningEventCategories"},
    "aws:sns/topic:Topic": {"maximumMessageSize"},
    "aws:ec2/getVpc:getVpc": {"ipv6CidrBlockAssociations"},
}
"""Properties that this provider lacks: a program that sets one is refused."""


@pytest.fixture(scope="module")
def schema() -> Iterator[Any]:
    binary = tool_path("terraform-provider-aws")
    before = list(sys.path)
    provider = TerraformProvider(binary, provider_environment("http://127.0.0.1:1"), sys.stderr)
    try:
        yield provider.schema(_schema_cache(binary))
    finally:
        provider.process.kill()
        provider.process.wait()
        provider.process.stdout.close()  # type: ignore[union-attr]
        sys.path[:] = before


@pytest.fixture(scope="module")
def resources(schema: Any) -> dict[str, Resource]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return {token: Resource.of(token, schema.resource_schemas) for token in RESOURCES}


def names(record: Record) -> list[str]:
    return [field.pulumi for field in record.fields.values()]


def test_every_sdk_property_has_a_field(resources: dict[str, Resource]) -> None:
    for token, resource in resources.items():
        fields, properties = names(resource.record), set(sdk.resource(token).properties)
        assert len(fields) == len(set(fields)), token
        assert properties - set(fields) == NEWER_IN_THE_SDK.get(token, set()), token
        assert set(fields) - properties <= {"id", "timeouts"}, token


def test_cached_types_equal_those_read_from_the_schema(
    schema: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "provider-0123456789abcdef.types"
    old.touch()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        read = TypeRegistry.load(tmp_path / "provider.bin", schema)
    (file,) = tmp_path.iterdir()
    assert file != old, "that of another state of the code is gone"
    monkeypatch.setattr(TypeRegistry, "read", None)
    assert TypeRegistry.load(tmp_path / "provider.bin", schema) == read
    assert set(read.resources) == set(RESOURCES)
    assert set(read.functions) == set(FUNCTIONS)


def test_every_function_result_has_a_field(schema: Any) -> None:
    for token, terraform in FUNCTIONS.items():
        properties = sdk.function(token)
        record = record_of(schema.data_source_schemas[terraform].block, properties)
        assert set(properties) - set(names(record)) == NEWER_IN_THE_SDK.get(token, set()), token


def sample(shape: Shape, path: str) -> Any:
    """A value of this shape in which every field is set, and each differently."""
    if isinstance(shape, Many):
        return [sample(shape.element, f"{path}0")]
    if isinstance(shape, Table):
        return {"key": sample(shape.element, f"{path}1")}
    if isinstance(shape, Record):
        return {
            name: None if field.timeouts else sample(field.shape, f"{path}.{name}")
            for name, field in shape.fields.items()
        }
    return {"number": len(path), "bool": len(path) % 2 == 0}.get(shape.kind, path)


def test_values_survive_the_round_trip_to_pulumi(resources: dict[str, Resource]) -> None:
    for token, resource in resources.items():
        terraform = sample(resource.record, "")
        shown = to_pulumi(resource.record, terraform)
        assert record_to_terraform(resource.record, shown) == terraform, token
        assert unpack(pack(terraform)) == terraform, token


def test_single_block_is_an_object(resources: dict[str, Resource]) -> None:
    cluster = resources["aws:rds/cluster:Cluster"]
    config = cluster.config({"serverlessv2ScalingConfiguration": {"minCapacity": 0, "maxCapacity": 1}})
    (scaling,) = config["serverlessv2_scaling_configuration"]
    assert (scaling["min_capacity"], scaling["max_capacity"]) == (0, 1)


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"cidr": "10.0.0.0/16"}, "cidr"),
        ({"cidrBlock": ["10.0.0.0/16"]}, "cidrBlock"),
        ({"enableDnsSupport": "maybe"}, "enableDnsSupport"),
        ({"tags": "x"}, "tags"),
    ],
)
def test_invalid_inputs_are_refused_by_name(resources: dict[str, Resource], inputs: dict[str, Any], path: str) -> None:
    with pytest.raises(BadValueError) as caught:
        resources["aws:ec2/vpc:Vpc"].config(inputs)
    assert caught.value.path == path


STRING = Scalar("string")
RULE = Record({"port": Field("port", "port", STRING, optional=True), "id": Field("id", "id", STRING, computed=True)})
THING = Record(
    {
        "name": Field("name", "name", STRING, required=True),
        "arn": Field("arn", "arn", STRING, computed=True),
        "size": Field("size", "size", STRING, optional=True, computed=True),
        "note": Field("note", "note", STRING, optional=True),
        "password": Field("password", "password", STRING, optional=True, write_only=True),
        "rule": Field("rule", "rules", Many(RULE, is_set=True), block=True),
        "step": Field("step", "steps", Many(RULE), block=True),
    }
)
PRIOR: dict[str, Any] = {
    "name": "old",
    "arn": "arn:1",
    "size": "small",
    "note": "old",
    "password": None,
    "rule": [{"port": "80", "id": "r-80"}, {"port": "443", "id": "r-443"}],
    "step": [{"port": "1", "id": "s-1"}],
}


def config(**changes: Any) -> dict[str, Any]:
    return {**dict.fromkeys(THING.fields), "name": "new", "rule": [], "step": [], **changes}


def test_proposal_keeps_computed_values_and_drops_omitted_ones() -> None:
    proposed = propose(THING, PRIOR, config(password="secret"))
    assert (proposed["name"], proposed["arn"], proposed["size"]) == ("new", "arn:1", "small")
    assert proposed["note"] is None
    assert proposed["password"] is None, "write-only values are in no state"


def test_set_elements_keep_their_computed_values() -> None:
    proposed = propose(THING, PRIOR, config(rule=[{"port": "443", "id": None}, {"port": "22", "id": None}]))
    assert proposed["rule"] == [{"port": "443", "id": "r-443"}, {"port": "22", "id": None}]


def test_list_elements_keep_computed_values_by_index() -> None:
    proposed = propose(THING, PRIOR, config(step=[{"port": "9", "id": None}, {"port": "1", "id": None}]))
    assert proposed["step"] == [{"port": "9", "id": "s-1"}, {"port": "1", "id": None}]


def test_proposal_for_new_resource_has_no_prior_values() -> None:
    proposed = propose(THING, None, config(size=UNKNOWN))
    assert (proposed["arn"], proposed["size"], proposed["rule"]) == (None, UNKNOWN, [])


def test_order_in_sets_is_ignored() -> None:
    turned = {**PRIOR, "rule": list(reversed(PRIOR["rule"]))}
    assert sorted_sets(THING, turned) == sorted_sets(THING, PRIOR)
    steps = [{**PRIOR, "step": order} for order in (turned["rule"], PRIOR["rule"])]
    assert sorted_sets(THING, steps[0]) != sorted_sets(THING, steps[1]), "that in a list does"


URN = "urn:pulumi:test::diaspora-infra::aws:s3/bucket:Bucket::Uploads"


def test_generated_name_follows_the_seed_and_is_kept() -> None:
    rule = autonames.rule_for("aws_s3_bucket")
    made = autonames.name_it(rule, {}, {}, URN, b"seed")
    assert made == autonames.name_it(rule, {}, {}, URN, b"seed")
    assert made["bucket"] != autonames.name_it(rule, {}, {}, URN, b"another")["bucket"]
    assert autonames.name_it(rule, {"x": 1}, made, URN, b"another") == {"x": 1, **made}


@pytest.mark.parametrize(
    ("terraform", "pattern"),
    [("aws_s3_bucket", "[a-z-]{1,55}-[0-9a-f]{7}"), ("aws_iam_role", "[A-Za-z-]{1,56}-[0-9a-f]{7}")],
)
def test_generated_name_fits_the_resource_type(terraform: str, pattern: str) -> None:
    rule = autonames.rule_for(terraform)
    name = autonames.name_it(rule, {}, {}, f"{URN}{'s' * 90}", b"")[rule.property]
    assert len(name) == rule.longest
    assert name.islower() is rule.lower
    assert re.fullmatch(pattern, name)


def test_names_are_generated_only_when_omitted(resources: dict[str, Resource]) -> None:
    bucket, vpc = resources["aws:s3/bucket:Bucket"], resources["aws:ec2/vpc:Vpc"]
    assert bucket.with_name({"bucket": "mine"}, {}, URN, b"") == {"bucket": "mine"}
    assert bucket.with_name({"bucketPrefix": "mine"}, {}, URN, b"") == {"bucketPrefix": "mine"}
    assert "bucket" in bucket.with_name({}, {}, URN, b"")
    assert vpc.with_name({}, {}, URN, b"") == {}
