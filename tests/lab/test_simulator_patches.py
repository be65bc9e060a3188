"""The simulated account: each patch works and is still needed.

Every probe runs against the simulator and against plain moto. Where plain moto answers as AWS does, the patch can be
removed.
"""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cbor2
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.server import ThreadedMotoServer

from lab.aws.account import Account, client_of
from lab.aws.simulator import patches
from lab.matchbox import free_ports

ARN = "arn:aws:ses:eu-west-1:123456789012"


@dataclass(frozen=True)
class Probed:
    """An account that a probe queries."""

    endpoint: str

    def client(self, service: str, region: str = "eu-west-1") -> Any:
        return client_of(self.endpoint, service, region)

    def raw(self, path: str, service: str, body: bytes | None = None, **headers: str) -> bytes:
        """The raw response: boto3 is more lenient than other clients."""
        signed = (
            f"AWS4-HMAC-SHA256 Credential=x/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
        )
        request = urllib.request.Request(f"{self.endpoint}{path}", body, {"Authorization": signed, **headers})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            return bytes(answer.read())


Probe = Callable[[Probed], bool]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    account = Account(tmp_path_factory.mktemp("account"), *free_ports(1))
    account.start()
    yield Probed(account.endpoint)
    account.stop()


@pytest.fixture(scope="module")
def plain() -> Iterator[Probed]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield Probed("http://{}:{}".format(*server.get_host_and_port()))
    server.stop()


def alarms_by_cbor(account: Probed) -> bool:
    headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    path = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms"
    return "MetricAlarms" in cbor2.loads(account.raw(path, "monitoring", cbor2.dumps({}), **headers))


def lifecycle_policies(account: Probed) -> bool:
    dlm = account.client("dlm")
    details = {
        "ResourceTypes": ["VOLUME"],
        "TargetTags": [{"Key": "a", "Value": "b"}],
        "Schedules": [{"Name": "daily"}],
    }
    role = "arn:aws:iam::123456789012:role/x"
    made = dlm.create_lifecycle_policy(
        ExecutionRoleArn=role, Description="x", State="ENABLED", PolicyDetails=details, Tags={"Name": "x"}
    )["PolicyId"]
    dlm.update_lifecycle_policy(PolicyId=made, State="DISABLED")
    policy = dlm.get_lifecycle_policy(PolicyId=made)["Policy"]
    dlm.tag_resource(ResourceArn=policy["PolicyArn"], Tags={"b": "c"})
    dlm.untag_resource(ResourceArn=policy["PolicyArn"], TagKeys=["Name"])
    tags = dlm.list_tags_for_resource(ResourceArn=policy["PolicyArn"])["Tags"]
    dlm.delete_lifecycle_policy(PolicyId=made)
    try:
        dlm.get_lifecycle_policy(PolicyId=made)
    except dlm.exceptions.ResourceNotFoundException:
        return (policy["State"], policy["PolicyDetails"], tags) == ("DISABLED", details, {"b": "c"})
    return False


