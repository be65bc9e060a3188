"""Mistakes in the settings of target aws: one line each, before anything is made."""

from typing import Any

import pytest

from diaspora_infra.config import ConfigError, load
from diaspora_infra.config.aws_facts import AURORA_VERSIONS, INSTANCE_TYPES
from tests.support import configs

REGION = {"region": "eu-west-1"}
TYPES, VERSIONS = ", ".join(INSTANCE_TYPES), ", ".join(AURORA_VERSIONS)
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"region": "eu-west-9"}, "aws.region: 'eu-west-9' is not valid; allowed: a region of AWS, such as eu-west-1"),
    ({"instance": {"type": "t4g.smal"}}, f"aws.instance.type: 't4g.smal' is not valid; allowed: one of {TYPES}"),
    (
        {"region": "eu-north-1", "instance": {"type": "t3a.small"}},
        "aws.instance.type: t3a.small is not offered in eu-north-1; allowed: a type of t4g or t3",
    ),
    (
        {"region": "ca-west-1", "database": {"engine": "rds"}},
        "aws.database.engine: rds: ca-west-1 has no small instances for it; allowed: auroraServerless, onInstance",
    ),
    ({"database": {"version": "16.3"}}, f"aws.database.version: '16.3' is not valid; allowed: one of {VERSIONS}"),
    ({"database": {"version": "13.9"}}, f"aws.database.version: '13.9' is not valid; allowed: one of {VERSIONS}"),
    (
        {"database": {"minAcu": 2, "maxAcu": 1}},
        "aws.database.minAcu: 2.0 is more than maxAcu, 1.0; allowed: at most maxAcu",
    ),
    (
        {"database": {"engine": "rds", "maxAcu": 2}},
        "aws.database.maxAcu: nothing uses it; allowed: with engine: auroraServerless",
    ),
    (
        {"database": {"engine": "onInstance", "restoreFrom": "monday"}},
        "aws.database.restoreFrom: nothing uses it; allowed: with a database of AWS",
    ),
    (
        {"network": {"cidr": "10.0.0.0/8"}},
        "aws.network.cidr: '10.0.0.0/8' is not valid; allowed: a private IPv4 network from /16 to /24, such as "
        "10.0.0.0/16",
    ),
    ({"network": {"zones": ["a", "a"]}}, "aws.network.zones: a is there twice; allowed: each zone once"),
    ({"network": {"zones": ["a"]}}, "aws.network.zones: 1 entries; allowed: at least 2"),
    (
        {"dns": {"zone": "example.com"}, "mail": {"existingIdentity": True}},
        "aws.dns.zone: 'example.com' does not hold the pod's domain, pod.example.org; allowed: the domain, or a part "
        "of its end",
    ),
    (
        {"dns": {"provider": "external", "createZone": True}},
        "aws.dns.createZone: nothing uses it; allowed: with provider: route53",
    ),
    (
        {"instance": {"shellAccess": "ssh"}},
        "aws.instance.sshFrom: missing; it is required with shellAccess: ssh: the networks that you come from",
    ),
    (
        {"instance": {"sshFrom": ["192.0.2.1"]}},
        "aws.instance.sshFrom: nothing uses it; allowed: with shellAccess: ssh",
    ),
    (
        {"backups": {"bucket": False, "objectLockDays": 7}},
        "aws.backups.objectLockDays: nothing uses it; allowed: with aws.backups.bucket: true",
    ),
    ({"tags": {f"tag {number}": "x" for number in range(8)}}, "aws.tags: 8 entries; allowed: at most 7"),
    (
        {"tags": {"aws:mine": "x"}},
        "aws.tags: 'aws:mine' begins with aws:, which AWS keeps for itself; allowed: any other name",
    ),
]


def problems(values: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(values, ())
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("changes", "line"), MISTAKES, ids=[line.partition(":")[0] for _, line in MISTAKES])
def test_each_mistake_is_one_line(changes: dict[str, Any], line: str) -> None:
    load(configs.aws_config(**REGION), ())
    assert problems(configs.aws_config(**{**REGION, **changes})) == [line]


def test_networks_that_overlap_are_one_line() -> None:
    values = configs.aws_config(**REGION, network={"cidr": "10.90.0.0/16"}, pod_changes={"subnet": "10.90.1.0/24"})
    (line,) = problems(values)
    assert line.endswith("aws.network.cidr (10.90.0.0/16) and pod.subnet (10.90.1.0/24) overlap; allowed: apart")


def test_keys_of_metal_are_refused() -> None:
    values = configs.aws_config(**REGION)
    values["host"]["storage"] = {"rootGib": 10}
    assert problems(values) == ["host.storage: nothing uses it on AWS; allowed: aws.instance.rootGib and dataGib"]
