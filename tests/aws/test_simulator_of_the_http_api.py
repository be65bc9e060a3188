"""The simulator's own additions for machine and HTTP API, each beside what moto does without it."""

import pytest
from botocore.exceptions import ClientError
from moto.acm.models import CertBundle
from moto.ec2.responses import EC2Response

from tests.support.aws_stack import AwsStack


def test_instance_connect_endpoint_is_created_found_and_deleted(aws_stack: AwsStack) -> None:
    assert not hasattr(EC2Response, "create_instance_connect_endpoint"), "moto has it: the patch can go"
    ec2 = aws_stack.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    made = ec2.create_instance_connect_endpoint(
        SubnetId=subnet["SubnetId"],
        SecurityGroupIds=["sg-1"],
        TagSpecifications=[{"ResourceType": "instance-connect-endpoint", "Tags": [{"Key": "Name", "Value": "shell"}]}],
    )["InstanceConnectEndpoint"]
    (found,) = ec2.describe_instance_connect_endpoints()["InstanceConnectEndpoints"]
    assert found == made
    assert found["VpcId"] == subnet["VpcId"]
    assert found["SecurityGroupIds"] == ["sg-1"]
    assert found["Tags"] == [{"Key": "Name", "Value": "shell"}]
    ec2.delete_instance_connect_endpoint(InstanceConnectEndpointId=made["InstanceConnectEndpointId"])
    assert ec2.describe_instance_connect_endpoints()["InstanceConnectEndpoints"] == []


def test_certificate_is_issued_when_its_record_is_in_a_public_zone(aws_stack: AwsStack) -> None:
    assert "route53" not in CertBundle.check.__code__.co_names, "moto looks at DNS itself: the patch can go"
    acm, route53 = aws_stack.client("acm"), aws_stack.client("route53")
    arn = acm.request_certificate(DomainName="pod.example.org", ValidationMethod="DNS")["CertificateArn"]

    def status() -> str:
        return str(acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"])

    assert status() == "PENDING_VALIDATION"
    (option,) = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
    record = option["ResourceRecord"]
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    wanted = {"Name": record["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]}
    changes = [{"Action": "CREATE", "ResourceRecordSet": wanted}]
    route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch={"Changes": changes})
    assert status() == "ISSUED"


def test_images_are_found_by_their_owner(aws_stack: AwsStack) -> None:
    """There is an image of the right name by somebody else, so that a lookup without an owner would find two."""
    name = {"Name": "name", "Values": ["fedora-coreos-44.20260802.3.1-aarch64"]}
    ec2 = aws_stack.client("ec2")
    assert len(ec2.describe_images(Filters=[name])["Images"]) == 2
    (image,) = ec2.describe_images(Filters=[name], Owners=["125523088429"])["Images"]
    assert image["ImageId"] == "ami-0a0c0de5000000a64"
    with pytest.raises(ClientError, match="InvalidAMIID"):
        ec2.describe_images(ImageIds=["ami-00000000000000000"])