def domain_name(account: Probed) -> bool:
    api = account.client("apigatewayv2")
    certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/x"
    configuration = {"CertificateArn": certificate, "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}
    made = api.create_domain_name(DomainName="a.example.org", DomainNameConfigurations=[configuration])
    (shown,) = made["DomainNameConfigurations"]
    return bool(shown.get("ApiGatewayDomainName") and shown.get("DomainNameStatus") == "AVAILABLE")


def domain_without_client_certificates(account: Probed) -> bool:
    made = account.client("apigatewayv2").create_domain_name(DomainName="b.example.org")
    return "MutualTlsAuthentication" not in made


def domain_update(account: Probed) -> bool:
    api = account.client("apigatewayv2")
    api.create_domain_name(DomainName="c.example.org", DomainNameConfigurations=[{"SecurityPolicy": "TLS_1_0"}])
    configurations = [{"SecurityPolicy": "TLS_1_2"}]
    api.update_domain_name(DomainName="c.example.org", DomainNameConfigurations=configurations)
    (shown,) = api.get_domain_name(DomainName="c.example.org")["DomainNameConfigurations"]
    return bool(shown["SecurityPolicy"] == "TLS_1_2")


def stage_update(account: Probed) -> bool:
    api = account.client("apigatewayv2")
    made = api.create_api(Name="x", ProtocolType="HTTP")["ApiId"]
    api.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
    api.update_stage(ApiId=made, StageName="$default", DefaultRouteSettings={"ThrottlingBurstLimit": 7})
    return bool(api.get_stage(ApiId=made, StageName="$default")["DefaultRouteSettings"]["ThrottlingBurstLimit"] == 7)


def mapping_update(account: Probed) -> bool:
    api = account.client("apigatewayv2")
    made = [api.create_api(Name=name, ProtocolType="HTTP")["ApiId"] for name in ("x", "y")]
    for api_id in made:
        api.create_stage(ApiId=api_id, StageName="$default")
    api.create_domain_name(DomainName="d.example.org")
    mapping = api.create_api_mapping(ApiId=made[0], DomainName="d.example.org", Stage="$default")["ApiMappingId"]
    api.update_api_mapping(ApiId=made[1], ApiMappingId=mapping, DomainName="d.example.org", Stage="$default")
    return bool(api.get_api_mapping(ApiMappingId=mapping, DomainName="d.example.org")["ApiId"] == made[1])


def vpc_link_in_a_zone_without_them(account: Probed) -> bool:
    ec2, api = account.client("ec2", "eu-west-3"), account.client("apigatewayv2", "eu-west-3")
    messages = []
    for subnet in sorted(ec2.describe_subnets()["Subnets"], key=lambda each: str(each["AvailabilityZoneId"])):
        try:
            api.create_vpc_link(Name="x", SubnetIds=[subnet["SubnetId"]], SecurityGroupIds=["sg-1"])
            messages.append("")
        except ClientError as error:
            messages.append(error.response["Error"]["Message"].replace(subnet["SubnetId"], "subnet-1"))
    refusal = "Subnet 'subnet-1' is in Availability Zone 'euw3-az2' where service is not available"
    return messages == ["", refusal, ""]


class Zone:
    """A hosted zone of example.org, created for one probe."""

    def __init__(self, account: Probed) -> None:
        self.client = account.client("route53")
        zone = self.client.create_hosted_zone(Name="example.org", CallerReference="x")["HostedZone"]
        self.identifier = zone["Id"]

    def change(self, *changes: tuple[str, dict[str, Any]]) -> str:
        """Send one batch of pairs of action and record; returns the error message, or nothing."""
        batch = [{"Action": action, "ResourceRecordSet": record} for action, record in changes]
        try:
            self.client.change_resource_record_sets(HostedZoneId=self.identifier, ChangeBatch={"Changes": batch})
        except ClientError as error:
            return str(error.response["Error"]["Message"])
        return ""

    def records(self) -> list[tuple[str, str, str]]:
        """Name, type and value of the records."""
        sets = self.client.list_resource_record_sets(HostedZoneId=self.identifier)["ResourceRecordSets"]
        return [
            (entry["Name"], entry["Type"], entry["ResourceRecords"][0]["Value"])
            for entry in sets
            if entry["Type"] not in {"NS", "SOA"}
        ]


def record(name: str, value: str = "192.0.2.1", kind: str = "A", **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}], **more}


def certificate_waits_for_its_record(account: Probed) -> bool:
    acm = account.client("acm")
    arn = acm.request_certificate(DomainName="pod.example.org", ValidationMethod="DNS")["CertificateArn"]

    def shown() -> Any:
        return acm.describe_certificate(CertificateArn=arn)["Certificate"]

    proof = shown()["DomainValidationOptions"][0]["ResourceRecord"]
    zone, statuses = Zone(account), [shown()["Status"]]
    for value in ("another.acm-validations.aws.", proof["Value"]):
        zone.change(("UPSERT", record(proof["Name"], value, "CNAME")))
        statuses.append(shown()["Status"])
    return statuses == ["PENDING_VALIDATION", "PENDING_VALIDATION", "ISSUED"]


def certificate_times_out(account: Probed) -> bool:
    acm, zone = account.client("acm"), Zone(account)
    statuses = []
    for hours in ("71", "73"):
        tags = [{"Key": "lab:hours", "Value": hours}]
        requested = acm.request_certificate(DomainName="late.example.org", ValidationMethod="DNS", Tags=tags)
        shown = acm.describe_certificate(CertificateArn=requested["CertificateArn"])["Certificate"]
        statuses.append(shown["Status"])
    # a record that comes later changes nothing
    proof = shown["DomainValidationOptions"][0]["ResourceRecord"]
    zone.change(("UPSERT", record(proof["Name"], proof["Value"], "CNAME")))
    statuses.append(acm.describe_certificate(CertificateArn=requested["CertificateArn"])["Certificate"]["Status"])
    return statuses == ["PENDING_VALIDATION", "VALIDATION_TIMED_OUT", "VALIDATION_TIMED_OUT"]


