"""Whole pods break no rule of AWS, and each rule catches the faults that are planted for it."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import pytest

from diaspora_infra.aws.user_data import USER_DATA_MAX_BYTES
from tests.aws.rules import RULES, Asked, problems
from tests.aws.stacks import SECRETS, STACKS, resources


class Fault(NamedTuple):
    """A change of resources in a stack, and what must be said of it."""

    token: str
    changes: Mapping[str, Any] | None
    """New inputs; None takes the resources away."""
    said: str
    stack: str = "gateway"
    name: str = ""
    """End of the resources' names; all of the type when it is empty."""


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


METADATA = {"httpTokens": "required", "httpPutResponseHopLimit": 1}
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
REGIONAL = {"endpointType": "REGIONAL", "securityPolicy": "TLS_1_2", "certificateArn": CERTIFICATE}
SCALING = {"minCapacity": 0, "maxCapacity": 1, "secondsUntilAutoPause": 300}
DENY_ALL = json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["a", "b"]}]})
OPEN_BUCKET = policy(Principal="*", Action="s3:GetObject", Resource="arn:aws:s3:::b/*")
ALARM, MACHINE = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:ec2/instance:Instance"
INTEGRATION, STAGE = "aws:apigatewayv2/integration:Integration", "aws:apigatewayv2/stage:Stage"
ROUTE, DOMAIN = "aws:apigatewayv2/route:Route", "aws:apigatewayv2/domainName:DomainName"
LINK, DISCOVERED = "aws:apigatewayv2/vpcLink:VpcLink", "aws:servicediscovery/instance:Instance"
RECORD, VOLUME = "aws:route53/record:Record", "aws:ebs/volume:Volume"
CLUSTER, CLUSTER_INSTANCE = "aws:rds/cluster:Cluster", "aws:rds/clusterInstance:ClusterInstance"
DATABASE = "aws:rds/instance:Instance"
ROLE, ROLE_POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
BUCKET_POLICY, LIFECYCLE = (
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
)
PARAMETER, MAIL_FROM = (
    "aws:ssm/parameter:Parameter",
    "aws:sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes",
)

BALANCER, LISTENER = "aws:lb/loadBalancer:LoadBalancer", "aws:lb/listener:Listener"
TARGETS, TEMPLATE = "aws:lb/targetGroup:TargetGroup", "aws:ec2/launchTemplate:LaunchTemplate"
GROUP, CACHE = "aws:autoscaling/group:Group", "aws:elasticache/replicationGroup:ReplicationGroup"
CACHE_PARAMETERS = "aws:elasticache/parameterGroup:ParameterGroup"
REPOSITORY, PROJECT = "aws:ecr/repository:Repository", "aws:codebuild/project:Project"
EXPIRY, TARGET = "aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:cloudwatch/eventTarget:EventTarget"
BUILD_POLICY = policy(Action="codebuild:StartBuild", Resource="arn:aws:codebuild:eu-west-1:123456789012:project/x")
ARM = {"type": "ARM_CONTAINER", "image": "aws/codebuild/amazonlinux-aarch64-standard:3.0", "privilegedMode": True}


