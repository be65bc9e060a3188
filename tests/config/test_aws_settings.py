"""Mistakes in the settings of target aws: one line each, before anything is created."""

import re
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.config import AwsSettings, ConfigError, load
from diaspora_infra.config.aws.availability import AURORA_VERSIONS, REGIONS, VPC_LINK_ZONES
from diaspora_infra.config.aws.aws import JOB, WEB
from diaspora_infra.config.aws.parameter_names import machine_parameters
from tests.support import configs

REGION = {"region": "eu-west-1"}
VERSIONS = ", ".join(AURORA_VERSIONS)
HA = {"topology": "ha"}
EXISTING = {
    "vpcId": "vpc-0123456789abcdef0",
    "publicSubnetId": "subnet-0123456789abcdef0",
    "privateSubnetIds": ["subnet-0123456789abcdef1", "subnet-0123456789abcdef2"],
}
REPOSITORY = {"backup": {"repository": "local"}}

MISTAKES: list[tuple[dict[str, Any], list[str]]] = [
    ({"region": "eu-west-9"}, ["aws.region: 'eu-west-9' is not valid; allowed: a region of AWS, such as eu-west-1"]),
    (
        {"region": "eu-south-1"},
        [
            "aws.edge: gateway: API Gateway has no VPC links in eu-south-1, so it cannot reach the machine; set direct",
        ],
    ),
    (
        {"region": "mx-central-1", "edge": "direct"},
        ["aws.mail.existingIdentity: false, and the DKIM records of mx-central-1 are not known here; create the"],
    ),
    ({"instance": {"type": "m7g.metal"}}, ["aws.instance.type: 'm7g.metal' is not valid; allowed: one of t4g.micro"]),
    ({"instance": {"imageId": "fedora"}}, ["aws.instance.imageId: 'fedora' is not valid; allowed: an id such as ami-"]),
    ({"instance": {"rootGib": 8}}, ["aws.instance.rootGib: 8 is out of range; allowed: 10 to 1024"]),
    ({"instance": {"shellAccess": "ssh"}}, ["aws.instance.sshFrom: required with shellAccess: ssh; list the networks"]),
    ({"instance": {"sshFrom": ["192.0.2.0/24"]}}, ["aws.instance.sshFrom: only used with shellAccess: ssh; remove it"]),
    (
        {"instance": {"shellAccess": "ssh", "sshFrom": ["192.0.2.0/24", "2001:db8::/32"]}},
        ["aws.instance.sshFrom: 2001:db8::/32: the VPC has no IPv6; use IPv4, or set aws.network.ipv6: true"],
    ),
    (
        {"database": {"version": "13.4"}},
        ["aws.database.version: '13.4' is not valid; allowed: one of 16.8, 16.9, 16.10"],
    ),
    (
        {"database": {"minAcu": 2}},
        ["aws.database.minAcu: 2.0 is more than maxAcu (1.0); lower minAcu, or raise maxAcu"],
    ),
    ({"database": {"minAcu": 0.7}}, ["aws.database.minAcu: 0.7 is not valid; allowed: 0 to 256 in steps of 0.5"]),
    ({"database": {"autoPauseSeconds": 60}}, ["aws.database.autoPauseSeconds: 60 is out of range; allowed: 300"]),
    (
        {"database": {"engine": "rds", "version": "17.9", "maxAcu": 2}},
        ["aws.database.maxAcu: only used with engine: auroraServerless; remove it"],
    ),
    (
        {
            "database": {
                "engine": "onInstance",
                "version": "17.9",
                "storageGib": 20,
                "backupDays": 7,
                "restoreFrom": "x",
            }
        },
        [
            "aws.database.version: not used with engine: onInstance; remove it",
            "aws.database.storageGib: only used with engine: rds; remove it",
            "aws.database.backupDays: not used with engine: onInstance; remove it",
            "aws.database.restoreFrom: not used with engine: onInstance; remove it",
        ],
    ),
    ({"network": {"cidr": "192.0.2.0/24"}}, ["aws.network.cidr: '192.0.2.0/24' is not valid; allowed: a private IPv4"]),
    ({"network": {"cidr": "10.0.0.0/8"}}, ["aws.network.cidr: '10.0.0.0/8' is not valid; allowed: a private IPv4"]),
    ({"network": {"zones": ["a"]}}, ["aws.network.zones: 1 item; allowed: at least 2 items"]),
    ({"network": {"zones": ["a", "a"]}}, ["aws.network.zones: [1] is the same as [0]; remove one of the two"]),
    (
        {"network": {"cidr": "10.89.0.0/16"}, "pod": {"subnet": "10.89.1.0/24"}},
        ["pod.subnet: aws.network.cidr (10.8"],
    ),
    ({"network": {"flowLogsDays": 2}}, ["aws.network.flowLogsDays: 2 is not valid; allowed: 0, 1, 3, 5, 7, 14"]),
    ({"httpApi": {"logDays": 4}}, ["aws.httpApi.logDays: 4 is not valid; allowed: 0, 1, 3, 5, 7, 14"]),
    (
        {"edge": "direct", "httpApi": {"logDays": 7}},
        ["aws.httpApi: only used with aws.edge: gateway; remove it"],
    ),
    ({"pod": {"tls": {"mode": "acme"}}}, ["pod.tls: only used with aws.edge: direct; remove it"]),
    ({"dns": {"zone": "example.net"}}, ["aws.dns.zone: 'example.net' does not contain the pod's domain, pod.exam"]),
    ({"dns": {"zone": "ample.org"}}, ["aws.dns.zone: 'ample.org' does not contain the pod's domain, pod.example"]),
    (
        {"dns": {"provider": "external", "zone": "example.org", "createZone": True}},
        [
            "aws.dns.zone: only used with provider: route53; remove it",
            "aws.dns.createZone: only used with provider: route53; remove it",
        ],
    ),
    ({"pod": REPOSITORY}, ["pod.backup.repository: conflicts with the bucket that this stack creates; remove it, or"]),
    (
        {"backups": {"bucket": False, "objectLockDays": 7}},
        ["aws.backups.objectLockDays: only used with aws.backups.bucket: true; remove it"],
    ),
    ({"tags": {"aws:owner": "x"}}, ["aws.tags: 'aws:owner' begins with aws:, which AWS reserves; choose another name"]),
    ({"parameterPath": "diaspora"}, ["aws.parameterPath: 'diaspora' is not valid; allowed: a path such as /diaspora/"]),
    (
        {"host": {"storage": {"rootGib": 10}}},
        ["host.storage: not used on AWS; set aws.instance.rootGib and dataGib instead"],
    ),
    ({"host": {"memoryMib": 1024}}, ["host.memoryMib: not used on AWS; set aws.size or aws.instance.type instead"]),
    ({"regoin": "eu-west-1"}, ["aws.regoin: unknown key (did you mean region?); allowed: "]),
    (
        {"region": "eu-north-1", "instance": {"type": "t3a.small"}},
        ["aws.instance.type: t3a.small is not offered in eu-north-1; choose a type of t4g or t3"],
    ),
    (
        {"region": "ca-west-1", "edge": "direct", "database": {"engine": "rds"}},
        ["aws.database.engine: rds has no small instance classes in ca-west-1; allowed: auroraServerless, onInstance"],
    ),
    ({"database": {"version": "16.3"}}, [f"aws.database.version: '16.3' is not valid; allowed: one of {VERSIONS}"]),
    ({"tags": {f"tag {number}": "x" for number in range(8)}}, ["aws.tags: 8 items; allowed: at most 7 items"]),
    ({"ha": {"webMachines": 3}}, ["aws.ha: only used with topology: ha; remove it"]),
    ({"edge": "loadBalancer"}, ["aws.edge: loadBalancer: only used with topology: ha; set gateway or direct"]),
    ({**HA, "edge": "gateway"}, ["aws.edge: gateway: only used with topology: single; remove it"]),
    ({**HA, "edge": "direct"}, ["aws.edge: direct: only used with topology: single; remove it"]),
    ({**HA, "httpApi": {"logDays": 7}}, ["aws.httpApi: only used with aws.edge: gateway; remove it"]),
    ({**HA, "uploads": "volume"}, ["aws.uploads: volume: only used with topology: single; remove it"]),
    (
        {**HA, "size": "minimal"},
        ["aws.size: t4g.micro has 1024 MiB of memory, and a machine of topology: ha needs 2048"],
    ),
    ({**HA, "ha": {"webMachines": 1}}, ["aws.ha.webMachines: 1 is out of range; allowed: 2 to 20"]),
    (
        {**HA, "instance": {"type": "t3.micro", "dataGib": 20}, "backups": {"volumeSnapshotDays": 0}},
        [
            "aws.backups.volumeSnapshotDays: not used with topology: ha, which has no data volume; remove it",
            "aws.instance.dataGib: not used with topology: ha, which has no data volume; remove it",
            "aws.instance.type: t3.micro has 1024 MiB of memory, and a machine of topology: ha needs 2048; remove it",
        ],
    ),
    (
        {**HA, "network": {"existing": EXISTING}},
        ["aws.network.existing: not supported with topology: ha, which needs a public subnet in each zone; remove it"],
    ),
    (
        {**HA, "network": {"cidr": "10.0.0.0/24"}},
        ["aws.network.cidr: 10.0.0.0/24 is too small for topology: ha, whose"],
    ),
    (
        {**HA, "database": {"engine": "onInstance"}},
        ["aws.database.engine: onInstance: only used with topology: single; set rds or auroraServerless"],
    ),
    (
        {**HA, "database": {"engine": "auroraServerless", "minAcu": 0, "autoPauseSeconds": 300}},
        ["aws.database.minAcu: 0.0: machines of topology: ha are always connected, so nothing pauses; remove it, or"],
    ),
    (
        {**HA, "database": {"maxAcu": 2}},
        ["aws.database.maxAcu: only used with engine: auroraServerless; remove it"],
    ),
    (
        {**HA, "region": "ca-west-1", "mail": {"enabled": False}},
        ["aws.database.engine: rds has no small instance classes in ca-west-1; allowed: auroraServerless"],
    ),
    (
        {**HA, "pod": {"upgrade": {"automatic": True}, "tls": {"mode": "own"}, "secretsOnMachine": ["backupPassword"]}},
        [
            "backupPassword: set in the stack, but pod.secretsOnMachine lists it; run: pulumi config rm",
            "pod.secretsOnMachine: not used with topology: ha, whose machines come and go; set the secrets in",
            "pod.secretsOnMachine[0]: no setting uses backupPassword; remove it",
            "pod.tls: not used with topology: ha, where the load balancer has the certificate; remove it",
            "pod.upgrade: not used with topology: ha, where a change makes other machines; remove it",
        ],
    ),
    (
        {
            **HA,
            "pod": {
                "mail": {"senderAddress": "pod@pod.example.org", "relay": {"image": "registry.example.org/relay:1"}}
            },
        },
        ["pod.mail.relay: not used with topology: ha: its queue would be lost with each machine; remove it, for"],
    ),
    (
        {**HA, "backups": {"bucket": False}, "pod": {"backup": {}}},
        ["pod.backup.repository: local: a machine of topology: ha keeps nothing; set another one, or aws.backups"],
    ),
    (
        {**HA, "pod": {"backup": {"restoreFirst": True}}},
        ["pod.backup.restoreFirst: not used with topology: ha, where each new machine would bring an older state back"],
    ),
    (
        {**HA, "host": {"updates": {"strategy": "immediate"}, "storage": {"rootGib": 10}}},
        [
            "host.storage: not used on AWS; set aws.instance.rootGib instead",
            "host.updates: not used with topology: ha, whose machines are replaced and not updated; remove it, and set",
        ],
    ),
    (
        {**HA, "pod": {"monitoring": {"nodeExporter": True, "listen": "10.0.0.7"}}},
        ["pod.monitoring.listen: 10.0.0.7 is an address of one machine; allowed with topology: ha: 127.0.0.1, 0.0.0.0"],
    ),
]