def record_can_be_recreated(account: Probed) -> bool:
    zone, first = Zone(account), record("a.example.org")
    zone.change(("CREATE", first))
    zone.change(("CREATE", record("b.example.org")))
    zone.change(("DELETE", first))
    return zone.change(("CREATE", first)) == "" and len(zone.records()) == 2


def duplicate_record_is_refused(account: Probed) -> bool:
    zone = Zone(account)
    zone.change(("CREATE", record("a.example.org")))
    refused = zone.change(("CREATE", record("A.example.org.", "192.0.2.2")))
    others = [record("a.example.org", kind="AAAA", value="2001:db8::1"), record("b.example.org")]
    return "already exists" in refused and zone.change(*(("CREATE", entry) for entry in others)) == ""


def second_deletion_is_refused(account: Probed) -> bool:
    zone, first = Zone(account), record("a.example.org")
    zone.change(("CREATE", first))
    other = zone.change(("DELETE", record("a.example.org", "192.0.2.2")))
    good = zone.change(("DELETE", first))
    again = zone.change(("DELETE", first))
    return "do not match" in other and good == "" and "not found" in again


def records_may_share_a_set_identifier(account: Probed) -> bool:
    zone = Zone(account)
    pair = [record(f"{name}.example.org", SetIdentifier="blue", Weight=1) for name in "ab"]
    zone.change(*(("CREATE", entry) for entry in pair))
    zone.change(("CREATE", record("a.example.org", SetIdentifier="green", Weight=1)))
    zone.change(("DELETE", pair[0]))
    return [name for name, *_ in zone.records()] == ["a.example.org.", "b.example.org."]


def refused_batch_changes_nothing(account: Probed) -> bool:
    zone = Zone(account)
    zone.change(("CREATE", record("a.example.org")))
    zone.change(("UPSERT", record("a.example.org", "192.0.2.9")), ("CREATE", record("b.notexample.org")))
    return zone.records() == [("a.example.org.", "A", "192.0.2.1")]


def record_is_replaced_in_one_batch(account: Probed) -> bool:
    zone, first = Zone(account), record("a.example.org")
    zone.change(("CREATE", first))
    zone.change(("DELETE", first), ("CREATE", first))
    zone.change(("CREATE", record("b.example.org")), ("DELETE", first), ("CREATE", first))
    return zone.records() == [("a.example.org.", "A", "192.0.2.1"), ("b.example.org.", "A", "192.0.2.1")]


def instance_connect_endpoint(account: Probed) -> bool:
    ec2 = account.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    tags = [{"ResourceType": "instance-connect-endpoint", "Tags": [{"Key": "Pod", "Value": "x"}]}]
    made = ec2.create_instance_connect_endpoint(SubnetId=subnet, TagSpecifications=tags)["InstanceConnectEndpoint"]
    query = {"InstanceConnectEndpointIds": [made["InstanceConnectEndpointId"]]}
    (shown,) = ec2.describe_instance_connect_endpoints(**query)["InstanceConnectEndpoints"]
    ec2.delete_instance_connect_endpoint(InstanceConnectEndpointId=made["InstanceConnectEndpointId"])
    left = ec2.describe_instance_connect_endpoints(**query)["InstanceConnectEndpoints"]
    return (shown["SubnetId"], shown["Tags"], left) == (subnet, [{"Key": "Pod", "Value": "x"}], [])


def _instance(account: Probed, **named: Any) -> tuple[Any, str]:
    ec2 = account.client("ec2")
    (image, *_) = ec2.describe_images(Filters=[{"Name": "architecture", "Values": ["x86_64"]}])["Images"]
    made = ec2.run_instances(ImageId=image["ImageId"], InstanceType="t3.micro", MinCount=1, MaxCount=1, **named)
    return ec2, made["Instances"][0]["InstanceId"]


def _shown_instance(ec2: Any, identifier: str) -> Any:
    return ec2.describe_instances(InstanceIds=[identifier])["Reservations"][0]["Instances"][0]


def instance_maintenance_options(account: Probed) -> bool:
    ec2, made = _instance(account)
    before = _shown_instance(ec2, made).get("MaintenanceOptions")
    ec2.modify_instance_maintenance_options(InstanceId=made, AutoRecovery="disabled")
    after = _shown_instance(ec2, made)["MaintenanceOptions"]
    return (before, after) == ({"AutoRecovery": "default"}, {"AutoRecovery": "disabled"})