def expiry(*rules: tuple[list[str], int]) -> str:
    """A lifecycle policy: the marks that rules keep, and days for all others."""
    selections: list[dict[str, Any]] = [
        {"tagStatus": "tagged", "tagPatternList": marks, "countType": "imageCountMoreThan", "countNumber": 1}
        if marks
        else {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
        for marks, days in rules
    ]
    return json.dumps({"rules": [{"rulePriority": at, "selection": each} for at, each in enumerate(selections, 1)]})


FAULTS = [
    # images that the stack builds
    Fault(REPOSITORY, {"imageTagMutability": "MUTABLE"}, "a tag may get another image"),
    Fault(
        REPOSITORY,
        {"imageTagMutabilityExclusionFilters": [{"filter": "*", "filterType": "WILDCARD"}]},
        "tags of builds may move",
    ),
    Fault(REPOSITORY, {"imageScanningConfiguration": {"scanOnPush": False}}, "images are not scanned"),
    Fault(EXPIRY, {"policy": expiry((["current"], 1), (["previous"], 1))}, "images that never expire"),
    Fault(EXPIRY, None, "images that never expire"),
    Fault(EXPIRY, {"policy": expiry((["current"], 1), ([], 180))}, "an image that a machine needs may expire"),
    Fault(EXPIRY, {"policy": expiry((["current", "previous"], 1), ([], 180))}, "a machine needs may expire"),
    Fault(EXPIRY, {"policy": expiry((["current"], 1), (["previous"], 1), ([], 179))}, "a machine needs may expire"),
    Fault(PROJECT, {"environment": {**ARM, "type": "LINUX_CONTAINER"}}, "the image is of another architecture"),
    Fault(PROJECT, {"environment": {**ARM, "privilegedMode": False}}, "Docker cannot run"),
    Fault(PROJECT, {"source": {"buildspec": "docker pull docker.io/library/x"}}, "Docker Hub limits"),
    Fault(PROJECT, {"source": {"buildspec": "ARG BASE=docker.io/x\nARGUMENT=x"}}, "Docker Hub limits"),
    Fault(PROJECT, {"name": "images-pod.example.org"}, "name of a project"),
    Fault(PROJECT, {"logsConfig": {"cloudwatchLogs": {}}}, "a log without an end"),
    Fault(TARGET, {"input": None}, "an event says what is built"),
    Fault(TARGET, {"roleArn": None}, "EventBridge starts builds by a role"),
    Fault("aws:cloudwatch/eventRule:EventRule", {"eventPattern": '{"source": ["aws.x"]}'}, "nobody but AWS sends"),
    Fault("aws:iam/rolePolicy:RolePolicy", {"policy": BUILD_POLICY}, "may replace its commands", name="pod-machine"),
    # the machine
    Fault(MACHINE, {"userData": "x" * (USER_DATA_MAX_BYTES + 1)}, "user data of more than 16 KiB"),
    Fault(MACHINE, {"userDataReplaceOnChange": False}, "a new Ignition config would do nothing"),
    Fault(MACHINE, {"metadataOptions": {**METADATA, "httpTokens": "optional"}}, "IMDSv1"),
    Fault(MACHINE, {"metadataOptions": {**METADATA, "httpPutResponseHopLimit": 2}}, "containers reach"),
    Fault(MACHINE, {"rootBlockDevice": {"encrypted": False}}, "root volume in the clear"),
    Fault(MACHINE, {"iamInstanceProfile": None}, "no role"),
    Fault(MACHINE, {"instanceType": "t4g.smal"}, "no such type"),
    Fault(MACHINE, {"creditSpecification": {"cpuCredits": "standard"}}, "no credits at launch"),
    Fault(MACHINE, {"ami": "fedora-coreos"}, "no id of an image"),
    Fault(VOLUME, {"encrypted": False}, "volume in the clear"),
    Fault(VOLUME, {"availabilityZone": "eu-west-1b"}, "volumes in ['eu-west-1b'], the machine in ['eu-west-1a']"),
    Fault("aws:ec2/volumeAttachment:VolumeAttachment", {"deviceName": "/dev/xvda"}, "name of the device"),
    Fault(ALARM, {"alarmActions": ["arn:aws:automate:eu-west-1:ec2:recovery"]}, "is no action of this region"),
    Fault(ALARM, {"alarmActions": ["arn:aws:automate:us-east-1:ec2:recover"]}, "is no action of this region"),
    Fault(ALARM, {"metricName": "CPUUtilization"}, "recover does not go with CPUUtilization"),
    Fault(ALARM, {"alarmActions": []}, "nobody is told when AWS charges", name="-credits"),
    Fault(ALARM, None, "nobody is told when AWS charges", name="-credits"),
    Fault(ALARM, {"comparisonOperator": "GreaterThanOrEqualToThreshold"}, "charges go by", name="-credits"),
    Fault(ALARM, {"evaluationPeriods": 15}, "recover wants 2 minutes"),
    Fault(ALARM, {"alarmActions": []}, "nobody is told when it is awake too long", name="pod-awake"),
    Fault(ALARM, {"dimensions": {"DBClusterIdentifier": "other"}}, "nobody is told when it is awake", name="pod-awake"),
    Fault(ALARM, {"period": 86400}, "pod-awake: not the capacity of seven days", name="pod-awake"),
    Fault(ALARM, {"statistic": "Average"}, "pod-awake: not the capacity of seven days", name="pod-awake"),
    # the HTTP API
    Fault(INTEGRATION, {"requestParameters": {"overwrite:header.X-Forwarded-Proto": "https"}}, "is reserved"),
    Fault(INTEGRATION, {"requestParameters": {"append:header.forwarded": "for=x"}}, "is reserved"),
    Fault(INTEGRATION, {"timeoutMilliseconds": 60000}, "timeout"),
    Fault(INTEGRATION, {"integrationUri": "http://10.0.0.10"}, "is a service of Cloud Map"),
    Fault(INTEGRATION, {"payloadFormatVersion": "2.0"}, "has format 1.0"),
    Fault(INTEGRATION, {"connectionId": "vpclink-of-somebody"}, "no such link"),
    Fault(STAGE, {"name": "prod"}, "a stage with a name"),
    Fault(STAGE, {"autoDeploy": False}, "with the next deployment"),
    Fault(STAGE, {"accessLogSettings": {"format": "$context.path"}}, "a log is one line with the request's id"),
    Fault(ROUTE, {"routeKey": "GET pods"}, "route key"),
    Fault(ROUTE, {"routeKey": "default"}, "route key"),
    Fault(ROUTE, {"target": "integrations/other"}, "target"),
    Fault(DOMAIN, {"domainNameConfiguration": {**REGIONAL, "securityPolicy": "TLS_1_0"}}, "TLS 1.2 only"),
    Fault(DOMAIN, {"domainNameConfiguration": {**REGIONAL, "endpointType": "EDGE"}}, "regional domains"),
    Fault(
        DOMAIN,
        {"domainNameConfiguration": {**REGIONAL, "certificateArn": CERTIFICATE.replace("eu-west-1", "us-east-1")}},
        "certificate of another region",
    ),
    Fault(DOMAIN, {"domainNameConfiguration": REGIONAL}, "no such certificate"),
    Fault(LINK, {"subnetIds": ["subnet-1"]}, "a VPC link in one zone"),
    Fault(LINK, {"subnetIds": ["subnet-1", "subnet-1"]}, "a VPC link in one zone"),
    Fault("aws:ec2/subnet:Subnet", {"availabilityZone": "eu-west-1a"}, "a VPC link in one zone"),
    Fault(LINK, {"securityGroupIds": []}, "is in the default one"),
    Fault("aws:ec2/securityGroup:SecurityGroup", None, "without a group of its own", name="-link"),
    Fault(DISCOVERED, {"attributes": {"AWS_INSTANCE_IPV4": "10.0.0.10"}}, "no port"),
    Fault(DISCOVERED, {"attributes": {"AWS_INSTANCE_PORT": "80"}}, "no address"),
    Fault(DISCOVERED, {"serviceId": "srv-of-somebody"}, "no such service"),
    # DNS and mail
    Fault(RECORD, {"type": "CNAME", "name": "example.org"}, "cannot stand at the top of a zone"),
    Fault(RECORD, {"type": "CNAME"}, "cannot stand beside another record"),
    Fault(RECORD, {"aliases": None, "records": None}, "no value"),
    Fault(RECORD, {"ttl": None}, "no value", name="dkim-1"),
    Fault(RECORD, {"records": ["host.example.org"]}, "no address", "direct", "-domain"),
    Fault(MAIL_FROM, {"mailFromDomain": "bounce.example.com"}, "MAIL FROM is below the domain"),
    Fault(RECORD, None, "2 DKIM keys in DNS", name="dkim-3"),
    # the data
    Fault(CLUSTER, {"engineMode": "serverless"}, "cannot be created any more"),
    Fault(CLUSTER, {"engineVersion": "13.9"}, "a version that cannot be created, or cannot pause"),
    Fault(CLUSTER, {"engineVersion": "16.8"}, "parameters of another version"),
    Fault(CLUSTER, {"serverlessv2ScalingConfiguration": {**SCALING, "minCapacity": 2}}, "above the largest"),
    Fault(CLUSTER, {"serverlessv2ScalingConfiguration": {**SCALING, "secondsUntilAutoPause": None}}, "never pauses"),
    Fault(CLUSTER, {"finalSnapshotIdentifier": ""}, "cannot be deleted without a name"),
    Fault(CLUSTER, {"finalSnapshotIdentifier": "pod-final-"}, "cannot be deleted without a name"),
    Fault(CLUSTER, {"storageEncrypted": False}, "database in the clear"),
    Fault(CLUSTER, {"masterPassword": "with space"}, "a password that RDS does not take"),
    Fault(CLUSTER, {"manageMasterUserPassword": True}, "a rotation that wakes the database"),
    Fault(CLUSTER, {"enabledCloudwatchLogsExports": ["postgresql"]}, "holds the database awake"),
    Fault(CLUSTER_INSTANCE, None, "a cluster without a machine"),
    Fault(CLUSTER_INSTANCE, {"instanceClass": "db.serverles"}, "no serverless class"),
    Fault(CLUSTER_INSTANCE, {"performanceInsightsEnabled": True}, "holds the database awake"),
    Fault(CLUSTER_INSTANCE, {"publiclyAccessible": True}, "a database on the internet"),
    Fault(
        "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        {"parameters": [{"name": "rds.force_ssl", "value": "0"}]},
        "connections in the clear",
    ),
    Fault(DATABASE, {"instanceClass": "db.t4g.mikro"}, "no such class", "direct"),
    Fault(DATABASE, {"allocatedStorage": 10}, "gp3 begins with 20 GiB", "direct"),
    Fault("aws:rds/subnetGroup:SubnetGroup", {"subnetIds": ["subnet-1"]}, "a database needs two zones"),
    Fault("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", {"blockPublicAcls": False}, "may become public"),
    Fault("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", None, "may become public", name="bundles-private"),
    Fault(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        None,
        "no encryption is asked for",
    ),
    Fault(BUCKET_POLICY, None, "takes requests without TLS", name="bundles-tls"),
    Fault(BUCKET_POLICY, {"policy": OPEN_BUCKET}, "lets everybody in"),
    Fault(BUCKET_POLICY, {"policy": DENY_ALL}, "may lock its owner out"),
    Fault(LIFECYCLE, None, "unfinished uploads stay for ever"),
    Fault(LIFECYCLE, None, "old versions stay for ever"),
    Fault(LIFECYCLE, {"rules": [{"id": "x", "status": "Enabled"}]}, "a lifecycle rule without a filter"),
    Fault(
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", None, "a lock without a term", "direct"
    ),
    Fault(PARAMETER, {"value": "x" * 5000}, "a value of 5000 bytes"),
    Fault(PARAMETER, {"name": "diaspora//password"}, "databasePassword: name"),
    # several machines
    Fault(BALANCER, {"subnets": ["subnet-1", "subnet-1"]}, "a load balancer in one zone", "several"),
    Fault(BALANCER, {"preserveHostHeader": False}, "signatures cover the host", "several"),
    Fault(LISTENER, {"sslPolicy": "ELBSecurityPolicy-2016-08"}, "TLS 1.2 and later only", "several", "-https"),
    Fault(LISTENER, {"certificateArn": None}, "no certificate", "several", "-https"),
    Fault(LISTENER, {"defaultActions": [{"type": "forward"}]}, "requests in the clear", "several", "-http"),
    Fault(LISTENER, None, "a load balancer that nobody reaches", "several", "-https"),
    Fault(TARGETS, {"slowStart": 30}, "no slow start with this algorithm", "several"),
    Fault(TARGETS, {"healthCheck": {"interval": 5, "timeout": 5}}, "timeout of the health check", "several"),
    Fault(TARGETS, {"name": "x" * 33}, "a name of more than 32 characters", "several"),
    Fault(TEMPLATE, {"userData": "eHh4" * 6000}, "user data of more than 16 KiB", "several"),
    Fault(TEMPLATE, {"metadataOptions": {**METADATA, "httpTokens": "optional"}}, "IMDSv1", "several"),
    Fault(TEMPLATE, {"metadataOptions": {**METADATA, "httpPutResponseHopLimit": 2}}, "containers reach", "several"),
    Fault(TEMPLATE, {"blockDeviceMappings": [{"ebs": {"encrypted": "false"}}]}, "root volume in the clear", "several"),
    Fault(TEMPLATE, {"creditSpecification": None}, "no credits at launch", "several"),
    Fault(TEMPLATE, {"updateDefaultVersion": None}, "a default version that stays behind", "several"),
    Fault(GROUP, {"launchTemplate": {"id": "lt-1", "version": "$Latest"}}, "a change starts no refresh", "several"),
    Fault(GROUP, {"instanceRefresh": None}, "a change starts no refresh", "several"),
    Fault(
        GROUP,
        {"instanceRefresh": {"preferences": {"minHealthyPercentage": 0, "maxHealthyPercentage": 200}}},
        "more than 100 apart",
        "several",
    ),
    Fault(
        GROUP,
        {"instanceRefresh": {"preferences": {"autoRollback": True}}},
        "a rollback returns to the new version",
        "several",
    ),
    Fault(GROUP, {"healthCheckType": "ELB"}, "a failing application is replaced for ever", "several"),
    Fault(GROUP, {"maxSize": 1}, "more machines than it may have", "several", "web-machines"),
    Fault(GROUP, {"enabledMetrics": None}, "an alarm without its metric", "several", "web-machines"),
    Fault(ALARM, None, "nobody is told when machines are missing", "several", "web-missing"),
    Fault(CACHE, {"transitEncryptionEnabled": False}, "connections in the clear", "several"),
    Fault(CACHE, {"atRestEncryptionEnabled": False}, "a cache in the clear", "several"),
    Fault(CACHE, {"authToken": "short"}, "a password that ElastiCache does not take", "several"),
    Fault(CACHE, {"authToken": "with_an_underscore"}, "a password that ElastiCache does not take", "several"),
    Fault(CACHE, {"multiAzEnabled": False}, "nothing takes over", "several"),
    Fault(CACHE, {"numCacheClusters": 1}, "a failover needs two nodes", "several"),
    Fault(CACHE, {"replicationGroupId": "x" * 41}, "name of a replication group", "several"),
    Fault(CACHE, {"finalSnapshotIdentifier": None}, "jobs go with it", "several"),
    Fault(CACHE_PARAMETERS, {"family": "redis7"}, "parameters of another version", "several"),
    Fault(CACHE_PARAMETERS, {"parameters": []}, "jobs are dropped", "several"),
    # permissions
    Fault(
        ROLE_POLICY,
        {"policy": policy(Action="cloudwatch:PutMetricData", Resource="*")},
        "metrics of any name",
    ),
    Fault(ROLE, {"assumeRolePolicy": policy(Action="sts:AssumeRole")}, "nobody may take this role"),
    Fault(
        ROLE,
        {"assumeRolePolicy": policy(Action="sts:AssumeRole", Principal={"Service": "ecs.amazonaws.com"})},
        "a role for ['ecs.amazonaws.com'], not for ec2.amazonaws.com",
    ),
    Fault(
        ROLE,
        {"assumeRolePolicy": policy(Action="sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"})},
        "a role for ['ec2.amazonaws.com'], not for vpc-flow-logs.amazonaws.com",
        "direct",
    ),
    Fault(ROLE_POLICY, {"policy": policy(Action="s3:*", Resource="arn:aws:s3:::b/*")}, "Action ['s3:*']"),
    Fault(ROLE_POLICY, {"policy": policy(Action=["s3:GetObject"], Resource="*")}, "Resource ['*']"),
    Fault(
        ROLE_POLICY,
        {"policy": policy(Action="ssm:GetParameter", Resource="arn:aws:ssm:eu-west-1:1:parameter//a/b")},
        "its ARN has one",
    ),
    Fault(
        ROLE_POLICY,
        {"policy": policy(Action="s3:GetObject", Resource=[f"arn:aws:s3:::b/{n:0>100}" for n in range(100)])},
        "a policy that is too long",
    ),
    Fault(
        "aws:sns/topicPolicy:TopicPolicy",
        {"policy": policy(Principal={"Service": "budgets.amazonaws.com"}, Action="sns:Publish", Resource="arn")},
        "its alerts would be thrown away",
    ),
    Fault(
        "aws:sns/topicPolicy:TopicPolicy",
        {"policy": policy(Principal={"Service": "cloudwatch.amazonaws.com"}, Action="sns:Publish", Resource="arn")},
        "pod-change-failed: its alerts would be thrown away",
        "ha",
    ),
    Fault("aws:ec2/vpcEndpoint:VpcEndpoint", {"serviceName": "com.amazonaws.us-east-1.s3"}, "of another region"),
    Fault("aws:ec2/securityGroup:SecurityGroup", {"description": "The pod's machine"}, "description"),
    Fault("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", {"description": ""}, "description"),
    Fault("aws:ec2/vpc:Vpc", {"tags": {"Name": "x" * 257}}, "tag Name"),
    Fault("aws:iam/role:Role", {"tags": {"Name": "the pod's"}}, "letters in tag Name"),
    Fault("aws:s3/bucketObjectv2:BucketObjectv2", {"tags": {f"t{n}": "x" for n in range(11)}}, "11 tags"),
]


