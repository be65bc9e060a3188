"""Which account and which zones a stack of target aws asks for, on Pulumi's mocks."""

import json
from typing import Any

import pulumi
import pytest
from pulumi.runtime.config import CONFIG

from diaspora_infra.aws import AwsPod
from diaspora_infra.aws.stack import aws_stack
from diaspora_infra.config import ConfigError, load
from tests.aws.mock_account import MockAccount
from tests.support import configs
from tests.support.mocked import Runner


def stack(run: Runner, config: dict[str, str]) -> dict[str, Any]:
    """Inputs of the provider that a stack makes, with this config of the namespace aws."""
    settings = load(configs.aws_config(region="eu-west-1"))
    account = MockAccount()
    before = CONFIG.set(config)
    try:
        run(account, lambda: aws_stack(settings, {}) and None)
    finally:
        CONFIG.reset(before)
    (provider,) = [each for each in account.made if each.token == "pulumi:providers:aws"]
    users = {
        each.request.provider.rpartition("::")[0] for each in account.made if each.custom and each.urn != provider.urn
    }
    assert users == {provider.urn}, "everything is made by this provider"
    return provider.inputs


def test_provider_uses_the_account_of_the_config(run: Runner) -> None:
    config = {
        "aws:region": "eu-west-1",
        "aws:profile": "12",
        "aws:allowedAccountIds": '["123456789012", 210987654321]',
        "aws:forbiddenAccountIds": '["000000000001"]',
    }
    inputs = stack(run, config)
    assert (inputs["region"], inputs["profile"]) == ("eu-west-1", "12")
    assert json.loads(inputs["allowedAccountIds"]) == ["123456789012", "210987654321"]
    assert json.loads(inputs["forbiddenAccountIds"]) == ["000000000001"]


def test_provider_uses_the_environment_without_config(run: Runner) -> None:
    inputs = stack(run, {"aws:region": "eu-west-1"})
    assert inputs.keys().isdisjoint({"profile", "allowedAccountIds", "forbiddenAccountIds"})


def test_unused_provider_key_is_refused(run: Runner) -> None:
    with pytest.raises(ConfigError, match=r"^aws:assumeRoles: unknown key; allowed: aws:region, aws:profile, "):
        stack(run, {"aws:assumeRoles": "[]"})


ZONES = "aws:index/getAvailabilityZones:getAvailabilityZones"
OFFERINGS = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"


def pod(run: Runner, answers: dict[str, dict[str, Any] | None], **changes: Any) -> MockAccount:
    """Make a pod in an account that answers so."""
    values = configs.aws_config(region="ap-northeast-1", **changes)
    account = MockAccount(answers)
    run(account, lambda: AwsPod("one", {"pod": values["pod"], "host": values["host"], "aws": values["aws"]}) and None)
    return account


def names(*letters: str) -> list[str]:
    return [f"ap-northeast-1{letter}" for letter in letters]


IDS = {"a": "apne1-az4", "b": "apne1-az3", "c": "apne1-az1", "d": "apne1-az2"}
"""Zone b of an old account takes no VPC link."""


def zones(*letters: str) -> dict[str, list[str]]:
    """What AWS answers an account with these zones, and with a local one."""
    return {
        "names": [*names(*letters), "ap-northeast-1-tpe-1a"],
        "zoneIds": [*(IDS[letter] for letter in letters), "apne1-tpe1-az1"],
    }


EVERYWHERE = {"locations": names("a", "b", "c", "d")}