def instance_cpu_credits(account: Probed) -> bool:
    ec2, default = _instance(account)
    _, chosen = _instance(account, CreditSpecification={"CpuCredits": "standard"})

    def shown(identifier: str) -> str:
        answer = ec2.describe_instance_credit_specifications(InstanceIds=[identifier])
        return str(answer["InstanceCreditSpecifications"][0]["CpuCredits"])

    before = shown(default), shown(chosen)
    changes = [{"InstanceId": chosen, "CpuCredits": "unlimited"}]
    ec2.modify_instance_credit_specification(InstanceCreditSpecifications=changes)
    return (before, shown(chosen)) == (("unlimited", "standard"), "unlimited")


def interface_security_groups(account: Probed) -> bool:
    ec2 = account.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.create_security_group(GroupName="probe", Description="x", VpcId=subnet["VpcId"])["GroupId"]
    interface = {"DeviceIndex": 0, "SubnetId": subnet["SubnetId"], "Groups": [group], "AssociatePublicIpAddress": True}
    _, made = _instance(account, NetworkInterfaces=[interface])
    return [entry["GroupId"] for entry in _shown_instance(ec2, made)["SecurityGroups"]] == [group]


def group_rule_description(account: Probed) -> bool:
    ec2 = account.client("ec2")
    group = ec2.create_security_group(GroupName="rules", Description="x")["GroupId"]
    pair = {"GroupId": group, "Description": "from the machine"}
    permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [pair]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    return [rule.get("Description") for rule in rules if not rule["IsEgress"]] == ["from the machine"]


def subnet_by_ipv6_network(account: Probed) -> bool:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    network = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("/56", "/64")
    made = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.7.1.0/24", Ipv6CidrBlock=network)["Subnet"]
    (association,) = made["Ipv6CidrBlockAssociationSet"]
    ipv6_filter = {"Name": "ipv6-cidr-block-association.association-id", "Values": [association["AssociationId"]]}
    (shown,) = ec2.describe_subnets(Filters=[ipv6_filter])["Subnets"]
    return bool(shown["SubnetId"] == made["SubnetId"])


def ipv6_network_state(account: Probed) -> bool:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    network = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("/56", "/64")
    made = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.8.1.0/24", Ipv6CidrBlock=network)["Subnet"]
    return bool(made["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlockState"]["State"] == "associated")


def _cluster(account: Probed, name: str) -> Any:
    return account.client("rds").create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        MasterUsername="diaspora",
        MasterUserPassword="password-of-a-test",
        EngineLifecycleSupport="open-source-rds-extended-support-disabled",
    )["DBCluster"]


def cluster_without_scaling_info(account: Probed) -> bool:
    return "ScalingConfigurationInfo" not in _cluster(account, "one")


def cluster_lifecycle_support(account: Probed) -> bool:
    return bool(_cluster(account, "two").get("EngineLifecycleSupport") == "open-source-rds-extended-support-disabled")


def instance_lifecycle_support(account: Probed) -> bool:
    made = account.client("rds").create_db_instance(
        DBInstanceIdentifier="three",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="diaspora",
        MasterUserPassword="password-of-a-test",
        EngineLifecycleSupport="open-source-rds-extended-support-disabled",
    )["DBInstance"]
    return bool(made.get("EngineLifecycleSupport") == "open-source-rds-extended-support-disabled")


def unique_instance_ids(account: Probed) -> bool:
    found = [
        account.client("rds").create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            AllocatedStorage=20,
            MasterUsername="diaspora",
            MasterUserPassword="password-of-a-test",
        )["DBInstance"]["DbiResourceId"]
        for name in ("four", "five")
    ]
    return len(set(found)) == 2


def new_bucket_tags(account: Probed) -> bool:
    s3 = account.client("s3")
    tags = [{"Key": "Pod", "Value": "pod.example.org"}]
    s3.create_bucket(Bucket="tags", CreateBucketConfiguration={"LocationConstraint": "eu-west-1", "Tags": tags})
    return bool(s3.get_bucket_tagging(Bucket="tags")["TagSet"] == tags)


def _bucket_with_policy(account: Probed, bucket: str, condition: dict[str, Any]) -> Any:
    s3 = account.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        **condition,
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return s3


