"""Databases, buckets and parameters."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from diaspora_infra.config.aws.availability import AURORA_VERSIONS
from tests.aws.rules.resources import Asked, Resources, of, several, statements

CLUSTER, INSTANCE = "aws:rds/cluster:Cluster", "aws:rds/instance:Instance"
LONGEST = {"Standard": 4096, "Advanced": 8192}
"""Bytes of a parameter, by tier (Systems Manager user guide, parameter tiers)."""


def clusters(resources: Resources) -> Iterator[str]:
    for each in of(resources, CLUSTER):
        scaling = each.inputs.get("serverlessv2ScalingConfiguration", {})
        if each.inputs.get("engineMode") != "provisioned":
            yield f"{each.name}: Aurora Serverless v1, which cannot be created any more"
        if each.inputs.get("engineVersion") not in AURORA_VERSIONS:
            yield f"{each.name}: a version that cannot be created, or cannot pause"
        if scaling.get("minCapacity", 0) > scaling.get("maxCapacity", 0):
            yield f"{each.name}: smallest capacity above the largest"
        if scaling.get("minCapacity") == 0 and not scaling.get("secondsUntilAutoPause"):
            yield f"{each.name}: never pauses"
        if not any(each.inputs.get("clusterIdentifier") == other for other in _clusters_with_machines(resources)):
            yield f"{each.name}: a cluster without a machine"
    for each in of(resources, "aws:rds/clusterInstance:ClusterInstance"):
        if each.inputs["instanceClass"] != "db.serverless":
            yield f"{each.name}: no serverless class"


def awake_alarms(resources: Resources) -> Iterator[str]:
    found = [
        each
        for each in of(resources, "aws:cloudwatch/metricAlarm:MetricAlarm")
        if each.inputs.get("metricName") == "ServerlessDatabaseCapacity"
    ]
    for each in of(resources, CLUSTER):
        pauses = each.inputs.get("serverlessv2ScalingConfiguration", {}).get("minCapacity") == 0
        own = [
            alarm
            for alarm in found
            if alarm.inputs["dimensions"]["DBClusterIdentifier"] == each.inputs["clusterIdentifier"]
        ]
        if pauses and not any(alarm.inputs.get("alarmActions") for alarm in own):
            yield f"{each.name}: nobody is told when it is awake too long"
    for alarm in found:
        # the API reference of PutMetricAlarm; the metric has one value a minute
        seconds = alarm.inputs["period"] * alarm.inputs["evaluationPeriods"]
        if (alarm.inputs["statistic"], seconds) != ("Sum", 604800):
            yield f"{alarm.name}: not the capacity of seven days"


def _clusters_with_machines(resources: Resources) -> set[str]:
    return {each.inputs["clusterIdentifier"] for each in of(resources, "aws:rds/clusterInstance:ClusterInstance")}


def databases(resources: Resources) -> Iterator[str]:
    for each in of(resources, CLUSTER, INSTANCE):
        final = each.inputs.get("finalSnapshotIdentifier", "")
        if not each.inputs.get("skipFinalSnapshot") and not re.fullmatch("[A-Za-z](-?[A-Za-z0-9])*", final):
            yield f"{each.name}: cannot be deleted without a name for its last snapshot"
        if not each.inputs.get("storageEncrypted"):
            yield f"{each.name}: database in the clear"
        password = each.inputs.get("masterPassword", each.inputs.get("password"))
        if isinstance(password, str) and not re.fullmatch("[!#-.0-?A-~]{8,41}", password):
            yield f"{each.name}: a password that RDS does not take"
        if each.inputs.get("manageMasterUserPassword"):
            yield f"{each.name}: a rotation that wakes the database, at 0.40 dollars a month"
        if each.inputs.get("enabledCloudwatchLogsExports"):
            yield f"{each.name}: an export that holds the database awake"


def database_machines(resources: Resources) -> Iterator[str]:
    for each in of(resources, "aws:rds/clusterInstance:ClusterInstance", INSTANCE):
        if each.inputs.get("performanceInsightsEnabled") or each.inputs.get("monitoringInterval"):
            yield f"{each.name}: a watch that holds the database awake"
        if each.inputs.get("publiclyAccessible") is not False:
            yield f"{each.name}: a database on the internet"
    for each in of(resources, INSTANCE):
        if not re.fullmatch(r"db\.t4g\.(micro|small|medium)", each.inputs["instanceClass"]):
            yield f"{each.name}: no such class"
        if each.inputs.get("storageType") == "gp3" and each.inputs["allocatedStorage"] < 20:
            yield f"{each.name}: gp3 begins with 20 GiB"
    for each in of(resources, "aws:rds/subnetGroup:SubnetGroup"):
        if len(_zones(resources, each.inputs["subnetIds"])) < 2:
            yield f"{each.name}: a database needs two zones"


def _zones(resources: Resources, wanted: list[str]) -> set[str]:
    zones = {each.id: each.inputs["availabilityZone"] for each in of(resources, "aws:ec2/subnet:Subnet")}
    return {zones.get(each, each) for each in wanted}


def families(resources: Resources) -> Iterator[str]:
    groups = ("aws:rds/clusterParameterGroup:ClusterParameterGroup", "aws:rds/parameterGroup:ParameterGroup")
    found = {re.sub("[^0-9]", "", each.inputs["family"]) for each in of(resources, *groups)}
    for each in of(resources, CLUSTER, INSTANCE):
        if found and each.inputs["engineVersion"].split(".")[0] not in found:
            yield f"{each.name}: parameters of another version"
    for each in of(resources, *groups):
        if {"name": "rds.force_ssl", "value": "1"}.items() - {**(each.inputs.get("parameters") or [{}])[0]}.items():
            yield f"{each.name}: connections in the clear"


def buckets(resources: Resources) -> Iterator[str]:
    for bucket in of(resources, "aws:s3/bucket:Bucket"):
        own = {each.token.rpartition(":")[2]: each for each in resources if _belongs(each, bucket)}
        block = own["BucketPublicAccessBlock"].inputs if "BucketPublicAccessBlock" in own else {}
        if [block.get(name) for name in BLOCKS] != [True] * 4:
            yield f"{bucket.name}: may become public"
        if "BucketServerSideEncryptionConfiguration" not in own:
            yield f"{bucket.name}: no encryption is asked for"
        if "BucketPolicy" not in own or not any(_is_tls_only(each) for each in statements(own["BucketPolicy"])):
            yield f"{bucket.name}: takes requests without TLS"
        if "BucketVersioning" in own:
            yield from _leftovers(bucket, own.get("BucketLifecycleConfiguration"))
        if bucket.inputs.get("objectLockEnabled") and "BucketObjectLockConfiguration" not in own:
            yield f"{bucket.name}: a lock without a term"
    for each in of(resources, "aws:s3/bucketPolicy:BucketPolicy"):
        for statement in statements(each):
            if statement["Effect"] == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"}):
                yield f"{each.name}: lets everybody in"
            if statement["Effect"] == "Deny" and not _is_tls_only(statement):
                yield f"{each.name}: may lock its owner out"


BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _belongs(each: Asked, bucket: Asked) -> bool:
    return each.token.startswith("aws:s3/bucket") and each.inputs.get("bucket") == bucket.id and each is not bucket


def _is_tls_only(statement: Mapping[str, Any]) -> bool:
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    kinds = (statement["Effect"], statement.get("Principal"), statement.get("Action"), statement.get("Condition"))
    return kinds == ("Deny", "*", "s3:*", insecure) and len(several(statement["Resource"])) == 2


def _leftovers(bucket: Asked, lifecycle: Asked | None) -> Iterator[str]:
    rules = lifecycle.inputs.get("rules", []) if lifecycle else []
    for rule in rules:
        if "filter" not in rule:
            yield f"{bucket.name}: a lifecycle rule without a filter"
    if not any(rule.get("abortIncompleteMultipartUpload") for rule in rules):
        yield f"{bucket.name}: unfinished uploads stay for ever"
    if not any(rule.get("noncurrentVersionExpiration") for rule in rules):
        yield f"{bucket.name}: old versions stay for ever"


def parameters(resources: Resources) -> Iterator[str]:
    for each in of(resources, "aws:ssm/parameter:Parameter"):
        value, tier = each.inputs.get("value"), each.inputs.get("tier", "Standard")
        if isinstance(value, str) and not 0 < len(value.encode()) <= LONGEST[tier]:
            yield f"{each.name}: a value of {len(value.encode())} bytes"
        if not re.fullmatch("(/[A-Za-z0-9_.-]+){1,15}", each.inputs["name"]) or len(each.inputs["name"]) > 1011:
            yield f"{each.name}: name"
