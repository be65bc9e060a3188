"""The whole stack by a real engine and the Terraform provider's own logic, in a simulated account."""

from tests.support.aws_stack import AwsStack


def test_a_stack_comes_up_stays_as_it_is_and_goes(aws_stack: AwsStack) -> None:
    aws_stack.good("preview")
    aws_stack.good("up")
    aws_stack.good("preview", "--expect-no-changes")
    aws_stack.good("refresh", "--expect-no-changes")
    ec2 = aws_stack.client("ec2")
    (vpc,) = [each for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]]
    assert vpc["CidrBlock"] == "10.0.0.0/16"
    aws_stack.good("destroy")
    assert all(each["IsDefault"] for each in ec2.describe_vpcs()["Vpcs"])