def bucket_requires_tls(account: Probed) -> bool:
    condition = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3 = _bucket_with_policy(account, "tls", condition)
    s3.put_object(Bucket="tls", Key="a", Body=b"x")
    return bool(s3.get_object(Bucket="tls", Key="a")["Body"].read() == b"x")


def instance_can_be_reregistered(account: Probed) -> bool:
    cloud_map = account.client("servicediscovery")
    operation = cloud_map.create_http_namespace(Name="pod")["OperationId"]
    namespace = cloud_map.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    service = cloud_map.create_service(Name="web", NamespaceId=namespace)["Service"]["Id"]
    for address in ("10.0.0.1", "10.0.0.2"):
        attributes = {"AWS_INSTANCE_IPV4": address}
        cloud_map.register_instance(ServiceId=service, InstanceId="pod", Attributes=attributes)
    found = cloud_map.list_instances(ServiceId=service)["Instances"]
    return [entry["Attributes"]["AWS_INSTANCE_IPV4"] for entry in found] == ["10.0.0.2"]


def _identity(account: Probed, domain: str, **named: Any) -> Any:
    ses = account.client("sesv2")
    ses.create_email_identity(EmailIdentity=domain, **named)
    return ses


def dkim_tokens(account: Probed) -> bool:
    ses = _identity(account, "a.example.org")
    return len(ses.get_email_identity(EmailIdentity="a.example.org")["DkimAttributes"].get("Tokens", [])) == 3


def dkim_key_date(account: Probed) -> bool:
    _identity(account, "b.example.org", DkimSigningAttributes={"NextSigningKeyLength": "RSA_2048_BIT"})
    shown = json.loads(account.raw("/v2/email/identities/b.example.org", "ses"))
    return isinstance(shown["DkimAttributes"]["LastKeyGenerationTimestamp"], float)


def mail_from(account: Probed) -> bool:
    ses = _identity(account, "c.example.org")
    ses.put_email_identity_mail_from_attributes(EmailIdentity="c.example.org", MailFromDomain="m.c.example.org")
    shown = ses.get_email_identity(EmailIdentity="c.example.org")["MailFromAttributes"]
    return bool(shown["MailFromDomain"] == "m.c.example.org")


def identity_tags(account: Probed) -> bool:
    tags = [{"Key": "Pod", "Value": "x"}]
    ses = _identity(account, "d.example.org", Tags=tags)
    return bool(ses.list_tags_for_resource(ResourceArn=f"{ARN}:identity/d.example.org")["Tags"] == tags)


def identity_configuration_set(account: Probed) -> bool:
    ses = _identity(account, "e.example.org")
    ses.put_email_identity_configuration_set_attributes(EmailIdentity="e.example.org", ConfigurationSetName="x")
    return bool(ses.get_email_identity(EmailIdentity="e.example.org")["ConfigurationSetName"] == "x")


def configuration_set_as_json(account: Probed) -> bool:
    account.client("sesv2").create_configuration_set(ConfigurationSetName="one")
    shown = json.loads(account.raw("/v2/email/configuration-sets/one", "ses"))
    return bool(shown["SendingOptions"]["SendingEnabled"] is True)


def configuration_set_options(account: Probed) -> bool:
    ses = account.client("sesv2")
    ses.create_configuration_set(ConfigurationSetName="three", DeliveryOptions={"TlsPolicy": "OPTIONAL"})
    ses.put_configuration_set_delivery_options(ConfigurationSetName="three", TlsPolicy="REQUIRE")
    ses.put_configuration_set_suppression_options(ConfigurationSetName="three", SuppressedReasons=["BOUNCE"])
    shown = ses.get_configuration_set(ConfigurationSetName="three")
    return (shown["DeliveryOptions"]["TlsPolicy"], shown["SuppressionOptions"]["SuppressedReasons"]) == (
        "REQUIRE",
        ["BOUNCE"],
    )