@cache
def good(stack: str) -> list[Asked]:
    return resources(STACKS[stack])


def planted(fault: Fault) -> list[Asked]:
    found = []
    for each in good(fault.stack):
        hit = each.token == fault.token and each.name.endswith(fault.name)
        if hit and fault.changes is not None:
            found.append(each._replace(inputs={**each.inputs, **fault.changes}))
        elif not hit:
            found.append(each)
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_whole_pods_break_no_rule(stack: str) -> None:
    assert problems(good(stack)) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: re.sub("[^a-zA-Z0-9]+", "-", fault.said)[:50])
def test_each_planted_fault_is_detected(fault: Fault) -> None:
    assert planted(fault) != good(fault.stack), "there is no such resource"
    assert [problem for problem in problems(planted(fault)) if fault.said in problem]


def test_rules_require_the_domain_to_wait_for_its_certificate() -> None:
    hasty = [each._replace(depends={}) if each.token == DOMAIN else each for each in good("gateway")]
    assert "pod-http-api: does not wait for the certificate" in problems(hasty)


def test_every_rule_has_a_planted_fault() -> None:
    caught = {rule for fault in FAULTS for rule in RULES if any(fault.said in each for each in rule(planted(fault)))}
    assert caught == set(RULES)


@pytest.mark.parametrize("stack", ["gateway", "direct"])
def test_secrets_are_only_in_secure_parameters(stack: str) -> None:
    holding = [each for each in good(stack) if any(value in str(each.inputs) for value in SECRETS.values())]
    assert {each.token for each in holding} == {PARAMETER}
    assert {each.inputs["type"] for each in holding} == {"SecureString"}
