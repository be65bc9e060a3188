"""What the account of a whole stack must look like, part by part, read with boto3."""

import hashlib
import json
from typing import Any

from diaspora_infra.host.bundle import unpack
from tests.aws.account_client import instance, user_data
from tests.support.aws_stack import AwsStack

DOMAIN = "pod.example.org"


def attached(machine: Any) -> set[str]:
    return {disk["Ebs"]["VolumeId"] for disk in machine["BlockDeviceMappings"]}


def data_volume(stack: AwsStack) -> Any:
    (volume,) = stack.client("ec2").describe_volumes(Filters=[{"Name": "tag:Name", "Values": ["pod data"]}])["Volumes"]
    return volume


def bundles(stack: AwsStack) -> dict[str, bytes]:
    """Objects of the bucket with the bundles, by key."""
    s3 = stack.client("s3")
    (bucket,) = [each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"].startswith("pod-bundles")]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {f"s3://{bucket}/{key}": s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def offered(stack: AwsStack) -> tuple[bytes, str]:
    """The bundle that the parameter offers, whose SHA-512 is compared, and its hash."""
    parameter = stack.client("ssm").get_parameter(Name=f"/diaspora/{DOMAIN}/bundle")["Parameter"]
    address, digest, bundle_hash = parameter["Value"].split(" ")
    content = bundles(stack)[address]
    assert digest == f"sha512-{hashlib.sha512(content).hexdigest()}"
    return content, str(bundle_hash)


def zone_id(stack: AwsStack) -> str:
    (zone,) = stack.client("route53").list_hosted_zones()["HostedZones"]
    return str(zone["Id"])


def records(stack: AwsStack) -> dict[tuple[str, str], Any]:
    """The records of the one zone, but its own, by name and type."""
    sets = stack.client("route53").list_resource_record_sets(HostedZoneId=zone_id(stack))["ResourceRecordSets"]
    return {(each["Name"].rstrip("."), each["Type"]): each for each in sets if each["Type"] not in {"NS", "SOA"}}


def service_instances(stack: AwsStack) -> list[Any]:
    """What Cloud Map tells API Gateway."""
    discovery = stack.client("servicediscovery")
    (service,) = discovery.list_services()["Services"]
    found: list[Any] = discovery.list_instances(ServiceId=service["Id"])["Instances"]
    return [(each["Id"], each["Attributes"]) for each in found]


def the_machine_is_closed(stack: AwsStack) -> None:
    """The machine, its disks and what it is told."""
    before, volume = instance(stack), data_volume(stack)
    assert before["MetadataOptions"]["HttpTokens"] == "required"
    assert before["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert before["PublicIpAddress"]
    assert before["ImageId"] == "ami-0a0c0de5000000a64"
    disks = stack.client("ec2").describe_volumes(VolumeIds=sorted(attached(before)))["Volumes"]
    assert len(disks) == 2
    assert all(disk["Encrypted"] and disk["VolumeType"] == "gp3" for disk in disks)
    assert before["Placement"]["AvailabilityZone"] == volume["AvailabilityZone"] == "eu-west-1a"
    # the machine's own part is user data, and the rest is offered
    told = unpack(json.loads(user_data(stack, before["InstanceId"])))
    assert "diaspora-first-bundle.service" in {unit["name"] for unit in told["systemd"]["units"]}
    assert json.loads(offered(stack)[0])["ignition"]["config"]["merge"]
    check_alarms(stack, before["InstanceId"])


def check_alarms(stack: AwsStack, instance_id: str) -> None:
    alarms = stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    clusters = [each["DBClusterIdentifier"] for each in stack.client("rds").describe_db_clusters()["DBClusters"]]
    (topic,) = [each["TopicArn"] for each in stack.client("sns").list_topics()["Topics"]]
    found = {
        alarm["MetricName"]: (
            sorted(alarm["AlarmActions"]),
            alarm["EvaluationPeriods"],
            alarm["Dimensions"][0]["Value"],
        )
        for alarm in alarms
    }
    awake = {"ServerlessDatabaseCapacity": ([topic], 1, clusters[0])} if clusters else {}
    projects = stack.client("codebuild").list_projects()["projects"]
    builds = {"FailedBuilds": ([topic], 1, projects[0])} if projects else {}
    assert found == {
        "StatusCheckFailed_System": (["arn:aws:automate:eu-west-1:ec2:recover", topic], 2, instance_id),
        "StatusCheckFailed_Instance": (["arn:aws:automate:eu-west-1:ec2:reboot", topic], 3, instance_id),
        "CPUSurplusCreditsCharged": ([topic], 1, instance_id),
        **awake,
        **builds,
    }


def a_request_finds_its_way(stack: AwsStack) -> None:
    """From the domain to the machine."""
    gateway = stack.client("apigatewayv2")
    (domain,) = gateway.get_domain_names()["Items"]
    assert domain["DomainName"] == DOMAIN
    (configuration,) = domain["DomainNameConfigurations"]
    assert (configuration["SecurityPolicy"], configuration["EndpointType"]) == ("TLS_1_2", "REGIONAL")
    assert configuration["IpAddressType"] == "dualstack"
    acm = stack.client("acm")
    certificate = acm.describe_certificate(CertificateArn=configuration["CertificateArn"])["Certificate"]
    assert (certificate["DomainName"], certificate["Status"]) == (DOMAIN, "ISSUED")
    for kind in ("A", "AAAA"):
        target = records(stack)[DOMAIN, kind]["AliasTarget"]
        assert target["DNSName"].rstrip(".") == configuration["ApiGatewayDomainName"]
        assert target["HostedZoneId"] == configuration["HostedZoneId"]

    (api,) = gateway.get_apis()["Items"]
    assert api["DisableExecuteApiEndpoint"]
    (mapping,) = gateway.get_api_mappings(DomainName=DOMAIN)["Items"]
    assert (mapping["ApiId"], mapping["Stage"]) == (api["ApiId"], "$default")
    (stage,) = gateway.get_stages(ApiId=api["ApiId"])["Items"]
    assert stage["AutoDeploy"]
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 100
    groups = stack.client("logs").describe_log_groups()["logGroups"]
    (group,) = [each for each in groups if each["logGroupName"].startswith("pod-http-api")]
    assert stage["AccessLogSettings"]["DestinationArn"] == group["arn"].removesuffix(":*")
    assert group["retentionInDays"] == 14

    (route,) = gateway.get_routes(ApiId=api["ApiId"])["Items"]
    assert route["RouteKey"] == "$default"
    (integration,) = gateway.get_integrations(ApiId=api["ApiId"])["Items"]
    assert route["Target"] == f"integrations/{integration['IntegrationId']}"
    assert integration["RequestParameters"] == {"overwrite:header.host": DOMAIN}
    (service,) = stack.client("servicediscovery").list_services()["Services"]
    assert integration["IntegrationUri"] == service["Arn"]
    (link,) = gateway.get_vpc_links()["Items"]
    assert integration["ConnectionId"] == link["VpcLinkId"]
    ec2 = stack.client("ec2")
    subnets = ec2.describe_subnets(SubnetIds=link["SubnetIds"])["Subnets"]
    assert {subnet["AvailabilityZone"] for subnet in subnets} == {"eu-west-1a", "eu-west-1b"}
    (own,) = ec2.describe_security_groups(GroupIds=link["SecurityGroupIds"])["SecurityGroups"]
    assert own["Description"] == "The VPC link of API Gateway"
    assert service_instances(stack) == [("machine", where_it_is(stack))]


def where_it_is(stack: AwsStack) -> dict[str, str]:
    """What API Gateway must be told of the machine."""
    return {"AWS_INSTANCE_IPV4": instance(stack)["PrivateIpAddress"], "AWS_INSTANCE_PORT": "80"}