def event_destinations(account: Probed) -> bool:
    ses, topic = account.client("sesv2"), {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:x"}
    name: dict[str, Any] = {"ConfigurationSetName": "four"}
    named = {**name, "EventDestinationName": "alerts"}
    ses.create_configuration_set(**name)
    for change, events in (("create", ["BOUNCE"]), ("update", ["BOUNCE", "COMPLAINT"])):
        destination = {"Enabled": True, "MatchingEventTypes": events, "SnsDestination": topic}
        method = getattr(ses, f"{change}_configuration_set_event_destination")
        method(**named, EventDestination=destination)
    (shown,) = ses.get_configuration_set_event_destinations(**name)["EventDestinations"]
    ses.delete_configuration_set_event_destination(**named)
    left = ses.get_configuration_set_event_destinations(**name)["EventDestinations"]
    return (shown["Name"], shown["MatchingEventTypes"], left) == ("alerts", ["BOUNCE", "COMPLAINT"], [])


def _project(account: Probed, name: str, **more: Any) -> Any:
    """A client of CodeBuild, and a project."""
    builder = account.client("codebuild")
    builder.create_project(
        name=name,
        serviceRole="arn:aws:iam::123456789012:role/x",
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "ARM_CONTAINER", "computeType": "BUILD_GENERAL1_MEDIUM", "image": "x"},
        **more,
    )
    return builder


def project_without_source(account: Probed) -> bool:
    builder = _project(account, "none", source={"type": "NO_SOURCE", "buildspec": "version: 0.2"})
    (shown,) = builder.batch_get_projects(names=["none"])["projects"]
    return bool(shown["source"]["buildspec"] == "version: 0.2")


def limit_of_builds(account: Probed) -> bool:
    source = {"type": "S3", "location": "bucket/x.zip"}
    builder = _project(account, "limited", source=source, concurrentBuildLimit=1)
    (shown,) = builder.batch_get_projects(names=["limited"])["projects"]
    return bool(shown["concurrentBuildLimit"] == 1)


def project_update(account: Probed) -> bool:
    builder = _project(account, "changed", source={"type": "S3", "location": "bucket/x.zip"})
    builder.update_project(name="changed", timeoutInMinutes=7)
    (shown,) = builder.batch_get_projects(names=["changed"])["projects"]
    return (shown["timeoutInMinutes"], shown["environment"]["type"]) == (7, "ARM_CONTAINER")


def project_deletion_by_arn(account: Probed) -> bool:
    builder = _project(account, "removed", source={"type": "S3", "location": "bucket/x.zip"})
    (shown,) = builder.batch_get_projects(names=["removed"])["projects"]
    builder.delete_project(name=shown["arn"])
    return bool(builder.batch_get_projects(names=["removed"])["projects"] == [])


def _scaling_group(account: Probed, name: str) -> Any:
    """A client of Auto Scaling, and a group of one machine from a launch template."""
    ec2, scaling = account.client("ec2"), account.client("autoscaling")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    data = {"ImageId": image, "InstanceType": "t4g.micro", "UserData": base64.b64encode(b"one").decode()}
    tags = [{"ResourceType": "launch-template", "Tags": [{"Key": "Pod", "Value": name}]}]
    ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data, TagSpecifications=tags)
    subnet = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]["SubnetId"]
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=1,
        MaxSize=1,
        VPCZoneIdentifier=subnet,
        LaunchTemplate={"LaunchTemplateName": name, "Version": "1"},
        DefaultInstanceWarmup=120,
    )
    return scaling


def _shown_group(scaling: Any, name: str) -> Any:
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return group


def warm_up_of_a_group(account: Probed) -> bool:
    group = _shown_group(_scaling_group(account, "warm"), "warm")
    kept = group["CapacityReservationSpecification"]["CapacityReservationPreference"]
    return (group["DefaultInstanceWarmup"], kept) == (120, "default")


def hook_without_a_queue(account: Probed) -> bool:
    scaling = _scaling_group(account, "hooked")
    scaling.put_lifecycle_hook(
        AutoScalingGroupName="hooked",
        LifecycleHookName="ready",
        LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
    )
    (hook,) = scaling.describe_lifecycle_hooks(AutoScalingGroupName="hooked")["LifecycleHooks"]
    return not {"NotificationTargetARN", "RoleARN"} & hook.keys()


def refresh_with_a_later_version(account: Probed) -> bool:
    scaling, ec2 = _scaling_group(account, "refreshed"), account.client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    data = {"ImageId": image, "InstanceType": "t4g.micro", "UserData": base64.b64encode(b"two").decode()}
    ec2.create_launch_template_version(LaunchTemplateName="refreshed", LaunchTemplateData=data)
    template = {"LaunchTemplateName": "refreshed", "Version": "2"}
    scaling.update_auto_scaling_group(AutoScalingGroupName="refreshed", LaunchTemplate=template)
    (former,) = _shown_group(scaling, "refreshed")["Instances"]
    scaling.start_instance_refresh(AutoScalingGroupName="refreshed")
    (refresh,) = scaling.describe_instance_refreshes(AutoScalingGroupName="refreshed")["InstanceRefreshes"]
    (latter,) = _shown_group(scaling, "refreshed")["Instances"]
    return refresh["Status"] == "Successful" and former["InstanceId"] != latter["InstanceId"]