@pytest.mark.parametrize(
    ("changes", "found", "offered", "message"),
    [
        (
            {"network": {"zones": ["a", "b"]}},
            zones("a", "c", "d"),
            EVERYWHERE,
            r"^aws.network.zones: ap-northeast-1b does not exist for this account; allowed: a, c, d$",
        ),
        (
            {"network": {"zones": ["a", "b"]}},
            zones("a", "b", "c"),
            EVERYWHERE,
            r"^aws.network.zones: ap-northeast-1b \(apne1-az3\) takes no VPC link of API Gateway; use a, c, "
            r"or set aws.edge: direct$",
        ),
        (
            {},
            zones("a", "b"),
            EVERYWHERE,
            "^aws.network.zones: a VPC link of API Gateway takes a of this account's zones, and two are needed; "
            "set aws.edge: direct$",
        ),
        (
            {},
            zones("a", "b", "c"),
            {"locations": names("c", "d")},
            r"^aws.instance.type: t4g.micro is not offered in ap-northeast-1a; use another type, or put "
            r"one of these zones first: c, d$",
        ),
        (
            {"topology": "ha"},
            zones("a", "b", "c"),
            {"locations": names("a", "c", "d")},
            r"^aws.instance.type: t4g.small is not offered in ap-northeast-1b; use another type, or set "
            r"aws.network.zones to some of these: a, c, d$",
        ),
        ({}, None, EVERYWHERE, "^aws.network.zones: the zones of ap-northeast-1 cannot be asked for "),
        ({}, zones("a", "c"), None, "^aws.instance.type: the types of ap-northeast-1a cannot be asked for "),
    ],
)
def test_unsuitable_zones_are_reported_before_anything_is_created(
    run: Runner,
    changes: dict[str, Any],
    found: dict[str, Any] | None,
    offered: dict[str, Any] | None,
    message: str,
) -> None:
    with pytest.raises(pulumi.RunError, match=message):
        pod(run, {ZONES: found, OFFERINGS: offered}, **changes)


@pytest.mark.parametrize(
    ("changes", "there", "chosen"),
    [
        ({}, "abcd", "ac"),
        ({}, "cd", "cd"),
        # the same, so that the gateway can be taken later
        ({"edge": "direct"}, "abcd", "ac"),
        ({"edge": "direct"}, "ab", "ab"),
        ({"edge": "direct", "network": {"zones": ["b", "a"]}}, "abcd", "ba"),
        ({"network": {"zones": ["d", "a"]}}, "abcd", "da"),
    ],
)
def test_zones_are_those_of_the_settings_or_the_first_two_with_vpc_links(
    run: Runner, changes: dict[str, Any], there: str, chosen: str
) -> None:
    account = pod(run, {ZONES: zones(*there), OFFERINGS: EVERYWHERE}, **changes)
    subnets = {each.name: each.inputs["availabilityZone"] for each in account.of("Subnet")}
    first, second = names(*chosen)
    assert subnets == {
        "one-public": first,
        f"one-private-{chosen[0]}": first,
        f"one-private-{chosen[1]}": second,
    }
    (volume,) = account.of("Volume")
    assert volume.inputs["availabilityZone"] == first


@pytest.mark.parametrize(
    ("changes", "there", "chosen"),
    [
        # the first two as with one machine, so that their subnets stay when the topology changes
        ({}, "abcd", "acb"),
        ({}, "abc", "acb"),
        ({}, "ac", "ac"),
        ({"network": {"zones": ["d", "b"]}}, "abcd", "db"),
    ],
)
def test_several_machines_are_in_three_zones_where_there_are_so_many(
    run: Runner, changes: dict[str, Any], there: str, chosen: str
) -> None:
    account = pod(run, {ZONES: zones(*there), OFFERINGS: EVERYWHERE}, topology="ha", **changes)
    subnets = {each.name: each.inputs["availabilityZone"] for each in account.of("Subnet")}
    public = ["one-public", *(f"one-public-{letter}" for letter in chosen[1:])]
    private = [f"one-private-{letter}" for letter in chosen]
    assert subnets == dict(zip([*public, *private], [*names(*chosen)] * 2, strict=True))


def test_zones_and_instance_types_are_queried_once(run: Runner) -> None:
    account = pod(run, {ZONES: zones("a", "c"), OFFERINGS: {"locations": names("a")}})
    assert account.of("Instance")
    asked = [(each.token, each.args) for each in account.asked if each.token in {ZONES, OFFERINGS}]
    wanted = {"locationType": "availability-zone", "filters": [{"name": "instance-type", "values": ["t4g.micro"]}]}
    assert sorted(asked, key=str) == [(OFFERINGS, wanted), (ZONES, {})]
