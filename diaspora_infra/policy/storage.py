"""Rules on what holds data."""

import re
from collections.abc import Iterator

from diaspora_infra.aws.data_types import DATA_TYPES
from diaspora_infra.policy.resources import Resource, fits
from diaspora_infra.policy.rule import Rule, Setting, Settings

_CLUSTER, _INSTANCE = "aws:rds/cluster:Cluster", "aws:rds/instance:Instance"
_VOLUME, _MACHINE = "aws:ebs/volume:Volume", "aws:ec2/instance:Instance"
_TEMPLATE, _CACHE = "aws:ec2/launchTemplate:LaunchTemplate", "aws:elasticache/replicationGroup:ReplicationGroup"
_PARAMETER, _LISTENER = "aws:ssm/parameter:Parameter", "aws:lb/listener:Listener"
_SECRET = re.compile(r"(?:password|passphrase|secret|token|key)s?\Z", re.IGNORECASE)


def _data_protected(resource: Resource, settings: Settings) -> Iterator[str]:
    if not resource.protect and not fits(resource.name, settings["except"]):
        yield "holds data and is not protected; set the option protect (in a stack file aws.protect: true)"


DATA_PROTECTED = Rule(
    name="data-protected",
    description="Databases, caches, volumes, buckets and zones cannot be deleted by mistake",
    kinds=DATA_TYPES,
    settings={"except": Setting(["*-bundles", "*-ignition"], "names of resources that hold nothing of their own")},
    check=_data_protected,
)


def _database_recoverable(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.get("skipFinalSnapshot", False):
        yield "skipFinalSnapshot: a deleted database leaves nothing; remove it"
    if not resource.get("deletionProtection", True):
        yield "deletionProtection: false; remove it, or set true"
    if resource.get("backupRetentionPeriod", 0) < settings["days"]:
        yield "backupRetentionPeriod: shorter than the days of this rule; set more days"


DATABASE_RECOVERABLE = Rule(
    name="database-recoverable",
    description="A database keeps its backups, and a last snapshot when it is deleted",
    kinds=frozenset({_CLUSTER, _INSTANCE}),
    settings={"days": Setting(7, "days for which backups are kept at least")},
    check=_database_recoverable,
)


def _encrypted(resource: Resource, _settings: Settings) -> Iterator[str]:
    if resource.kind in {_CLUSTER, _INSTANCE} and not resource.get("storageEncrypted", False):
        yield "storageEncrypted: set true"
    if resource.kind == _VOLUME and not resource.get("encrypted", False):
        yield "encrypted: set true"
    for key in ("atRestEncryptionEnabled", "transitEncryptionEnabled"):
        if resource.kind == _CACHE and not resource.get(key, False):
            yield f"{key}: set true"
    yield from _disks_of_machines(resource)
    if resource.kind == _PARAMETER and resource.get("type") != "SecureString" and _SECRET.search(resource.get("name")):
        yield "type: named like a secret; set SecureString"
    secured = resource.kind == _LISTENER and resource.get("protocol") in {"HTTPS", "TLS"}
    if secured and "TLS13" not in resource.get("sslPolicy", ""):
        yield "sslPolicy: allows old versions of TLS; set one with TLS13"


def _disks_of_machines(resource: Resource) -> Iterator[str]:
    disks = {key: resource.list(key) for key in ("rootBlockDevice", "ebsBlockDevices") if resource.kind == _MACHINE}
    if resource.kind == _TEMPLATE:
        mappings = resource.list("blockDeviceMappings")
        disks["blockDeviceMappings.ebs"] = [each["ebs"] for each in mappings if each.get("ebs")]
    for key, each in disks.items():
        # a launch template has texts
        if any(str(disk.get("encrypted")).lower() != "true" for disk in each):
            yield f"{key}.encrypted: set true"


ENCRYPTED = Rule(
    name="encrypted",
    description="Disks, databases, caches, secret parameters and connections are encrypted",
    kinds=frozenset({_CLUSTER, _INSTANCE, _VOLUME, _MACHINE, _TEMPLATE, _CACHE, _PARAMETER, _LISTENER}),
    settings={},
    check=_encrypted,
)