def template_without_its_own_tags(account: Probed) -> bool:
    _scaling_group(account, "tagged")
    versions = account.client("ec2").describe_launch_template_versions(LaunchTemplateName="tagged")
    (version,) = versions["LaunchTemplateVersions"]
    return not version["LaunchTemplateData"].get("TagSpecifications")


def cache_parameters(account: Probed) -> bool:
    cache, name = account.client("elasticache"), {"CacheParameterGroupName": "kept"}
    cache.create_cache_parameter_group(**name, CacheParameterGroupFamily="valkey8", Description="x")
    values = [{"ParameterName": "maxmemory-policy", "ParameterValue": "noeviction"}]
    cache.modify_cache_parameter_group(**name, ParameterNameValues=values)
    (shown,) = cache.describe_cache_parameters(**name, Source="user")["Parameters"]
    (group,) = cache.describe_cache_parameter_groups(**name)["CacheParameterGroups"]
    tags = cache.list_tags_for_resource(ResourceName=group["ARN"])["TagList"]
    cache.delete_cache_parameter_group(**name)
    try:
        cache.describe_cache_parameter_groups(**name)
    except ClientError:
        return (shown["ParameterValue"], tags) == ("noeviction", [])
    return False


def _replication_group(account: Probed, name: str) -> Any:
    cache = account.client("elasticache")
    cache.create_replication_group(
        ReplicationGroupId=name,
        ReplicationGroupDescription="x",
        Engine="valkey",
        EngineVersion="8.0",
        NumCacheClusters=2,
        AtRestEncryptionEnabled=True,
        TransitEncryptionEnabled=True,
    )
    return cache


def clusters_of_a_cache(account: Probed) -> bool:
    cache = _replication_group(account, "two")
    clusters = [
        each for each in cache.describe_cache_clusters()["CacheClusters"] if each["ReplicationGroupId"] == "two"
    ]
    return [(each["CacheClusterId"], each["AtRestEncryptionEnabled"]) for each in clusters] == [
        ("two-001", True),
        ("two-002", True),
    ]


def deleted_cache_is_gone(account: Probed) -> bool:
    cache = _replication_group(account, "gone")
    cache.delete_replication_group(ReplicationGroupId="gone")
    names = [each["ReplicationGroupId"] for each in cache.describe_replication_groups()["ReplicationGroups"]]
    return "gone" not in names


def cache_subnet_group_deletion(account: Probed) -> bool:
    cache, ec2 = account.client("elasticache"), account.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    cache.create_cache_subnet_group(CacheSubnetGroupName="gone", CacheSubnetGroupDescription="x", SubnetIds=[subnet])
    cache.delete_cache_subnet_group(CacheSubnetGroupName="gone")
    return cache.describe_cache_subnet_groups()["CacheSubnetGroups"] == []