def problems(values: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(values, {"backupPassword": "x"})
    return str(caught.value).splitlines()


def config(changes: dict[str, Any]) -> dict[str, Any]:
    """A good config for AWS with these changes; those of the keys `pod` and `host` go there, the others into `aws`."""
    own = {key: value for key, value in changes.items() if key not in {"pod", "host"}}
    values = configs.aws_config(pod_changes=changes.get("pod"), **{**REGION, **own})
    values["host"] |= changes.get("host", {})
    return values


@pytest.mark.parametrize(("changes", "lines"), MISTAKES, ids=lambda value: str(value)[:40])
def test_each_mistake_is_reported_in_one_line(changes: dict[str, Any], lines: list[str]) -> None:
    """Lines are compared by their beginnings. The same settings without the mistakes are valid."""
    load(configs.aws_config(**REGION), ())
    found = problems(config(changes))
    assert len(found) == len(lines), found
    for line, beginning in zip(found, sorted(lines), strict=True):
        assert line.startswith(beginning)


@pytest.mark.parametrize("engine", ["auroraServerless", "rds"])
def test_database_version_can_be_set_for_aurora_and_rds(engine: str) -> None:
    settings = load(configs.aws_config(**REGION, database={"engine": engine, "version": "16.9"}), ())
    assert isinstance(settings, AwsSettings)
    assert settings.aws.database.version == "16.9"


def test_ipv6_network_accepts_ipv6_ssh_sources() -> None:
    shell = {"shellAccess": "ssh", "sshFrom": ["2001:db8::/32"]}
    load(configs.aws_config(**REGION, instance=shell, network={"ipv6": True}), ())


def test_regions_without_vpc_links_are_those_of_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs/aws.md").read_text(encoding="utf-8")
    section = guide.split("## Regions and zones\n", 1)[1].split("\n\n")[0]
    assert set(re.findall(r"[a-z]{2}-[a-z]+-\d", section)) == REGIONS - VPC_LINK_ZONES.keys()
    for region, zones in VPC_LINK_ZONES.items():
        assert region in REGIONS
        assert len(set(zones)) >= 2, region
        assert all(re.fullmatch(r"[a-z]{3,4}\d-az\d", zone) for zone in zones)


def test_groups_have_defaults_of_their_own() -> None:
    settings = load(configs.aws_config(**REGION, topology="ha"), ())
    assert isinstance(settings, AwsSettings)
    aws, database = settings.aws, settings.aws.database
    assert (aws.edge, aws.instance_type_name, database.engine, database.instance_class) == (
        "loadBalancer",
        "t4g.small",
        "rds",
        "db.t4g.small",
    )
    # only what the load balancer sends says which client asks
    assert (settings.pod.tls.mode, settings.pod.tls.trusted_proxies) == ("behindProxy", ["10.0.0.0/16"])
    chosen = {"database": {"engine": "auroraServerless"}, "instance": {"type": "t3.medium"}, "monthlyBudgetUsd": 300}
    settings = load(configs.aws_config(**REGION, topology="ha", **chosen), ())
    assert isinstance(settings, AwsSettings)
    assert (settings.aws.database.min_acu, settings.aws.database.pauses) == (0.5, False)
    assert (settings.aws.instance_type_name, settings.aws.monthly_budget_usd) == ("t3.medium", 300)


def test_machines_read_what_their_role_needs() -> None:
    values = configs.aws_config(**REGION, topology="ha", pod_changes={"backup": {}})
    settings = load(values, {"backupPassword"})
    assert isinstance(settings, AwsSettings)
    found = {
        role: {parameter.name for parameter in machine_parameters(settings.aws, settings.pod, role)}
        for role in (WEB, JOB)
    }
    both = {"databaseHost", "databasePassword", "cacheHost", "cacheToken", "uploadsBucket"}
    assert found[WEB] == both | {"smtpUsername", "smtpPassword"}
    assert found[JOB] == found[WEB] | {"backupRepository", "backupPassword"}
    single = load(configs.aws_config(**REGION), ())
    assert isinstance(single, AwsSettings)
    assert not {"cacheHost", "cacheToken"} & {each.name for each in machine_parameters(single.aws, single.pod)}


def test_missing_secret_of_groups_has_no_place_on_a_machine() -> None:
    with pytest.raises(ConfigError, match=r"backupPassword: required; .*, or add backupPassword to aws.existingParam"):
        load(configs.aws_config(**REGION, topology="ha", pod_changes={"backup": {}}), ())
