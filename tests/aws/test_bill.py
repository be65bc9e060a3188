"""What `diaspora-infra cost` does not count is found in an account."""

from tests.support.aws_bill import uncounted
from tests.support.aws_stack import REGION, AwsStack


def test_resources_missing_from_the_cost_are_reported(aws_stack: AwsStack) -> None:
    ec2 = aws_stack.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    for bucket in ("one", "two", "three", "four"):
        aws_stack.client("s3").create_bucket(
            Bucket=f"{bucket}-of-a-test", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
    ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=21, VolumeType="gp3", Encrypted=True)
    for _ in range(2):
        ec2.allocate_address(Domain="vpc")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)
    aws_stack.client("kms").create_key()
    aws_stack.client("secretsmanager").create_secret(Name="one", SecretString="x")
    assert set(uncounted(aws_stack)) == {
        "4 buckets; counted: 2",
        "21 GiB of volumes; counted: 20",
        "3 addresses; counted: 1",
        "1 NAT gateways; counted: 0",
        "1 keys; counted: 0",
        "1 secrets; counted: 0",
    }