def parameters_say_their_source(account: Probed) -> bool:
    rds, name = account.client("rds"), {"DBParameterGroupName": "own"}
    rds.create_db_parameter_group(**name, DBParameterGroupFamily="postgres17", Description="x")
    parameter = {"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "pending-reboot"}
    rds.modify_db_parameter_group(**name, Parameters=[parameter])
    (shown,) = rds.describe_db_parameters(**name)["Parameters"]
    return bool(shown["Source"] == "user")


PROBES: dict[str, list[Probe]] = {
    "acm": [certificate_waits_for_its_record, certificate_times_out],
    "cbor": [alarms_by_cbor],
    "lifecycle": [lifecycle_policies],
    "apigatewayv2": [
        domain_name,
        domain_without_client_certificates,
        domain_update,
        stage_update,
        mapping_update,
        vpc_link_in_a_zone_without_them,
    ],
    "autoscaling": [
        warm_up_of_a_group,
        hook_without_a_queue,
        refresh_with_a_later_version,
        template_without_its_own_tags,
    ],
    "codebuild": [project_without_source, limit_of_builds, project_update, project_deletion_by_arn],
    "ec2": [
        instance_maintenance_options,
        instance_cpu_credits,
        interface_security_groups,
        group_rule_description,
        instance_connect_endpoint,
    ],
    "elasticache": [cache_parameters, clusters_of_a_cache, deleted_cache_is_gone, cache_subnet_group_deletion],
    "ipv6": [subnet_by_ipv6_network, ipv6_network_state],
    "rds": [
        cluster_without_scaling_info,
        cluster_lifecycle_support,
        instance_lifecycle_support,
        unique_instance_ids,
        parameters_say_their_source,
    ],
    "route53": [
        record_can_be_recreated,
        duplicate_record_is_refused,
        second_deletion_is_refused,
        records_may_share_a_set_identifier,
        refused_batch_changes_nothing,
        record_is_replaced_in_one_batch,
    ],
    "s3": [new_bucket_tags, bucket_requires_tls],
    "servicediscovery": [instance_can_be_reregistered],
    "sesv2": [dkim_tokens, dkim_key_date, mail_from, identity_tags],
    "sesv2_settings": [
        configuration_set_as_json,
        configuration_set_options,
        event_destinations,
        identity_configuration_set,
    ],
}
ALL = [probe for probes in PROBES.values() for probe in probes]


def test_repeated_request_gets_the_same_answer_without_a_second_run(ours: Probed) -> None:
    def put(invocation: str, attempt: int) -> bytes:
        return ours.raw(
            "/",
            "ssm",
            b'{"Name": "/repeated", "Value": "x", "Type": "String"}',
            **{
                "X-Amz-Target": "AmazonSSM.PutParameter",
                "Content-Type": "application/x-amz-json-1.1",
                "amz-sdk-invocation-id": invocation,
                "amz-sdk-request": f"attempt={attempt}; max=3",
            },
        )

    first = put("one", 1)
    assert put("one", 2) == first
    with pytest.raises(urllib.error.HTTPError):
        put("two", 1)


def test_every_patch_has_a_probe() -> None:
    names = {patch.__name__.split(".")[-1] for patch in patches.MODULES}
    layers = {file.stem for file in Path(patches.__file__).parent.parent.glob("*.py")} - {"__init__", "server"}
    # test_budgets_patch.py; and what is no mending of moto
    elsewhere = {"budgets", "caches", "policies", "refusals", "repeats"}
    assert set(PROBES) == (names | layers) - elsewhere


@pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.__name__)
def test_patched_simulator_answers_as_aws_does(ours: Probed, probe: Probe) -> None:
    assert probe(ours)


@pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.__name__)
def test_plain_moto_still_needs_the_patch(plain: Probed, probe: Probe) -> None:
    try:
        right = probe(plain)
    except (ClientError, BotoCoreError, ResponseParserError, urllib.error.HTTPError, KeyError):
        right = False
    assert not right, "moto does this by itself now: take the patch away"


def test_other_deny_statements_of_bucket_policy_apply(ours: Probed) -> None:
    s3 = _bucket_with_policy(ours, "denied", {})
    with pytest.raises(ClientError, match="403"):
        s3.put_object(Bucket="denied", Key="a", Body=b"x")


def test_reset_detaches_managed_policies_and_keeps_their_documents(ours: Probed) -> None:
    iam = ours.client("iam")
    name, path = "AmazonSSMManagedInstanceCore", "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    iam.create_role(RoleName="attached", AssumeRolePolicyDocument="{}")
    iam.attach_role_policy(RoleName="attached", PolicyArn=path)
    assert iam.get_policy(PolicyArn=path)["Policy"]["AttachmentCount"] == 1
    ours.raw("/moto-api/reset", "iam", b"")
    policy = iam.get_policy(PolicyArn=path)["Policy"]
    assert policy["AttachmentCount"] == 0
    known = json.loads(aws_managed_policies_data)
    version = iam.get_policy_version(PolicyArn=path, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    assert version["Document"] == known[name]["Document"]
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS")
    assert {policy["PolicyName"] for page in pages for policy in page["Policies"]} == set(known)


def test_reset_deletes_lifecycle_policies(tmp_path: Path) -> None:
    account = Account(tmp_path, *free_ports(1))
    account.start()
    try:
        dlm = Probed(account.endpoint).client("dlm")
        role, details = (
            "arn:aws:iam::123456789012:role/x",
            {"ResourceTypes": ["VOLUME"], "Schedules": [{"Name": "daily"}]},
        )
        made = dlm.create_lifecycle_policy(
            ExecutionRoleArn=role, Description="x", State="ENABLED", PolicyDetails=details
        )["PolicyId"]
        account.reset()
        with pytest.raises(ClientError, match="there is no such policy"):
            dlm.get_lifecycle_policy(PolicyId=made)
    finally:
        account.stop()
