"""Load balancers, groups of machines, and caches."""

import base64
import re
from collections.abc import Iterator

from diaspora_infra.aws.user_data import USER_DATA_MAX_BYTES
from tests.aws.rules.resources import Asked, Resources, of

BALANCER, LISTENER = "aws:lb/loadBalancer:LoadBalancer", "aws:lb/listener:Listener"
TARGETS, TEMPLATE = "aws:lb/targetGroup:TargetGroup", "aws:ec2/launchTemplate:LaunchTemplate"
GROUP, CACHE = "aws:autoscaling/group:Group", "aws:elasticache/replicationGroup:ReplicationGroup"
ALARM, CACHE_PARAMETERS = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:elasticache/parameterGroup:ParameterGroup"
MODERN_TLS = re.compile(r"ELBSecurityPolicy-TLS13-1-[23]-.*")
LONGEST_NAME = 32
"""Of load balancers and target groups (Elastic Load Balancing API reference)."""
DIGITS = 8
"""What the engine puts at the end of a name, with its dash."""


def balancers(resources: Resources) -> Iterator[str]:
    for each in of(resources, BALANCER):
        if len(set(each.inputs["subnets"])) < 2:
            yield f"{each.name}: a load balancer in one zone"
        if each.inputs.get("preserveHostHeader") is not True:
            yield f"{each.name}: signatures cover the host, which must stay as it is"
        if not _listening(resources, each, "HTTPS"):
            yield f"{each.name}: a load balancer that nobody reaches"
    for each in of(resources, BALANCER, TARGETS):
        if len(each.inputs.get("name", each.name + DIGITS * "x")) > LONGEST_NAME:
            yield f"{each.name}: a name of more than {LONGEST_NAME} characters"


def _listening(resources: Resources, balancer: Asked, protocol: str) -> bool:
    return any(
        each.inputs["protocol"] == protocol and balancer.urn in each.depends["loadBalancerArn"]
        for each in of(resources, LISTENER)
    )


def listeners(resources: Resources) -> Iterator[str]:
    for each in of(resources, LISTENER):
        (action,) = each.inputs["defaultActions"]
        if each.inputs["protocol"] == "HTTPS":
            if not MODERN_TLS.fullmatch(each.inputs.get("sslPolicy", "")):
                yield f"{each.name}: TLS 1.2 and later only"
            if not each.inputs.get("certificateArn"):
                yield f"{each.name}: no certificate"
        elif action["type"] != "redirect":
            yield f"{each.name}: requests in the clear"


def targets(resources: Resources) -> Iterator[str]:
    for each in of(resources, TARGETS):
        check = each.inputs["healthCheck"]
        # Application Load Balancer guide, target groups: slow start
        if (
            each.inputs.get("slowStart")
            and each.inputs.get("loadBalancingAlgorithmType", "round_robin") != "round_robin"
        ):
            yield f"{each.name}: no slow start with this algorithm"
        if check["timeout"] >= check["interval"]:
            yield f"{each.name}: the timeout of the health check is not shorter than its interval"


def templates(resources: Resources) -> Iterator[str]:
    for each in of(resources, TEMPLATE):
        options = each.inputs.get("metadataOptions", {})
        if len(base64.b64decode(each.inputs.get("userData", ""))) > USER_DATA_MAX_BYTES:
            yield f"{each.name}: user data of more than 16 KiB"
        if options.get("httpTokens") != "required":
            yield f"{each.name}: IMDSv1"
        if options.get("httpPutResponseHopLimit") != 1:
            yield f"{each.name}: containers reach the credentials of the role"
        if any(volume["ebs"].get("encrypted") != "true" for volume in each.inputs["blockDeviceMappings"]):
            yield f"{each.name}: root volume in the clear"
        if (each.inputs.get("creditSpecification") or {}).get("cpuCredits") != "unlimited":
            yield f"{each.name}: no credits at launch"
        if not each.inputs.get("updateDefaultVersion"):
            yield f"{each.name}: a default version that stays behind"


def groups(resources: Resources) -> Iterator[str]:
    missing = [each for each in of(resources, ALARM) if each.inputs["metricName"] == "GroupInServiceInstances"]
    for each in of(resources, GROUP):
        refresh = each.inputs.get("instanceRefresh")
        preferences = (refresh or {}).get("preferences", {})
        least, most = preferences.get("minHealthyPercentage", 90), preferences.get("maxHealthyPercentage", 100)
        if refresh is None or not re.fullmatch("[0-9]+", str(each.inputs["launchTemplate"]["version"])):
            yield f"{each.name}: a change starts no refresh"
        # API reference, RefreshPreferences
        if most - least > 100:
            yield f"{each.name}: shares of healthy machines that are more than 100 apart"
        if preferences.get("autoRollback"):
            yield f"{each.name}: a rollback returns to the new version, which the provider sets before"
        if each.inputs["healthCheckType"] != "EC2":
            yield f"{each.name}: a failing application is replaced for ever"
        if each.inputs["desiredCapacity"] > each.inputs["maxSize"]:
            yield f"{each.name}: more machines than it may have"
        own = [alarm for alarm in missing if each.urn in alarm.depends.get("dimensions", [])]
        if not any(alarm.inputs.get("alarmActions") for alarm in own):
            yield f"{each.name}: nobody is told when machines are missing"
        if own and "GroupInServiceInstances" not in (each.inputs.get("enabledMetrics") or []):
            yield f"{each.name}: an alarm without its metric"


def caches(resources: Resources) -> Iterator[str]:
    for each in of(resources, CACHE):
        name, nodes = each.inputs["replicationGroupId"], each.inputs["numCacheClusters"]
        # API reference, CreateReplicationGroup
        if not re.fullmatch("[a-z](-?[a-z0-9])*", name) or len(name) > 40:
            yield f"{each.name}: name of a replication group"
        # ElastiCache user guide, authenticating with the AUTH command
        if not re.fullmatch(r"[A-Za-z0-9!&#$^<>-]{16,128}", each.inputs.get("authToken", "")):
            yield f"{each.name}: a password that ElastiCache does not take"
        if not each.inputs.get("transitEncryptionEnabled"):
            yield f"{each.name}: connections in the clear"
        if not each.inputs.get("atRestEncryptionEnabled"):
            yield f"{each.name}: a cache in the clear"
        if each.inputs.get("automaticFailoverEnabled") and nodes < 2:
            yield f"{each.name}: a failover needs two nodes"
        if nodes > 1 and not (each.inputs.get("automaticFailoverEnabled") and each.inputs.get("multiAzEnabled")):
            yield f"{each.name}: nothing takes over"
        if not each.inputs.get("finalSnapshotIdentifier"):
            yield f"{each.name}: jobs go with it"


def cache_parameters(resources: Resources) -> Iterator[str]:
    versions = {each.inputs["engineVersion"].split(".")[0] for each in of(resources, CACHE)}
    for each in of(resources, CACHE_PARAMETERS):
        found = {parameter["name"]: parameter["value"] for parameter in each.inputs.get("parameters", [])}
        if each.inputs["family"] not in {f"valkey{version}" for version in versions}:
            yield f"{each.name}: parameters of another version"
        if found.get("maxmemory-policy") != "noeviction":
            yield f"{each.name}: jobs are dropped when the memory is full"
